//! A WebSocket's byte stream without the layers that only HTTP needs: [`Detach`].

use hyper::upgrade::Upgraded;

use crate::transport::{
    Client,
    websocket::{Options, deflate::Negotiated},
};

/// Makes a client of a connection that has become a WebSocket: takes its byte stream out of what HTTP has laid
/// over it, with what was read ahead. Only whoever serves the connection knows what that is, and tells its requests
/// ([`OwnConnection`](crate::http::OwnConnection)); without it messages pass all of it. Gives back what is not as it
/// expects.
#[derive(Debug, Clone, Copy)]
pub struct Detach(pub fn(Upgraded, &Options, Option<&Negotiated>) -> Result<Client, Upgraded>);
