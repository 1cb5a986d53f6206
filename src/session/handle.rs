//! A session seen from outside while it runs: what went each way, and a way to end it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    message::{Close, Message},
    wire::WrittenBeside,
};

/// What a program gets to end by itself when its session alone is to end: by a time limit, or an operator. Shorter
/// cuts off last words, longer goes on where somebody wants it to end.
const ASKED: Duration = Duration::from_secs(1);

/// Held by the session and by those who watch it.
#[derive(Debug)]
pub struct Handle {
    /// From the client.
    pub received: Meter,
    /// To the client.
    pub sent: Meter,
    /// What is sent to it beside the session.
    beside: OnceLock<Arc<WrittenBeside>>,
    drain: CancellationToken,
    over: OnceLock<Close>,
}

impl Handle {
    /// For a session that ends when the server drains, if not before.
    pub fn new(server: &CancellationToken) -> Self {
        Handle {
            received: Meter::default(),
            sent: Meter::default(),
            beside: OnceLock::new(),
            drain: server.child_token(),
            over: OnceLock::new(),
        }
    }

    /// What has gone each way: received and sent.
    pub fn traffic(&self) -> (Traffic, Traffic) {
        let mut sent = self.sent.traffic();
        if let Some(beside) = self.beside.get() {
            let (messages, bytes) = beside.traffic();
            sent.messages += messages;
            sent.bytes += bytes;
        }
        (self.received.traffic(), sent)
    }

    /// What is written to the client beside the session counts as sent.
    pub(super) fn also_sends(&self, beside: &Arc<WrittenBeside>) {
        self.beside.get_or_init(|| Arc::clone(beside));
    }

    /// Asks the session to end soon: its program gets end-of-file, what that still writes is delivered,
    /// and the client is told this. The first to ask is heard; whether this was it.
    pub fn end(&self, close: Close) -> bool {
        let is_first = self.over.set(close).is_ok();
        self.drain.cancel();
        is_first
    }

    /// Cancelled when the session is to end soon.
    pub(super) fn drain(&self) -> &CancellationToken {
        &self.drain
    }

    /// Resolves when a session that is to end soon has had its time for that: `grace` in a drain of the server.
    /// Cancel safe: yes, and never begun anew too late, as long as it is awaited.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps what it was given a second time, in every idle session"
    )]
    pub(super) fn deadline(&self, grace: Duration) -> impl Future<Output = ()> + Send {
        async move {
            self.drain.cancelled().await;
            let is_asked = self.over.get().is_some();
            // In a box, or every idle session would have the room that a timer takes.
            Box::pin(sleep(if is_asked { grace.min(ASKED) } else { grace })).await;
        }
    }

    /// What the client of a session that drains is told.
    pub(super) fn going_away(&self) -> Close {
        let stopping = || Close::new(Close::GOING_AWAY, "the server is stopping");
        self.over.get().cloned().unwrap_or_else(stopping)
    }
}

/// Counts one direction. The session's task alone writes, so a count is a load and a store.
#[derive(Debug, Default)]
pub struct Meter {
    messages: AtomicU64,
    bytes: AtomicU64,
    blocked: AtomicU64,
    first: OnceLock<Instant>,
}

impl Meter {
    /// When the first message went this way, if one did.
    pub(super) fn first(&self) -> Option<Instant> {
        self.first.get().copied()
    }

    /// What has gone this way so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            blocked: Duration::from_micros(self.blocked.load(Ordering::Relaxed)),
        }
    }

    #[inline]
    pub(super) fn count(&self, message: &Message) {
        if self.messages.load(Ordering::Relaxed) == 0 {
            // It cannot be there.
            let _ = self.first.set(Instant::now());
        }
        add(&self.messages, 1);
        add(&self.bytes, message.len() as u64);
    }

    /// The receiving end has made this direction wait.
    pub(super) fn was_blocked(&self, time: Duration) {
        add(&self.blocked, time.as_micros() as u64);
    }
}

#[inline]
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// Messages and payload bytes that went one way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Number of messages.
    pub messages: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// How long the receiving end has made the direction wait.
    pub blocked: Duration,
}

impl std::ops::AddAssign for Traffic {
    fn add_assign(&mut self, other: Traffic) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.blocked += other.blocked;
    }
}
