//! What may interrupt the output of a backend: the clock of the keepalive, and the end of the process.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep};

use crate::backend::Process;

/// How long output may pause after the program has ended before whoever still holds its stdout, a
/// grandchild in the background, is taken to have nothing to say.
const LINGER: Duration = Duration::from_millis(500);
/// When it is first looked, and how often then, whether a program that has closed its stdout has closed its stdin
/// too, of which no event tells. Only such a session pays for that.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);
/// Messages passed on between two looks at what may interrupt them.
pub(super) const COOP_BUDGET: u32 = 64;

/// The keepalive, and the process, which may have ended while others hold its stdout.
pub(super) struct Interrupts<'a> {
    process: &'a mut Option<Process>,
    keepalive: Option<Interval>,
    /// Runs from the program's end, or from the last output after it.
    linger: Option<Pin<Box<Sleep>>>,
    /// Where the output has ended before the process: until the next look at its stdin.
    look: Option<Pin<Box<Sleep>>>,
    turn: u32,
}

impl<'a> Interrupts<'a> {
    /// `keepalive` is the time between two of them.
    pub(super) fn new(process: &'a mut Option<Process>, keepalive: Option<Duration>) -> Self {
        let keepalive = keepalive.map(|period| {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Interrupts {
            process,
            keepalive,
            linger: None,
            look: None,
            turn: 0,
        }
    }

    /// Counts a message of the output; whether so many have passed that the clock is to be looked at. So in a
    /// flood messages cost no timer.
    #[inline]
    pub(super) fn count_turn(&mut self) -> bool {
        self.turn = (self.turn + 1) % COOP_BUDGET;
        self.turn == 0
    }

    /// Begins the wait of a process that has ended anew: there was output.
    #[inline]
    pub(super) fn restart_linger(&mut self) {
        self.linger = None;
    }

    /// Whether the exit status of a process will say how the backend ended.
    pub(super) fn has_process(&self) -> bool {
        self.process.is_some()
    }

    /// The output has ended; whether the process runs on.
    pub(super) fn outlives_output(&mut self, context: &mut Context<'_>) -> bool {
        if self.has_process() && self.poll_exited(context).is_pending() {
            self.look = Some(Box::pin(sleep(FIRST_LOOK)));
        }
        self.look.is_some()
    }

    /// Whether the output has ended before the process.
    #[inline]
    pub(super) fn is_output_over(&self) -> bool {
        self.look.is_some()
    }

    /// Ready when a process without an output has ended, or has closed its stdin as well.
    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.poll_exited(context).is_ready() {
            return Poll::Ready(());
        }
        let (Some(look), Some(process)) = (&mut self.look, &self.process) else {
            return Poll::Ready(());
        };
        while look.as_mut().poll(context).is_ready() {
            if process.has_terminal() || process.intake().is_refused() {
                return Poll::Ready(());
            }
            look.as_mut().reset(Instant::now() + LOOK);
        }
        Poll::Pending
    }

    /// Ready when a keepalive is due.
    pub(super) fn poll_keepalive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.keepalive {
            Some(ticks) => ticks.poll_tick(context).map(drop),
            None => Poll::Pending,
        }
    }

    /// Ready when the process has ended and there has been no output since for long enough.
    pub(super) fn poll_lingered(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_exited(context));
        // What it has said last waits for the client: whose word of that has us looked at again.
        if self.process.as_ref().is_some_and(Process::is_output_held) {
            self.linger = None;
            return Poll::Pending;
        }
        self.linger
            .get_or_insert_with(|| Box::pin(sleep(LINGER)))
            .as_mut()
            .poll(context)
    }

    /// Ready when the process has ended; it is reaped then.
    pub(super) fn poll_exited(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.process {
            Some(process) => process.poll_exit(context).map(drop),
            None => Poll::Pending,
        }
    }
}
