//! The registry of open sessions, and totals of what all have carried, those that have ended too.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::access::Login;
use crate::{
    backend::{ChangedFiles, MemberId, ProgramFiles},
    connection::Endpoint,
    message::Close,
    session::{Handle, Traffic},
};

/// A session that is open.
#[derive(Debug)]
pub(super) struct OpenSession {
    pub(super) id: Uuid,
    pub(super) remote: Endpoint,
    /// How its messages travel.
    pub(super) transport: &'static str,
    pub(super) uri: String,
    pub(super) subprotocol: Option<String>,
    pub(super) pid: Option<u32>,
    /// The socket that it is joined to, where it is one.
    pub(super) target: Option<String>,
    /// What it is a member of, where it shares its program.
    pub(super) member: Option<Box<GroupMember>>,
    /// What its program is made of, where that is watched.
    pub(super) program: Option<Box<ProgramFiles>>,
    /// Who its client is, if that was asked.
    pub(super) user: Option<String>,
    /// What that rests on, if it may go.
    pub(super) login: Option<Box<Login>>,
    pub(super) begun: Instant,
    pub(super) handle: Handle,
}

/// A session as a member of a group.
#[derive(Debug)]
pub(super) struct GroupMember {
    /// The group's name for operators.
    pub(super) group: String,
    pub(super) id: MemberId,
}

/// All sessions of a server.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    /// By id, which is by age (RFC 9562 §5.7).
    open: BTreeMap<Uuid, Arc<OpenSession>>,
    totals: Totals,
}

/// What has gone each way.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Totals {
    /// From clients.
    pub(super) received: Traffic,
    /// To clients.
    pub(super) sent: Traffic,
}

impl Totals {
    fn add(&mut self, handle: &Handle) {
        let (received, sent) = handle.traffic();
        self.received += received;
        self.sent += sent;
    }
}

/// Keeps a session in the registry until it is dropped.
#[derive(Debug)]
pub(super) struct RegistryGuard {
    pub(super) session: Arc<OpenSession>,
    registry: Arc<Registry>,
}

impl Registry {
    /// Enters a session.
    pub(super) fn enter(self: &Arc<Self>, session: OpenSession) -> RegistryGuard {
        let session = Arc::new(session);
        self.0.lock().open.insert(session.id, Arc::clone(&session));
        RegistryGuard {
            session,
            registry: Arc::clone(self),
        }
    }

    /// How many are open.
    pub(super) fn open_count(&self) -> usize {
        self.0.lock().open.len()
    }

    /// How many are open whose messages travel in this way.
    pub(super) fn open_by(&self, transport: &str) -> usize {
        let sessions = self.0.lock();
        let open = sessions.open.values();
        open.filter(|session| session.transport == transport)
            .count()
    }

    /// What all sessions have carried so far, those that have ended too.
    pub(super) fn totals(&self) -> Totals {
        let sessions = self.0.lock();
        let mut totals = sessions.totals;
        for session in sessions.open.values() {
            totals.add(&session.handle);
        }
        totals
    }

    /// Asks a session to end; whether it was the first to do so. `None` if there is none of this id.
    pub(super) fn end(&self, id: Uuid, close: Close) -> Option<bool> {
        let session = self.0.lock().open.get(&id).cloned()?;
        Some(session.handle.end(close))
    }

    /// Asks all sessions to end whose login is over.
    pub(super) fn end_without_login(&self, is_over: impl Fn(&Login) -> bool) {
        let is_over = |session: &&Arc<OpenSession>| {
            session.login.as_ref().is_some_and(|login| is_over(login))
        };
        let over: Vec<_> = self
            .0
            .lock()
            .open
            .values()
            .filter(is_over)
            .cloned()
            .collect();
        for session in over {
            session
                .handle
                .end(Close::new(Close::POLICY, "the login is over"));
        }
    }

    /// Asks all sessions to end whose program is another by now; how many these are.
    pub(super) fn end_changed_programs(&self, changed: &ChangedFiles) -> usize {
        // It looks at files, which nobody waits for.
        let is_over = |session: &&Arc<OpenSession>| {
            let program = session.program.as_ref();
            program.is_some_and(|program| changed.concern(program))
        };
        let open = self.all();
        let over: Vec<_> = open.iter().filter(is_over).collect();
        for session in &over {
            session.handle.end(Close::program_changed());
        }
        over.len()
    }

    /// All that are open, the oldest first.
    fn all(&self) -> Vec<Arc<OpenSession>> {
        self.0.lock().open.values().cloned().collect()
    }

    /// An object for each open session, the oldest first.
    pub(super) fn to_json(&self) -> Value {
        let open = self.all();
        open.iter().map(|session| session.to_json()).collect()
    }
}

impl OpenSession {
    fn to_json(&self) -> Value {
        let (received, sent) = self.handle.traffic();
        let age = self.begun.elapsed();
        json!({
            "id": self.id.to_string(),
            "remote": self.remote.to_string(),
            "transport": self.transport,
            "user": self.user,
            "uri": self.uri,
            "subprotocol": self.subprotocol,
            "pid": self.pid,
            "target": self.target,
            "group": self.member.as_ref().map(|member| &member.group),
            "member": self.member.as_ref().map(|member| member.id),
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
        let mut sessions = self.registry.0.lock();
        sessions.open.remove(&self.session.id);
        sessions.totals.add(&self.session.handle);
    }
}
