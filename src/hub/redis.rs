//! Redis, by the crate of this name: publish and subscribe on one connection (RESP3).
//!
//! The library gets a socket that is connected, and is driven by a task here: so it neither reconnects nor has times of
//! its own.
//!
//! # Own messages
//! Redis sends what is published in a channel to all who subscribe it, the publisher too, in one order for all. So what
//! was published while the channel was subscribed comes back on the same connection, in the order in which it was
//! published: what comes is our own if it is the same as the first that has not come back. (Is it the same by
//! chance, then ours comes later, and is taken for the other: nobody can tell.)

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
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
    exchange::{Command, Exchange},
    failure::Failure,
    name::Name,
    options::HubOptions,
    tls,
};

/// After so long without a word the operating system looks whether the other end is there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// A connection to Redis.
pub(super) struct Redis {
    connection: MultiplexedConnection,
    exchange: Arc<Exchange>,
    echoes: Arc<Mutex<Echoes>>,
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
        let echoes = Arc::new(Mutex::new(Echoes::default()));
        let (receiver, own) = (Arc::clone(exchange), Arc::clone(&echoes));
        let receive = move |push: PushInfo| {
            if let PushKind::Message = push.kind
                && let [Value::BulkString(channel), Value::BulkString(payload)] = &push.data[..]
                && let Ok(channel) = std::str::from_utf8(channel)
                && !own.lock().take(channel, payload)
            {
                receiver.deliver(channel, payload);
            }
            Ok::<(), std::convert::Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None)
            .set_push_sender(receive);
        let connecting =
            MultiplexedConnection::new_with_config(&login(options), stream, config).await;
        let (connection, driver) = connecting.map_err(|error| failure(&error))?;
        let (ends, lost) = watch::channel(());
        tokio::spawn(async move {
            driver.await;
            drop(ends);
        });
        Ok(Redis {
            connection,
            exchange: Arc::clone(exchange),
            echoes,
            lost,
        })
    }

    pub(super) async fn send(&self, batch: &[Command]) -> Result<(), Failure> {
        let mut commands = redis::Pipeline::with_capacity(batch.len());
        {
            let mut echoes = self.echoes.lock();
            for command in batch {
                echoes.expect(command);
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
        }
        let mut connection = self.connection.clone();
        let answers = connection.send_packed_commands(&commands, 0, batch.len());
        let answers = answers.await.map_err(|error| failure(&error))?;
        self.check(batch, &answers);
        Ok(())
    }

    /// A user may be forbidden some channels.
    fn check(&self, batch: &[Command], answers: &[Value]) {
        for (command, answer) in batch.iter().zip(answers) {
            let Value::ServerError(error) = answer else {
                continue;
            };
            let mut echoes = self.echoes.lock();
            if !std::mem::replace(&mut echoes.is_error_told, true) {
                warn!("the hub complains: {error}");
            }
            echoes.forget(command);
            if command.is_publish() {
                self.exchange.count_lost();
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
    Ok(Either::Right(connected.await.map_err(failed)?))
}

/// What was published, and comes back.
#[derive(Default)]
struct Echoes {
    subscribed: HashSet<Name>,
    own: HashMap<Name, VecDeque<Bytes>>,
    is_error_told: bool,
}

impl Echoes {
    /// A command is sent, behind all others.
    fn expect(&mut self, command: &Command) {
        match command {
            Command::Subscribe(name) => {
                self.subscribed.insert(name.clone());
            }
            Command::Unsubscribe(name) => {
                self.subscribed.remove(name);
            }
            Command::Publish(name, payload) => {
                if self.subscribed.contains(name) {
                    let own = self.own.entry(name.clone()).or_default();
                    own.push_back(payload.clone());
                }
            }
        }
    }

    /// A command was refused.
    fn forget(&mut self, command: &Command) {
        match command {
            Command::Subscribe(name) => {
                self.subscribed.remove(name);
                self.own.remove(name);
            }
            Command::Unsubscribe(_) => {}
            Command::Publish(name, payload) => {
                let Some(own) = self.own.get_mut(name) else {
                    return;
                };
                let same = |other: &Bytes| other.as_ptr() == payload.as_ptr() && other == payload;
                if let Some(at) = own.iter().position(same) {
                    own.remove(at);
                }
            }
        }
    }

    /// Whether what comes is our own.
    fn take(&mut self, channel: &str, payload: &[u8]) -> bool {
        let Some(own) = self.own.get_mut(channel) else {
            return false;
        };
        let is_own = own.front().is_some_and(|first| first == payload);
        if is_own {
            own.pop_front();
            if own.is_empty() {
                self.own.remove(channel);
            }
        }
        is_own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::name::Prefix;

    fn name() -> Name {
        let prefix: Prefix = "wsd".parse().expect("a word");
        Name::of(&prefix, "/a")
    }

    fn publish(text: &'static str) -> Command {
        Command::Publish(name(), Bytes::from_static(text.as_bytes()))
    }

    fn takes(echoes: &mut Echoes, texts: &[&str]) -> Vec<bool> {
        let takes = texts
            .iter()
            .map(|text| echoes.take("wsd.a", text.as_bytes()));
        takes.collect()
    }

    #[test]
    fn own_messages_are_known_among_others() {
        let mut echoes = Echoes::default();
        echoes.expect(&publish("before"));
        echoes.expect(&Command::Subscribe(name()));
        for text in ["1", "2", "2"] {
            echoes.expect(&publish(text));
        }
        let came = ["x", "1", "before", "2", "1", "2", "2"];
        let own = [false, true, false, true, false, true, false];
        assert_eq!(takes(&mut echoes, &came), own);
        assert!(echoes.own.is_empty());
    }

    #[test]
    fn what_was_published_before_the_end_of_a_subscription_still_comes() {
        let mut echoes = Echoes::default();
        echoes.expect(&Command::Subscribe(name()));
        echoes.expect(&publish("1"));
        echoes.expect(&Command::Unsubscribe(name()));
        echoes.expect(&publish("2"));
        assert_eq!(takes(&mut echoes, &["1", "2"]), [true, false]);
    }

    #[test]
    fn what_was_refused_does_not_come() {
        let mut echoes = Echoes::default();
        echoes.expect(&Command::Subscribe(name()));
        let refused = publish("1");
        echoes.expect(&refused);
        echoes.expect(&publish("2"));
        echoes.forget(&refused);
        assert_eq!(takes(&mut echoes, &["1", "2"]), [false, true]);
    }
}
