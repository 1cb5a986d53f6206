//! Sessions, as a server opens them: a program is started, and a client joined to it.
//!
//! How the client's messages travel is known to `websocket`, and to [`plain`](super::plain); each hands `open` a
//! future of the `Client`.

mod member;
mod open;
mod recorded;
mod session_request;
mod websocket;

pub(super) use open::open;
pub(super) use session_request::{Opening, SessionRequest};
pub(super) use websocket::open_websocket;
