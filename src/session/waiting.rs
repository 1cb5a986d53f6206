//! An item that waits for room in a sink, and how long it did.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Sink, SinkExt, future};
use tokio::time::Instant;

use super::handle::Meter;

/// An item that waits for room in a sink. If the wait is given up, as when the other direction ends
/// meanwhile, it is fed all the same: who flushes the sink at the end finds it there, in its place.
pub(super) struct Waiting<'a, Item, Error> {
    sink: &'a mut Pin<Box<dyn Sink<Item, Error = Error> + Send>>,
    item: Option<Item>,
}

impl<'a, Item, Error> Waiting<'a, Item, Error> {
    pub(super) fn new(
        sink: &'a mut Pin<Box<dyn Sink<Item, Error = Error> + Send>>,
        item: Item,
    ) -> Self {
        Waiting {
            sink,
            item: Some(item),
        }
    }

    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = self.sink.as_mut().poll_ready(context);
        if matches!(ready, Poll::Ready(Err(_))) {
            // A sink that has failed takes nothing more.
            self.item = None;
        }
        ready
    }

    pub(super) fn feed(&mut self) -> Result<(), Error> {
        match self.item.take() {
            Some(item) => self.sink.as_mut().start_send(item),
            None => Ok(()),
        }
    }

    /// Feeds and flushes.
    pub(super) async fn send(mut self) -> Result<(), Error> {
        future::poll_fn(|context| self.poll_ready(context)).await?;
        self.feed()?;
        self.sink.flush().await
    }
}

impl<Item, Error> Drop for Waiting<'_, Item, Error> {
    fn drop(&mut self) {
        let _ = self.feed();
    }
}

/// Feeds an item where there is room for it now, which there is as a rule; gives it back where it has to wait.
#[inline]
pub(super) fn feed_now<Item, Error>(
    sink: &mut Pin<Box<dyn Sink<Item, Error = Error> + Send>>,
    item: Item,
    context: &mut Context<'_>,
) -> Result<Option<Item>, Error> {
    match sink.as_mut().poll_ready(context) {
        Poll::Ready(Ok(())) => sink.as_mut().start_send(item).map(|()| None),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Pending => Ok(Some(item)),
    }
}

/// Waits for room, and has the meter count how long; a clock is read only if there is none. No `async fn`, which
/// would keep what it was given a second time.
pub(super) fn timed<T>(
    meter: &Meter,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> impl Future<Output = T> {
    let mut wait = Wait { meter, since: None };
    future::poll_fn(move |context| {
        let room = poll(context);
        if room.is_pending() {
            wait.begin();
        }
        room
    })
}

/// Counts also if it is given up.
struct Wait<'a> {
    meter: &'a Meter,
    since: Option<Instant>,
}

impl Wait<'_> {
    /// A method, for which a closure takes the whole: of the field alone it would take a copy, and what counts would be
    /// dropped before the wait.
    fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            self.meter.was_blocked(since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn time_without_room_counts_although_it_is_given_up() {
        const TIME: Duration = Duration::from_secs(1);
        let meter = Meter::default();
        let waiting = timed(&meter, |_| Poll::<()>::Pending);
        assert!(timeout(TIME, waiting).await.is_err());
        assert!(meter.traffic().blocked >= TIME);
        timed(&meter, |_| Poll::Ready(())).await;
        assert!(meter.traffic().blocked < TIME * 2);
    }
}
