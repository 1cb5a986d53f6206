//! Descriptors that the answers of one connection may hold at a time: [`DescriptorBudget`].

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Descriptors of files, and of scripts whose client takes nothing. Browsers have fewer downloads at once; with
/// more, a few clients that take nothing could have all that a process may open.
const DESCRIPTORS: usize = 64;
/// What a script holds: the pipe of its output, and the process.
const OF_A_SCRIPT: u32 = 2;
/// How long a script's client may take nothing before the script counts. Shorter would count clients that are
/// merely busy; longer lets more scripts wait beside those that count.
const BRIEF: Duration = Duration::from_secs(1);

/// What many answers at once have together: put into the extensions of the requests of a connection that has
/// such (HTTP/2). Clones are the same.
#[derive(Debug, Clone)]
pub struct DescriptorBudget(Arc<Semaphore>);

/// Descriptors that are counted, until this is dropped.
pub(in crate::http) type DescriptorPermit = OwnedSemaphorePermit;

impl Default for DescriptorBudget {
    fn default() -> Self {
        DescriptorBudget(Arc::new(Semaphore::new(DESCRIPTORS)))
    }
}

impl DescriptorBudget {
    /// Waits until one more file may be open.
    ///
    /// Cancel safe: yes.
    pub(in crate::http) async fn acquire_file(&self) -> Option<DescriptorPermit> {
        // Never an error: nobody closes it.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }

    /// Waits for a script's client to take a piece, which may take its time if the script's descriptors can be
    /// counted meanwhile; `None` if they cannot.
    ///
    /// Cancel safe: as `taken` is.
    pub(in crate::http) async fn within<F: Future + Unpin>(
        &self,
        mut taken: F,
    ) -> Option<F::Output> {
        if let Ok(taken) = timeout(BRIEF, &mut taken).await {
            return Some(taken);
        }
        let counted = Arc::clone(&self.0).try_acquire_many_owned(OF_A_SCRIPT);
        let _counted = counted.ok()?;
        Some(taken.await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::{future::pending, pin::pin};

    #[tokio::test(start_paused = true)]
    async fn files_and_stalled_scripts_hold_so_many_together() {
        let budget = DescriptorBudget::default();
        let mut files = Vec::new();
        for _ in 0..DESCRIPTORS - 2 {
            files.push(budget.acquire_file().await);
        }
        let never = pin!(pending::<()>());
        let mut first = pin!(budget.within(never));
        assert!(timeout(BRIEF * 2, &mut first).await.is_err(), "it may wait");
        assert!(budget.acquire_file().now_or_never().is_none());
        assert_eq!(budget.within(pin!(pending::<()>())).await, None);
        assert_eq!(budget.within(std::future::ready(1)).await, Some(1));
        files.pop();
        assert!(budget.acquire_file().now_or_never().is_some());
    }
}
