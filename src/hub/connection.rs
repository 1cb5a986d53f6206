//! The connection to the broker: made, kept, and made again, by one thread.

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
    time,
};
use tracing::{info, warn};

use super::{
    engine::Engine,
    exchange::{Command, Exchange},
    failure::Failure,
    options::HubOptions,
};
use crate::{backoff::Backoff, quantity::duration};

/// What the first attempt may take, for which a server waits with its start.
pub(super) const FIRST_ATTEMPT: Duration = Duration::from_secs(2);
/// What later attempts may take. Shorter would never reach a broker that is far and busy; longer finds out late that one
/// is back.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A broker that has not answered for so long is gone. Shorter takes a pause of a virtual machine for an end, longer
/// loses more before it is noticed.
const SILENCE: Duration = Duration::from_secs(30);
/// A connection on which nothing was sent for so long is tried.
const PROBE: Duration = Duration::from_secs(10);

/// Has a connection to the broker until the exchange ends; `attempted` is told when the first attempt is over.
pub(super) fn keep(
    options: &HubOptions,
    exchange: &Arc<Exchange>,
    attempted: &watch::Sender<bool>,
) {
    let mut backoff = Backoff::default();
    let mut story = Story::new(options);
    let mut patience = FIRST_ATTEMPT;
    while !exchange.has_ended() {
        let mut connected = None;
        let attempt = async {
            let engine = connect(options, exchange, patience).await?;
            connected = Some(Instant::now());
            carry(engine, exchange, &mut story, attempted).await
        };
        let outcome = in_runtime_of_its_own(attempt);
        exchange.close();
        if let Err(failure) = outcome {
            story.tell_failure(&failure);
        }
        attempted.send_replace(true);
        patience = ATTEMPT;
        let lived = connected.map_or(Duration::ZERO, |since| since.elapsed());
        if exchange.pause(backoff.next_with_jitter(lived)) {
            return;
        }
    }
}

/// Runs a future in an event loop that ends with it, with all tasks that a library has started there, whatever they wait
/// for, and the sockets and queues that they have: nothing of it can be sent later. A name server is not waited for.
fn in_runtime_of_its_own<T>(
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime: Runtime = runtime.map_err(|error: io::Error| Failure::new(error.to_string()))?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_background();
    outcome
}

async fn connect(
    options: &HubOptions,
    exchange: &Arc<Exchange>,
    patience: Duration,
) -> Result<Engine, Failure> {
    let connected = time::timeout(patience, Engine::connect(options, exchange));
    let late = |_| Failure::new(format!("it does not answer within {}", duration(patience)));
    connected.await.map_err(late)?
}

/// Carries messages until the exchange ends.
async fn carry(
    engine: Engine,
    exchange: &Exchange,
    story: &mut Story<'_>,
    attempted: &watch::Sender<bool>,
) -> Result<(), Failure> {
    exchange.open(engine.longest_message());
    tokio::select! {
        outcome = send_all(&engine, exchange, story, attempted) => outcome,
        failure = engine.lost() => Err(failure),
        () = exchange.stalled() => {
            Err(Failure::new("it takes nothing, and more than 4 MiB wait for it"))
        }
    }
}

async fn send_all(
    engine: &Engine,
    exchange: &Exchange,
    story: &mut Story<'_>,
    attempted: &watch::Sender<bool>,
) -> Result<(), Failure> {
    // Until all rooms are subscribed, which stand first in the queue.
    let mut is_restored = false;
    loop {
        let patience = if is_restored { PROBE } else { Duration::ZERO };
        let batch = match time::timeout(patience, exchange.next_batch()).await {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(()),
            Err(_) => Vec::new(),
        };
        if batch.is_empty() {
            within(SILENCE - PROBE, engine.probe()).await?;
        } else {
            within(SILENCE, engine.send(&batch)).await?;
            exchange.finish(&batch);
        }
        if !is_restored && (batch.is_empty() || batch.iter().any(Command::is_publish)) {
            is_restored = true;
            exchange.set_connected(story.was_connected);
            story.tell_connected();
            attempted.send_replace(true);
        }
    }
}

async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let silent = |_| Failure::new(format!("it has not answered for {}", duration(SILENCE)));
    time::timeout(patience, answer).await.map_err(silent)?
}

/// What the log is told: once that there is no connection, once that there is one, and nothing of attempts between.
struct Story<'a> {
    options: &'a HubOptions,
    /// Whether there was a connection.
    was_connected: bool,
    is_connected: bool,
    /// What was told of the attempts since the last connection.
    told: Option<Failure>,
}

impl<'a> Story<'a> {
    fn new(options: &'a HubOptions) -> Self {
        Story {
            options,
            was_connected: false,
            is_connected: false,
            told: None,
        }
    }

    fn tell_connected(&mut self) {
        let url = &self.options.url;
        match self.was_connected || self.told.is_some() {
            true => info!("the hub {url} is back: rooms reach other machines again"),
            false => info!("the hub {url} is reached: rooms reach other machines"),
        }
        self.was_connected = true;
        self.is_connected = true;
        self.told = None;
    }

    fn tell_failure(&mut self, failure: &Failure) {
        let url = &self.options.url;
        let rest = "rooms go on within this machine, and it is tried on";
        if self.is_connected {
            warn!("the hub {url} is lost: {failure}; {rest}");
            self.is_connected = false;
            self.told = Some(failure.clone());
            return;
        }
        // A password that is refused is another matter than a broker that is not there.
        let is_news = match &self.told {
            None => true,
            Some(told) => *failure == Failure::Refused && *told != Failure::Refused,
        };
        if is_news {
            warn!("the hub {url} cannot be reached: {failure}; {rest}");
            self.told = Some(failure.clone());
        }
    }
}
