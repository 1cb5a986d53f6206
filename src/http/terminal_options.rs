//! Options of a terminal: what its page and its sessions have in common.

/// A route whose program is a terminal for each client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Whether what clients type reaches nobody.
    pub is_readonly: bool,
}
