//! How many programs may run at a time, whoever asks for them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;

/// The places of a server, or of one route; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Places(Option<Limited>);

#[derive(Debug, Clone)]
struct Limited {
    all: usize,
    free: Arc<Semaphore>,
}

/// Held by whoever runs a program, until the program has ended.
#[derive(Debug)]
pub(super) struct Place {
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Places {
    /// So many places; `None` has no limit.
    pub fn new(most: Option<usize>) -> Self {
        Places(most.map(|all| Limited {
            all,
            free: Arc::new(Semaphore::new(all)),
        }))
    }

    /// Takes over the places of a predecessor if there are as many, with who holds them.
    pub(super) fn succeed(&mut self, earlier: &Places) {
        let all = |places: &Places| places.0.as_ref().map(|limited| limited.all);
        if all(self) == all(earlier) {
            *self = earlier.clone();
        }
    }

    /// Takes a place of the server's and one of a route's `own`.
    ///
    /// # Errors
    /// 503 when all of either are taken.
    pub(super) fn take(&self, own: &Places) -> Result<Place, Refusal> {
        Ok(Place {
            _permits: [self.permit()?, own.permit()?],
        })
    }

    /// Whether none is free.
    pub(super) fn are_taken(&self) -> bool {
        let free = self
            .0
            .as_ref()
            .map(|limited| limited.free.available_permits());
        free == Some(0)
    }

    fn permit(&self) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        let Some(Limited { all, free }) = &self.0 else {
            return Ok(None);
        };
        let permit = Arc::clone(free).try_acquire_owned();
        permit.map(Some).map_err(|_| Refusal::Full(*all))
    }
}
