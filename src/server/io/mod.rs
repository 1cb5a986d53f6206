//! The byte streams beneath HTTP, from the socket upwards: [`socket`], which may send files by itself
//! ([`sendfile`](crate::http::sendfile)), TLS or none over it ([`maybe_tls`]), the time limit on a request's head
//! ([`head_timeout`]), the checks of it ([`checked_heads`]), the end of an answer that breaks off ([`cut_off`]), and whether
//! the HTTP library can be done without for a while ([`standstill`]).

mod body_end;
mod checked_heads;
mod cut_off;
mod head_timeout;
mod maybe_tls;
mod socket;
mod standstill;

pub(super) use checked_heads::CheckedHeads;
pub(super) use cut_off::CutOffState;
pub(super) use head_timeout::{CLOSING_GRACE, HeadTimeout, Notes, Phase};
pub(super) use maybe_tls::{HANDSHAKE_RECORD, HTTP_2, MaybeTls};
pub(super) use socket::{Stream, peek_until, tcp_stream};
