//! A client whose session is recorded: what it sends and is sent passes on as it is, and into a file.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Sink, StreamExt};

use tracing_subscriber::fmt::{
    format::Writer,
    time::{FormatTime, SystemTime},
};
use uuid::Uuid;

use crate::{
    backend::{Pty, Target},
    recording::{Direction, Header, Recording, Source, TERMINAL},
    transport::{Client, Outbound, Outgoing},
};

/// What the recording of a session begins with.
pub(super) fn header_of(id: Uuid, uri: &str, target: &Target) -> Header {
    let mut start = String::new();
    // As the log has it. It cannot fail: a string takes everything.
    let _ = SystemTime.format_time(&mut Writer::new(&mut start));
    let source = match target {
        Target::Program(program, ..) => {
            let words = program.arguments.iter();
            Source::Command(
                words
                    .map(|word| word.to_string_lossy().into_owned())
                    .collect(),
            )
        }
        Target::Socket(socket) => Source::Target(socket.address.to_string()),
        Target::Room(room) => Source::Target(room.name.clone()),
    };
    Header {
        session: id.to_string(),
        start,
        uri: uri.to_owned(),
        source,
        framing: match target.pty() {
            Pty::Terminal { .. } => TERMINAL.to_owned(),
            _ => target.framing().name().to_owned(),
        },
    }
}

/// The same client, recorded.
pub(super) async fn record(
    client: impl Future<Output = Client>,
    recording: Arc<Recording>,
) -> Client {
    let client = client.await;
    let received = Arc::clone(&recording);
    let incoming = client.incoming.inspect(move |item| {
        if let Ok(message) = item {
            received.message(Direction::In, message);
        }
    });
    Client {
        incoming: Box::pin(incoming),
        outgoing: Box::pin(Recorded {
            outgoing: client.outgoing,
            recording: Some(recording),
        }),
        presence: client.presence,
        wire: None,
    }
}

/// A sink that records what is fed to it.
struct Recorded {
    outgoing: Outgoing,
    /// `None` behind the end, for which a client may take its time.
    recording: Option<Arc<Recording>>,
}

impl Sink<Outbound> for Recorded {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.as_mut().poll_ready(context)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outbound) -> io::Result<()> {
        let message = match &item {
            Outbound::Message(message) => Some(message),
            Outbound::Shared(shared) => Some(shared.message()),
            Outbound::Keepalive | Outbound::Close(_) => None,
        };
        if let (Some(message), Some(recording)) = (message, &self.recording) {
            recording.message(Direction::Out, message);
        }
        self.outgoing.as_mut().start_send(item)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.as_mut().poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.recording = None;
        self.outgoing.as_mut().poll_close(context)
    }
}
