//! Plain HTTP as a client: a request's body is what a session is sent, the answer's is what it says, or events are.
//!
//! A request that asks for a session without a WebSocket goes where a WebSocket to its URL would, once its route says
//! `--plain-http`; a CGI script at its path goes before. The checks are those of WebSockets, and more of browsers'
//! requests that name no origin. How messages lie in bodies and events is [`transport`](crate::transport)'s business.

mod answer_body;
mod carriage;
mod conversation;
mod event_body;
mod event_stream;
mod head;
mod input;
mod origin;
mod request_body;
mod session_name;
mod table;
mod wanted;

pub(in crate::http) use conversation::converse;
pub(in crate::http) use event_stream::{listen, resume};
pub(in crate::http) use input::hand_in;
pub(in crate::http) use origin::{
    allow_reading, check_origin, check_origin_behind_scripts, check_start, preflight,
};
pub(in crate::http) use session_name::{conceal, masked};
pub(in crate::http) use table::{EventSessions, Owner};
pub(in crate::http) use wanted::{Wanted, is_requested, wanted};
