//! What open pages load anew by: their script, and the stream of server-sent events by which it is told of changes.
//!
//! A stream says what is to be done and which state is then reached; which file has changed it does not say.

mod script;
mod stream;

pub(in crate::http) use script::answer as answer_script;
pub(in crate::http) use stream::answer as answer_stream;
