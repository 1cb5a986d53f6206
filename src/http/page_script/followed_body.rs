//! A body with something behind it: [`FollowedBody`].

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

use super::encoding::PageEncoding;
use crate::http::body::Body;

/// What is to follow a page.
pub(super) enum Addition {
    /// These bytes.
    Bytes(Bytes),
    /// This text, in the encoding of which the page's first bytes and its type tell.
    Text {
        text: String,
        content_type: String,
        first: Vec<u8>,
    },
}

/// A page, piece by piece as it comes, and behind it an addition. One that breaks off has none.
pub(super) struct FollowedBody {
    page: Body,
    addition: Option<Addition>,
}

/// How many bytes of a page tell in what it is written.
const FIRST: usize = 2;

impl FollowedBody {
    pub(super) fn of(page: Body, addition: Addition) -> Body {
        let addition = Some(addition);
        FollowedBody { page, addition }.boxed_unsync()
    }
}

impl Addition {
    /// Looks at a piece of the page, whose first bytes may come one by one.
    fn look_at(&mut self, piece: &[u8]) {
        if let Addition::Text { first, .. } = self {
            let missing = FIRST - first.len();
            first.extend(piece.iter().take(missing));
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Addition::Bytes(bytes) => bytes,
            Addition::Text {
                text,
                content_type,
                first,
            } => PageEncoding::new(&first, &content_type)
                .encode(&text)
                .into(),
        }
    }
}

impl hyper::body::Body for FollowedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.addition.is_none() {
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut self.page).poll_frame(context)) {
            Some(Ok(frame)) => {
                if let (Some(addition), Some(piece)) = (&mut self.addition, frame.data_ref()) {
                    addition.look_at(piece);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.addition = None;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                let bytes = self.addition.take().map(Addition::into_bytes);
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.addition.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let page = self.page.size_hint();
        match (&self.addition, page.exact()) {
            (None, _) => SizeHint::with_exact(0),
            (Some(Addition::Bytes(bytes)), Some(length)) => {
                SizeHint::with_exact(length + bytes.len() as u64)
            }
            (Some(_), _) => SizeHint::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::{body_from, empty};
    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Body as _;

    fn text() -> Addition {
        Addition::Text {
            text: "<s>".to_owned(),
            content_type: "text/html".to_owned(),
            first: Vec::new(),
        }
    }

    /// A page in such pieces.
    fn pieces(pieces: Vec<io::Result<&'static [u8]>>) -> Body {
        let frames = pieces
            .into_iter()
            .map(|piece| piece.map(|piece| Frame::data(Bytes::from_static(piece))));
        StreamBody::new(stream::iter(frames)).boxed_unsync()
    }

    async fn whole(body: Body) -> Vec<u8> {
        body.collect().await.expect("whole").to_bytes().to_vec()
    }

    #[tokio::test]
    async fn addition_is_in_the_encoding_of_the_page() {
        for (page, expected) in [
            (vec![Ok(&b"<p>"[..])], &b"<p><s>"[..]),
            (vec![], b"<s>"),
            (
                vec![Ok(b"\xff"), Ok(b"\xfe"), Ok(b"p\0")],
                b"\xff\xfep\0<\0s\0>\0",
            ),
            (vec![Ok(b"\xfe\xff\0p")], b"\xfe\xff\0p\0<\0s\0>"),
            (vec![Ok(b"\xff")], b"\xff<s>"),
        ] {
            let body = FollowedBody::of(pieces(page), text());
            assert_eq!(whole(body).await, expected);
        }
    }

    #[tokio::test]
    async fn page_that_breaks_off_has_no_addition() {
        let error = io::ErrorKind::UnexpectedEof.into();
        let mut body = FollowedBody::of(pieces(vec![Ok(b"<p>"), Err(error)]), text());
        assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        assert!(body.frame().await.is_some_and(|frame| frame.is_err()));
        assert!(body.frame().await.is_none() && body.is_end_stream());
    }

    #[test]
    fn length_is_known_where_that_of_both_is() {
        let bytes = || Addition::Bytes(Bytes::from_static(b"<s>"));
        let length = |page, addition| FollowedBody::of(page, addition).size_hint().exact();
        assert_eq!(length(body_from("<p>"), bytes()), Some(6));
        assert_eq!(length(empty(), bytes()), Some(3));
        assert_eq!(length(pieces(Vec::new()), bytes()), None);
        assert_eq!(length(body_from("<p>"), text()), None);
    }
}
