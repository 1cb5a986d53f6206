//! The life of a server: the tasks that it waits for, and the steps of its stop: [`Lifecycle`].

use std::{future::Future, time::Duration};

use tokio::time::timeout;
use tracing::{info, warn};

use crate::{http::LifecycleTokens, quantity::quantity};

/// What a stop allows on top of the sessions' own time for connections that are just being closed.
const CLOSING_GRACE: Duration = Duration::from_secs(2);

/// Runs, leaves, drains, has ended. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Lifecycle {
    /// What connections and handlers see of it.
    pub(super) tokens: LifecycleTokens,
}

impl Lifecycle {
    /// Runs a task that a stop waits for.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tokens.tasks.spawn(task);
    }

    /// Whether no task runs.
    pub(super) fn is_idle(&self) -> bool {
        self.tokens.tasks.is_empty()
    }

    /// Ready when all tasks have ended; to be called when no more are to come.
    ///
    /// Cancel safe: yes.
    pub(super) async fn wait_ended(&self) {
        self.tokens.tasks.wait_ended().await;
    }

    /// The first step of a stop: the server is ready no more, though it still answers.
    pub(super) fn leave(&self) {
        self.tokens.leaving.cancel();
    }

    /// The second: lets requests and sessions finish, for as long as they may take.
    ///
    /// Cancel safe: yes; the drain goes on, and nobody waits for it.
    pub(super) async fn drain(&self, limit: Duration) {
        self.tokens.drain.cancel();
        if !self.is_idle() {
            let open = self.open();
            info!("stopping: waiting for {open}; a second signal ends that now");
        }
        let limit = limit.saturating_add(CLOSING_GRACE);
        if timeout(limit, self.wait_ended()).await.is_err() {
            warn!("stopping: cut off {}", self.open());
        }
    }

    /// What has not ended, in words.
    fn open(&self) -> String {
        let tasks = &self.tokens.tasks;
        let amounts = [
            (tasks.connections(), "connection", "connections"),
            (tasks.shared_programs(), "shared program", "shared programs"),
        ];
        let amounts = amounts.iter().filter(|(number, ..)| *number > 0);
        let words: Vec<_> = amounts
            .map(|(number, one, many)| quantity(*number as u64, one, many))
            .collect();
        words.join(" and ")
    }
}
