//! `--connect`, and what goes with it: a client, ready to connect.

mod handshake;
mod options;
mod tls;

pub use options::Client;
