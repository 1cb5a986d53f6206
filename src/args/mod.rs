//! The command line: what was typed, and nothing more ([`Args`]).
//!
//! Flags are declared in groups, one file each; clap's `flatten` makes one command line of them.
//! What requires or excludes what is an attribute on the flag or its group (`relations` says it in words).
//! [`ProgramArgs`] is exactly what a `[[route]]` of the configuration file may have of its own,
//! [`InvocationArgs`] what makes no sense in a file.
//!
//! Options end where COMMAND begins, so that the program's own options are its own. Go's `-port=8080`
//! is read as `--port=8080`, since users of websocketd type that.

mod access;
mod arguments;
mod auth;
mod authorize;
mod client;
mod command_line;
mod completions;
mod durations;
mod groups;
mod help;
mod hub;
mod invocation;
mod limits;
mod listen;
mod log;
mod messages;
mod numbers;
mod operation;
mod pages;
mod process;
mod program;
mod relations;
mod sharing;
mod targets;
mod terminal;
mod tls;

pub use access::AccessArgs;
pub use arguments::Args;
pub use auth::AuthArgs;
pub use authorize::AuthorizeArgs;
pub use client::ClientArgs;
pub use command_line::{CommandLine, Flag, conflicting_flag};
pub use completions::completions;
pub use durations::{milliseconds_or_never, seconds, seconds_or_always};
pub use hub::HubArgs;
pub use invocation::{InvocationArgs, Shell};
pub use limits::LimitArgs;
pub use listen::ListenArgs;
pub use log::{LogArgs, LogFormat, LogLevel};
pub use messages::{FramingKind, MessageArgs, NewlinePolicy};
pub use operation::OperationArgs;
pub use pages::PagesArgs;
pub use process::ProcessArgs;
pub use program::ProgramArgs;
pub use sharing::{RoomArgs, ShareBy, ShareKind, SharingArgs, Slow};
pub use targets::{ProxyVersion, TargetArgs, TargetOptionArgs};
pub use terminal::{TerminalArgs, UnbufferBy};
pub use tls::TlsArgs;
