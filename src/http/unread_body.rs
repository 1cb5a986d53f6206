//! The body of a request for as long as nobody has read it: [`UnreadBody`].
//!
//! A socket that is closed while bytes wait in it resets the connection (RFC 1122 §4.2.2.13), and what was
//! answered is lost to a client that still sends. So what nobody reads is read and thrown away, and the client
//! is told that this was the connection's last request.

use super::{
    body::{Body, discard},
    tasks::Tasks,
};
use hyper::{
    Request, Response, StatusCode, Version,
    body::{Body as _, Incoming},
    header::{self, HeaderValue},
};

/// A request's body; whoever reads it takes it.
#[derive(Debug)]
pub(super) struct UnreadBody {
    incoming: Option<Incoming>,
    version: Version,
    /// Whether the client sends nothing before it is told to (RFC 9110 §10.1.1).
    awaits_continue: bool,
    /// Whether somebody still reads it, and throws it away.
    is_being_read: bool,
}

/// What is left of a body that somebody has taken and had no use for.
#[derive(Debug)]
pub(super) enum Rest {
    /// Nothing.
    None,
    /// All of it.
    Whole(Incoming),
    /// What comes behind what was read.
    Part(Incoming),
    /// What whoever took it reads to the end by himself.
    BeingRead,
}

impl UnreadBody {
    /// Parts a request from its body.
    pub(super) fn of(request: Request<Incoming>) -> (Request<()>, Self) {
        let (parts, incoming) = request.into_parts();
        let unread = UnreadBody {
            incoming: Some(incoming),
            version: parts.version,
            awaits_continue: parts.headers.contains_key(header::EXPECT),
            is_being_read: false,
        };
        (Request::from_parts(parts, ()), unread)
    }

    /// Whether nothing of it is left, as far as is known.
    pub(super) fn is_empty(&self) -> bool {
        let is_empty =
            |body: &Incoming| body.is_end_stream() || body.size_hint().exact() == Some(0);
        self.incoming.as_ref().is_none_or(is_empty)
    }

    /// The body, unless somebody has had it.
    pub(super) fn take(&mut self) -> Option<Incoming> {
        self.incoming.take()
    }

    /// Gives back what is left of it.
    pub(super) fn put_back(&mut self, rest: Rest) {
        match rest {
            Rest::None => {}
            Rest::Whole(incoming) => self.incoming = Some(incoming),
            Rest::Part(incoming) => {
                self.incoming = Some(incoming);
                // To read was to tell it.
                self.awaits_continue = false;
            }
            Rest::BeingRead => self.is_being_read = true,
        }
    }

    /// Reads and throws away what still comes of it, beside the answer, which says that it is the last of its
    /// connection. A stream of HTTP/2 would be reset behind the answer (RFC 9113 §8.1), and clients have been
    /// seen to take that for a failure.
    pub(super) fn discard_behind(self, response: &mut Response<Body>, tasks: &Tasks) {
        let unread = self.incoming.filter(|incoming| !incoming.is_end_stream());
        if unread.is_none() && !self.is_being_read {
            return;
        }
        let is_http2 = self.version == Version::HTTP_2;
        if !is_http2 {
            // A WebSocket has the connection for itself.
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return;
            }
            announce_close(response);
        }
        // A client that waits for a 100 sends nothing, and reading would be the 100.
        if let Some(rest) = unread
            && (is_http2 || !self.awaits_continue)
        {
            tasks.spawn(discard(rest));
        }
    }
}

/// Says that the connection ends with this answer, beside what else is said of the connection: 426 comes with
/// `upgrade` (RFC 9110 §7.8).
pub(super) fn announce_close<B>(response: &mut Response<B>) {
    let headers = response.headers_mut();
    let close = match headers.contains_key(header::UPGRADE) {
        true => HeaderValue::from_static("close, Upgrade"),
        false => HeaderValue::from_static("close"),
    };
    headers.insert(header::CONNECTION, close);
}
