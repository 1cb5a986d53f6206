//! Looks at what no event tells of, at first often, then seldom: [`Looks`].

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// The first and the longest pause between two looks at whether the last bytes have been read. Longer keeps
/// end-of-file from a program that has read all, shorter takes processor time while one works.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(50);

/// The pauses between looks, each twice as long as the one before.
#[derive(Debug, Default)]
pub(super) struct Looks(Option<(Pin<Box<Sleep>>, Duration)>);

impl Looks {
    /// Ready when it is time for the next.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (timer, pause) = self
            .0
            .get_or_insert_with(|| (Box::pin(sleep(FIRST_LOOK)), FIRST_LOOK));
        ready!(timer.as_mut().poll(context));
        *pause = (*pause * 2).min(LONGEST_LOOK);
        timer.as_mut().reset(Instant::now() + *pause);
        Poll::Ready(())
    }
}
