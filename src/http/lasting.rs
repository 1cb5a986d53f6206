//! Answers that may last: [`Lasting`].

/// In the extensions of a response: it is a session's, and may last. It is no turn of its connection, and a client of it
/// that does not answer any more is noticed by the kernel.
#[derive(Debug, Clone, Copy)]
pub struct Lasting;
