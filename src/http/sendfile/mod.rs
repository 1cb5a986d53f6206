//! Files that the kernel sends by itself (sendfile(2)), through hyper, which knows bytes only: [`SendfileQueue`]
//! is the body's end of it, [`SendfileStream`] the socket's.

mod queue;
mod stream;

pub(in crate::http) use queue::PIECE;
pub use queue::SendfileQueue;
pub use stream::SendfileStream;
