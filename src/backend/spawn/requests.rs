//! Starts that are asked for, and the queue in which they wait for a thread: [`Requests`].

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, OnceLock},
    time::Instant,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{
    command::{Child, Command},
    leader::Leader,
    system::Attempt,
};

/// What a start is asked for with.
#[derive(Debug)]
pub(super) struct StartRequest {
    pub(super) command: Command,
    pub(super) start: Arc<Start>,
    pub(super) reply: oneshot::Sender<io::Result<Child<Leader>>>,
}

/// A start, for who asks and who does it.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) attempt: Attempt,
    /// When a thread took it.
    pub(super) begun: OnceLock<Instant>,
}

/// How many wait before those are looked for that nobody asks for any more.
const FEW: usize = 64;

/// Those that no thread has taken, first come, first served. They are as many as sessions that begin, or twice that: what
/// nobody asks for any more goes when there are as many again.
#[derive(Debug, Default)]
pub(super) struct Requests {
    queue: Mutex<Queue>,
    /// That there is one, which wakes one thread, or that there will be none any more, which wakes all.
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<StartRequest>,
    /// How many were wanted at the last look, or have waited since.
    wanted: usize,
    is_closed: bool,
}

impl Queue {
    fn push(&mut self, request: StartRequest) {
        if self.waiting.len() >= (2 * self.wanted).max(FEW) {
            self.waiting.retain(|request| !request.reply.is_closed());
            self.wanted = self.waiting.len();
        }
        self.waiting.push_back(request);
    }
}

impl Requests {
    pub(super) fn push(&self, request: StartRequest) {
        self.queue.lock().push(request);
        self.arrived.notify_one();
    }

    /// The next; stands still until there is one. `None` when there will be none.
    pub(super) fn next(&self) -> Option<StartRequest> {
        let mut queue = self.queue.lock();
        let is_to_wait = |queue: &mut Queue| queue.waiting.is_empty() && !queue.is_closed;
        self.arrived.wait_while(&mut queue, is_to_wait);
        let next = queue.waiting.pop_front();
        queue.wanted = queue.wanted.min(queue.waiting.len());
        next
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.queue.lock().waiting.len()
    }

    /// There will be none any more.
    pub(super) fn close(&self) {
        self.queue.lock().is_closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{ffi::CString, iter, sync::mpsc, thread, time::Duration};

    use crate::backend::{
        process_attributes::ProcessAttributes,
        pty::{Pty, TerminalSize},
    };

    /// A start of this program, and what tells whether it is still asked for.
    fn request(file: &str) -> (StartRequest, oneshot::Receiver<io::Result<Child<Leader>>>) {
        let (reply, answer) = oneshot::channel();
        let start = Arc::new(Start {
            attempt: Attempt::new(),
            begun: OnceLock::new(),
        });
        let command = Command {
            file: CString::new(file).expect("no NUL"),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            place: None,
            attributes: ProcessAttributes::default(),
            pty: (Pty::None, TerminalSize::default()),
        };
        (
            StartRequest {
                command,
                start,
                reply,
            },
            answer,
        )
    }

    #[test]
    fn first_come_first_served() {
        let requests = Requests::default();
        let _asked = ["a", "b", "c"].map(|file| {
            let (request, answer) = request(file);
            requests.push(request);
            answer
        });
        requests.close();
        let files: Vec<_> = iter::from_fn(|| requests.next())
            .map(|request| request.command.file.into_string())
            .collect();
        assert_eq!(files, ["a", "b", "c"].map(|file| Ok(file.to_owned())));
    }

    #[test]
    fn what_nobody_asks_for_any_more_does_not_stay() {
        let requests = Requests::default();
        let (wanted, _asked): (Vec<_>, Vec<_>) = (0..10).map(|_| request("wanted")).unzip();
        wanted
            .into_iter()
            .for_each(|request| requests.push(request));
        for _ in 0..100 * FEW {
            requests.push(request("gone").0);
        }
        assert!(requests.len() <= FEW, "{}", requests.len());
        requests.close();
        let left = iter::from_fn(|| requests.next());
        assert_eq!(
            left.filter(|request| !request.reply.is_closed()).count(),
            10
        );
    }

    #[test]
    fn all_who_wait_go_when_there_will_be_none() {
        // Whether they stand there by then is a matter of luck.
        for _ in 0..100 {
            let requests = Arc::new(Requests::default());
            let (gone, waits) = mpsc::channel();
            for _ in 0..2 {
                let (requests, gone) = (Arc::clone(&requests), gone.clone());
                thread::spawn(move || gone.send(requests.next().is_none()));
            }
            thread::yield_now();
            requests.close();
            let is_gone = || waits.recv_timeout(Duration::from_secs(20));
            assert_eq!([is_gone(), is_gone()], [Ok(true), Ok(true)]);
        }
    }
}
