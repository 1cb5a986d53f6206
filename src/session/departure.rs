//! The departure of a client whose messages wait, noticed while it is not read.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    timer::LazyTimer,
    transport::{Connectedness, Disconnect, Presence},
};

/// How often it is looked for a client while its messages wait. Longer keeps programs for clients that have gone,
/// shorter costs system calls for each session whose program is slow.
const LOOK: Duration = Duration::from_secs(1);

/// Looks for a client now and then, but only while it is polled.
pub(super) struct DepartureWatch<'a> {
    /// `None` where it does not matter.
    presence: Option<&'a Presence>,
    timer: LazyTimer,
    next: Option<Instant>,
}

impl<'a> DepartureWatch<'a> {
    pub(super) fn new(presence: Option<&'a Presence>) -> Self {
        DepartureWatch {
            presence,
            timer: LazyTimer::default(),
            next: None,
        }
    }

    /// Ready when the client has gone. To be polled only while it is not read.
    pub(super) fn poll_departed(&mut self, context: &mut Context<'_>) -> Poll<Disconnect> {
        let Some(presence) = self.presence else {
            return Poll::Pending;
        };
        loop {
            let next = *self.next.get_or_insert_with(|| Instant::now() + LOOK);
            ready!(self.timer.poll_expired(next, context));
            match presence.connectedness() {
                Connectedness::Connected => self.next = Some(Instant::now() + LOOK),
                Connectedness::Shut => return Poll::Ready(Disconnect::Departed),
                Connectedness::Lost => {
                    let error = io::ErrorKind::ConnectionReset.into();
                    return Poll::Ready(Disconnect::Lost(error));
                }
            }
        }
    }
}
