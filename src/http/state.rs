//! State of one server: what all its handlers share, those of before and after a reload.

use std::{net::IpAddr, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    access::{Connections, DigestKey, Guesses, Logins, ProcessLimit},
    authorize::{Cache, Turns},
    buffering_hint::BufferingHint,
    console_feed::Feeds,
    groups::Groups,
    lifecycle::LifecycleTokens,
    metrics::Metrics,
    page_updates::PageUpdates,
    plain::EventSessions,
    registry::Registry,
    tasks::Tasks,
};
use crate::{backend::Resources, recording::Recorder};

/// What all handlers share; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// What opening a backend takes.
    pub(super) resources: Resources,
    /// Records sessions, if they are recorded.
    pub(super) recorder: Recorder,
    /// Programs at a time, of all routes together.
    pub(super) processes: ProcessLimit,
    /// The tasks of all connections, sessions and scripts.
    pub(super) tasks: Tasks,
    /// Cancelled when the server is about to stop: it is ready no more.
    pub(super) leaving: CancellationToken,
    /// Cancelled when the server is stopping: sessions then end soon.
    pub(super) drain: CancellationToken,
    pub(super) metrics: Arc<Metrics>,
    pub(super) registry: Arc<Registry>,
    /// Those that are told in events.
    pub(super) event_sessions: Arc<EventSessions>,
    /// Programs that many sessions have together.
    pub(super) groups: Arc<Groups>,
    /// Which configuration this is, for those.
    pub(super) generation: u64,
    pub(super) connections: Arc<Connections>,
    /// Wrong tokens, by the network of the client.
    pub(super) guesses: Arc<Guesses<IpAddr>>,
    /// Answers of authorizers that still hold; those of one configuration.
    pub(super) authorizations: Arc<Cache>,
    /// Authorizers at a time.
    pub(super) turns: Arc<Turns>,
    /// What is remembered of logins.
    pub(super) logins: Arc<Logins>,
    /// For digests of tokens.
    pub(super) digests: DigestKey,
    /// What is told of programs whose output could be had earlier.
    pub(super) buffering_hint: BufferingHint,
    /// Whether there is a console, whose user is told why a script cannot run.
    pub(super) has_console: bool,
    /// Whether files are watched.
    pub(super) is_watching: bool,
    /// What open pages are told when they change.
    pub(super) page_updates: Arc<PageUpdates>,
    /// What consoles are told of their sessions.
    pub(super) feeds: Arc<Feeds>,
}

impl State {
    /// For a new server.
    pub(super) fn new(
        resources: Resources,
        recorder: Recorder,
        processes: ProcessLimit,
        tokens: LifecycleTokens,
    ) -> Self {
        let groups = Groups::new(Arc::clone(resources.rooms.figures()));
        State {
            resources,
            recorder,
            processes,
            tasks: tokens.tasks,
            leaving: tokens.leaving,
            drain: tokens.drain,
            metrics: Arc::default(),
            registry: Arc::default(),
            event_sessions: Arc::default(),
            groups: Arc::new(groups),
            generation: 0,
            connections: Arc::default(),
            guesses: Arc::default(),
            authorizations: Arc::default(),
            turns: Arc::default(),
            logins: Arc::default(),
            digests: DigestKey::default(),
            buffering_hint: BufferingHint::default(),
            has_console: false,
            is_watching: false,
            page_updates: Arc::default(),
            feeds: Arc::default(),
        }
    }
}
