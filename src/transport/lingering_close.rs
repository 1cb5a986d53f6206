//! Lingering close: a connection is shut without destroying what its client has not read yet: [`LingeringClose`].
//!
//! # How it works
//! A socket that is closed answers whatever comes behind that with RST (RFC 1122 §4.2.2.13), be it the pong for a ping
//! that was sent an hour ago, and RST destroys what the client has yet to read (RFC 9112 §9.6). So our direction is
//! shut, and the socket is kept, and read, until the client has shut its own. It has all by then.

use std::time::Duration;

use futures_util::SinkExt;

use super::{client::Outgoing, presence::Presence};
use crate::timer::timeout;

/// How long a client may take nothing of what is on its way to it, and, when it has taken all, not shut its
/// direction. Shorter would lose the rest of a slow page, or of one that is suspended for a moment; longer keeps
/// descriptors for clients that have gone without a word.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client whose session is over.
pub struct LingeringClose {
    outgoing: Outgoing,
    presence: Presence,
}

impl LingeringClose {
    /// Of a client that is sent nothing more.
    pub fn new(outgoing: Outgoing, presence: Presence) -> Self {
        LingeringClose { outgoing, presence }
    }

    /// Ready when the client has shut its direction, or has taken nothing for too long; the connection is closed
    /// then.
    ///
    /// Cancel safe: no; the connection is closed at once.
    pub async fn finish(mut self) {
        let patience = PATIENCE.max(self.presence.patience());
        loop {
            let untaken = self.presence.untaken();
            let closed = timeout(patience, self.outgoing.close()).await;
            if closed.is_ok() || self.presence.untaken() >= untaken {
                return;
            }
        }
    }
}

impl std::fmt::Debug for LingeringClose {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LingeringClose")
            .finish_non_exhaustive()
    }
}
