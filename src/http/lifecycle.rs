//! Lifecycle of the server, as far as handlers take part in it: [`LifecycleTokens`].

use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;

/// How handlers take part in the life of their server: what it waits for, and what it tells them. Clones
/// are the same.
#[derive(Debug, Clone, Default)]
pub struct LifecycleTokens {
    /// The tasks of all connections, sessions and scripts, which a stop waits for.
    pub tasks: Tasks,
    /// Cancelled when the server is about to stop: it is ready no more, though it still answers.
    pub leaving: CancellationToken,
    /// Cancelled when the server is stopping: sessions then end soon.
    pub drain: CancellationToken,
}
