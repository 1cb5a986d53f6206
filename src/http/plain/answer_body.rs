//! A response's body that is what a session says: [`AnswerBody`].

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{
    HeaderMap, Version,
    body::Frame,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};

use crate::{
    http::fields::list_elements,
    message::Close,
    transport::body::{Answer, Answers},
};

/// The trailer fields that say how the session has ended.
const CLOSE: HeaderName = HeaderName::from_static("wsd-close");
const REASON: HeaderName = HeaderName::from_static("wsd-reason");
/// Their names, as the answer's head announces them (RFC 9110 §6.6.2).
pub(super) const TRAILERS: HeaderValue = HeaderValue::from_static("Wsd-Close, Wsd-Reason");

/// How a client learns that a session did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By trailer fields (RFC 9110 §6.5).
    Trailers,
    /// By an answer that is cut off, for it knows no trailers.
    CutOff,
}

impl Ending {
    /// As the request has it: HTTP/2 always has trailers, by HTTP/1.1 a client says that it takes them
    /// (RFC 9110 §10.1.4).
    pub(super) fn of(request: &Parts) -> Self {
        let takes_trailers = || {
            list_elements(&request.headers, &header::TE)
                .any(|element| element.eq_ignore_ascii_case("trailers"))
        };
        match request.version {
            Version::HTTP_2 => Ending::Trailers,
            Version::HTTP_11 if takes_trailers() => Ending::Trailers,
            _ => Ending::CutOff,
        }
    }
}

/// What a session says, to its end.
pub(super) struct AnswerBody {
    /// What was taken out of the answers, to be said before the others.
    first: Option<Answer>,
    /// `None` at the end.
    answers: Option<Answers>,
    ending: Ending,
}

impl AnswerBody {
    pub(super) fn new(first: Option<Answer>, answers: Answers, ending: Ending) -> Self {
        AnswerBody {
            first,
            answers: Some(answers),
            ending,
        }
    }

    /// What says how the session has ended; `None` if that is the end of the body alone.
    fn last_frame(&self, close: &Close) -> Option<io::Result<Frame<Bytes>>> {
        match self.ending {
            Ending::Trailers => Some(Ok(Frame::trailers(trailers(close)))),
            Ending::CutOff if close.code == Close::NORMAL => None,
            Ending::CutOff => Some(Err(io::Error::other(format!(
                "the session has ended with {}",
                close.code
            )))),
        }
    }
}

fn trailers(close: &Close) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert(CLOSE, close.code.into());
    // One with controls is left out.
    if let Ok(reason) = HeaderValue::from_str(&close.reason) {
        trailers.insert(REASON, reason);
    }
    trailers
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Some(answers) = &mut this.answers else {
            return Poll::Ready(None);
        };
        let answer = match this.first.take() {
            Some(first) => Some(first),
            None => ready!(answers.poll_recv(context)),
        };
        Poll::Ready(match answer {
            Some(Answer::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Answer::End(close)) => {
                this.answers = None;
                this.last_frame(&close)
            }
            // The session is gone without a word.
            None => {
                this.answers = None;
                Some(Err(io::ErrorKind::UnexpectedEof.into()))
            }
        })
    }
}
