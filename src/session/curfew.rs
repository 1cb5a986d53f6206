//! Time limits on a session as a whole: how long it may last, and how long neither side may say
//! anything. A session that is over ends as in a drain: its program gets end-of-file, and what that
//! still writes is delivered.

use std::{
    future::pending,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep_until};

use super::Limits;
use crate::{backend::Backend, message::Close, transport::Client};

/// The clocks of one session.
pub(super) struct Curfew {
    lifetime: Option<Duration>,
    idle: Option<Duration>,
    activity: Activity,
}

/// When a message last went either way.
#[derive(Clone)]
struct Activity {
    start: Instant,
    /// Milliseconds since the start.
    last: Arc<AtomicU64>,
}

impl Curfew {
    /// Starts the clocks. Only a session with a limit on silence pays for looking at its messages.
    pub(super) fn start(limits: &Limits, client: &mut Client, backend: &mut Backend) -> Self {
        let activity = Activity {
            start: Instant::now(),
            last: Arc::default(),
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
            if self.activity.last() == last {
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
    }

    fn touch(&self) {
        let now = self.start.elapsed().as_millis() as u64;
        self.last.store(now, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}
