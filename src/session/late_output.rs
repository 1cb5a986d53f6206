//! Output that came only at the end of a session.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{handle::Meter, outcome::Ended, shutdown::BackendHalf};
use crate::backend::{Heard, HeardUntil};

/// Whether a program that ran for some time was heard at its end alone.
pub(super) fn came_at_end(
    backend: &BackendHalf<'_>,
    sent: &Meter,
    ended: &Ended,
    relay_ended: Instant,
) -> bool {
    let Some(process) = &backend.process else {
        return false;
    };
    let heard = Heard {
        started: process.started(),
        first: sent.first(),
        messages: sent.traffic().messages,
        is_heard_late: backend.is_heard_late.load(Ordering::Relaxed),
    };
    let until = match ended {
        Ended::ByBackend(_) => HeardUntil::ItsEnd,
        Ended::ByClient(_) => HeardUntil::NobodyIsLeft,
        Ended::ByServer(_) => HeardUntil::Otherwise,
    };
    heard.came_at_end(until, relay_ended)
}
