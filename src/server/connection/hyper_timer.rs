//! The timers of hyper's time limits, all of which are held against clients: [`HyperTimer`].

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time,
};

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

use crate::timer::FairTimer;

/// Gives hyper times that are fair to a client whose server did not run for a while.
#[derive(Debug, Clone, Copy)]
pub(super) struct HyperTimer;

#[derive(Debug)]
struct FairSleep {
    since: Instant,
    limit: time::Duration,
    timer: FairTimer,
}

impl FairSleep {
    fn until(deadline: time::Instant) -> Self {
        let since = Instant::now();
        FairSleep {
            since,
            limit: Instant::from_std(deadline).saturating_duration_since(since),
            timer: FairTimer::default(),
        }
    }
}

impl Future for FairSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (since, limit) = (self.since, self.limit);
        self.timer.poll_expired(since, limit, context)
    }
}

impl Sleep for FairSleep {}

impl Timer for HyperTimer {
    fn sleep(&self, duration: time::Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(FairSleep::until(deadline))
    }

    fn now(&self) -> time::Instant {
        Instant::now().into_std()
    }
}
