//! Time limits on a session as a whole: its lifetime, and an idle timeout on messages either way.
//!
//! While something that one side has said waits for the other to take it, nobody is silent. A session that is
//! over ends as in a drain: its program gets end-of-file, and what that still writes is delivered.

use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink, SinkExt, StreamExt};
use tokio::time::{Instant, sleep_until};

use crate::{
    backend::{Backend, TerminationTimeouts},
    message::Close,
    quantity::duration,
    timer::sleep_since,
    transport::Client,
};

/// How long a session waits for what.
#[derive(Debug, Clone, Default)]
pub struct SessionTimeouts {
    /// Time between two pings; `None` sends none.
    pub keepalive: Option<Duration>,
    /// What a process gets for each step of its end.
    pub termination: TerminationTimeouts,
    /// What a drain gives a program to end by itself before it is told to.
    pub drain: Duration,
    /// How long neither side may send a message; `None` has no limit.
    pub idle: Option<Duration>,
    /// How long a session may last; `None` has no limit.
    pub lifetime: Option<Duration>,
}

/// The clocks of one session.
pub(super) struct TimeLimits {
    lifetime: Option<Duration>,
    idle: Option<Duration>,
    activity: Activity,
}

/// When a message last went either way, and whether one waits to be taken.
#[derive(Clone)]
struct Activity {
    start: Instant,
    seen: Arc<ActivityState>,
}

#[derive(Default)]
struct ActivityState {
    /// Milliseconds since the start.
    last: AtomicU64,
    /// Whether program and client have yet to take what is on its way to them.
    blocked: [AtomicBool; 2],
}

impl TimeLimits {
    /// Starts the clocks. Only a session with a limit on silence pays for looking at its messages.
    pub(super) fn start(
        timeouts: &SessionTimeouts,
        client: Client,
        backend: Backend,
    ) -> (Self, Client, Backend) {
        let activity = Activity {
            start: Instant::now(),
            seen: Arc::default(),
        };
        let (client, backend) = match timeouts.idle {
            Some(_) => (
                activity.watch_client(client),
                activity.watch_backend(backend),
            ),
            None => (client, backend),
        };
        let limits = TimeLimits {
            lifetime: timeouts.lifetime,
            idle: timeouts.idle,
            activity,
        };
        (limits, client, backend)
    }

    /// Whether there is any limit.
    pub(super) fn is_set(&self) -> bool {
        self.lifetime.is_some() || self.idle.is_some()
    }

    /// Resolves to the Close to send when a limit expires. Cancel safe: yes.
    pub(super) async fn expired(&self) -> Close {
        let reason = tokio::select! {
            limit = self.lifetime_over() => {
                format!("the session has lasted for {}", duration(limit))
            }
            limit = self.idle_over() => {
                format!("there was no message for {}", duration(limit))
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
            // What waits in socket or pipe may be a message of before.
            sleep_since(last, limit).await;
            if self.activity.is_blocked() {
                self.activity.touch();
            } else if self.activity.last() == last {
                return limit;
            }
        }
    }
}

impl Activity {
    fn watch_client(&self, client: Client) -> Client {
        let activity = self.clone();
        Client {
            incoming: Box::pin(client.incoming.inspect(move |_| activity.touch())),
            outgoing: Box::pin(Watched::new(client.outgoing, self.clone(), CLIENT)),
            presence: client.presence,
            wire: None,
        }
    }

    fn watch_backend(&self, backend: Backend) -> Backend {
        let activity = self.clone();
        Backend {
            output: Box::pin(backend.output.inspect(move |_| activity.touch())),
            input: Box::pin(Watched::new(backend.input, self.clone(), PROGRAM)),
            after_output: backend.after_output,
            farewell: backend.farewell,
            process: backend.process,
            connection: backend.connection,
            cut: backend.cut,
            attach: backend.attach,
            member: backend.member,
        }
    }

    fn touch(&self) {
        let now = self.start.elapsed().as_millis() as u64;
        self.seen.last.store(now, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.seen.last.load(Ordering::Relaxed))
    }

    fn is_blocked(&self) -> bool {
        let mut blocked = self.seen.blocked.iter();
        blocked.any(|blocked| blocked.load(Ordering::Relaxed))
    }
}

/// Whose sink it is.
const PROGRAM: usize = 0;
const CLIENT: usize = 1;

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
        let blocked = &self.activity.seen.blocked[self.whose];
        if blocked.swap(poll.is_pending(), Ordering::Relaxed) && poll.is_ready() {
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
