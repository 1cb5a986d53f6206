//! A response's body on its way from the script's task to the connection.

use std::{
    io,
    task::{Poll, ready},
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

use crate::http::body::Body;

/// A piece of a response's body. A channel that ends without [`BodyChunk::End`] is a body that broke off.
#[derive(Debug)]
pub(super) enum BodyChunk {
    Data(Bytes),
    End,
}

/// The pieces as a body. Without its end it is an error, which breaks the connection, or half an answer
/// would look whole.
pub(super) fn body_from_chunks(mut chunks: mpsc::Receiver<BodyChunk>) -> Body {
    let (mut is_over, mut is_broken) = (false, false);
    let frames = stream::poll_fn(move |context| {
        if is_over {
            return Poll::Ready(None);
        }
        match ready!(chunks.poll_recv(context)) {
            Some(BodyChunk::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(BodyChunk::End) => is_over = true,
            None if is_broken => {
                is_over = true;
                return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
            }
            None => {
                // The connection writes what it has when it has to wait, and nothing after an error.
                is_broken = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        Poll::Ready(None)
    });
    StreamBody::new(frames).boxed_unsync()
}
