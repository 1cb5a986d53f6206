//! Timers: for a deadline that moves whenever something happens, and for one that is held against somebody.
//!
//! # How it works
//! A process that is stopped for a while (SIGSTOP, a frozen cgroup) finds when it goes on that deadlines have
//! passed, and knows of nothing that has come meanwhile: its wait for events is interrupted (epoll_wait(2), `EINTR`),
//! the timers expire, and only then the kernel is asked again. The time in which nobody looked is not the other
//! side's. So a deadline that has passed is not held against anybody before there was another look: a moment
//! later, or, if it was found late, when the whole time has passed once more. What the other side has sent or taken
//! is found by then, whatever lies between it and us: TLS, HTTP/2, a library.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// The other look at what a deadline is about, and the lateness from which on the time begins anew. Shorter, and a
/// server of ten thousand clients may not have come to each of them; longer holds those that have gone.
const LOOK: Duration = Duration::from_millis(100);
/// Later than anybody waits for; clocks end some time behind it.
const FAR_FUTURE: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Armed once, and left alone while its deadline moves on: when it fires, it is set to where the deadline is by
/// then. So what moves the deadline, most often a message, costs no timer operation.
#[derive(Debug, Default)]
pub(crate) struct LazyTimer(Option<Pin<Box<Sleep>>>);

impl LazyTimer {
    /// Ready when the deadline has passed. It may be another one at each call; one that is later costs nothing.
    pub(crate) fn poll_expired(
        &mut self,
        deadline: Instant,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let timer = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

/// A lazy timer for a time that is held against somebody: it expires only when it was looked again.
#[derive(Debug, Default)]
pub(crate) struct FairTimer {
    timer: LazyTimer,
    /// Where the deadline is, once the first has passed.
    extension: Option<Instant>,
}

impl FairTimer {
    /// Ready when it has taken `limit` from `since` on, and again if this process did not run at its end. To be
    /// polled behind what is waited for. Another `since` is later than the one before.
    pub(crate) fn poll_expired(
        &mut self,
        since: Instant,
        limit: Duration,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut deadline = self.extension.unwrap_or_else(|| after(since, limit));
        loop {
            // Whatever else this task has done in its turn: a flood must not hold up its own end.
            let expired = pin!(unconstrained(poll_fn(|context| {
                self.timer.poll_expired(deadline, context)
            })));
            ready!(expired.poll(context));
            if self.extension.is_some() {
                return Poll::Ready(());
            }
            let now = Instant::now();
            deadline = match now - deadline < LOOK {
                true => now + limit.min(LOOK),
                false => after(now, limit),
            };
            self.extension = Some(deadline);
        }
    }

    /// What was waited for has come; the next wait is another.
    pub(crate) fn stop(&mut self) {
        self.extension = None;
    }
}

/// A moment that is `limit` later; in a far future if there is none so late, for a limit may say that there is none.
fn after(moment: Instant, limit: Duration) -> Instant {
    moment
        .checked_add(limit)
        .unwrap_or_else(|| moment + FAR_FUTURE)
}

/// There was nothing in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expired;

/// What a future gives within a time that is held against somebody ([`FairTimer`]).
///
/// Cancel safe: as the future is.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Expired> {
    let (since, mut timer) = (Instant::now(), FairTimer::default());
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => {
            let expired = timer.poll_expired(since, limit, context);
            expired.map(|()| Err(Expired))
        }
    })
    .await
}

/// Waits for a time that is held against somebody ([`FairTimer`]), from now on.
///
/// Cancel safe: yes.
pub(crate) async fn sleep(limit: Duration) {
    sleep_since(Instant::now(), limit).await;
}

/// The same from another moment on.
///
/// Cancel safe: yes.
pub(crate) async fn sleep_since(since: Instant, limit: Duration) {
    let mut timer = FairTimer::default();
    poll_fn(|context| timer.poll_expired(since, limit, context)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::future::pending;
    use tokio::{sync::Notify, time::advance};

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn deadline_may_come_nearer_and_go_farther() {
        let begun = Instant::now();
        let mut timer = LazyTimer::default();
        let mut expire = async |after: Duration| {
            poll_fn(|context| timer.poll_expired(begun + after, context)).await;
            begun.elapsed()
        };
        assert_eq!(expire(LIMIT * 2).now_or_never(), None);
        assert!(expire(LIMIT).await < LIMIT + LOOK);
        assert_eq!(expire(LIMIT * 4).now_or_never(), None);
        assert!(expire(LIMIT * 3).await < LIMIT * 3 + LOOK);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_passes_while_somebody_looks_is_held() {
        let begun = Instant::now();
        assert_eq!(timeout(LIMIT, pending::<()>()).await, Err(Expired));
        assert!(begun.elapsed() < LIMIT + 2 * LOOK);
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_an_end_may_be_waited_for() {
        let mut waiting = pin!(timeout(Duration::MAX, pending::<()>()));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        advance(Duration::from_secs(24 * 60 * 60)).await;
        assert_eq!(waiting.as_mut().now_or_never(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_looked_is_not_held() {
        for late in [Duration::ZERO, LIMIT] {
            let notify = Notify::new();
            let mut waiting = pin!(timeout(LIMIT, notify.notified()));
            assert_eq!(waiting.as_mut().now_or_never(), None);
            advance(LIMIT + late).await;
            assert_eq!(waiting.as_mut().now_or_never(), None, "{late:?} too late");
            // What has come is seen before the time is over.
            notify.notify_one();
            assert_eq!(waiting.await, Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_begins_anew_after_a_pause_but_once() {
        let mut waiting = pin!(sleep(LIMIT));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        advance(LIMIT * 2).await;
        assert_eq!(waiting.as_mut().now_or_never(), None);
        advance(LIMIT - LOOK).await;
        assert_eq!(waiting.as_mut().now_or_never(), None);
        advance(LIMIT).await;
        assert_eq!(waiting.now_or_never(), Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn flood_does_not_hold_up_its_end() {
        let flood = async {
            loop {
                tokio::task::consume_budget().await;
                advance(LOOK).await;
            }
        };
        assert_eq!(timeout(LIMIT, flood).await, Err(Expired));
    }
}
