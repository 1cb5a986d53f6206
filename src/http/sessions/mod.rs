//! Sessions, as a server opens them: a program is started, and a client joined to it.
//!
//! How the client's messages travel is known to one file each (`websocket`), which hands `open` a future of the
//! `Client`, and the answer that this waits for.

mod member;
mod open;
mod recorded;
mod session_request;
mod websocket;

pub(super) use websocket::open_websocket;
