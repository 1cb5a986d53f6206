//! Commands: what the binary can do, one file each. Each has its runtime and its exit status.

mod advice;
mod announcement;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod init;
mod message;
pub(crate) mod publish;
mod reload;
pub(crate) mod replay;
mod room;
mod rooms_listener;
mod runtime;
pub(crate) mod serve;
pub(crate) mod subscribe;
mod watch;

pub(crate) use message::{fail, print, print_as_clap, refuse};
pub(crate) use runtime::check_memory;
