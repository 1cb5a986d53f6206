//! Plain HTTP answers (files, CGI scripts, the developer console, the terminal page, the client script, redirects), and the
//! router that says who answers.
//!
//! The handlers (`file`, `cgi`, `console`, `terminal`, `client_script`, `redirect`) never see each other.

mod answer;
mod cgi;
mod client_script;
mod console;
mod directory;
mod file;
pub(in crate::http) mod local_redirect;
mod logout;
mod mount;
pub(in crate::http) mod options;
mod places;
pub(in crate::http) mod redirect;
mod room;
mod root;
mod route;
mod route_match;
mod router;
mod terminal;
mod watch;

pub(in crate::http) use answer::{PlainAnswer, answer, run_script};
pub use cgi::{CgiLimits, Scripts};
pub use client_script::ClientScript;
pub use directory::Directory;
pub use file::{FileOptions, Files, MimeRule, MimeTypes};
pub use mount::{Mount, MountMatch, MountTarget, TokenTargets};
pub use redirect::Destination;
pub use room::FoundRoom;
pub(in crate::http) use room::{is_mount_itself, room_name};
pub use root::{Reach, Relation, Root, Script};
pub use route::{Page, PlainRoute, WebSocketRoute};
pub use route_match::RouteMatch;
pub use router::Router;
