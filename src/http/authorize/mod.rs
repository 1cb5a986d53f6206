//! Authorization: a program, or a server, is asked about each request, and what it says is done.
//!
//! `authorize` asks the [`Authorizer`] of a route and gives a `Grant`, with which the request goes on, or a refusal.
//! It guarantees that nothing which goes wrong lets anybody in: an authorizer that fails, says what makes no sense, or
//! takes too long, refuses. A program's process and all that it has started end with its answer, its time, or the client.
//! Who the client is was found out before; which requests are asked about is `http::checks`' to say.

mod answer;
mod ask;
mod authorizer;
mod cache;
mod denial;
mod failure;
mod grant;
mod program;
mod question;
mod server;
mod server_connection;
mod turns;
mod variable;
mod verdict;

pub(super) use ask::authorize;
pub use authorizer::{Authorizer, Hook};
pub(super) use cache::Cache;
pub use denial::Denial;
pub use failure::AuthorizerFailure;
pub(super) use grant::Grant;
pub(super) use question::{Question, Transport};
pub use server::HookServer;
pub(super) use turns::Turns;
