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
    /// It was said what helps.
    is_helped: bool,
}

impl Complaints {
    /// Complains about a line that is malformed, and says beside the first of them what helps, if it does.
    pub(super) fn malformed(&mut self, line: &[u8], remedy: Option<&str>) {
        if !self.is_due() {
            return;
        }
        let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
        let last = match self.count {
            MOST => "; more of them are not logged for a minute",
            _ => "",
        };
        warn!("a line of the program is malformed and goes to nobody: {shown}{last}");
        if let Some(remedy) = remedy.filter(|_| !self.is_helped) {
            warn!("{remedy}");
            self.is_helped = true;
        }
    }

    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_over = self.since.is_none_or(|since| now - since >= PERIOD);
        if is_over {
            *self = Complaints {
                since: Some(now),
                ..Complaints::default()
            };
        }
        self.count += 1;
        self.count <= MOST
    }
}
