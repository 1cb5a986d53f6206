//! The end of an answer that breaks off, told by the end of its connection: [`CutOff`].
//!
//! # How it works
//! The HTTP library drops what it has not written when a body fails, and closes the socket, which resets the connection
//! if the client still sends (RFC 1122 §4.2.2.13): either way what was said last is lost. So a body that fails does not
//! say so yet. The stream beneath is flushed by the library when all that it had is written; then our direction is
//! shut, and the client finds an answer without its last chunk (RFC 9112 §8). What it still sends is read for a
//! while, by whoever reads the request's body. Only then does the body fail, or before, when the client has gone.

use std::sync::atomic::{AtomicU8, Ordering};

/// How far it is. One task has both, the body and the stream.
#[derive(Debug, Default)]
pub(super) struct CutOff(AtomicU8);

/// Nothing is cut off.
const NONE: u8 = 0;
/// What was said is to be written.
const WANTED: u8 = 1;
/// All is written, and our direction is shut.
const SHUT: u8 = 2;
/// The client has shut its own, or is gone.
const OVER: u8 = 3;

/// What a body that has failed waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum CutOffState {
    /// That what was said is written.
    Unwritten,
    /// That the client has it.
    Written,
    /// Nothing more.
    Over,
}

impl CutOff {
    /// The answer has failed. How far its end is.
    pub(super) fn ask(&self) -> CutOffState {
        match self.get() {
            NONE | WANTED => {
                self.set(WANTED);
                CutOffState::Unwritten
            }
            SHUT => CutOffState::Written,
            _ => CutOffState::Over,
        }
    }

    /// Whether our direction is to be shut behind what is written.
    pub(super) fn is_wanted(&self) -> bool {
        self.get() == WANTED
    }

    /// It is shut.
    pub(super) fn note_shut(&self) {
        self.set(SHUT);
    }

    /// Nothing more comes from the client.
    pub(super) fn note_end(&self) {
        if self.get() == SHUT {
            self.set(OVER);
        }
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Relaxed);
    }
}
