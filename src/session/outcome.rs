//! How a session ended, for the log, the figures and the client.

use std::process::ExitStatus;

use crate::message::Close;

/// Which side ended a session, and how the client was or would be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The program ended; the code says how ([`close_for`](crate::backend::close_for)).
    ByBackend(Close),
    /// The client closed, or its connection was lost (code 1006).
    ByClient(Close),
    /// The gateway ended it: a limit, a broken rule, a drain.
    ByServer(Close),
}

impl Ended {
    /// The close that ended the session.
    pub fn close(&self) -> &Close {
        match self {
            Ended::ByBackend(close) | Ended::ByClient(close) | Ended::ByServer(close) => close,
        }
    }

    /// Whether the client had gone without a Close, and can be told nothing.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Ended::ByClient(close) if close.code == Close::ABNORMAL)
    }

    /// Who ended it, in one word for the log.
    pub fn side(&self) -> &'static str {
        match self {
            Ended::ByBackend(_) => "program",
            Ended::ByClient(_) => "client",
            Ended::ByServer(_) => "server",
        }
    }
}

/// What there is to say of a session that has ended.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Who ended it, and with which close.
    pub ended: Ended,
    /// The program's exit status, where there is a process.
    pub exit: Option<ExitStatus>,
    /// Output came when the program ended, or its input, and none before: it may have been written long before.
    pub came_at_end: bool,
}
