//! Pseudoterminals (pty(7)): which of a program's standard streams are one, and how a session uses it.
//!
//! A [`Master`] is our end; the program has the slave, and nobody else. It reads as ended when the last who holds the
//! slave has gone, and not before all is read that was written there.

mod ends;
mod master;
mod mode;
mod open;
mod protocol;
mod size;
mod stdin;
mod stdio_input;
mod terminal_input;
mod terminal_output;
mod window;

pub use ends::has_ptys;
pub use mode::Pty;
pub use size::{BadSize, TerminalSize};

pub(super) use ends::{NoPty, PtyEnds, open_pty};
pub(super) use master::Master;
pub(super) use open::{OnTerminal, open};
pub(super) use window::Window;
