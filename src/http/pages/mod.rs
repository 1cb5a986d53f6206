//! Who answers, and the answers that are no WebSockets: files, CGI scripts, the developer console, redirects.
//!
//! The handlers (`file`, `cgi`, `console`, `redirect`) never see each other.

pub(crate) mod cgi;
mod console;
pub(in crate::http) mod dispatch;
mod file;
mod redirect;
mod root;
mod router;

pub use cgi::{CgiLimits, Scripts};
pub use file::{FileOptions, Files, SendfileQueue};
pub use redirect::Destination;
pub use root::{Reach, Root, Script};
pub use router::{Directory, Mount, Route, RouteMatch, Router};
