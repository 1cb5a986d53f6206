//! How a thread that starts programs lets them run: [`Pace`].
//!
//! # How it works
//! Who asks for many programs at once would get none before all are started: the thread that starts them has slept
//! while each was executed, and so the kernel has it go before what it has started. All of a crowd have their first
//! answer when the last has it. If it gives its processor to others between two starts, half of them have it after
//! little more than half of the time. Each change of turns has its price, so it is done after a part of the crowd only.
//!
//! On a machine that has other work, that work has the processor then (sched_yield(2)), and all come later: a thread
//! which did not get it back in the time that programs take to be up keeps it for a while.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How many are started in a row at least.
const FEWEST_IN_A_ROW: usize = 2;
/// Which part of those that wait is started in addition.
const PART: usize = 8;
/// What programs that have been started take until they wait for their first line. Shorter would be theirs, on a small
/// machine; longer, and the work of others would not be seen.
const TURN: Duration = Duration::from_millis(6);
/// How long the processor is kept when others had it. Shorter would try too often what costs such a turn each time,
/// longer would not see that they are done.
const KEPT: Duration = Duration::from_secs(2);

/// What a thread has started since others had its processor.
#[derive(Debug, Default)]
pub(super) struct Pace {
    in_a_row: usize,
    keeps_until: Option<Instant>,
}

impl Pace {
    /// To be called after each start, with the number of those that wait then: lets others run, if it is time. If none
    /// waits, the thread is about to sleep.
    pub(super) fn after_start(&mut self, waiting: usize) {
        if waiting == 0 {
            self.in_a_row = 0;
            return;
        }
        self.in_a_row += 1;
        if self.in_a_row < FEWEST_IN_A_ROW + waiting / PART {
            return;
        }
        self.in_a_row = 0;
        let begin = Instant::now();
        if self.keeps_until.is_some_and(|until| begin < until) {
            return;
        }
        thread::yield_now();
        let end = Instant::now();
        self.keeps_until = (end - begin > TURN).then(|| end + KEPT);
    }
}
