//! The rooms' socket: by it processes of the same user, programs of wsd above all, speak and listen in rooms, without a
//! WebSocket.
//!
//! `socket` is the server's end, `dial` the other; `protocol` is what both say. Each end makes sure that the other
//! belongs to its own user.

mod connection;
mod dial;
mod peer;
mod protocol;
mod socket;

pub use dial::{DialError, Dialled, dial};
pub use protocol::{Purpose, Terms};
pub use socket::{RoomsSocket, SocketOptions};
