//! A connection to a server that decides, kept from one question to the next.
//!
//! # How it works
//! No task has it: it is driven by whoever asks. Nobody looks at one that is kept, so that the server has closed it is
//! found out by the next question, which is then asked on another.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    body::Incoming,
    client::conn::http1::{self, Connection, SendRequest},
    http::response::Parts,
};
use hyper_util::rt::TokioIo;

use crate::backend::SocketStream;

/// The largest head of an answer, in bytes; a larger one is no answer.
const MAX_HEAD: usize = 64 * 1024;
/// What is read of a body, in bytes; a longer one is cut.
const MAX_BODY: usize = 64 * 1024;

type Http = Connection<TokioIo<SocketStream>, Empty<Bytes>>;

/// A connection on which nothing is asked just now.
#[derive(Debug)]
pub(super) struct ServerConnection {
    sender: SendRequest<Empty<Bytes>>,
    /// `None` when it is over.
    http: Option<Pin<Box<Http>>>,
}

/// An answer, its body cut.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl ServerConnection {
    /// HTTP over a stream.
    pub(super) async fn new(stream: SocketStream) -> Result<Self, hyper::Error> {
        let mut builder = http1::Builder::new();
        builder.title_case_headers(true).max_buf_size(MAX_HEAD);
        let (sender, http) = builder.handshake(TokioIo::new(stream)).await?;
        Ok(ServerConnection {
            sender,
            http: Some(Box::pin(http)),
        })
    }

    /// Asks, and gives the connection back where it can be asked again. Cancel safe: yes; the connection is lost.
    ///
    /// # Errors
    /// An answer that is none, or a connection that breaks.
    pub(super) async fn ask(
        mut self,
        request: Request<Empty<Bytes>>,
    ) -> Result<(Answer, Option<Self>), hyper::Error> {
        let sender = &mut self.sender;
        let asking = async {
            sender.ready().await?;
            let (head, body) = sender.send_request(request).await?.into_parts();
            let (body, is_whole) = read(body).await?;
            Ok::<_, hyper::Error>((Answer { head, body }, is_whole))
        };
        let (answer, is_whole) = drive(asking, &mut self.http).await?;
        let is_open = is_whole && self.is_open();
        Ok((answer, is_open.then_some(self)))
    }

    /// Whether it goes on behind an answer, as far as that is known.
    fn is_open(&mut self) -> bool {
        match &mut self.http {
            // Which also has it take note of the answer's end.
            Some(http) => http.now_or_never().is_none(),
            None => false,
        }
    }
}

/// Does some work on a connection, which goes on meanwhile.
async fn drive<T>(work: impl Future<Output = T>, http: &mut Option<Pin<Box<Http>>>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        if let Some(open) = http
            && open.as_mut().poll(context).is_ready()
        {
            // Whoever waits for something of it is told by that.
            *http = None;
            return work.as_mut().poll(context);
        }
        Poll::Pending
    })
    .await
}

/// A body, cut, and whether that is all of it.
async fn read(mut body: Incoming) -> Result<(Bytes, bool), hyper::Error> {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let room = MAX_BODY - all.len();
        all.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((all.freeze(), false));
        }
    }
    Ok((all.freeze(), true))
}
