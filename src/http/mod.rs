//! HTTP: one request in, one response out ([`Handler`]).
//!
//! A request passes one list of checks (`checks`; the rules are in [`access`]), finds who answers it
//! ([`pages`]), and is answered by a file, a CGI script or a page of our own; or it opens a WebSocket, for which the
//! program is started before the 101 (200 by HTTP/2), so that a client sees why a start failed. The session
//! then runs in a task of its own.

pub mod access;
mod admin;
mod admission;
mod answer_fields;
mod answerer;
mod asked;
pub mod authorize;
mod body;
mod buffering_hint;
pub(crate) mod cgi_response;
mod checks;
mod conditional;
mod console_feed;
mod content_coding;
mod current;
mod embedded_file;
mod entity_tag;
pub mod fields;
mod files_changed;
mod group_metrics;
mod groups;
mod handler;
mod hang_up;
mod html;
mod hub;
mod hub_metrics;
mod lasting;
mod launch;
mod lifecycle;
mod login_watch;
mod metric;
mod metrics;
mod options;
mod own_connection;
mod page_script;
mod page_updates;
pub mod pages;
mod plain;
mod process_metrics;
mod pseudo_headers;
mod refusal;
mod refusal_page;
mod registry;
mod request;
mod request_head;
mod request_line;
pub mod response_headers;
mod rooms;
mod route_options;
pub mod sendfile;
mod sessions;
mod share_options;
mod state;
mod targets;
mod tasks;
mod terminal_options;
mod unread_body;
pub mod url_path;
mod watch_options;
pub mod websocket;

pub use admin::Admin;
pub use body::Body;
pub use current::Current;
pub use handler::Handler;
pub use hang_up::HangUp;
pub use lasting::{Lasting, LastingFlag};
pub use lifecycle::LifecycleTokens;
pub use options::Options;
pub use own_connection::OwnConnection;
pub use refusal::{BreakOff, ConnectionRefusal, Refusal};
pub use request_head::{BadHead, BadRequest, BodyLength, RawTarget, RequestHead, has_end};
pub use response_headers::AddedHeaders;
pub use route_options::{PlainHttpOptions, RouteOptions};
pub use share_options::{ShareBy, ShareOptions};
pub use tasks::Tasks;
pub use terminal_options::TerminalOptions;
pub use url_path::UrlPath;
pub use watch_options::WatchOptions;
