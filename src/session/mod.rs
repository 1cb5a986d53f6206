//! A session: one client joined to one backend until it has ended.
//!
//! [`run()`] guarantees that nothing is lost (every message either side sent before its end reaches the
//! other, the last line too), that memory stays bounded whatever either side sends, that the client
//! is told why it ended, and that no process of it is left when it returns. It leaves the opening
//! handshake, the log and all counting across sessions to its caller.
//!
//! # How it works
//! One task, two futures. `upstream` carries the client's messages to the program, `downstream` the
//! program's to the client; each waits on its own two ends only, so a program that writes before it
//! reads cannot block a client that does the same. The first of them to end decides how the session
//! ends; what must happen then is straight-line code behind that.
//!
//! # Cancellation
//! A session is cancelled in order by its [`Handle`], or by the token that the handle was made with: the input
//! ends, output is delivered on, and the client is told 1001. To drop the future of [`run()`] is the way out
//! for a server that has no more time: the process group is killed and the connection dropped, so what is
//! under way is lost. `run` is not cancel safe, and no process outlives it.
//!
//! Within, whatever loses a race is dropped, and must have lost nothing. `upstream` and `downstream` hold no
//! message while they wait for one; what waits for room is fed when the wait is dropped (`relay`); what was
//! fed lies in a sink that the session owns until it is flushed. Time limits are polled beside them and hold
//! nothing. What must happen at an end, such as to reap, to send Close and to shut down, is not raced but by
//! a limit on its time, and can begin again where it was left.

mod departure;
mod handle;
mod interrupts;
mod late_output;
mod outcome;
mod patience;
mod relay;
mod run;
mod shutdown;
mod time_limits;
mod waiting;

pub use handle::{Handle, Meter, Traffic};
pub use outcome::{Ended, Summary};
pub use run::run;
pub use time_limits::SessionTimeouts;
