//! Output that came only at the end: it may have been written long before, and lain in a buffer of the program's library.

use std::time::Duration;

use tokio::time::Instant;

/// How long a program has to have run to be taken for one that holds its output back. Who waits for less does not
/// wonder.
const HELD_BACK: Duration = Duration::from_secs(3);
/// How long before its end that comes at most: an interpreter on a busy machine takes its time to end.
const AT_END: Duration = Duration::from_secs(1);

/// What was heard of a program, and when.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// When it was started.
    pub started: Instant,
    /// When it said something first, while there was somebody to hear it.
    pub first: Option<Instant>,
    /// How much it said by then.
    pub messages: u64,
    /// Whether it said something when nobody was left.
    pub is_heard_late: bool,
}

/// Why a program is heard no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeardUntil {
    /// It has ended.
    ItsEnd,
    /// Who heard it has gone.
    NobodyIsLeft,
    /// It was to end, for whatever it said.
    Otherwise,
}

impl Heard {
    /// Whether a program that ran for some time until `ended` was heard at its end alone. One message is what many
    /// programs have to say; and one that has no client any more answers what came last.
    pub fn came_at_end(&self, until: HeardUntil, ended: Instant) -> bool {
        let ran_long = ended.duration_since(self.started) >= HELD_BACK;
        ran_long
            && match (until, self.first) {
                (HeardUntil::NobodyIsLeft, None) => self.is_heard_late,
                (HeardUntil::ItsEnd, Some(first)) => {
                    ended.duration_since(first) < AT_END && self.messages > 1
                }
                _ => false,
            }
    }
}
