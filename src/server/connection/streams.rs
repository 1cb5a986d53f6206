//! The streams of one HTTP/2 connection, counted: [`Streams`].

use std::{future::Future, time::Duration};

use hyper::rt::Executor;
use tokio::sync::watch;

use crate::timer::sleep;

/// Runs the tasks of a connection's streams, and knows how many there are. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(watch::Sender<Count>);

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    open: usize,
    /// Whether there ever was one.
    begun: bool,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    /// The connection waits for it, by [`Streams::wait_none`].
    fn execute(&self, task: F) {
        let open = self.count();
        tokio::spawn(async move {
            task.await;
            drop(open);
        });
    }
}

impl Streams {
    fn count(&self) -> Open {
        self.0.send_modify(|count| {
            count.open += 1;
            count.begun = true;
        });
        Open(self.0.clone())
    }

    /// How many there are.
    pub(super) fn open(&self) -> usize {
        self.0.borrow().open
    }

    /// Whether there ever was one.
    pub(super) fn have_begun(&self) -> bool {
        self.0.borrow().begun
    }

    /// Ready when there is, or was, a first one.
    pub(super) async fn wait_first(&self) {
        self.wait(|count| count.begun).await;
    }

    /// Ready when there is none.
    pub(super) async fn wait_none(&self) {
        self.wait(|count| count.open == 0).await;
    }

    /// Ready when there has been none for so long: from the start, or since the last one ended.
    pub(super) async fn wait_idle(&self, first: Duration, next: Duration) {
        let mut counts = self.0.subscribe();
        loop {
            self.wait_none().await;
            let limit = match counts.borrow_and_update().begun {
                true => next,
                false => first,
            };
            tokio::select! {
                _ = counts.changed() => {}
                () = sleep(limit) => return,
            }
        }
    }

    async fn wait(&self, is_so: impl Fn(&Count) -> bool) {
        // Never an error: the sender is here.
        let _ = self.0.subscribe().wait_for(|count| is_so(count)).await;
    }
}

/// Counts as open until it is dropped, also by a task that panics.
#[derive(Debug)]
struct Open(watch::Sender<Count>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        sync::oneshot,
        time::{Instant, timeout},
    };

    const FIRST: Duration = Duration::from_secs(10);
    const NEXT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn connection_without_a_stream_is_idle_sooner() {
        let (streams, begun) = (Streams::default(), Instant::now());
        streams.wait_idle(FIRST, NEXT).await;
        assert_eq!(begun.elapsed().as_secs(), FIRST.as_secs());
        assert!(!streams.have_begun());
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_is_open_is_not_idle() {
        let streams = Streams::default();
        let (end, ended) = oneshot::channel::<()>();
        streams.execute(async { drop(ended.await) });
        let idle = streams.wait_idle(FIRST, NEXT);
        tokio::pin!(idle);
        assert!(timeout(NEXT * 10, &mut idle).await.is_err());
        let begun = Instant::now();
        end.send(()).expect("it waits");
        idle.await;
        assert_eq!(begun.elapsed().as_secs(), NEXT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn each_stream_begins_the_wait_anew() {
        let (streams, begun) = (Streams::default(), Instant::now());
        let asking = async {
            for _ in 0..5 {
                sleep(NEXT / 2).await;
                streams.execute(async {});
            }
        };
        // The first comes within the time that the first has.
        streams.execute(async {});
        tokio::join!(streams.wait_idle(FIRST, NEXT), asking);
        assert_eq!(begun.elapsed().as_secs(), (NEXT / 2 * 5 + NEXT).as_secs());
    }

    #[tokio::test]
    async fn stream_that_panics_has_ended() {
        let streams = Streams::default();
        streams.execute(async { panic!("as if there were a bug") });
        streams.wait_first().await;
        streams.wait_none().await;
    }
}
