//! A client, as a session sees one: messages that come, messages and more that go.

use std::{future, io, pin::Pin, sync::Arc};

use futures_util::{Sink, SinkExt, Stream, sink, stream};

use super::presence::Presence;
use crate::{
    message::{Close, Message, Shared},
    wire::Wire,
};

/// What the client sends: messages, and then the one reason why there are no more.
pub type Incoming = Pin<Box<dyn Stream<Item = Result<Message, Disconnect>> + Send>>;

/// What the client is sent. Closing the sink shuts the connection down without destroying what the
/// client has not read yet (the lingering close). One that has failed may be asked again, and closed: it fails again, or
/// does what is left to be done.
pub type Outgoing = Pin<Box<dyn Sink<Outbound, Error = io::Error> + Send>>;

/// One client.
pub struct Client {
    /// What it sends.
    pub incoming: Incoming,
    /// What it is sent.
    pub outgoing: Outgoing,
    /// Whether it is still there, while it is not read.
    pub presence: Presence,
    /// What is said to many may be written to this beside the session, where that is given one that takes it. Whatever
    /// else would see what is sent does without.
    pub wire: Option<Wire>,
}

impl Client {
    /// A client whose connection was lost before it could say anything.
    pub fn lost(error: io::Error) -> Self {
        Client {
            incoming: Box::pin(stream::once(future::ready(Err(Disconnect::Lost(error))))),
            outgoing: Box::pin(sink::drain().sink_map_err(|never| match never {})),
            presence: Presence::unknown(),
            wire: None,
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

/// What a client can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    /// A message of the program.
    Message(Message),
    /// One of those that it says to many.
    Shared(Arc<Shared>),
    /// A sign of life that asks for one (RFC 6455 §5.5.2).
    Keepalive,
    /// The end. A close that may not be sent goes out without a code.
    Close(Close),
}

/// Why no more messages come from a client.
#[derive(Debug)]
pub enum Disconnect {
    /// It says nothing more, and listens on; what ends that comes behind this.
    InputEnded,
    /// It sent Close; the answer is on its way.
    Closed(Close),
    /// It broke the protocol or a limit, and is to be sent this.
    Violation(Close),
    /// It has shut its direction of the connection, and what it sent before that waits to be read: told by
    /// who asks for its [`Presence`], never by `incoming`.
    Departed,
    /// The connection ended without a Close, or has been silent for too long.
    Lost(io::Error),
}
