//! Our own stdin and stdout in a program's place: what is read is sent, what comes is written.
//!
//! One session after another can have them: stdin goes on where it was. All that a session was given
//! is written before it ends, however slow the reader is.
//!
//! # How it works
//! A WebSocket cannot be closed in one direction alone, and when stdin ends, answers may still be on
//! their way. So the output ends only when nothing has come for a while ([`Linger`]), which counts from the
//! moment when all that came before was written: a reader that is slow is not taken for a server that is
//! silent. A stdout that nobody reads any more ends the output at once.
//!
//! Reads and writes happen on threads of the runtime, in blocking mode: other processes may share the
//! pipes and terminals, and these would find them in non-blocking mode too.

use std::{
    convert::Infallible,
    io,
    os::fd::AsFd,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use parking_lot::Mutex;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::{fs::File, sync::oneshot, time::Instant};
use tokio_util::codec::FramedWrite;
use tracing::warn;

use super::{
    error::BackendError,
    interface::{AfterOutput, Backend, Inbound, Output, Said},
    output::framed_output,
    stream_options::{StreamCodec, StreamOptions},
};
use crate::timer::LazyTimer;

/// Bytes kept for a stdout that takes nothing: what a Linux pipe holds (pipe(7)), so that one write
/// fills it.
const STDOUT_BUFFER: usize = 64 * 1024;

/// What becomes of a session whose stdin has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linger {
    /// It ends when nothing has come for so long; zero ends it with stdin.
    For(Duration),
    /// It goes on, and listens; a stdin that cannot be read is at its end too.
    Forever,
}

/// Stdin and stdout, for one session at a time.
#[derive(Clone)]
pub struct Stdio {
    streams: StreamOptions,
    linger: Linger,
    stdin: Arc<Mutex<Output>>,
    state: Arc<State>,
}

/// What went wrong with one of the two.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// stdin could not be read.
    #[error("stdin cannot be read: {0}")]
    Input(io::Error),
    /// stdout could not be written, for another reason than that nobody reads it.
    #[error("stdout cannot be written: {0}")]
    Output(io::Error),
}

/// What the two directions know of each other.
struct State {
    /// stdin has said something.
    spoke: AtomicBool,
    /// stdin is at its end.
    ended: AtomicBool,
    /// A session has ended because nothing came after that.
    expired: AtomicBool,
    /// Something that came is not yet written.
    unwritten: AtomicBool,
    /// When all was last written.
    written: Mutex<Instant>,
    failure: Mutex<Option<StdioError>>,
}

impl Stdio {
    /// Takes stdin and stdout.
    ///
    /// # Errors
    /// The operating system's (dup(2)).
    pub fn new(streams: StreamOptions, linger: Linger) -> io::Result<Self> {
        let stdin = file(io::stdin())?;
        Ok(Stdio {
            streams,
            linger,
            stdin: Arc::new(Mutex::new(framed_output(stdin, &streams))),
            state: Arc::new(State {
                spoke: AtomicBool::new(false),
                ended: AtomicBool::new(false),
                expired: AtomicBool::new(false),
                unwritten: AtomicBool::new(false),
                written: Mutex::new(Instant::now()),
                failure: Mutex::new(None),
            }),
        })
    }

    /// The two as a backend.
    ///
    /// # Errors
    /// The operating system's (dup(2)).
    pub fn open(&self) -> io::Result<Backend> {
        let (open, closed) = oneshot::channel();
        let codec = StreamCodec::new(&self.streams);
        let mut stdout = FramedWrite::new(file(io::stdout())?, codec);
        stdout.set_backpressure_boundary(STDOUT_BUFFER);
        let messages = Messages {
            stdio: self.clone(),
            at_end: None,
            timer: LazyTimer::default(),
        };
        Ok(Backend {
            output: Box::pin(messages.take_until(closed)),
            input: Box::pin(Stdout {
                stdout,
                state: Arc::clone(&self.state),
                open: Some(open),
            }),
            // A WebSocket is closed in both directions at once, and answers may still be on their way.
            after_output: AfterOutput::KeepInput,
            farewell: None,
            process: None,
            connection: None,
            cut: None,
            attach: None,
            member: None,
        })
    }

    /// Whether another session could do nothing: stdin has come to its end, and that ends it.
    pub fn is_done(&self) -> bool {
        self.linger != Linger::Forever && self.is_at_end()
    }

    fn is_at_end(&self) -> bool {
        self.state.ended.load(Ordering::Relaxed)
    }

    /// Whether a session has ended because stdin did, which had nothing to say, ever.
    pub fn ended_unheard(&self) -> bool {
        let state = &self.state;
        state.expired.load(Ordering::Relaxed) && !state.spoke.load(Ordering::Relaxed)
    }

    /// Who listens needs no stdin: nohup(1) leaves one that is not open for reading, and a terminal may go.
    fn lose_input(&self, error: io::Error) {
        match (self.linger, error.raw_os_error()) {
            (Linger::Forever, Some(libc::EBADF)) => {}
            (Linger::Forever, _) => warn!("{}", StdioError::Input(error)),
            (Linger::For(_), _) => self.state.fail(StdioError::Input(error)),
        }
    }

    /// What went wrong, told once.
    pub fn take_failure(&self) -> Option<StdioError> {
        self.state.failure.lock().take()
    }
}

impl std::fmt::Debug for Stdio {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Stdio");
        shown.field("streams", &self.streams);
        shown.field("linger", &self.linger).finish_non_exhaustive()
    }
}

/// A standard stream without the buffers of the standard library. Whoever had it before may have left
/// it in non-blocking mode, in which a read on a thread would fail.
fn file(stream: impl AsFd) -> io::Result<File> {
    let stream = stream.as_fd();
    let flags = fcntl_getfl(stream)?;
    if flags.contains(OFlags::NONBLOCK) {
        fcntl_setfl(stream, flags - OFlags::NONBLOCK)?;
    }
    Ok(File::from_std(stream.try_clone_to_owned()?.into()))
}

impl State {
    fn fail(&self, failure: StdioError) {
        self.failure.lock().get_or_insert(failure);
    }
}

/// What stdin says to one session, and then the wait for the last answers.
struct Messages {
    stdio: Stdio,
    /// When this session found stdin at its end.
    at_end: Option<Instant>,
    timer: LazyTimer,
}

impl Messages {
    /// Ready when nothing has come for as long as it takes.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let state = &self.stdio.state;
        let linger = match self.stdio.linger {
            Linger::For(Duration::ZERO) => return Poll::Ready(()),
            Linger::For(linger) => linger,
            // What ends it comes from elsewhere: the server, a stdout that nobody reads, a signal.
            Linger::Forever => return Poll::Pending,
        };
        let at_end = *self.at_end.get_or_insert_with(Instant::now);
        let last = match state.unwritten.load(Ordering::Relaxed) {
            true => Instant::now(),
            false => at_end.max(*state.written.lock()),
        };
        self.timer.poll_expired(last + linger, context)
    }
}

impl Stream for Messages {
    type Item = Result<Said, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.stdio.is_at_end() {
            let state = &self.stdio.state;
            match ready!(self.stdio.stdin.lock().poll_next_unpin(context)) {
                Some(Err(BackendError::Io(error))) => self.stdio.lose_input(error),
                Some(item) => {
                    state.spoke.store(true, Ordering::Relaxed);
                    return Poll::Ready(Some(item));
                }
                None => {}
            }
            state.ended.store(true, Ordering::Relaxed);
        }
        ready!(self.poll_silence(context));
        self.stdio.state.expired.store(true, Ordering::Relaxed);
        Poll::Ready(None)
    }
}

/// Writes what comes, and notes when all of it is written.
struct Stdout {
    stdout: FramedWrite<File, StreamCodec>,
    state: Arc<State>,
    /// Nothing is ever sent: its end tells the output that nobody takes what comes.
    open: Option<oneshot::Sender<Infallible>>,
}

impl Stdout {
    fn note(&self, polled: Poll<Result<(), BackendError>>) -> Poll<Result<(), BackendError>> {
        if let Poll::Ready(Err(BackendError::Io(error))) = &polled
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            let error = match error.raw_os_error() {
                Some(number) => io::Error::from_raw_os_error(number),
                None => error.kind().into(),
            };
            self.state.fail(StdioError::Output(error));
        }
        polled
    }
}

impl Sink<Inbound> for Stdout {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        let ready = self.stdout.poll_ready_unpin(context);
        self.note(ready)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        self.state.unwritten.store(true, Ordering::Relaxed);
        self.stdout.start_send_unpin(item)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        let flushed = self.stdout.poll_flush_unpin(context);
        if flushed.is_ready() && self.state.unwritten.swap(false, Ordering::Relaxed) {
            *self.state.written.lock() = Instant::now();
        }
        self.note(flushed)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        let flushed = ready!(self.as_mut().poll_flush(context));
        self.open = None;
        Poll::Ready(flushed)
    }
}
