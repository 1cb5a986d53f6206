//! CGI/1.1 (RFC 3875): an executable beneath a directory answers the requests that lead to it.
//!
//! It guarantees that no script outlives its request, that the client has the script's output as it
//! comes, and that an answer which breaks off does not look whole. Which URL leads to which script is
//! [`Root::find_script`](super::root::Root::find_script)'s to say.

mod answer;
mod min_rate;
mod output;
mod relay;
mod request_body;
mod response_body;
mod script_timeout;
mod scripts;
mod task;

pub(in crate::http) use answer::{CgiAnswer, answer};
pub use scripts::{CgiLimits, Scripts};
