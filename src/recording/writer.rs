//! The thread that writes recordings, in the order in which sessions tell it: [`Writer`].

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
};

use tokio::sync::oneshot;
use tracing::{Span, warn};

use super::{
    directory::RecordDirectory,
    entry::Entry,
    header::Header,
    open_file::{OpenFile, RecordError},
};

/// One recording, for who tells and who writes.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: u64,
    /// What its lines in the log stand under.
    pub(super) span: Span,
    /// It goes on no longer, or never began.
    pub(super) is_over: AtomicBool,
}

impl Track {
    /// Ends the recording, and says why; once.
    pub(super) fn end(&self, reason: &str) {
        if !self.is_over.swap(true, Ordering::Relaxed) {
            self.span.in_scope(|| warn!("recording ends: {reason}"));
        }
    }
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Job {
    /// A session begins.
    Begin(Arc<Track>, Arc<RecordDirectory>, Header),
    /// Something happened in it; so many bytes waited in the queue for it.
    Entry(Arc<Track>, Entry, usize),
    /// It has ended, or is recorded no longer.
    End(Arc<Track>),
    /// Answered when all that came before is written.
    Written(oneshot::Sender<()>),
}

/// The files of all sessions that are recorded.
pub(super) struct Writer {
    files: HashMap<u64, (Arc<Track>, OpenFile)>,
    /// Those with something to write, some perhaps twice, some gone.
    dirty: Vec<u64>,
    /// Bytes that wait in the queue.
    queued: Arc<AtomicUsize>,
}

impl Writer {
    pub(super) fn new(queued: Arc<AtomicUsize>) -> Self {
        Writer {
            files: HashMap::new(),
            dirty: Vec::new(),
            queued,
        }
    }

    /// Does what it is told until nobody can tell it more. What was gathered is written whenever there is nothing else
    /// to do.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let job = match jobs.try_recv() {
                Ok(job) => job,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    self.flush();
                    match jobs.recv() {
                        Ok(job) => job,
                        Err(_) => break,
                    }
                }
            };
            self.work(job);
        }
        self.flush();
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Begin(track, directory, header) => {
                let name = format!("{}.jsonl", header.session);
                match directory.create(&name) {
                    Ok(file) => {
                        let file = (Arc::clone(&track), OpenFile::new(file));
                        self.files.insert(track.id, file);
                        self.write(&track, &header.to_line());
                    }
                    Err(error) => track.end(&error.to_string()),
                }
            }
            Job::Entry(track, entry, length) => {
                self.write(&track, &entry.to_line());
                self.queued.fetch_sub(length, Ordering::Relaxed);
            }
            Job::End(track) => {
                self.flush_one(track.id);
                self.files.remove(&track.id);
            }
            Job::Written(done) => {
                self.flush();
                let _ = done.send(());
            }
        }
    }

    fn write(&mut self, track: &Track, line: &str) {
        let Some((_, file)) = self.files.get_mut(&track.id) else {
            return;
        };
        let was_dirty = file.is_dirty();
        match file.push(line) {
            Ok(()) if !was_dirty && file.is_dirty() => self.dirty.push(track.id),
            Ok(()) => {}
            Err(error) => self.fail(track.id, &error),
        }
    }

    fn flush(&mut self) {
        for id in std::mem::take(&mut self.dirty) {
            self.flush_one(id);
        }
    }

    fn flush_one(&mut self, id: u64) {
        if let Some((_, file)) = self.files.get_mut(&id)
            && let Err(error) = file.flush()
        {
            self.fail(id, &error.into());
        }
    }

    fn fail(&mut self, id: u64, error: &RecordError) {
        if let Some((track, _)) = self.files.remove(&id) {
            track.end(&error.to_string());
        }
    }
}
