//! CGI/1.1 (RFC 3875): an executable beneath a directory answers the requests that lead to it.
//!
//! It guarantees that no script outlives its request, that the client has the script's output as it
//! comes, and that an answer which breaks off does not look whole. Which URL leads to which script is
//! [`Root::find_script`]'s to say.

mod block;
mod body;
mod output;
mod pace;
mod pieces;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod relay;
mod response;
mod run;
mod runner;
mod turn;

use std::{future::Future, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    path::{Root, Script, UrlPath},
    service::Service,
};
use crate::backend::ProcessAttributes;
pub(super) use body::discard;
pub(super) use run::CLOSING_GRACE;
pub(super) use runner::{Answer, Ask, Runner};

/// What a script and its request may take.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Until a script's header is complete, and then between two pieces of its output, while it does not
    /// wait for its client; until the client sends the next piece of its body.
    pub timeout: Option<Duration>,
    /// The largest body of a request, in bytes.
    pub max_body: Option<u64>,
}

/// The scripts of one directory.
#[derive(Debug)]
pub struct Scripts {
    /// The path that they lie beneath; empty for the top.
    pub path: String,
    /// The directory.
    pub root: Arc<Root>,
    /// What each may take of time and bytes.
    pub limits: Limits,
    /// What each is held to.
    pub attributes: ProcessAttributes,
    /// The terms of each, as far as they are not a WebSocket's.
    pub service: Service,
}

impl Scripts {
    /// The script that a path leads to; one whose name is hidden, such as `.git/hooks/…`, is none.
    pub(super) async fn find(&self, path: &UrlPath) -> Option<Script> {
        let path = path.beneath(&self.path)?;
        let found = self.root.search_script(&path).await;
        let mut script = found.ok().filter(|script| !script.is_hidden())?;
        script.name.insert_str(0, &self.path);
        Some(script)
    }
}

/// What a future gives within a time, if there is one.
async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    match time {
        Some(time) => timeout(time, future).await.ok(),
        None => Some(future.await),
    }
}
