//! Redis, by the crate of this name: publish and subscribe on one connection (RESP3).
//!
//! The library gets a socket that is connected, and is driven by a task here: so it neither reconnects nor has times of
//! its own.
//!
//! What is published comes back, and is told apart from what others say by [`Echoes`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use redis::{
    AsyncConnectionConfig, ErrorKind, ProtocolVersion, PushInfo, PushKind, RedisConnectionInfo,
    RedisError, Value, aio::MultiplexedConnection,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};
use tokio_util::either::Either;
use tracing::warn;

use super::{
    credentials::Credentials,
    echoes::Echoes,
    exchange::{Command, Exchange},
    failure::Failure,
    name::Name,
    options::HubOptions,
    tls,
};
use crate::tls_failure::TlsFailure;

/// After so long without a word the operating system looks whether the other end is there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// A connection to Redis.
pub(super) struct Redis {
    connection: MultiplexedConnection,
    exchange: Arc<Exchange>,
    echoes: Arc<Mutex<Echoes>>,
    /// The channel of this connection alone, in which it marks its batches.
    marks: Name,
    is_error_told: AtomicBool,
    lost: watch::Receiver<()>,
}

impl Redis {
    /// Redis' own limit, of which there is no way to ask (`proto-max-bulk-len`).
    pub(super) const LONGEST_MESSAGE: usize = 512 << 20;

    pub(super) async fn connect(
        options: &HubOptions,
        exchange: &Arc<Exchange>,
    ) -> Result<Self, Failure> {
        let stream = dial(options).await?;
        let echoes = Arc::new(Mutex::new(Echoes::with_first_mark()));
        let marks = Name::of_no_room(&options.prefix);
        let (receiver, own, mark) = (Arc::clone(exchange), Arc::clone(&echoes), marks.clone());
        let receive = move |push: PushInfo| {
            if let PushKind::Message = push.kind
                && let [Value::BulkString(channel), Value::BulkString(payload)] = &push.data[..]
                && let Ok(channel) = std::str::from_utf8(channel)
            {
                if channel == mark.as_str() {
                    own.lock().begin();
                } else if !own.lock().take(channel, payload) {
                    receiver.deliver(channel, payload);
                }
            }
            Ok::<(), std::convert::Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None)
            .set_push_sender(receive);
        let connecting =
            MultiplexedConnection::new_with_config(&login(options), stream, config).await;
        let (mut connection, driver) = connecting.map_err(|error| failure(&error))?;
        let (ends, lost) = watch::channel(());
        tokio::spawn(async move {
            driver.await;
            drop(ends);
        });
        let mut commands = redis::Pipeline::new();
        commands.cmd("SUBSCRIBE").arg(marks.as_str());
        commands.cmd("PUBLISH").arg(marks.as_str()).arg("");
        let answers = connection.send_packed_commands(&commands, 0, 2).await;
        let answers = answers.map_err(|error| failure(&error))?;
        let is_refused = |answer| matches!(answer, &Value::ServerError(_));
        if answers.iter().any(is_refused) {
            *echoes.lock() = Echoes::default();
        }
        Ok(Redis {
            connection,
            exchange: Arc::clone(exchange),
            echoes,
            marks,
            is_error_told: AtomicBool::new(false),
            lost,
        })
    }

    pub(super) async fn send(&self, batch: &[Command]) -> Result<(), Failure> {
        let mut commands = redis::Pipeline::with_capacity(batch.len() + 1);
        let is_marked = self.echoes.lock().expect(batch);
        if is_marked {
            commands.cmd("PUBLISH").arg(self.marks.as_str()).arg("");
        }
        for command in batch {
            let (verb, name) = match command {
                Command::Publish(name, _) => ("PUBLISH", name),
                Command::Subscribe(name) => ("SUBSCRIBE", name),
                Command::Unsubscribe(name) => ("UNSUBSCRIBE", name),
            };
            commands.cmd(verb).arg(name.as_str());
            if let Command::Publish(_, payload) = command {
                commands.arg(&payload[..]);
            }
        }
        let mut connection = self.connection.clone();
        let sent = usize::from(is_marked) + batch.len();
        let answers = connection.send_packed_commands(&commands, 0, sent);
        let answers = answers.await.map_err(|error| failure(&error))?;
        let answers = answers.get(usize::from(is_marked)..).unwrap_or_default();
        self.check(batch, answers);
        Ok(())
    }

    /// A user may be forbidden some channels.
    fn check(&self, batch: &[Command], answers: &[Value]) {
        for (command, answer) in batch.iter().zip(answers) {
            let Value::ServerError(error) = answer else {
                continue;
            };
            if !self.is_error_told.swap(true, Ordering::Relaxed) {
                warn!("the hub complains: {error}");
            }
            self.echoes.lock().forget(command);
            if command.is_publish() {
                self.exchange.refuse();
            }
        }
    }

    pub(super) async fn probe(&self) -> Result<(), Failure> {
        let mut connection = self.connection.clone();
        let ping = redis::cmd("PING");
        let answer = connection.send_packed_command(&ping);
        answer.await.map(|_| ()).map_err(|error| failure(&error))
    }

    pub(super) async fn lost(&self) -> Failure {
        let mut lost = self.lost.clone();
        while lost.changed().await.is_ok() {}
        Failure::new("the connection was closed")
    }
}

fn failure(error: &RedisError) -> Failure {
    match error.kind() {
        ErrorKind::AuthenticationFailed => Failure::Refused,
        // The library's words for that have several lines.
        ErrorKind::Parse => Failure::new("it does not speak Redis"),
        _ if matches!(error.code(), Some("WRONGPASS" | "NOAUTH")) => Failure::Refused,
        _ => Failure::of(error),
    }
}

fn login(options: &HubOptions) -> RedisConnectionInfo {
    let login = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("wsd", env!("CARGO_PKG_VERSION"));
    match &options.credentials {
        Some(Credentials::User { user, password }) => {
            login.set_username(user).set_password(password)
        }
        Some(Credentials::Token(token)) => login.set_password(token),
        None => login,
    }
}

async fn dial(options: &HubOptions) -> Result<Either<TcpStream, TlsStream<TcpStream>>, Failure> {
    let failed = |error: std::io::Error| Failure::of(&error);
    let url = &options.url;
    let socket = TcpStream::connect((&*url.host, url.port)).await;
    let socket = socket.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    SockRef::from(&socket)
        .set_tcp_keepalive(&keepalive)
        .map_err(failed)?;
    if !url.scheme.is_tls() {
        return Ok(Either::Left(socket));
    }
    let config = tls::config(options.authorities.as_ref()).map_err(Failure::Other)?;
    let name = ServerName::try_from(url.host.clone()).map_err(|error| Failure::of(&error))?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, socket);
    let failed = |error| Failure::new(format!("TLS: {}", TlsFailure::in_handshake(&error)));
    Ok(Either::Right(connected.await.map_err(failed)?))
}
