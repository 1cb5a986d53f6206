//! Process limit: how many programs may run at a time, of a server and of one route.
//!
//! A limit gives out permits, semaphores' word for what is held meanwhile.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::refusal::Refusal;

/// The limit of a server, or of one route; clones give out the same permits.
#[derive(Debug, Clone, Default)]
pub struct ProcessLimit(Option<Limited>);

#[derive(Debug, Clone)]
struct Limited {
    all: usize,
    available: Arc<Semaphore>,
}

/// Held until a program has ended.
#[derive(Debug)]
pub(in crate::http) struct ProcessPermit {
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl ProcessPermit {
    /// For what takes none.
    pub(in crate::http) fn none() -> Self {
        ProcessPermit {
            _permits: [None, None],
        }
    }
}

impl ProcessLimit {
    /// So many permits; `None` is no limit.
    pub fn new(limit: Option<usize>) -> Self {
        ProcessLimit(limit.map(|all| Limited {
            all,
            available: Arc::new(Semaphore::new(all)),
        }))
    }

    /// Takes over the permits of an earlier limit if that is the same, those that are held too.
    pub(in crate::http) fn inherit_permits(&mut self, earlier: &ProcessLimit) {
        let all = |limits: &ProcessLimit| limits.0.as_ref().map(|limited| limited.all);
        if all(self) == all(earlier) {
            *self = earlier.clone();
        }
    }

    /// Takes a permit of the server's and one of a route's `own`.
    ///
    /// # Errors
    /// 503 when all of either are held.
    pub(in crate::http) fn acquire(&self, own: &ProcessLimit) -> Result<ProcessPermit, Refusal> {
        Ok(ProcessPermit {
            _permits: [self.permit()?, own.permit()?],
        })
    }

    /// Whether none is free.
    pub(in crate::http) fn is_exhausted(&self) -> bool {
        let available = self
            .0
            .as_ref()
            .map(|limited| limited.available.available_permits());
        available == Some(0)
    }

    fn permit(&self) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        let Some(Limited { all, available }) = &self.0 else {
            return Ok(None);
        };
        let permit = Arc::clone(available).try_acquire_owned();
        permit.map(Some).map_err(|_| Refusal::Full(*all))
    }
}
