//! A client's wire as who speaks to many sees it: [`Wire`], written to beside the session that has it.
//!
//! # How it works
//! A task that is woken to write one message costs more than to write it. So who speaks to many writes to their sockets
//! by itself, each time in one system call, where that keeps the order: the session has passed on all that it took, and
//! the socket has taken all of that. Elsewhere nothing is written, and the session does it as ever.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use crate::message::Shared;

/// Messages that were said at once, all of them to the same clients.
#[derive(Debug)]
pub struct Burst {
    messages: Vec<Arc<Shared>>,
    /// What all of them are on a wire.
    frames: OnceLock<Bytes>,
}

/// What is to be written, one behind the other.
#[derive(Debug, Clone, Copy)]
pub enum Sending<'a> {
    /// A message.
    One(&'a Shared),
    /// All of these.
    Burst(&'a Burst),
}

/// What came of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The socket has taken all.
    All,
    /// The wire has taken all, and the socket not: the session has to go on.
    Begun,
    /// Nothing: the session has to write it.
    Nothing,
}

/// Messages and payload bytes that were written beside a session.
#[derive(Debug, Default)]
pub struct WrittenBeside {
    messages: AtomicU64,
    bytes: AtomicU64,
}

type Write = Box<dyn Fn(&[Sending<'_>]) -> Written + Send + Sync>;
type IsBlocked = Box<dyn Fn() -> bool + Send + Sync>;

/// A client's wire.
pub struct Wire {
    write: Write,
    is_blocked: IsBlocked,
    written: Arc<WrittenBeside>,
}

impl Burst {
    /// These messages, in this order.
    pub fn new(messages: Vec<Arc<Shared>>) -> Self {
        Burst {
            messages,
            frames: OnceLock::new(),
        }
    }

    /// The messages.
    pub fn messages(&self) -> &[Arc<Shared>] {
        &self.messages
    }

    /// What all of them are on a wire; `make` makes that of them, for the first who asks.
    pub fn frames(&self, make: impl FnOnce(&[Arc<Shared>]) -> Bytes) -> &Bytes {
        self.frames.get_or_init(|| make(&self.messages))
    }
}

impl Sending<'_> {
    /// How many messages these are, and how many bytes.
    fn traffic(&self) -> (u64, u64) {
        let length = |shared: &Shared| shared.message().len() as u64;
        match self {
            Sending::One(shared) => (1, length(shared)),
            Sending::Burst(burst) => {
                let messages = burst.messages();
                let bytes = messages.iter().map(|shared| length(shared)).sum();
                (messages.len() as u64, bytes)
            }
        }
    }
}

impl WrittenBeside {
    /// Messages and bytes so far.
    pub fn traffic(&self) -> (u64, u64) {
        let messages = self.messages.load(Ordering::Relaxed);
        (messages, self.bytes.load(Ordering::Relaxed))
    }
}

impl Wire {
    /// Written to by `write`, which never waits; `is_blocked` says whether it has something that the socket has not taken.
    pub fn new(
        write: impl Fn(&[Sending<'_>]) -> Written + Send + Sync + 'static,
        is_blocked: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Wire {
            write: Box::new(write),
            is_blocked: Box::new(is_blocked),
            written: Arc::default(),
        }
    }

    /// The same, to be looked at and not written to.
    #[must_use]
    pub fn to_look_at(self) -> Self {
        Wire {
            write: Box::new(|_| Written::Nothing),
            ..self
        }
    }

    /// What is written by it.
    pub fn written(&self) -> &Arc<WrittenBeside> {
        &self.written
    }

    /// Whether what is given to it has to wait for the other end.
    pub fn is_blocked(&self) -> bool {
        (self.is_blocked)()
    }

    /// Writes all of it, or nothing.
    pub fn write(&self, sendings: &[Sending<'_>]) -> Written {
        let written = (self.write)(sendings);
        if written != Written::Nothing {
            for sending in sendings {
                let (messages, bytes) = sending.traffic();
                self.written.messages.fetch_add(messages, Ordering::Relaxed);
                self.written.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
        }
        written
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wire").finish_non_exhaustive()
    }
}
