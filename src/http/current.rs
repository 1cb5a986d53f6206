//! The handler in force; a reload replaces it.

use std::sync::Arc;

use tokio::sync::watch;

use super::handler::Handler;

/// The handler in force. Another can take its place at any time: it answers the next request, while
/// what the earlier one has begun goes on.
#[derive(Debug, Clone)]
pub struct Current(Arc<watch::Sender<Arc<Handler>>>);

impl Current {
    /// Puts a handler in force.
    pub fn new(handler: Handler) -> Self {
        Current(Arc::new(watch::Sender::new(Arc::new(handler))))
    }

    /// The one in force now.
    pub fn get(&self) -> Arc<Handler> {
        Arc::clone(&self.0.borrow())
    }

    /// Puts another in its place.
    pub fn replace(&self, handler: Handler) {
        self.0.send_replace(Arc::new(handler));
    }

    /// Tells of each that takes its place.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Handler>> {
        self.0.subscribe()
    }
}
