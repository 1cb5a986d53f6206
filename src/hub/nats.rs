//! NATS, by async-nats.
//!
//! The library reconnects by itself, and meanwhile keeps up to 2,048 messages, which it would send seconds later. That
//! cannot be switched off; but what it does after a loss is to wait as long as it is told, and the event loop that it
//! waits in ends before.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerError, connection::State};
use futures_util::StreamExt;
use tokio::{sync::watch, task::AbortHandle};
use tracing::warn;

use super::{
    credentials::Credentials,
    exchange::{Command, Exchange},
    failure::Failure,
    name::Name,
    options::HubOptions,
};

/// The third ping without an answer is the end: thirty seconds.
const PING: Duration = Duration::from_secs(10);
/// What waits in one room's queue, in messages: more than one turn of the event loop can read, after which they are
/// delivered. What does not fit the library drops.
const ROOM_QUEUE: usize = 64 * 1024;
/// What is read at once, in bytes; a turn of the event loop reads 128 times as much at most.
const READ_BUFFER: u16 = 8 * 1024;
/// What the library waits before it reconnects: longer than its event loop lives after the loss.
const NEVER: Duration = Duration::from_secs(3600);
/// What one address of the broker gets; the whole attempt has a time of its own.
const ONE_ADDRESS: Duration = Duration::from_secs(5);

/// What the broker's complaint begins with about a message that this user may not publish.
const REFUSED: &str = "permissions violation for publish";

/// How a connection ends whose library says no more.
const CLOSED: &str = "the connection was closed";

/// A connection to NATS.
pub(super) struct Nats {
    client: Client,
    exchange: Arc<Exchange>,
    /// The tasks that deliver what is said in a room.
    rooms: RefCell<HashMap<Name, AbortHandle>>,
    lost: watch::Receiver<Option<Failure>>,
}

impl Nats {
    pub(super) async fn connect(
        options: &HubOptions,
        exchange: &Arc<Exchange>,
    ) -> Result<Self, Failure> {
        let (tell, lost) = watch::channel(None);
        let url = &options.url;
        let address = format!("{}://{}", url.scheme.as_str(), url.authority());
        let connecting = connect_options(options, exchange, tell).connect(address);
        let client = connecting.await.map_err(|error| match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                Failure::Refused
            }
            _ => Failure::of(&error),
        })?;
        Ok(Nats {
            client,
            exchange: Arc::clone(exchange),
            rooms: RefCell::default(),
            lost,
        })
    }

    pub(super) fn longest_message(&self) -> usize {
        self.client.server_info().max_payload
    }

    pub(super) async fn send(&self, batch: &[Command]) -> Result<(), Failure> {
        for command in batch {
            match command {
                Command::Publish(name, payload) => {
                    let published = self.client.publish(name.to_string(), payload.clone());
                    published.await.map_err(|error| Failure::of(&error))?;
                }
                Command::Subscribe(name) => self.subscribe(name).await?,
                Command::Unsubscribe(name) => {
                    if let Some(task) = self.rooms.borrow_mut().remove(name) {
                        // Drops the library's end, which unsubscribes.
                        task.abort();
                    }
                }
            }
        }
        // Without a batch to be sent there is none to be flushed, and the library would say so at once.
        self.client
            .flush()
            .await
            .map_err(|error| Failure::of(&error))
    }

    async fn subscribe(&self, name: &Name) -> Result<(), Failure> {
        let subscribed = self.client.subscribe(name.to_string()).await;
        let mut messages = subscribed.map_err(|error| Failure::of(&error))?;
        let exchange = Arc::clone(&self.exchange);
        let of_room = name.clone();
        let task = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                exchange.deliver(of_room.as_str(), &message.payload);
            }
        });
        let before = self
            .rooms
            .borrow_mut()
            .insert(name.clone(), task.abort_handle());
        before.iter().for_each(AbortHandle::abort);
        Ok(())
    }

    /// The library pings by itself, but what it tells of a loss may be dropped where it has much to tell.
    pub(super) fn probe(&self) -> Result<(), Failure> {
        match self.client.connection_state() {
            State::Disconnected => Err(Failure::new(CLOSED)),
            State::Connected | State::Pending => Ok(()),
        }
    }

    pub(super) async fn lost(&self) -> Failure {
        let mut lost = self.lost.clone();
        let failure = match lost.wait_for(Option::is_some).await {
            Ok(failure) => failure.clone(),
            Err(_) => None,
        };
        failure.unwrap_or_else(|| Failure::new(CLOSED))
    }
}

fn connect_options(
    options: &HubOptions,
    exchange: &Arc<Exchange>,
    lost: watch::Sender<Option<Failure>>,
) -> ConnectOptions {
    let is_first = AtomicBool::new(true);
    let delay = move |_| match is_first.swap(false, Ordering::Relaxed) {
        true => Duration::ZERO,
        false => NEVER,
    };
    let events = Arc::new(Events {
        exchange: Arc::clone(exchange),
        lost,
        is_error_told: AtomicBool::new(false),
    });
    let connect = ConnectOptions::new()
        .name("wsd")
        .no_echo()
        .ignore_discovered_servers()
        .connection_timeout(ONE_ADDRESS)
        .ping_interval(PING)
        .subscription_capacity(ROOM_QUEUE)
        .read_buffer_capacity(READ_BUFFER)
        .require_tls(options.url.scheme.is_tls())
        .reconnect_delay_callback(delay)
        .event_callback(move |event| {
            events.take(event);
            std::future::ready(())
        });
    let connect = match &options.authorities {
        Some(authorities) => connect.add_root_certificates(authorities.file.clone()),
        None => connect,
    };
    match options.credentials.clone() {
        Some(Credentials::User { user, password }) => connect.user_and_password(user, password),
        Some(Credentials::Token(token)) => connect.token(token),
        None => connect,
    }
}

/// What the library tells.
struct Events {
    exchange: Arc<Exchange>,
    lost: watch::Sender<Option<Failure>>,
    is_error_told: AtomicBool,
}

impl Events {
    fn take(&self, event: Event) {
        match event {
            Event::Disconnected | Event::Closed => {
                self.lost.send_if_modified(|lost| {
                    let is_first = lost.is_none();
                    lost.get_or_insert_with(|| Failure::new(CLOSED));
                    is_first
                });
            }
            // The library has dropped a message of a room, since its queue was full.
            Event::SlowConsumer(_) => self.exchange.count_lost(),
            Event::ServerError(error) => self.take_error(error),
            _ => {}
        }
    }

    /// Such as a subject that this user may not use: one line a connection, there may be one a message.
    fn take_error(&self, error: ServerError) {
        let text = match error {
            ServerError::Other(text) => text,
            error => error.to_string(),
        };
        // The broker says nothing of what it takes, and so of this only when it counts as sent.
        if text.to_ascii_lowercase().contains(REFUSED) {
            self.exchange.count_lost();
        }
        if !self.is_error_told.swap(true, Ordering::Relaxed) {
            warn!("the hub complains: {text}");
        }
    }
}
