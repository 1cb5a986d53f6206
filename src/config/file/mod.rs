//! The configuration file: TOML whose keys are the flags of the command line.
//!
//! A key becomes the flag that one would type for it, and stands before those that were typed, so that
//! what is typed wins; clap then parses both together. So there is one list of flags, one set of types and
//! one set of checks. A `[[route]]` table may have the flags of [`ProgramArgs`](crate::args::ProgramArgs),
//! and has those of the top where it has none of its own. What the file adds is the place of an error:
//! each key, and each value of a list, is kept with its line.

mod config_file;
mod keys;
mod section;
mod source;
mod value;

pub use config_file::File;
