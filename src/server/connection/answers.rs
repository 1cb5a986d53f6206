//! The answers of one HTTP/2 connection that are on their way: [`Answers`].
//!
//! # How it works
//! hyper asks a body for its next piece when the client has taken the last, and not before: a body whose client
//! takes nothing is never looked at again. So each lies where its connection's task finds it. What has waited
//! for its client for too long is dropped there, with the file or script behind it; the stream is reset when
//! hyper looks for the rest. When all streams of a connection are such, the connection is closed.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    Method, Request, Response,
    body::{Body as _, Frame, SizeHint},
};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::streams::Streams;
use crate::{
    http::{Body, Lasting},
    timer::sleep,
};

/// Requests that are worked on at a time; the next waits for its turn. It is what browsers ask for at once, and
/// more would only be more that one client can have held.
const TURNS: usize = 100;

/// What one connection answers. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    turns: Arc<Semaphore>,
    sent: Arc<Sent>,
    /// How long a client may take nothing of one.
    limit: Duration,
}

#[derive(Debug, Default)]
struct Sent {
    bodies: Mutex<Vec<Weak<Mutex<Rest>>>>,
    added: Notify,
}

/// What is still to be sent of an answer.
#[derive(Debug)]
struct Rest {
    /// `None` when all is with hyper, and when it was dropped.
    body: Option<(Body, Option<Turn>)>,
    has_ended: bool,
    /// Since when the client has had to take the last piece; `None` while the next is waited for.
    waiting_since: Option<Instant>,
}

/// The right to be worked on.
pub(super) type Turn = OwnedSemaphorePermit;

impl Answers {
    /// For a connection whose client may take nothing for so long.
    pub(super) fn new(limit: Duration) -> Self {
        Answers {
            turns: Arc::new(Semaphore::new(TURNS)),
            sent: Arc::default(),
            limit,
        }
    }

    /// Waits for a request's turn; one for a WebSocket needs none, since that may last.
    ///
    /// Cancel safe: yes.
    pub(super) async fn turn<B>(&self, request: &Request<B>) -> Option<Turn> {
        match *request.method() {
            Method::CONNECT => None,
            // Never an error: nobody closes it.
            _ => Arc::clone(&self.turns).acquire_owned().await.ok(),
        }
    }

    /// An answer as it is to be sent; one that may last gives its turn to another.
    pub(super) fn send(&self, response: Response<Body>, turn: Option<Turn>) -> Response<SentBody> {
        let lasts = response.extensions().get::<Lasting>().is_some();
        let turn = turn.filter(|_| !lasts);
        response.map(|body| {
            let has_ended = body.is_end_stream();
            let rest = Arc::new(Mutex::new(Rest {
                body: (!has_ended).then_some((body, turn)),
                has_ended,
                waiting_since: None,
            }));
            if !has_ended {
                self.sent.bodies.lock().push(Arc::downgrade(&rest));
                self.sent.added.notify_one();
            }
            SentBody(rest)
        })
    }

    /// Drops what clients do not take; ready when there is nothing else.
    ///
    /// Cancel safe: yes.
    pub(super) async fn wait_stalled(&self, streams: &Streams) {
        loop {
            // No timer while there is nothing to look at.
            if self.sent.bodies.lock().is_empty() {
                self.sent.added.notified().await;
            }
            sleep(self.limit / 2).await;
            let stalled = self.drop_stalled();
            if stalled > 0 && stalled == streams.open() {
                return;
            }
        }
    }

    /// Drops what has waited for too long; how many of such answers hyper still has.
    fn drop_stalled(&self) -> usize {
        let mut stalled = 0;
        self.sent.bodies.lock().retain(|rest| {
            let Some(rest) = rest.upgrade() else {
                return false;
            };
            let mut rest = rest.lock();
            if rest
                .waiting_since
                .is_some_and(|since| since.elapsed() >= self.limit)
            {
                rest.body = None;
                stalled += 1;
            }
            true
        });
        stalled
    }
}

/// A response's body that may be dropped while hyper has it.
#[derive(Debug)]
pub(super) struct SentBody(Arc<Mutex<Rest>>);

impl hyper::body::Body for SentBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let rest = &mut *self.0.lock();
        rest.waiting_since = None;
        let Some((body, _)) = &mut rest.body else {
            let dropped = || Err(io::ErrorKind::TimedOut.into());
            return Poll::Ready((!rest.has_ended).then(dropped));
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(context));
        rest.has_ended = frame.is_none() || body.is_end_stream();
        if rest.has_ended {
            // The file, or the script, is not needed for what hyper has.
            rest.body = None;
        }
        if frame.is_some() {
            rest.waiting_since = Some(Instant::now());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().has_ended
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.0.lock();
        let body = rest.body.as_ref();
        body.map_or_else(SizeHint::default, |(body, _)| body.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use http_body_util::{BodyExt, StreamBody};
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LIMIT: Duration = Duration::from_secs(60);

    /// Endless, and counted.
    fn endless(count: &Arc<AtomicUsize>) -> Response<Body> {
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        count.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(count));
        let pieces = futures_util::stream::repeat_with(move || {
            let _ = &counted;
            Ok(Frame::data(Bytes::from_static(b"x")))
        });
        Response::new(BodyExt::boxed_unsync(StreamBody::new(pieces)))
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_client_does_not_take_is_dropped_and_its_stream_broken() {
        let (answers, streams) = (Answers::new(LIMIT), Streams::default());
        let count = Arc::default();
        let mut taken = answers.send(endless(&count), None).into_body();
        let mut stalled = answers.send(endless(&count), None).into_body();
        stalled.frame().await.expect("a piece").expect("a piece");
        let taking = async {
            for _ in 0..20 {
                taken.frame().await.expect("a piece").expect("a piece");
                sleep(LIMIT / 4).await;
            }
        };
        tokio::select! {
            () = answers.wait_stalled(&streams) => panic!("one goes on"),
            () = taking => {}
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        let error = stalled
            .frame()
            .await
            .expect("no end")
            .expect_err("it is over");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn connection_on_which_nothing_moves_is_over() {
        let (answers, streams) = (Answers::new(LIMIT), Streams::default());
        let count = Arc::default();
        let mut stalled = answers.send(endless(&count), None).into_body();
        stalled.frame().await.expect("a piece").expect("a piece");
        hyper::rt::Executor::execute(&streams, std::future::pending());
        answers.wait_stalled(&streams).await;
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn source_that_is_slow_is_no_client_that_is() {
        let (answers, streams) = (Answers::new(LIMIT), Streams::default());
        let never = futures_util::stream::pending();
        let never = Response::new(BodyExt::boxed_unsync(StreamBody::new(never)));
        let mut body = answers.send(never, None).into_body();
        hyper::rt::Executor::execute(&streams, std::future::pending());
        tokio::select! {
            _ = body.frame() => panic!("nothing comes"),
            () = answers.wait_stalled(&streams) => panic!("the client waits"),
            () = sleep(LIMIT * 10) => {}
        }
    }

    #[tokio::test]
    async fn answer_that_may_last_holds_no_turn() {
        let answers = Answers::new(LIMIT);
        let mut lasting = Vec::new();
        for _ in 0..=TURNS {
            let turn = answers.turn(&Request::new(())).now_or_never();
            let mut answer = endless(&Arc::default());
            answer.extensions_mut().insert(Lasting);
            lasting.push(answers.send(answer, turn.expect("one is free")));
        }
    }

    #[tokio::test]
    async fn a_turn_ends_with_its_answer() {
        let answers = Answers::new(LIMIT);
        let request = Request::new(());
        let mut bodies = Vec::new();
        for _ in 0..TURNS {
            let turn = answers.turn(&request).await;
            bodies.push(answers.send(endless(&Arc::default()), turn));
        }
        let mut next = std::pin::pin!(answers.turn(&request));
        assert!(next.as_mut().now_or_never().is_none(), "too many");
        let socket = Request::connect("localhost").body(()).expect("a request");
        assert!(answers.turn(&socket).await.is_none());
        bodies.pop();
        assert!(next.await.is_some());
    }
}
