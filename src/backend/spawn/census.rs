//! Which processes are in which session (getsid(2)), found out once for all who want to know: [`Census`].
//!
//! # How it works
//! Nothing but the list of all processes tells who is in a session, and each of them is asked. Were that done for every
//! session that ends, a thousand of them would ask a thousand each. So there is one count at a time, on a thread where
//! blocking is no harm, and whoever asks while it goes on shares the next: what a count tells began after all of its
//! askers asked. Between two there is a pause as long as one took, so that they take half of a processor at most.

use std::{
    collections::HashMap,
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::unistd::{Pid, getsid};
use parking_lot::Mutex;
use tokio::{sync::watch, task::spawn_blocking};

/// The processes of each session, by the number of its leader.
#[derive(Debug, Default)]
pub(super) struct Census(HashMap<i32, Vec<i32>>);

/// The longest pause between two counts. Longer keeps signals from those who leave a busy machine.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A count that somebody waits for.
type Awaited = watch::Receiver<Option<Arc<Census>>>;

/// The next count, which has not begun.
static NEXT: Mutex<Option<Awaited>> = Mutex::new(None);

/// Held by the one that goes on: how long the last one took.
static COUNTING: Mutex<Duration> = Mutex::new(Duration::ZERO);

impl Census {
    /// A count that begins after this was called. Cancel safe: yes.
    pub(super) async fn next() -> Arc<Self> {
        let mut awaited = join_next();
        match awaited.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(census)) => Arc::clone(census),
            // The runtime is going down, and runs nothing more beside it.
            _ => Arc::new(Census::count()),
        }
    }

    /// Counts here and now.
    pub(super) fn count() -> Self {
        let mut sessions: HashMap<i32, Vec<i32>> = HashMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            if let Some(session) = session_of(process) {
                sessions.entry(session).or_default().push(process);
            }
        }
        Census(sessions)
    }

    /// Who was in a session, its leader too.
    pub(super) fn of(&self, leader: i32) -> &[i32] {
        self.0.get(&leader).map_or(&[], Vec::as_slice)
    }
}

/// The session that a process is in, if it is there; that of a thread of the kernel is 0.
pub(super) fn session_of(process: i32) -> Option<i32> {
    // nix's, as rustix's asserts that there is no 0.
    let session = getsid(Some(Pid::from_raw(process))).ok()?;
    Some(session.as_raw())
}

/// The count that others wait for already, or a new one.
fn join_next() -> Awaited {
    let mut next = NEXT.lock();
    match &*next {
        // One that was dropped with its runtime will never be.
        Some(awaited) if awaited.has_changed().is_ok() => awaited.clone(),
        _ => {
            let (sender, awaited) = watch::channel(None);
            *next = Some(awaited.clone());
            spawn_blocking(move || sender.send(Some(count_next())));
            awaited
        }
    }
}

/// Counts when it is its turn; who asks from the beginning on waits for another.
fn count_next() -> Arc<Census> {
    let mut last = COUNTING.lock();
    thread::sleep((*last).min(LONGEST_PAUSE));
    *NEXT.lock() = None;
    let begun = Instant::now();
    let census = Census::count();
    *last = begun.elapsed();
    Arc::new(census)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    #[tokio::test]
    async fn who_is_in_a_session_is_found_by_many_at_once() {
        let own = process::id() as i32;
        let session = session_of(own).expect("a session");
        let asked = (0..100).map(|_| Census::next());
        for census in futures_util::future::join_all(asked).await {
            assert!(census.of(session).contains(&own));
        }
        // In a container the leader may be nobody's that can be seen here: 0.
        assert!(session == 0 || !Census::count().of(0).contains(&own));
    }

    #[tokio::test]
    async fn count_begins_after_it_was_asked_for() {
        for _ in 0..20 {
            let mut child = process::Command::new("cat")
                .stdin(process::Stdio::piped())
                .spawn()
                .expect("cat");
            let number = child.id() as i32;
            let session = session_of(number).expect("a session");
            assert!(Census::next().await.of(session).contains(&number));
            child.kill().and_then(|()| child.wait()).expect("its end");
            assert!(!Census::next().await.of(session).contains(&number));
        }
    }
}
