//! Complaints about a program, in the log: the first few of each minute.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

/// Lines of the log about one program in one [`PERIOD`]. More would let it fill a disk.
const MOST: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);
/// Bytes of a line that are shown.
const SHOWN: usize = 80;

/// How many there were lately.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    since: Option<Instant>,
    count: u32,
}

impl Complaints {
    /// Complains about a line that is malformed.
    pub(super) fn malformed(&mut self, line: &[u8]) {
        if !self.is_due() {
            return;
        }
        let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
        let last = match self.count {
            MOST => "; more of them are not logged for a minute",
            _ => "",
        };
        warn!("a line of the program is malformed and goes to nobody: {shown}{last}");
    }

    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_over = self.since.is_none_or(|since| now - since >= PERIOD);
        if is_over {
            *self = Complaints {
                since: Some(now),
                count: 0,
            };
        }
        self.count += 1;
        self.count <= MOST
    }
}
