//! The byte streams beneath HTTP, from the socket upwards: [`socket`], which may send files by itself
//! ([`sendfile`](crate::http::sendfile)), TLS or none over it ([`maybe_tls`]), and the time limit on a request's head
//! ([`head_timeout`]).

mod head_timeout;
mod maybe_tls;
mod socket;

pub(super) use head_timeout::{HeadTimeout, Phase};
pub(super) use maybe_tls::{HANDSHAKE_RECORD, HTTP_2, MaybeTls};
pub(super) use socket::{Stream, peek_until, tcp_stream};
