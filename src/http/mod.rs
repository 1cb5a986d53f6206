//! HTTP: one request in, one response out ([`Handler`]).
//!
//! A request passes one list of checks ([`access`] has the rules), finds who answers it ([`pages::router`]),
//! and is answered by a file, a CGI script or a page of our own; or it opens a WebSocket, for which the
//! program is started before the 101 (200 by HTTP/2), so that a client sees why a start failed. The session
//! then runs in a task of its own.

pub mod access;
mod admin;
mod answerer;
mod body;
mod current;
pub mod fields;
mod handler;
mod metrics;
pub mod pages;
mod pseudo_headers;
mod refusal;
pub mod response_headers;
mod route_options;
mod state;
pub mod url_path;
pub mod websocket;

pub use admin::Admin;
pub use body::Body;
pub use current::Current;
pub use handler::{Handler, Options};
pub use refusal::Refusal;
pub use response_headers::AddedHeaders;
pub use route_options::RouteOptions;
pub use state::LifecycleTokens;
pub use url_path::UrlPath;
