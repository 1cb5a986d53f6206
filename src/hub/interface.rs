//! What rooms see of a hub: [`Hub`].

use std::{io, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use tokio::{sync::watch, time};

use super::{
    connection::{self, FIRST_ATTEMPT},
    exchange::Exchange,
    figures::Figures,
    name::{Name, Prefix},
    options::HubOptions,
};

/// How often it is looked whether all is sent, at the end.
const LOOK: Duration = Duration::from_millis(5);

/// A broker, and the one connection to it. Clones are the same; with the last it ends.
#[derive(Debug, Clone)]
pub struct Hub {
    exchange: Arc<EndsOnDrop>,
    prefix: Prefix,
    /// Whether the first attempt to connect has come to its end.
    attempted: watch::Receiver<bool>,
}

/// Ends the thread.
#[derive(Debug)]
struct EndsOnDrop(Arc<Exchange>);

impl Drop for EndsOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Messages of a room are delivered until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    exchange: Arc<Exchange>,
    name: Name,
    id: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.exchange.unsubscribe(&self.name, self.id);
    }
}

impl Hub {
    /// Connects, and goes on trying, in a thread of its own.
    ///
    /// # Errors
    /// When there is no thread.
    pub fn start(options: HubOptions) -> io::Result<Self> {
        let exchange = Arc::new(Exchange::default());
        let (attempt, attempted) = watch::channel(false);
        let prefix = options.prefix.clone();
        let of_thread = Arc::clone(&exchange);
        thread::Builder::new()
            .name("hub".to_owned())
            .spawn(move || connection::keep(&options, &of_thread, &attempt))?;
        Ok(Hub {
            exchange: Arc::new(EndsOnDrop(exchange)),
            prefix,
            attempted,
        })
    }

    /// Returns when the first attempt to connect has come to its end, which takes two seconds at most.
    pub async fn attempted(&self) {
        let mut attempted = self.attempted.clone();
        // A thread that has ended attempts nothing.
        let _ = time::timeout(FIRST_ATTEMPT, attempted.wait_for(|is_over| *is_over)).await;
    }

    /// The name of the room of a path, such as `/chat/lobby`.
    pub fn name(&self, path: &str) -> Name {
        Name::of(&self.prefix, path)
    }

    /// Says something in a room elsewhere. Never waits: what cannot be sent now is lost, and counted.
    pub fn publish(&self, name: &Name, payload: Bytes) {
        self.exchange.0.publish(name, payload);
    }

    /// Has all that is said in a room elsewhere given to `deliver`, which must neither wait nor take long.
    pub fn subscribe(
        &self,
        name: &Name,
        deliver: impl Fn(Bytes) + Send + Sync + 'static,
    ) -> Subscription {
        Subscription {
            exchange: Arc::clone(&self.exchange.0),
            name: name.clone(),
            id: self.exchange.0.subscribe(name, Arc::new(deliver)),
        }
    }

    /// What has happened.
    pub fn figures(&self) -> Figures {
        self.exchange.0.figures()
    }

    /// Returns when all that was published is sent or lost, or after so long.
    pub async fn flush(&self, patience: Duration) {
        let idle = async {
            while !self.exchange.0.is_idle() {
                time::sleep(LOOK).await;
            }
        };
        let _ = time::timeout(patience, idle).await;
    }
}
