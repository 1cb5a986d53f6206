//! Recordings: a session in a file, as JSON, a line for each message, and how such a file is read again.
//!
//! The first line says which session it was ([`Header`]), each further one is an [`Entry`]: a message with its time and
//! direction, or the Close, which is the last. A [`Recorder`] writes files without ever making a session wait, a
//! [`Playback`] reads one.

mod directory;
mod entry;
mod header;
mod open_file;
mod playback;
mod recorder;
mod writer;

pub use directory::RecordDirectory;
pub use entry::{Direction, Entry};
pub use header::{Header, Source, TERMINAL};
pub use playback::{Malformed, Playback};
pub use recorder::{Recorder, Recording};
