//! What one server is told about the requests that it answers: [`Options`].

use std::sync::Arc;

use super::{
    access::{Access, ConnectionLimits, Cors, ProcessLimit},
    pages::Router,
    response_headers::AddedHeaders,
    watch_options::WatchOptions,
};
use crate::recording::RecordDirectory;

/// Everything that one server is told about the requests it answers.
#[derive(Debug, Default)]
pub struct Options {
    /// Who answers, and on which terms.
    pub router: Router,
    /// To whom.
    pub access: Access,
    /// Whose pages may read files and the answers of scripts beside our own.
    pub cors: Option<Cors>,
    /// Programs at a time, of all routes together.
    pub processes: ProcessLimit,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// What is added to answers that are not opening handshakes.
    pub headers: AddedHeaders,
    /// Where sessions are recorded, if they are.
    pub record: Option<Arc<RecordDirectory>>,
    /// What is watched, if files are.
    pub watch: Option<WatchOptions>,
}
