//! Recording sessions: [`Recorder`], and [`Recording`], which is one of them.
//!
//! # How it works
//! One thread opens and writes all files; sessions put what happens into its queue and never wait. The queue is bounded by
//! the bytes in it: a disk that does not keep up ends the recording of the session that finds it full, and no session.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use tracing::{Span, error};

use super::{
    directory::RecordDirectory,
    entry::{Direction, Entry},
    header::Header,
    writer::{Job, Track, Writer},
};
use crate::message::{Close, Message};

/// Bytes of messages of all sessions that may wait for the disk. Fewer end recordings in a burst, more are memory for a disk
/// that hangs.
const MOST_QUEUED: usize = 32 << 20;
/// What an entry takes beside its message.
const ENTRY: usize = 128;
/// What the last lines get to be written at a stop. Shorter would lose them on a busy disk, longer would hold up a stop
/// behind one that hangs.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Records sessions in a directory, if it has one. Clones are the same, and share their thread.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    directory: Option<Arc<RecordDirectory>>,
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Started with the first recording; `None` if it cannot be.
    jobs: OnceLock<Option<Sender<Job>>>,
    queued: Arc<AtomicUsize>,
    next: AtomicU64,
}

impl Queue {
    fn jobs(&self) -> Option<&Sender<Job>> {
        self.jobs.get_or_init(|| self.start()).as_ref()
    }

    fn start(&self) -> Option<Sender<Job>> {
        let (jobs, waiting) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&self.queued));
        let thread = thread::Builder::new().name("recorder".to_owned());
        match thread.spawn(move || writer.run(&waiting)) {
            Ok(_) => Some(jobs),
            Err(error) => {
                error!("sessions are not recorded, for the thread cannot be started: {error}");
                None
            }
        }
    }
}

impl Recorder {
    /// The same thread with another directory, or none; what is being recorded goes on where it is.
    pub fn with_directory(&self, directory: Option<Arc<RecordDirectory>>) -> Self {
        Recorder {
            directory,
            queue: Arc::clone(&self.queue),
        }
    }

    /// Begins a recording; what keeps it from being written is logged under the span that is current. `None` where
    /// nothing is recorded.
    pub fn begin(&self, header: impl FnOnce() -> Header) -> Option<Recording> {
        let directory = Arc::clone(self.directory.as_ref()?);
        let jobs = self.queue.jobs()?.clone();
        let track = Arc::new(Track {
            id: self.queue.next.fetch_add(1, Ordering::Relaxed),
            span: Span::current(),
            is_over: AtomicBool::new(false),
        });
        jobs.send(Job::Begin(Arc::clone(&track), directory, header()))
            .ok()?;
        Some(Recording {
            track,
            begun: Instant::now(),
            queued: Arc::clone(&self.queue.queued),
            jobs,
        })
    }

    /// Waits until all that was told is written, for two seconds at most. Cancel safe: yes.
    pub async fn finish(&self) {
        let (done, written) = oneshot::channel();
        if let Some(Some(jobs)) = self.queue.jobs.get()
            && jobs.send(Job::Written(done)).is_ok()
        {
            let _ = timeout(LAST_LINES, written).await;
        }
    }
}

/// The recording of one session; it ends when this is dropped.
#[derive(Debug)]
pub struct Recording {
    track: Arc<Track>,
    begun: Instant,
    queued: Arc<AtomicUsize>,
    jobs: Sender<Job>,
}

impl Recording {
    /// Records a message.
    pub fn message(&self, direction: Direction, message: &Message) {
        let entry = |time| Entry::Message(time, direction, message.clone());
        self.record(entry, message.len() + ENTRY);
    }

    /// Records the end.
    pub fn close(&self, close: &Close) {
        self.record(|time| Entry::Close(time, close.clone()), ENTRY);
    }

    fn record(&self, entry: impl FnOnce(Duration) -> Entry, length: usize) {
        if self.track.is_over.load(Ordering::Relaxed) {
            return;
        }
        // A message alone may be as long as it likes: it is in memory already.
        let before = self.queued.fetch_add(length, Ordering::Relaxed);
        if before > 0 && before + length > MOST_QUEUED {
            self.queued.fetch_sub(length, Ordering::Relaxed);
            self.track.end("the disk does not keep up");
            return;
        }
        let entry = entry(self.begun.elapsed());
        let _ = self
            .jobs
            .send(Job::Entry(Arc::clone(&self.track), entry, length));
    }
}

impl Drop for Recording {
    /// The file is closed by the thread, since that may take its time, too (close(2)).
    fn drop(&mut self) {
        let _ = self.jobs.send(Job::End(Arc::clone(&self.track)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Playback, header::Source};
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    fn recorder(directory: &Path) -> Recorder {
        let directory = RecordDirectory::open(directory).expect("a directory");
        Recorder::default().with_directory(Some(Arc::new(directory)))
    }

    fn header() -> Header {
        Header {
            session: "id".to_owned(),
            start: String::new(),
            uri: "/".to_owned(),
            source: Source::Command(vec!["cat".to_owned()]),
            framing: "lines".to_owned(),
        }
    }

    #[tokio::test]
    async fn what_was_told_is_in_the_file_for_its_owner_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let recorder = recorder(directory.path());
        let recording = recorder.begin(header).expect("a recording");
        recording.message(Direction::In, &Message::Text("hello".into()));
        recording.close(&Close::new(Close::NORMAL, ""));
        recorder.finish().await;
        let path = directory.path().join("id.jsonl");
        let text = fs::read(&path).expect("a file");
        let playback = Playback::read(&text).expect("a recording");
        assert_eq!(playback.header, header());
        let entries: Vec<Entry> = playback.entries().collect();
        assert!(
            matches!(&entries[..], [Entry::Message(_, Direction::In, _), Entry::Close(_, close)] if close.code == 1000),
            "{entries:?}"
        );
        let mode = path.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn nothing_is_written_through_a_link_or_into_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let elsewhere = tempfile::NamedTempFile::new().expect("a file");
        std::os::unix::fs::symlink(elsewhere.path(), directory.path().join("id.jsonl"))
            .expect("a link");
        let recorder = recorder(directory.path());
        let recording = recorder.begin(header).expect("it is tried");
        recorder.finish().await;
        assert!(recording.track.is_over.load(Ordering::Relaxed));
        recording.message(Direction::In, &Message::Text("hello".into()));
        recorder.finish().await;
        assert_eq!(fs::read(elsewhere.path()).expect("a file"), b"");
    }

    #[tokio::test]
    async fn disk_that_does_not_keep_up_ends_the_recording() {
        let directory = tempfile::tempdir().expect("a directory");
        let recorder = recorder(directory.path());
        let recording = recorder.begin(header).expect("a recording");
        // As if so much waited for the disk.
        recorder.queue.queued.store(MOST_QUEUED, Ordering::Relaxed);
        recording.message(Direction::In, &Message::Text("hello".into()));
        assert!(recording.track.is_over.load(Ordering::Relaxed));
        assert_eq!(recorder.queue.queued.load(Ordering::Relaxed), MOST_QUEUED);
    }

    #[test]
    fn without_a_directory_nothing_is_recorded() {
        assert!(Recorder::default().begin(header).is_none());
    }
}
