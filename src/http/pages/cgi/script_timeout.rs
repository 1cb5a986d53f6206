//! A script's time limit, which runs only while the script is waited for: one that waits for its client's body
//! is not the one who is slow.
//!
//! # How it works
//! One task feeds a script and relays its output. The feeding side says whom it waits for; the relaying
//! side counts a script's time only while it waits for the script, and afresh from each piece of the body
//! that the script has got.

use std::{
    future::{Future, pending},
    pin::pin,
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

/// Who is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitingFor {
    /// The client has to send more of the body.
    Client,
    /// The script has all that there is.
    Script,
}

/// Says who is waited for.
pub(super) type WaitingForSender = watch::Sender<WaitingFor>;

/// The two ends; the script is waited for.
pub(super) fn time_limit(limit: Option<Duration>) -> (WaitingForSender, ScriptTimeout) {
    let (sender, waiting_for) = watch::channel(WaitingFor::Script);
    (sender, ScriptTimeout { limit, waiting_for })
}

/// A script's time limit.
#[derive(Debug)]
pub(super) struct ScriptTimeout {
    /// What a script may take; `None` has no limit.
    pub(super) limit: Option<Duration>,
    waiting_for: watch::Receiver<WaitingFor>,
}

impl ScriptTimeout {
    /// Whether the feeding has ended.
    pub(super) fn is_fed(&self) -> bool {
        self.waiting_for.has_changed().is_err()
    }

    /// What a script gives within its time, counted from now or from when it was last waited for.
    pub(super) async fn within<F: Future>(&mut self, output: F) -> Option<F::Output> {
        let Some(limit) = self.limit else {
            return Some(output.await);
        };
        let mut output = pin!(output);
        loop {
            let waiting_for = *self.waiting_for.borrow_and_update();
            let time_is_up = async {
                match waiting_for {
                    WaitingFor::Script => sleep(limit).await,
                    WaitingFor::Client => pending().await,
                }
            };
            let changed = async {
                // When the feeding has ended, it stays as it is.
                if self.waiting_for.changed().await.is_err() {
                    pending().await
                }
            };
            tokio::select! {
                biased;
                output = &mut output => return Some(output),
                () = changed => {}
                () = time_is_up => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn silent_script_has_its_limit() {
        let (_turns, mut time_limit) = time_limit(Some(LIMIT));
        let begun = Instant::now();
        assert_eq!(time_limit.within(pending::<()>()).await, None);
        assert_eq!(begun.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn time_of_the_client_is_not_the_scripts() {
        let (waiting, mut time_limit) = time_limit(Some(LIMIT));
        let begun = Instant::now();
        let uploading = async {
            for _ in 0..10 {
                waiting.send_replace(WaitingFor::Client);
                sleep(LIMIT * 2).await;
                waiting.send_replace(WaitingFor::Script);
                sleep(LIMIT / 2).await;
            }
            drop(waiting);
        };
        let (output, ()) = tokio::join!(time_limit.within(pending::<()>()), uploading);
        assert_eq!(output, None);
        assert_eq!(begun.elapsed(), LIMIT * 20 + LIMIT / 2 * 9 + LIMIT);
    }
}
