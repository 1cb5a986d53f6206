//! Backends: what a client is joined to. A [`Target`] names it, a [`Backend`] is the live thing it opened.
//!
//! A backend is two streams of messages and, where it is a program, the [`Process`] behind them.
//! It knows nothing of HTTP or WebSocket.

mod interface;
mod output;
mod process;
mod process_attributes;
mod program;
mod spawn;
mod stderr;
mod stdio;
mod target;

pub use interface::{Backend, Environment, Input, Output};
pub use process::{Process, TerminationTimeouts};
pub use process_attributes::{Credentials, ProcessAttributes, Rlimit};
pub use program::{PipedProcess, Program, StderrTo, Streams};
pub use spawn::Spawner;
pub use stdio::{Failure, Stdio};
pub use target::Target;
