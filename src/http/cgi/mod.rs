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
mod relay;
mod response;
mod run;
mod runner;
mod turn;

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::path::{Reach, Root, Script, UrlPath};
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
    root: Arc<Root>,
    limits: Limits,
}

impl Scripts {
    /// The scripts beneath a root.
    pub fn new(root: Arc<Root>, limits: Limits) -> Self {
        Scripts { root, limits }
    }

    /// The script that a path leads to; one whose name is hidden, such as `.git/hooks/…`, is none.
    pub(super) async fn find(&self, path: &UrlPath) -> Option<Script> {
        let found = match self.root.find_script(path, Reach::Memory) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let (root, path) = (Arc::clone(&self.root), path.clone());
                spawn_blocking(move || root.find_script(&path, Reach::Disk))
                    .await
                    .ok()?
            }
            found => found,
        };
        found.ok().filter(|script| !script.is_hidden())
    }
}

/// What a future gives within a time, if there is one.
async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    match time {
        Some(time) => timeout(time, future).await.ok(),
        None => Some(future.await),
    }
}
