//! The sessions that are open, and what those that have ended have carried.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    connection::Endpoint,
    message::Close,
    session::{Handle, Traffic},
};

/// A session that is open.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: Uuid,
    pub(super) remote: Endpoint,
    pub(super) uri: String,
    pub(super) subprotocol: Option<String>,
    pub(super) pid: Option<u32>,
    pub(super) begun: Instant,
    pub(super) handle: Handle,
}

/// All sessions of a server.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    /// By id, which is by age (RFC 9562 §5.7).
    open: BTreeMap<Uuid, Arc<Live>>,
    carried: Carried,
}

/// What has gone each way.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Carried {
    /// From clients.
    pub(super) received: Traffic,
    /// To clients.
    pub(super) sent: Traffic,
}

impl Carried {
    fn add(&mut self, handle: &Handle) {
        self.received += handle.received.traffic();
        self.sent += handle.sent.traffic();
    }
}

/// A session's place in the registry, until this is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) live: Arc<Live>,
    registry: Arc<Registry>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a session.
    pub(super) fn enter(self: &Arc<Self>, live: Live) -> Entry {
        let live = Arc::new(live);
        self.lock().open.insert(live.id, Arc::clone(&live));
        Entry {
            live,
            registry: Arc::clone(self),
        }
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// What all sessions have carried so far, those that have ended too.
    pub(super) fn carried(&self) -> Carried {
        let sessions = self.lock();
        let mut carried = sessions.carried;
        for live in sessions.open.values() {
            carried.add(&live.handle);
        }
        carried
    }

    /// Asks a session to end; whether it was the first to do so. `None` if there is none of this id.
    pub(super) fn end(&self, id: Uuid, close: Close) -> Option<bool> {
        let live = self.lock().open.get(&id).cloned()?;
        Some(live.handle.end(close))
    }

    /// An object for each open session, the oldest first.
    pub(super) fn to_json(&self) -> Value {
        let open: Vec<_> = self.lock().open.values().cloned().collect();
        open.iter().map(|live| live.to_json()).collect()
    }
}

impl Live {
    fn to_json(&self) -> Value {
        let (received, sent) = (self.handle.received.traffic(), self.handle.sent.traffic());
        let age = self.begun.elapsed();
        json!({
            "id": self.id.to_string(),
            "remote": self.remote.to_string(),
            "uri": self.uri,
            "subprotocol": self.subprotocol,
            "pid": self.pid,
            "started": seconds_since_epoch(age),
            "duration_seconds": seconds(age),
            "messages_in": received.messages,
            "bytes_in": received.bytes,
            "blocked_in_seconds": seconds(received.blocked),
            "messages_out": sent.messages,
            "bytes_out": sent.bytes,
            "blocked_out_seconds": seconds(sent.blocked),
        })
    }
}

/// To the millisecond.
fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

/// When that was, by the calendar.
fn seconds_since_epoch(ago: Duration) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().saturating_sub(ago).as_secs()
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut sessions = self.registry.lock();
        sessions.open.remove(&self.live.id);
        sessions.carried.add(&self.live.handle);
    }
}
