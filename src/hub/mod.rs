//! The hub: a broker (NATS or Redis) through which rooms of several machines meet.
//!
//! [`Hub`] publishes what is said in a room here, and delivers what is said in it elsewhere. It never waits, neither
//! for the broker nor for a member: what cannot be sent now is lost, and counted. What a room is, and who its members
//! are, is above; here it is a [`Name`].
//!
//! # How it works
//! One thread has one connection. What is published waits for it in one queue of bounded size (`exchange`), is taken in
//! batches, and a batch is done when the connection has no more of it to send. Each connection lives in an event loop of
//! its own, which ends with it: so whatever state the library is in, nothing that it holds is sent later. Its own
//! reconnecting is never used; `connection` makes another one, and subscribes all rooms anew.

mod connection;
mod credentials;
#[cfg(feature = "redis")]
mod echoes;
mod engine;
mod exchange;
mod failure;
mod figures;
mod interface;
mod name;
#[cfg(feature = "nats")]
mod nats;
mod options;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod tls;
mod url;

pub use credentials::Credentials;
pub use engine::lacking;
pub use figures::Figures;
pub use interface::{Hub, Subscription};
pub use name::{InvalidPrefix, Name, Prefix};
pub use options::{Authorities, HubOptions};
pub use url::{HubUrl, Scheme, without_secrets};
