//! Connections in, sessions out, and an orderly stop: [`Server`].
//!
//! A connection comes by a listener ([`listener`], or the one that inetd(8) has accepted, [`inetd`]); it may
//! have to begin with a PROXY header and a TLS handshake ([`tls`]), counts against limits, and is then HTTP's,
//! of one version or the other. What is asked on it [`http`](crate::http) answers.

mod accept;
pub(crate) mod connection;
mod entry_point;
mod establish;
pub mod inetd;
mod io;
mod lifecycle;
pub mod listener;
mod options;
pub(crate) mod proxy_protocol;
pub mod rooms;
pub mod signal;
mod state;
pub mod tls;

pub use entry_point::{EntryPoint, ListenOptions, Redirect, RedirectOptions, Role};
pub use options::Options;
pub use state::Server;
