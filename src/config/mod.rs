//! From what was typed and written to what is true: values that the runtime modules own, checked.
//!
//! [`Task`] says what is to be done, [`Config`] what a server is; both are made of [`Args`](crate::args::Args)
//! and routes. Each check returns a [`FlagError`]: flag, value, reason. `file` knows where in a configuration
//! file the key of that name and that value stand, so an error about what is written names `file:line: key`.

mod access;
mod account;
mod auth;
mod auth_warnings;
mod authorize;
mod client;
mod command;
mod command_tips;
mod config_error;
mod cookie_key;
mod doctor;
pub mod file;
mod flag_error;
mod headers;
mod hub;
mod listeners;
mod local_room;
mod log;
mod memberships;
mod misplaced;
mod network;
mod pages;
mod process_attributes;
mod program;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod recording;
mod replay;
mod rooms;
mod route;
mod route_options;
mod router;
mod secret_files;
mod server;
mod servers;
mod session;
mod share;
mod target;
mod target_relations;
mod task;
mod terminal;
mod tilde;
mod tls;
mod variables;
mod watch;
mod zero;

pub use client::Client;
pub use config_error::{ConfigError, FileError};
pub use flag_error::FlagError;
pub use local_room::LocalRoom;
pub use log::LogOptions;
pub use replay::Replay;
pub use route::Route;
pub use server::Config;
pub use servers::Servers;
pub use task::Task;
