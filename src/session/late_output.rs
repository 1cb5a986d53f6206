//! Output that came only at the end: it may have been written long before, and lain in a buffer of the program's library.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;

use super::{handle::Meter, outcome::Ended, shutdown::BackendHalf};

/// How long a program has to have run to be taken for one that holds its output back. Who waits for less does not
/// wonder.
const HELD_BACK: Duration = Duration::from_secs(3);
/// How long before its end that comes at most: an interpreter on a busy machine takes its time to end.
const AT_END: Duration = Duration::from_secs(1);

/// Whether a program that ran for some time was heard at its end alone. One message is what many programs have to say;
/// and one that has no client any more answers what came last.
pub(super) fn came_at_end(
    backend: &BackendHalf<'_>,
    sent: &Meter,
    ended: &Ended,
    relay_ended: Instant,
) -> bool {
    let Some(process) = &backend.process else {
        return false;
    };
    let ran_long = relay_ended.duration_since(process.started()) >= HELD_BACK;
    ran_long
        && match (ended, sent.first()) {
            (Ended::ByClient(_), None) => backend.is_heard_late.load(Ordering::Relaxed),
            (Ended::ByBackend(_), Some(first)) => {
                relay_ended.duration_since(first) < AT_END && sent.traffic().messages > 1
            }
            _ => false,
        }
}
