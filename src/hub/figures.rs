//! What is counted of a hub: [`Figures`].

/// What has happened, for those who watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Whether there is a connection.
    pub is_connected: bool,
    /// How often there was one again.
    pub reconnects: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// Messages that came.
    pub received: u64,
    /// Messages that were not sent, or not surely, or came faster than they could be taken.
    pub lost: u64,
    /// Messages that were too long for the broker.
    pub too_long: u64,
}
