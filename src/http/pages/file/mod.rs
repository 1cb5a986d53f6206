//! Static files: GET and HEAD of what lies beneath a root (RFC 9110 §9.3).
//!
//! Opening, looking at and reading a file may wait for a disk, which a worker of the runtime must not. So
//! the worker asks the kernel for no more than it has in memory ([`Reach`](super::root::Reach)), which is
//! nearly always all; else the whole answer is made in one visit to a blocking thread. What is larger than
//! one read follows piece by piece. Who may ask is checked before; which path is no path at all, in
//! [`url_path`](crate::http::url_path).

mod answer;
mod body;
mod content_type;
mod description;
#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod file_systems;
mod files;
mod listing;
mod lookup;
mod negotiation;
mod open_file_cache;
mod packed;
mod range;
mod representation;
mod residency;

pub(in crate::http) use answer::answer;
pub use content_type::{MimeRule, MimeTypes};
pub use files::{FileOptions, Files};
