//! Whether the HTTP library has anything of a connection in its hands: [`Standstill`].
//!
//! # How it works
//! The library keeps its buffers for as long as it serves a connection, be it that nothing moves there for an hour, and
//! does not tell what is in them. But the stream beneath it sees that. What the library writes is in its buffer until
//! the stream is flushed, which it asks for when it has written all. And when it reads on behind a request and nothing
//! comes, it has all of that one, and nothing of the next: heads come to it as a whole, and only when it has answered
//! what was before ([`checked_heads`](super::checked_heads)).

use std::sync::atomic::{AtomicBool, Ordering};

/// What the stream has seen. One task has both, the stream and who asks.
#[derive(Debug, Default)]
pub(super) struct Standstill {
    is_unflushed: AtomicBool,
    awaits_head: AtomicBool,
}

impl Standstill {
    /// Something is to be written.
    pub(super) fn note_write(&self) {
        self.is_unflushed.store(true, Ordering::Relaxed);
    }

    /// All that was written is flushed.
    pub(super) fn note_flush(&self) {
        self.is_unflushed.store(false, Ordering::Relaxed);
    }

    /// Something is read, and whether it is what follows a request, of which nothing comes.
    pub(super) fn note_read(&self, awaits_head: bool) {
        self.awaits_head.store(awaits_head, Ordering::Relaxed);
    }

    /// Whether nothing is left to be written.
    pub(super) fn is_flushed(&self) -> bool {
        !self.is_unflushed.load(Ordering::Relaxed)
    }

    /// Whether the next request is waited for, and nothing else.
    pub(super) fn awaits_head(&self) -> bool {
        self.is_flushed() && self.awaits_head.load(Ordering::Relaxed)
    }
}
