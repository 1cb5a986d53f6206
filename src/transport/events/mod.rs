//! A client by an event stream (HTML Standard §9.2, "Server-sent events"): what goes are events, what comes is what
//! others hand in for it.
//!
//! Guaranteed: messages are numbered from 1 on, and who comes again says which he has seen; what a client that was lost
//! has yet to be sent waits in a ring, the session behind that. Whoever writes the stream has [`Events`], whoever takes
//! requests for it a [`Channel`]. Both know nothing of each other.

mod channel;
mod client;
mod event;
mod input;
mod ring;
mod state;
mod stream;

pub use channel::{Channel, Ended};
pub use client::{Opening, open};
pub use event::InputForm;
pub use input::InputRefused;
pub use ring::BadPosition;
pub use stream::Events;
