//! Answers that may last: [`Lasting`], and those to come: [`LastingFlag`].

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// In the extensions of a response: it is a session's, and may last. It is no turn of its connection.
#[derive(Debug, Clone, Copy)]
pub struct Lasting;

/// Of a request by HTTP/1.1: whether its answer may last, be it that nothing of it was said yet. A client
/// of such an answer that is gone without a word is noticed by the kernel. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct LastingFlag(Arc<AtomicBool>);

impl LastingFlag {
    /// Says whether it may.
    pub fn set(&self, lasts: bool) {
        self.0.store(lasts, Ordering::Relaxed);
    }

    /// Whether it may.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
