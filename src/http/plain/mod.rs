//! Plain HTTP as a client: a request's body is what a session is sent, the answer's is what it says.
//!
//! A request that asks for a session without a WebSocket goes where a WebSocket to its URL would, once its route says
//! `--plain-http`; a CGI script at its path goes before. The checks are those of WebSockets, and one more of browsers'
//! requests that name no origin. How messages lie in bodies is [`transport`](crate::transport)'s business.

mod answer_body;
mod conversation;
mod origin;
mod request_body;

pub(in crate::http) use conversation::{converse, is_requested};
pub(in crate::http) use origin::check_origin;
