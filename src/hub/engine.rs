//! What speaks with the broker: [`Engine`], one for each kind that was built in.

use std::sync::Arc;

#[cfg(feature = "nats")]
use super::nats::Nats;
#[cfg(feature = "redis")]
use super::redis::Redis;
use super::{
    exchange::{Command, Exchange},
    failure::Failure,
    options::HubOptions,
    url::Scheme,
};

/// One connection. What comes is delivered by tasks of its own.
pub(super) enum Engine {
    #[cfg(feature = "nats")]
    Nats(Nats),
    #[cfg(feature = "redis")]
    Redis(Redis),
}

/// The kind of broker that this program was built without, where a URL asks for it.
pub fn lacking(scheme: Scheme) -> Option<&'static str> {
    match scheme.is_nats() {
        true => (!cfg!(feature = "nats")).then_some("NATS"),
        false => (!cfg!(feature = "redis")).then_some("Redis"),
    }
}

#[cfg_attr(
    not(any(feature = "nats", feature = "redis")),
    allow(unused_variables, clippy::unused_async)
)]
impl Engine {
    pub(super) async fn connect(
        options: &HubOptions,
        exchange: &Arc<Exchange>,
    ) -> Result<Self, Failure> {
        match options.url.scheme {
            #[cfg(feature = "nats")]
            Scheme::Nats | Scheme::NatsTls => {
                Nats::connect(options, exchange).await.map(Engine::Nats)
            }
            #[cfg(feature = "redis")]
            Scheme::Redis | Scheme::RedisTls => {
                Redis::connect(options, exchange).await.map(Engine::Redis)
            }
            #[cfg(not(all(feature = "nats", feature = "redis")))]
            _ => Err(Failure::new("it was not built in")),
        }
    }

    /// The longest message that the broker takes, in bytes.
    pub(super) fn longest_message(&self) -> usize {
        match self {
            #[cfg(feature = "nats")]
            Engine::Nats(nats) => nats.longest_message(),
            #[cfg(feature = "redis")]
            Engine::Redis(_) => Redis::LONGEST_MESSAGE,
            #[cfg(not(any(feature = "nats", feature = "redis")))]
            _ => 0,
        }
    }

    /// Sends a batch; returns when nothing of it waits any more.
    pub(super) async fn send(&self, batch: &[Command]) -> Result<(), Failure> {
        match self {
            #[cfg(feature = "nats")]
            Engine::Nats(nats) => nats.send(batch).await,
            #[cfg(feature = "redis")]
            Engine::Redis(redis) => redis.send(batch).await,
            #[cfg(not(any(feature = "nats", feature = "redis")))]
            _ => Ok(()),
        }
    }

    /// Finds out whether the broker is there.
    pub(super) async fn probe(&self) -> Result<(), Failure> {
        match self {
            #[cfg(feature = "nats")]
            Engine::Nats(nats) => nats.probe(),
            #[cfg(feature = "redis")]
            Engine::Redis(redis) => redis.probe().await,
            #[cfg(not(any(feature = "nats", feature = "redis")))]
            _ => Ok(()),
        }
    }

    /// Returns when the connection is lost.
    pub(super) async fn lost(&self) -> Failure {
        match self {
            #[cfg(feature = "nats")]
            Engine::Nats(nats) => nats.lost().await,
            #[cfg(feature = "redis")]
            Engine::Redis(redis) => redis.lost().await,
            #[cfg(not(any(feature = "nats", feature = "redis")))]
            _ => std::future::pending().await,
        }
    }
}
