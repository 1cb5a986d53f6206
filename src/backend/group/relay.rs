//! The relay of a group: one process of its program, from its start until it is over or is to be ended.
//!
//! # How it works
//! One loop in one task. What the program says is handed out as it comes, up to 64 KiB or as many deliveries in a turn; then
//! the members are written to, all that they were sent in it with one system call each, and others get the processor.
//! What members say is gathered by turns, a little at a time, so that what has been gathered delays nobody for long,
//! and written while the pipe takes it.

use std::{
    future::{pending, poll_fn},
    io,
    pin::Pin,
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use bytes::{Buf, BytesMut};
use futures_util::{FutureExt, StreamExt};
use tokio::{io::AsyncWrite, task::yield_now, time::Instant};
use tracing::error;

use super::{
    options::Keep, roster::Stage, shared_program::SharedProcess, state::Group, ticker::Ticker,
};
use crate::{
    backend::{
        error::BackendError,
        interface::{Output, Said},
        late_output::Heard,
        process::Process,
        stdin::{Intake, Stdin},
    },
    message::Close,
    timer::LazyTimer,
};

/// What is read in one turn, in bytes, and how many deliveries are made. More keeps other tasks waiting, less wakes
/// members more often than a burst needs.
const TURN: usize = 64 * 1024;
/// Bytes gathered for one write. More would let those who spoke first delay who speaks next; less costs system calls.
const GATHERED: usize = 8 * 1024;
/// How long output may pause after the program has ended before whoever still holds its stdout is taken to have nothing
/// to say.
const LINGER: Duration = Duration::from_millis(500);
/// When it is first looked, and how often then, whether a program that has closed its stdout has closed its stdin too.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);

/// Why a process is relayed no more.
#[derive(Debug)]
pub(super) enum RelayEnd {
    /// It has ended, and all that it said was handed out.
    Exited(ExitStatus),
    /// It has ended, and somebody holds its stdout and says nothing.
    Lingered,
    /// It has closed both streams.
    Closed,
    /// What it says is no message.
    Broken(Close),
    /// Nobody is there any more, and it was told all.
    Unused,
    /// Its file is another one.
    Replaced,
    /// The server stops, and it had its time.
    Drained,
}

/// A process that is relayed.
pub(super) struct Relay<'a> {
    group: &'a Arc<Group>,
    /// `None` once it has ended.
    pub(super) output: Option<Output>,
    /// `None` once it has ended, or is refused.
    stdin: Option<Stdin>,
    intake: Intake,
    pub(super) process: Process,
    unwritten: BytesMut,
    ticker: Ticker,
    timer: LazyTimer,
    exit: Option<ExitStatus>,
    /// The last of the program's output, or its end.
    last_output: Instant,
    /// What it has said by now.
    pub(super) heard: Heard,
    /// Since when there have been no members, and those who have gone have told it nothing.
    unused: Option<Instant>,
    /// The program is told no more than what is gathered by now, and then its end; until then at most.
    ending: Option<Instant>,
    /// The next look at a stdin whose program has closed its stdout.
    look: Option<Instant>,
    /// When what members say is thrown away, since the program does not read it and has not ended.
    refusal: Option<Instant>,
}

/// What happens next.
enum Event {
    Said(Option<Result<Said, BackendError>>),
    Written(io::Result<usize>),
    Exited(ExitStatus),
    Timer,
    Changed,
    Replaced,
    Drain,
}

impl<'a> Relay<'a> {
    pub(super) fn new(group: &'a Arc<Group>, started: SharedProcess) -> Self {
        Relay {
            group,
            heard: Heard {
                started: started.process.started(),
                first: None,
                messages: 0,
                is_heard_late: false,
            },
            output: Some(started.output),
            intake: started.stdin.intake().clone(),
            stdin: Some(started.stdin),
            process: started.process,
            unwritten: BytesMut::new(),
            ticker: Ticker::default(),
            timer: LazyTimer::default(),
            exit: None,
            last_output: Instant::now(),
            unused: None,
            ending: None,
            look: None,
            refusal: None,
        }
    }

    /// Relays until that is over.
    pub(super) async fn run(&mut self) -> RelayEnd {
        loop {
            self.look_at_members();
            self.refuse_when_due();
            self.gather();
            if let Some(end) = self.over() {
                return end;
            }
            match self.next().await {
                Event::Said(said) => {
                    if let Some(close) = self.hear(said).await {
                        return RelayEnd::Broken(close);
                    }
                }
                Event::Written(Ok(written)) => self.unwritten.advance(written),
                Event::Written(Err(_)) => self.refuse_input(),
                Event::Exited(status) => {
                    self.exit = Some(status);
                    self.last_output = Instant::now();
                }
                Event::Timer | Event::Changed => {}
                Event::Replaced => return RelayEnd::Replaced,
                Event::Drain => {
                    let drain = self.group.options().drain;
                    self.ending = Some(Instant::now() + drain);
                }
            }
        }
    }

    /// Waits for something to happen. Cancel safe: yes.
    async fn next(&mut self) -> Event {
        let timer = self.next_timer();
        let is_draining = self.ending.is_some();
        let (process, exit) = (&mut self.process, self.exit);
        let is_ending = self.ending.is_some();
        tokio::select! {
            said = next_said(&mut self.output) => Event::Said(said),
            written = write(&mut self.stdin, &self.unwritten, is_ending) => Event::Written(written),
            status = process.exit(), if exit.is_none() => Event::Exited(status),
            () = self.group.changed.notified() => Event::Changed,
            () = self.group.replaced.notified(), if !is_draining => Event::Replaced,
            () = poll_fn(|context| match timer {
                Some(deadline) => self.timer.poll_expired(deadline, context),
                None => std::task::Poll::Pending,
            }) => Event::Timer,
            () = self.group.drain.cancelled(), if !is_draining => Event::Drain,
        }
    }

    /// The next moment at which something may be due.
    fn next_timer(&self) -> Option<Instant> {
        let linger = self.exit.map(|_| self.last_output + LINGER);
        let times = [
            self.ticker.next(),
            self.unused_until(),
            self.ending,
            self.look,
            self.refusal,
            linger,
        ];
        times.into_iter().flatten().min()
    }

    /// Until when the program is kept without members.
    fn unused_until(&self) -> Option<Instant> {
        let since = self.unused.filter(|_| self.ending.is_none())?;
        match (self.group.state().1, self.group.options().keep) {
            (Stage::Open, Keep::Always) => None,
            (Stage::Open, Keep::For(time)) => Some(since + time),
            (Stage::Retired | Stage::Over, _) => Some(since),
        }
    }

    fn look_at_members(&mut self) {
        let (is_in_use, _) = self.group.state();
        match is_in_use {
            false => {
                self.unused.get_or_insert_with(Instant::now);
            }
            true => self.unused = None,
        }
        self.ticker.run(self.group.options().tick, is_in_use);
        let is_over = self
            .unused_until()
            .is_some_and(|until| until <= Instant::now());
        if is_over && self.group.close_if_empty() {
            self.end_soon();
        }
    }

    /// What members who have gone said before is written while the program takes it.
    fn end_soon(&mut self) {
        let now = Instant::now();
        self.unused = Some(now);
        self.ending = Some(now + self.group.options().termination.eof);
    }

    /// Gathers what is to be written next, once all has been that was gathered before.
    fn gather(&mut self) {
        let period = self.group.options().tick;
        if self.ticker.take_due(period) {
            self.tick();
        }
        // What is said when it has ended is for the next.
        if !self.unwritten.is_empty() || self.stdin.is_none() || self.exit.is_some() {
            return;
        }
        // What a long message took is given back.
        if self.unwritten.capacity() > 4 * GATHERED {
            self.unwritten = BytesMut::new();
        }
        let mut turns = self.group.turns.lock();
        while self.unwritten.len() < GATHERED {
            match turns.next() {
                // A long message is not copied.
                Some(said) if self.unwritten.is_empty() => self.unwritten = said.into(),
                Some(said) => self.unwritten.extend_from_slice(&said),
                None => break,
            }
        }
        drop(turns);
        if self.unused.is_some() && !self.unwritten.is_empty() {
            match self.ending {
                None => self.unused = Some(Instant::now()),
                Some(_) if self.group.drain.is_cancelled() => {}
                Some(_) => self.end_soon(),
            }
        }
    }

    /// Tells the program that time has passed, unless it has yet to read that from before.
    fn tick(&mut self) {
        let Some(tagging) = self.group.tagging.filter(|_| self.stdin.is_some()) else {
            return;
        };
        if !self.ticker.was_read(&self.intake) {
            self.group.figures().ticks_skipped.add(1);
            return;
        }
        self.unwritten.extend_from_slice(&tagging.tick());
        let bytes = self.intake.written() + self.unwritten.len() as u64;
        self.ticker.send(bytes);
    }

    /// Hands out what the program says, and what it says at once behind that; with what all are closed if it is none.
    async fn hear(&mut self, said: Option<Result<Said, BackendError>>) -> Option<Close> {
        self.last_output = Instant::now();
        let mut next = Some(said);
        let (mut bytes, mut deliveries) = (0, 0);
        let (mut broken, mut is_full) = (None, false);
        while let Some(said) = next {
            match said {
                Some(Ok(said)) => {
                    let message = said.message();
                    bytes += message.len() + 1;
                    deliveries += self.group.say(message.clone());
                    self.heard.first.get_or_insert(self.last_output);
                    self.heard.messages += 1;
                }
                Some(Err(BackendError::Io(_))) | None => {
                    self.output = None;
                    self.look = Some(Instant::now() + FIRST_LOOK);
                    break;
                }
                Some(Err(reason)) => {
                    error!("{reason}");
                    broken = Some(Close::new(Close::INTERNAL, reason.to_string()));
                    break;
                }
            }
            is_full = bytes >= TURN || deliveries >= TURN || self.group.is_turn_full();
            if is_full {
                break;
            }
            next = next_said(&mut self.output).now_or_never();
        }
        self.group.end_turn().write().await;
        if is_full {
            yield_now().await;
        }
        broken
    }

    /// The program reads no more: it has closed its stdin, or is about to have ended. Only if it lives on nobody needs
    /// what members say; else another may take its place, which is told.
    fn refuse_input(&mut self) {
        self.stdin = None;
        self.unwritten = BytesMut::new();
        self.refusal = Some(Instant::now() + FIRST_LOOK);
    }

    fn refuse_when_due(&mut self) {
        if self
            .refusal
            .is_some_and(|refusal| refusal <= Instant::now())
        {
            self.refusal = None;
            if self.exit.is_none() {
                self.group.turns.lock().refuse();
            }
        }
    }

    /// Whether it is over.
    fn over(&mut self) -> Option<RelayEnd> {
        let now = Instant::now();
        if let Some(status) = self.exit {
            return match &self.output {
                None => Some(RelayEnd::Exited(status)),
                Some(_) => (self.last_output + LINGER <= now).then_some(RelayEnd::Lingered),
            };
        }
        if self.output.is_none() && self.look.is_some_and(|look| look <= now) {
            self.look = Some(now + LOOK);
            if self.stdin.is_none() || self.intake.is_refused() {
                return Some(RelayEnd::Closed);
            }
        }
        let ending = self.ending?;
        let is_drained = self.group.drain.is_cancelled();
        match (is_drained, self.stdin.is_none() || ending <= now) {
            (false, true) => Some(RelayEnd::Unused),
            (true, _) if ending <= now => Some(RelayEnd::Drained),
            _ => None,
        }
    }

    /// What is left of it: the process, and the output that it may still say something with.
    pub(super) fn into_rest(self) -> (Process, Option<Output>) {
        (self.process, self.output)
    }
}

/// The next of what a program says; never ready once it has ended.
async fn next_said(output: &mut Option<Output>) -> Option<Result<Said, BackendError>> {
    match output {
        Some(output) => output.next().await,
        None => pending().await,
    }
}

/// Writes what is there, or, where nothing more is to come, the end. Cancel safe: yes.
async fn write(stdin: &mut Option<Stdin>, bytes: &[u8], is_ending: bool) -> io::Result<usize> {
    let Some(pipe) = stdin else {
        return pending().await;
    };
    if !bytes.is_empty() {
        return poll_fn(|context| Pin::new(&mut *pipe).poll_write(context, bytes)).await;
    }
    if !is_ending {
        return pending().await;
    }
    let ended = poll_fn(|context| Pin::new(&mut *pipe).poll_shutdown(context)).await;
    *stdin = None;
    ended.map(|()| 0)
}
