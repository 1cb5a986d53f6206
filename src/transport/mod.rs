//! Transports: how a client's messages travel. A [`Client`] is two streams, whatever lies beneath.
//!
//! Guaranteed whatever the transport: `incoming` gives whole messages and then one [`Disconnect`];
//! `outgoing` keeps the order, and closing it lets the client read what it has not read yet. A transport
//! knows nothing of processes and nothing of HTTP.

mod answers;
pub mod body;
mod body_writer;
mod client;
pub mod events;
mod io_timeouts;
mod lingering_close;
mod presence;
pub mod websocket;

pub use client::{Client, Disconnect, Incoming, Outbound, Outgoing};
pub(crate) use io_timeouts::{Stalled, TimeoutStream};
pub use lingering_close::LingeringClose;
pub use presence::{Connectedness, ConnectionState, Presence};
