//! What the rooms and the broker's connection have between them: the rooms that are subscribed, the queue of what is to
//! be sent, and the figures.
//!
//! Each side holds the lock for a moment, nobody holds it while a member is told, and nobody waits for the other. While
//! there is no connection the queue is empty: what is published then is lost, and counted.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;
use tracing::warn;

use super::{figures::Figures, name::Name};

/// What may wait for the broker, in bytes: several of the longest messages, and some tenth of a second of a busy network.
/// Less loses the bursts of large rooms; more is memory, and a delay, behind a broker that takes nothing.
const MOST_UNSENT: usize = 4 << 20;
/// What a message takes beside its bytes.
const OVERHEAD: usize = 64;
/// A batch, in bytes: its messages are counted as lost together, and are written together.
const BATCH: usize = 256 * 1024;
/// A queue that is full ends the connection if it has moved nothing for so long. Shorter ends that to a broker which is
/// only slower than a burst; longer keeps all rooms waiting for one that has stopped.
const STALLED: Duration = Duration::from_secs(1);

/// What is done with what is said elsewhere.
pub(super) type Deliver = Arc<dyn Fn(Bytes) + Send + Sync>;

/// What the broker is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Publish(Name, Bytes),
    Subscribe(Name),
    Unsubscribe(Name),
}

impl Command {
    fn size(&self) -> usize {
        match self {
            Command::Publish(_, payload) => payload.len() + OVERHEAD,
            Command::Subscribe(_) | Command::Unsubscribe(_) => OVERHEAD,
        }
    }

    pub(super) fn is_publish(&self) -> bool {
        matches!(self, Command::Publish(..))
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Exchange {
    state: Mutex<State>,
    /// Something is to be sent, or the end.
    work: Notify,
    /// The queue is full, and does not move.
    stall: Notify,
    /// The end, for a thread that pauses.
    end: Condvar,
}

#[derive(Default)]
struct State {
    rooms: HashMap<Name, Vec<(u64, Deliver)>>,
    next_id: u64,
    /// Of what is open; `None` while there is no connection.
    open: Option<Open>,
    has_ended: bool,
    figures: Figures,
}

/// The queue of a connection.
struct Open {
    queue: VecDeque<Command>,
    /// The messages in the batch that is being sent.
    in_flight: u64,
    /// The bytes of both.
    unsent: usize,
    /// When the last batch was sent, or the first one after a pause was taken.
    moved: Instant,
    longest: usize,
    is_size_told: bool,
    is_stalled: bool,
}

impl Open {
    fn push(&mut self, command: Command) {
        self.unsent += command.size();
        self.queue.push_back(command);
    }

    fn messages(&self) -> u64 {
        let queued = self.queue.iter().filter(|command| command.is_publish());
        self.in_flight + queued.count() as u64
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Exchange").finish_non_exhaustive()
    }
}

/// The rooms' side.
impl Exchange {
    /// Has a message sent, if it can be sent now.
    pub(super) fn publish(&self, name: &Name, payload: Bytes) {
        let mut state = self.state.lock();
        let State { open, figures, .. } = &mut *state;
        let Some(open) = open else {
            figures.lost += 1;
            return;
        };
        if payload.len() > open.longest {
            figures.too_long += 1;
            if !std::mem::replace(&mut open.is_size_told, true) {
                let (length, longest) = (payload.len(), open.longest);
                warn!(
                    "a message of {length} bytes stays on this machine: the hub takes {longest} bytes at most"
                );
            }
            return;
        }
        let command = Command::Publish(name.clone(), payload);
        if open.unsent + command.size() > MOST_UNSENT {
            figures.lost += 1;
            self.note_stall(open);
            return;
        }
        self.push(open, command);
    }

    /// Has messages of a room delivered from now on; the number ends it.
    pub(super) fn subscribe(&self, name: &Name, deliver: Deliver) -> u64 {
        let mut state = self.state.lock();
        state.next_id += 1;
        let id = state.next_id;
        let State { rooms, open, .. } = &mut *state;
        let listeners = rooms.entry(name.clone()).or_default();
        listeners.push((id, deliver));
        if let (1, Some(open)) = (listeners.len(), open) {
            self.push(open, Command::Subscribe(name.clone()));
        }
        id
    }

    /// Has messages of a room delivered no more.
    pub(super) fn unsubscribe(&self, name: &Name, id: u64) {
        let mut state = self.state.lock();
        let State { rooms, open, .. } = &mut *state;
        let Entry::Occupied(mut listeners) = rooms.entry(name.clone()) else {
            return;
        };
        listeners.get_mut().retain(|(other, _)| *other != id);
        if !listeners.get().is_empty() {
            return;
        }
        listeners.remove();
        if let Some(open) = open {
            self.push(open, Command::Unsubscribe(name.clone()));
        }
    }

    fn push(&self, open: &mut Open, command: Command) {
        if open.unsent == 0 {
            open.moved = Instant::now();
        }
        open.push(command);
        self.work.notify_one();
        // Rooms that come and go are not left out, but end what does not move as well.
        if open.unsent > MOST_UNSENT {
            self.note_stall(open);
        }
    }

    fn note_stall(&self, open: &mut Open) {
        if open.moved.elapsed() >= STALLED {
            open.is_stalled = true;
            self.stall.notify_one();
        }
    }

    /// Ends the connection, and the thread.
    pub(super) fn end(&self) {
        self.state.lock().has_ended = true;
        self.work.notify_one();
        self.end.notify_all();
    }

    pub(super) fn figures(&self) -> Figures {
        self.state.lock().figures
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.open.as_ref().is_none_or(|open| open.unsent == 0)
    }
}

/// The connection's side.
impl Exchange {
    /// There is a connection, which takes messages of so many bytes: all rooms are subscribed first.
    pub(super) fn open(&self, longest: usize) {
        let mut state = self.state.lock();
        let mut open = Open {
            queue: VecDeque::new(),
            in_flight: 0,
            unsent: 0,
            moved: Instant::now(),
            longest,
            is_size_told: false,
            is_stalled: false,
        };
        for name in state.rooms.keys() {
            open.push(Command::Subscribe(name.clone()));
        }
        state.open = Some(open);
    }

    /// The rooms are subscribed: the connection counts from now on.
    pub(super) fn set_connected(&self, is_again: bool) {
        let mut state = self.state.lock();
        state.figures.is_connected = true;
        state.figures.reconnects += u64::from(is_again);
    }

    /// There is no connection any more; what it had is lost.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        let lost = state.open.take().map_or(0, |open| open.messages());
        state.figures.lost += lost;
        state.figures.is_connected = false;
    }

    /// What is to be sent next; `None` at the end. Cancel safe.
    pub(super) async fn next_batch(&self) -> Option<Vec<Command>> {
        loop {
            match self.take_batch() {
                Some(batch) if batch.is_empty() => self.work.notified().await,
                batch => return batch,
            }
        }
    }

    fn take_batch(&self) -> Option<Vec<Command>> {
        let mut state = self.state.lock();
        let has_ended = state.has_ended;
        let open = state.open.as_mut()?;
        let mut batch = Vec::new();
        let mut size = 0;
        while size < BATCH
            && let Some(command) = open.queue.pop_front()
        {
            size += command.size();
            open.in_flight += u64::from(command.is_publish());
            batch.push(command);
        }
        // What was published before the end is sent before it.
        (!batch.is_empty() || !has_ended).then_some(batch)
    }

    /// A batch is sent.
    pub(super) fn finish(&self, batch: &[Command]) {
        let mut state = self.state.lock();
        if let Some(open) = &mut state.open {
            let sent = open.in_flight;
            open.in_flight = 0;
            open.unsent -= batch.iter().map(Command::size).sum::<usize>();
            open.moved = Instant::now();
            state.figures.sent += sent;
        }
    }

    /// One message of the batch that is being sent was refused by the broker.
    #[cfg(feature = "redis")]
    pub(super) fn refuse(&self) {
        let mut state = self.state.lock();
        state.figures.lost += 1;
        if let Some(open) = &mut state.open {
            open.in_flight = open.in_flight.saturating_sub(1);
        }
    }

    /// One message that counts as sent was refused by the broker, or one that came could not be taken.
    #[cfg(feature = "nats")]
    pub(super) fn count_lost(&self) {
        self.state.lock().figures.lost += 1;
    }

    /// Returns when the queue is full and does not move. Cancel safe.
    pub(super) async fn stalled(&self) {
        let is_stalled = || {
            self.state
                .lock()
                .open
                .as_ref()
                .is_some_and(|open| open.is_stalled)
        };
        while !is_stalled() {
            self.stall.notified().await;
        }
    }

    /// Delivers what was said elsewhere.
    #[cfg(any(feature = "nats", feature = "redis"))]
    pub(super) fn deliver(&self, name: &str, payload: &[u8]) {
        let listeners: Vec<Deliver> = {
            let mut state = self.state.lock();
            state.figures.received += 1;
            let listeners = state.rooms.get(name).into_iter().flatten();
            listeners.map(|(_, deliver)| Arc::clone(deliver)).collect()
        };
        // Copied, since it is a part of a large buffer, which it would keep alive.
        let payload = Bytes::copy_from_slice(payload);
        for deliver in listeners {
            deliver(payload.clone());
        }
    }

    /// Waits so long, or for the end; whether that has come.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        let deadline = Instant::now() + time;
        while !state.has_ended {
            if self.end.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.has_ended
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().has_ended
    }
}
