//! How many programs may run at a time, whoever asks for them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;

/// The places of one server; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Places(Option<Limited>);

#[derive(Debug, Clone)]
struct Limited {
    all: usize,
    free: Arc<Semaphore>,
}

/// Held by whoever runs a program, until the program has ended.
#[derive(Debug)]
pub(super) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// So many places; `None` has no limit.
    pub(super) fn new(most: Option<usize>) -> Self {
        Places(most.map(|all| Limited {
            all,
            free: Arc::new(Semaphore::new(all)),
        }))
    }

    /// The same places if there are to be as many, else new ones.
    pub(super) fn resized(&self, most: Option<usize>) -> Self {
        match self.0.as_ref().map(|limited| limited.all) == most {
            true => self.clone(),
            false => Self::new(most),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// 503 when all are taken.
    pub(super) fn take(&self) -> Result<Place, Refusal> {
        let permit = match &self.0 {
            None => None,
            Some(Limited { all, free }) => {
                let permit = Arc::clone(free).try_acquire_owned();
                Some(permit.map_err(|_| Refusal::Full(*all))?)
            }
        };
        Ok(Place { _permit: permit })
    }
}
