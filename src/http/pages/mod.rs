//! Who answers, and the answers that are no WebSockets: files, CGI scripts, the developer console, redirects.
//!
//! The handlers (`file`, `cgi`, `console`, `redirect`) never see each other.

mod answer;
pub(crate) mod cgi;
mod console;
mod directory;
mod file;
pub(in crate::http) mod local_redirect;
pub(in crate::http) mod redirect;
mod root;
mod route;
mod router;

pub(in crate::http) use answer::{PlainAnswer, answer};
pub use cgi::{CgiLimits, Scripts};
pub use directory::Directory;
pub use file::{FileOptions, Files, SendfileQueue};
pub use redirect::Destination;
pub use root::{Reach, Root, Script};
pub use route::{Page, PlainRoute, RouteMatch, WebSocketRoute};
pub use router::{Mount, Router};
