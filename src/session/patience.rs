//! When the termination ladder of a program begins, or a connection's end, once its client has gone.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::backend::{Intake, TerminationTimeouts};

/// What a program gets from its start until it has to have read something of what it was sent: one that is still
/// starting has read nothing either. Shorter would cut off interpreters that start slowly, longer would keep
/// programs that never read, such as `tail -f`, for clients that come and go.
const STARTUP: Duration = Duration::from_secs(2);
/// The pause between two looks at what has been read. Longer would take a slow reader for one that has stopped
/// where `finish` is short.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end of a program is waited for before it is told to end; and of a connection until all that it was
/// sent is written.
pub(super) struct Patience {
    intake: Intake,
    started: Instant,
    eof: Duration,
    finish: Option<Duration>,
    /// When the client went.
    since: Instant,
    /// How much had been read at the last look, and when that became so.
    taken: (u64, Instant),
}

impl Patience {
    /// For a program that was started then, or a connection, whose client goes now.
    pub(super) fn new(intake: &Intake, started: Instant, timeouts: &TerminationTimeouts) -> Self {
        let now = Instant::now();
        Patience {
            intake: intake.clone(),
            started,
            eof: timeouts.eof,
            finish: timeouts.finish,
            since: now,
            taken: (intake.taken(), now),
        }
    }

    /// Resolves when there is none left. Cancel safe: yes.
    pub(super) async fn run_out(&mut self) {
        loop {
            self.look();
            let (now, deadline) = (Instant::now(), self.deadline());
            if now >= deadline {
                return;
            }
            sleep_until(deadline.min(now + LOOK)).await;
        }
    }

    fn look(&mut self) {
        let taken = self.intake.taken();
        if taken != self.taken.0 {
            self.taken = (taken, Instant::now());
        }
    }

    fn deadline(&self) -> Instant {
        let soon = self.since + self.eof;
        let (Some(finish), false) = (self.finish, self.intake.written() == 0) else {
            return soon;
        };
        let (taken, last) = self.taken;
        let rest = self.since.max(last) + finish;
        match taken {
            0 => rest.min(soon.max(self.started + STARTUP)),
            _ => rest,
        }
    }
}

/// Resolves when all that was written has been taken. Cancel safe: yes.
pub(super) async fn all_taken(intake: &Intake) {
    while intake.untaken() > 0 {
        sleep(LOOK).await;
    }
}
