//! File watching: which of some files and directories have changed, burst by burst ([`FileWatcher`]).
//!
//! # How it works
//! The kernel tells of changes in directories (inotify(7), kqueue(2)), by a thread of the `notify` crate: in those that
//! are watched, with all beneath them, and in those that watched files lie in, for editors put another file in the place
//! of the one that was edited. What else lies there is passed over. What the kernel does not tell is found by a look once
//! a second: a directory that has gone and come back, a link that leads elsewhere, a file system without events.

mod directories;
mod events;
mod names;
mod own_output;
mod watched;
mod watcher;

pub use watcher::{FileWatcher, WatchError};
