//! The byte streams beneath HTTP, from the socket upwards: [`socket`], which may send files by itself
//! ([`sendfile`](crate::http::sendfile)), TLS or none over it ([`maybe_tls`]), the time limit on a request's head
//! ([`head_timeout`]), and the checks of it ([`checked_heads`]).

mod body_end;
mod checked_heads;
mod head_timeout;
mod maybe_tls;
mod socket;

pub(super) use checked_heads::CheckedHeads;
pub(super) use head_timeout::{HeadTimeout, Notes, Phase};
pub(super) use maybe_tls::{HANDSHAKE_RECORD, HTTP_2, MaybeTls};
pub(super) use socket::{Stream, peek_until, tcp_stream};
