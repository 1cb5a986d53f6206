//! When a server that targets may lead to was last started: [`RecentStarts`].

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// Whoever starts servers notes it here; a target that refuses is tried again while one is young. Clones are the
/// same.
#[derive(Debug, Clone, Default)]
pub struct RecentStarts(Arc<Mutex<Option<Instant>>>);

impl RecentStarts {
    /// A server was started, or started again, now.
    pub fn note(&self) {
        *self.0.lock() = Some(Instant::now());
    }

    /// Until when a server that may take so long to listen may still not do so.
    pub(super) fn young_until(&self, patience: Duration) -> Option<Instant> {
        let last = *self.0.lock();
        last.map(|last| last + patience)
    }
}
