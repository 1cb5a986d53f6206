//! The client's life: connects, joins, and tries again where that was asked for.

use std::{
    future::{Future, pending},
    io::{self, Write},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    backoff::Backoff,
    connect_error::ConnectError,
    dial,
    handshake::{self, HandshakeOptions, OpenWebSocket},
    outcome::{ConnectionEnd, Outcome},
    tls::ClientTls,
    url::Url,
};
use crate::{
    backend::{Backend, Environment, Linger, Resources, Stdio, StreamOptions, Target},
    connection::{ConnectionInfo, Endpoint},
    message::Close,
    room,
    session::{self, Handle, SessionTimeouts},
    timer::timeout,
    transport::websocket::{self, Role},
};

/// What a connection may take to come about, all addresses, the proxy and TLS together; and then the
/// answer to the opening handshake. Shorter would give up on slow lines, longer keeps who waits.
const CONNECTING: Duration = Duration::from_secs(10);

/// What nothing may have come for after the end of stdin: an answer takes no longer to come from the
/// other end of the world, and a shell that waits for this one does not wait long.
const LINGER: Linger = Linger::For(Duration::from_secs(1));

/// Whom to connect to what.
#[derive(Debug)]
pub struct Options {
    /// The server.
    pub url: Url,
    /// TLS, for a URL that wants it.
    pub tls: Option<ClientTls>,
    /// What the handshake says.
    pub handshake: HandshakeOptions,
    /// What is joined to the server.
    pub local_end: LocalEnd,
    /// What the WebSocket may do.
    pub websocket: websocket::Options,
    /// How long a session waits for what.
    pub timeouts: SessionTimeouts,
    /// Whether to try again when there is no connection, or none any more.
    pub reconnect: bool,
}

/// What is joined to the server at this end.
#[derive(Debug)]
pub enum LocalEnd {
    /// Our own stdin and stdout, and what becomes of a session after the end of stdin: without a word about
    /// that, it ends when nothing has come for a second.
    Stdio(StreamOptions, Option<Linger>),
    /// A program, one process a connection, and its environment.
    Program(Target, Environment, Box<Resources>),
}

/// Connects, and joins what came about, until it has ended for good or `stop` is cancelled: then the
/// session ends in order, and what is left of it when that has its time is the caller's to drop. Each connection
/// begins with `announcement` on stderr, for who sits at a terminal.
///
/// Cancel safe: no. Dropped before it is ready, it kills its program and drops the connection without a Close.
pub async fn run(
    options: &Options,
    announcement: Option<&str>,
    stop: &CancellationToken,
) -> Outcome {
    room::return_large_blocks();
    let end = match ClientLoop::new(options, announcement) {
        Ok(joint) => joint.run(stop).await,
        Err(error) => ConnectionEnd::from(ConnectError::Stdio(error)),
    };
    end.outcome(&options.url)
}

/// One client with its local end.
struct ClientLoop<'a> {
    options: &'a Options,
    announcement: Option<&'a str>,
    stdio: Option<Stdio>,
}

impl<'a> ClientLoop<'a> {
    fn new(options: &'a Options, announcement: Option<&'a str>) -> io::Result<Self> {
        let stdio = match &options.local_end {
            LocalEnd::Stdio(streams, linger) => {
                Some(Stdio::new(*streams, linger.unwrap_or(LINGER))?)
            }
            LocalEnd::Program(..) => None,
        };
        Ok(ClientLoop {
            options,
            announcement,
            stdio,
        })
    }

    async fn run(&self, stop: &CancellationToken) -> ConnectionEnd {
        let mut backoff = Backoff::default();
        loop {
            let start = Instant::now();
            let end = self.connect_once(stop).await;
            let is_done = self.stdio.as_ref().is_some_and(Stdio::is_done);
            if !(self.options.reconnect && end.may_pass) || is_done || stop.is_cancelled() {
                return end;
            }
            let wait = backoff.next(start.elapsed());
            let (url, reason) = (&self.options.url, end.reason());
            warn!(
                "{url}: {reason}; trying again in {:.1} s",
                wait.as_secs_f64()
            );
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return end,
            }
        }
    }

    async fn connect_once(&self, stop: &CancellationToken) -> ConnectionEnd {
        let opened = tokio::select! {
            opened = self.open() => opened,
            () = stop.cancelled() => return ConnectionEnd::interrupted(),
        };
        match opened {
            Ok(opened) => match self.join(opened, stop).await {
                Ok(end) => end,
                Err(failure) => failure.into(),
            },
            Err(failure) => failure.into(),
        }
    }

    async fn open(&self) -> Result<OpenWebSocket, ConnectError> {
        let Options {
            url,
            tls,
            handshake: offered,
            ..
        } = self.options;
        let stream = in_time("no connection", dial::dial(url, tls.as_ref())).await?;
        let handshake = handshake::handshake(stream, url, offered);
        in_time("no answer to the opening handshake", handshake).await
    }

    /// The session.
    async fn join(
        &self,
        opened: OpenWebSocket,
        stop: &CancellationToken,
    ) -> Result<ConnectionEnd, ConnectError> {
        let subprotocol = opened.subprotocol.as_deref();
        let compression = opened.compression.as_ref();
        let extension = compression.map(|agreed| agreed.to_string());
        info!(subprotocol, extension, "connected to {}", self.options.url);
        let backend = self.open_local_end(subprotocol).await?;
        self.announce().await;
        let (stream, read_ahead) = (opened.stream, opened.read_ahead);
        let options = &self.options.websocket;
        let server = websocket::open_watched(
            stream,
            read_ahead,
            Role::Client,
            options,
            compression,
            |stream| Some(dial::underlying(stream)),
        );
        // Its parent is nobody, since what is said to the server is said by `end`.
        let handle = Handle::new(&CancellationToken::new());
        let interruption = async {
            stop.cancelled().await;
            handle.end(Close::new(Close::GOING_AWAY, "the client was interrupted"));
            pending().await
        };
        let session = async {
            let (summary, lingering) =
                session::run(server, backend, &self.options.timeouts, &handle).await;
            // What the server has not read yet would be lost with this process.
            if let Some(lingering) = lingering {
                lingering.finish().await;
            }
            summary
        };
        let summary = tokio::select! {
            summary = session => summary,
            end = interruption => return Ok(end),
        };
        let (received, sent) = handle.traffic();
        info!(
            messages_in = received.messages,
            bytes_in = received.bytes,
            messages_out = sent.messages,
            bytes_out = sent.bytes,
            code = summary.ended.close().code,
            "disconnected"
        );
        let failure = self.stdio.as_ref().and_then(Stdio::take_failure);
        Ok(match failure {
            Some(failure) => ConnectionEnd::local(failure.to_string()),
            None if self.left_unheard() => ConnectionEnd::of(&summary).unheard(),
            None => ConnectionEnd::of(&summary),
        })
    }

    /// On a thread of its own, since a terminal may be held (Ctrl-S) while a signal comes.
    async fn announce(&self) {
        if let Some(line) = self.announcement.map(|line| format!("{line}\n")) {
            // Who closes stderr wants to know nothing.
            let _ = spawn_blocking(move || io::stderr().write_all(line.as_bytes())).await;
        }
    }

    /// Whether this end went for want of a stdin, and nobody had said that it should.
    fn left_unheard(&self) -> bool {
        let is_default = matches!(self.options.local_end, LocalEnd::Stdio(_, None));
        is_default && self.stdio.as_ref().is_some_and(Stdio::ended_unheard)
    }

    async fn open_local_end(&self, subprotocol: Option<&str>) -> Result<Backend, ConnectError> {
        match (&self.options.local_end, &self.stdio) {
            (LocalEnd::Program(target, environment, resources), _) => {
                let mut environment = environment.clone();
                if let Some(name) = subprotocol {
                    environment.push(("WS_PROTOCOL".into(), name.into()));
                }
                // It has no client of its own.
                let nobody = Endpoint::Unix(None);
                let client = ConnectionInfo::new(nobody, nobody);
                let opened = target.open(resources, &environment, &client).await;
                opened.map_err(|error| ConnectError::Program(error.into()))
            }
            (LocalEnd::Stdio(..), Some(stdio)) => stdio.open().map_err(ConnectError::Stdio),
            (LocalEnd::Stdio(..), None) => unreachable!("made by `new`"),
        }
    }
}

async fn in_time<T>(
    what: &'static str,
    step: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    match timeout(CONNECTING, step).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ConnectError::TimedOut(what, CONNECTING)),
    }
}
