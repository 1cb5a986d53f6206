//! Time limits on a session as a whole: how long it may last, and how long neither side may say
//! anything. While something that one side has said waits for the other to take it, nobody is silent.
//! A session that is over ends as in a drain: its program gets end-of-file, and what that
//! still writes is delivered.

use std::{
    future::pending,
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink, SinkExt, StreamExt, sink, stream};
use tokio::time::{Instant, sleep_until};

use super::Limits;
use crate::{backend::Backend, message::Close, transport::Client};

/// The clocks of one session.
pub(super) struct Curfew {
    lifetime: Option<Duration>,
    idle: Option<Duration>,
    activity: Activity,
}

/// When a message last went either way, and whether one is on its way.
#[derive(Clone)]
struct Activity {
    start: Instant,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Milliseconds since the start.
    last: AtomicU64,
    /// Whether program and client have something to take.
    untaken: [AtomicBool; 2],
}

impl Curfew {
    /// Starts the clocks. Only a session with a limit on silence pays for looking at its messages.
    pub(super) fn start(limits: &Limits, client: &mut Client, backend: &mut Backend) -> Self {
        let activity = Activity {
            start: Instant::now(),
            seen: Arc::default(),
        };
        if limits.idle.is_some() {
            activity.watch(client, backend);
        }
        Curfew {
            lifetime: limits.lifetime,
            idle: limits.idle,
            activity,
        }
    }

    /// Whether there is any limit.
    pub(super) fn is_set(&self) -> bool {
        self.lifetime.is_some() || self.idle.is_some()
    }

    /// Ready when the session is over, with what the client is told.
    pub(super) async fn over(&self) -> Close {
        let reason = tokio::select! {
            limit = self.lifetime_over() => {
                format!("the session has lasted for {} s", limit.as_secs())
            }
            limit = self.idle_over() => {
                format!("there was no message for {} s", limit.as_secs())
            }
        };
        Close::new(Close::GOING_AWAY, reason)
    }

    async fn lifetime_over(&self) -> Duration {
        let Some(limit) = self.lifetime else {
            return pending().await;
        };
        sleep_until(self.activity.start + limit).await;
        limit
    }

    async fn idle_over(&self) -> Duration {
        let Some(limit) = self.idle else {
            return pending().await;
        };
        loop {
            let last = self.activity.last();
            sleep_until(last + limit).await;
            if self.activity.is_under_way() {
                self.activity.touch();
            } else if self.activity.last() == last {
                return limit;
            }
        }
    }
}

impl Activity {
    fn watch(&self, client: &mut Client, backend: &mut Backend) {
        let (incoming, output) = (self.clone(), self.clone());
        let stream = mem::replace(&mut client.incoming, Box::pin(stream::pending()));
        client.incoming = Box::pin(stream.inspect(move |_| incoming.touch()));
        let stream = mem::replace(&mut backend.output, Box::pin(stream::pending()));
        backend.output = Box::pin(stream.inspect(move |_| output.touch()));
        let sink = mem::replace(
            &mut backend.input,
            Box::pin(sink::drain().sink_map_err(never)),
        );
        backend.input = Box::pin(Watched::new(sink, self.clone(), PROGRAM));
        let sink = mem::replace(
            &mut client.outgoing,
            Box::pin(sink::drain().sink_map_err(never)),
        );
        client.outgoing = Box::pin(Watched::new(sink, self.clone(), CLIENT));
    }

    fn touch(&self) {
        let now = self.start.elapsed().as_millis() as u64;
        self.seen.last.store(now, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.seen.last.load(Ordering::Relaxed))
    }

    fn is_under_way(&self) -> bool {
        let mut untaken = self.seen.untaken.iter();
        untaken.any(|untaken| untaken.load(Ordering::Relaxed))
    }
}

/// Whose sink it is.
const PROGRAM: usize = 0;
const CLIENT: usize = 1;

fn never<E>(never: std::convert::Infallible) -> E {
    match never {}
}

/// A sink that tells when it has to wait, and when it has to no more.
struct Watched<S> {
    sink: S,
    activity: Activity,
    whose: usize,
}

impl<S> Watched<S> {
    fn new(sink: S, activity: Activity, whose: usize) -> Self {
        Watched {
            sink,
            activity,
            whose,
        }
    }

    fn note<T>(&self, poll: Poll<T>) -> Poll<T> {
        let untaken = &self.activity.seen.untaken[self.whose];
        if untaken.swap(poll.is_pending(), Ordering::Relaxed) && poll.is_ready() {
            self.activity.touch();
        }
        poll
    }
}

impl<T, S: Sink<T> + Unpin> Sink<T> for Watched<S> {
    type Error = S::Error;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        let poll = self.sink.poll_ready_unpin(context);
        self.note(poll)
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> Result<(), S::Error> {
        self.sink.start_send_unpin(item)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        let poll = self.sink.poll_flush_unpin(context);
        self.note(poll)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), S::Error>> {
        self.sink.poll_close_unpin(context)
    }
}
