//! What all handlers of one server share, those of before and after a reload.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    access::{Connections, ProcessLimit},
    metrics::Metrics,
    websocket::Registry,
};
use crate::backend::Spawner;

/// How handlers take part in the life of their server: what it waits for, and what it tells them. Clones
/// are the same.
#[derive(Debug, Clone, Default)]
pub struct LifecycleTokens {
    /// The tasks of all connections, sessions and scripts, which a stop waits for.
    pub tasks: TaskTracker,
    /// Cancelled when the server is about to stop: it is ready no more, though it still answers.
    pub leaving: CancellationToken,
    /// Cancelled when the server is stopping: sessions then end soon.
    pub drain: CancellationToken,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) spawner: Spawner,
    /// Programs at a time, of all routes together.
    pub(super) processes: ProcessLimit,
    /// The tasks of all connections, sessions and scripts.
    pub(super) tasks: TaskTracker,
    /// Cancelled when the server is about to stop: it is ready no more.
    pub(super) leaving: CancellationToken,
    /// Cancelled when the server is stopping: sessions then end soon.
    pub(super) drain: CancellationToken,
    pub(super) metrics: Arc<Metrics>,
    pub(super) registry: Arc<Registry>,
    pub(super) connections: Arc<Connections>,
}

impl State {
    /// For a new server.
    pub(super) fn new(spawner: Spawner, processes: ProcessLimit, tokens: LifecycleTokens) -> Self {
        State {
            spawner,
            processes,
            tasks: tokens.tasks,
            leaving: tokens.leaving,
            drain: tokens.drain,
            metrics: Arc::default(),
            registry: Arc::default(),
            connections: Arc::default(),
        }
    }
}
