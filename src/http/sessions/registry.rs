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
pub(in crate::http) struct OpenSession {
    pub(in crate::http) id: Uuid,
    pub(in crate::http) remote: Endpoint,
    pub(in crate::http) uri: String,
    pub(in crate::http) subprotocol: Option<String>,
    pub(in crate::http) pid: Option<u32>,
    pub(in crate::http) begun: Instant,
    pub(in crate::http) handle: Handle,
}

/// All sessions of a server.
#[derive(Debug, Default)]
pub(in crate::http) struct Registry(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    /// By id, which is by age (RFC 9562 §5.7).
    open: BTreeMap<Uuid, Arc<OpenSession>>,
    totals: Totals,
}

/// What has gone each way.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::http) struct Totals {
    /// From clients.
    pub(in crate::http) received: Traffic,
    /// To clients.
    pub(in crate::http) sent: Traffic,
}

impl Totals {
    fn add(&mut self, handle: &Handle) {
        self.received += handle.received.traffic();
        self.sent += handle.sent.traffic();
    }
}

/// A session's place in the registry, until this is dropped.
#[derive(Debug)]
pub(in crate::http) struct RegistryGuard {
    pub(in crate::http) session: Arc<OpenSession>,
    registry: Arc<Registry>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a session.
    pub(in crate::http) fn enter(self: &Arc<Self>, session: OpenSession) -> RegistryGuard {
        let session = Arc::new(session);
        self.lock().open.insert(session.id, Arc::clone(&session));
        RegistryGuard {
            session,
            registry: Arc::clone(self),
        }
    }

    /// How many are open.
    pub(in crate::http) fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// What all sessions have carried so far, those that have ended too.
    pub(in crate::http) fn totals(&self) -> Totals {
        let sessions = self.lock();
        let mut totals = sessions.totals;
        for session in sessions.open.values() {
            totals.add(&session.handle);
        }
        totals
    }

    /// Asks a session to end; whether it was the first to do so. `None` if there is none of this id.
    pub(in crate::http) fn end(&self, id: Uuid, close: Close) -> Option<bool> {
        let session = self.lock().open.get(&id).cloned()?;
        Some(session.handle.end(close))
    }

    /// An object for each open session, the oldest first.
    pub(in crate::http) fn to_json(&self) -> Value {
        let open: Vec<_> = self.lock().open.values().cloned().collect();
        open.iter().map(|session| session.to_json()).collect()
    }
}

impl OpenSession {
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

impl Drop for RegistryGuard {
    fn drop(&mut self) {
        let mut sessions = self.registry.lock();
        sessions.open.remove(&self.session.id);
        sessions.totals.add(&self.session.handle);
    }
}
