//! A session: one client joined to one backend until it has ended.
//!
//! [`run`] guarantees that nothing is lost (every message either side sent before its end reaches the
//! other, the last line too), that memory stays bounded whatever either side sends, that the client
//! is told why it ended, and that no process of it is left when it returns. It leaves the opening
//! handshake, the log and all counting across sessions to its caller.
//!
//! # How it works
//! One task, two futures. `upstream` carries the client's messages to the program, `downstream` the
//! program's to the client; each waits on its own two ends only, so a program that writes before it
//! reads cannot block a client that does the same. The first of them to end decides how the session
//! ends; what must happen then is straight-line code behind that.

mod handle;
mod outcome;
mod relay;
mod run;
mod shutdown;
mod time_limits;

pub use handle::{Handle, Meter, Traffic};
pub use outcome::{Ended, Summary, close_for};
pub use run::run;
pub use time_limits::SessionTimeouts;
