//! A slot: the place of one shared program, before, while and after it runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::definition::{Definition, SharedRoute};
use crate::{
    backend::{Group, GroupEnd},
    backoff::Backoff,
};

/// A program that fails within so long of its start has failed to start.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// The place of one program.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its path.
    pub(super) name: String,
    /// The route that it belongs to, and its segment beneath that.
    pub(super) script_name: String,
    pub(super) room: Option<String>,
    pub(super) definition: Definition,
    /// Held while a program is looked for that may have to be started, by one client at a time.
    pub(super) starting: tokio::sync::Mutex<()>,
    live: Mutex<Option<Arc<Group>>>,
    /// Tells of each program that is started.
    starts: watch::Sender<()>,
    failures: Mutex<Failures>,
    /// The program's file is another one.
    pub(super) replaced: Notify,
    /// A program of it runs, or is being started.
    is_occupied: AtomicBool,
    is_retired: AtomicBool,
}

/// How starts have failed.
#[derive(Debug, Default)]
struct Failures {
    backoff: Backoff,
    /// It is not started again before.
    until: Option<Instant>,
}

/// Keeps a slot occupied.
#[derive(Debug)]
pub(super) struct Occupied(Arc<Slot>);

impl Slot {
    pub(super) fn new(shared: SharedRoute<'_>, definition: Definition, is_retired: bool) -> Self {
        Slot {
            name: shared.name(),
            script_name: shared.script_name.to_owned(),
            room: shared.room.map(str::to_owned),
            definition,
            starting: tokio::sync::Mutex::default(),
            live: Mutex::default(),
            starts: watch::Sender::default(),
            failures: Mutex::default(),
            replaced: Notify::new(),
            is_occupied: AtomicBool::new(false),
            is_retired: AtomicBool::new(is_retired),
        }
    }

    /// The group, from its start to the end of its program.
    pub(super) fn live(&self) -> Option<Arc<Group>> {
        self.live.lock().clone()
    }

    /// Sets it; tells of each that follows.
    pub(super) fn set_live(&self, group: &Arc<Group>) -> watch::Receiver<()> {
        *self.live.lock() = Some(Arc::clone(group));
        self.starts.send_replace(());
        self.starts.subscribe()
    }

    pub(super) fn occupy(self: &Arc<Self>) -> Occupied {
        self.is_occupied.store(true, Ordering::Relaxed);
        Occupied(Arc::clone(self))
    }

    pub(super) fn is_occupied(&self) -> bool {
        self.is_occupied.load(Ordering::Relaxed)
    }

    /// Its program is not what the configuration says any more: nobody joins, and it is not started again.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
        if let Some(group) = self.live() {
            group.retire();
        }
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Relaxed)
    }

    /// Its program's file is another one: what runs of it ends, and that it has failed is no reason not to start it.
    pub(super) fn replace_program(&self) {
        *self.failures.lock() = Failures::default();
        self.replaced.notify_one();
        if let Some(group) = self.live() {
            group.replace_program();
        }
    }

    /// How long its program is not started.
    pub(super) fn rest_of_pause(&self) -> Option<Duration> {
        let until = self.failures.lock().until?;
        let rest = until.saturating_duration_since(Instant::now());
        (!rest.is_zero()).then_some(rest)
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_vacant(&self) -> bool {
        !self.is_occupied() && self.live().is_none() && self.rest_of_pause().is_none()
    }

    /// Its program could not be started.
    pub(super) fn note_failure(&self) {
        self.failures.lock().fail(Duration::ZERO);
    }

    /// Its program has ended.
    pub(super) fn note_end(&self, end: &GroupEnd) {
        *self.live.lock() = None;
        if end.is_broken || end.has_failed && end.lived < SHORT_LIFE {
            self.failures.lock().fail(end.lived);
        }
    }

    /// The pause before a program is started again that is kept: none for one that has lived a while.
    pub(super) fn pause_after(&self, end: &GroupEnd) -> Duration {
        match self.rest_of_pause() {
            Some(rest) => rest,
            // One that ends at once without a failure would spin.
            None if end.lived < SHORT_LIFE => self.failures.lock().backoff.next(end.lived),
            None => Duration::ZERO,
        }
    }
}

impl Failures {
    fn fail(&mut self, lived: Duration) {
        let pause = self.backoff.next_with_jitter(lived);
        self.until = Some(Instant::now() + pause);
    }
}

impl Drop for Occupied {
    /// A group that has come to its end is not in the slot any more.
    fn drop(&mut self) {
        let live = self.0.live.lock().take();
        if let Some(group) = live {
            group.abandon();
        }
        self.0.is_occupied.store(false, Ordering::Relaxed);
    }
}
