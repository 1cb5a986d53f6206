//! Where `tracing`'s events go: stderr, as text or JSON, from the level that was asked for.
//!
//! Targets carry what levels cannot say: `access` is requests and sessions, `stderr` is what programs
//! say, `listening` is the line with the URL, which every level but `fatal` shows.
//!
//! # How it works
//! A thread writes. Whoever logs only puts a line into its queue, and never waits: a terminal that is
//! held by Ctrl-S, or a pipe that nobody reads, would else stop every worker of the runtime, and with
//! them all sessions and the signals too. Lines that find the queue full are dropped, and counted.
//!
//! tracing-appender's `NonBlocking` does the same, but prints "Failed to send shutdown signal" to stdout where
//! the process ends before a stderr that takes nothing. stdout is the client's connection with `--inetd`, and has
//! the messages with `--connect`; where it is closed, printing is a panic. Nor does it say how many lines it dropped.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use tracing::{Event, Level, Subscriber, level_filters::LevelFilter, warn};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    fmt::{
        self, FmtContext,
        format::{Format, FormatEvent, FormatFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    args::{LogFormat, LogLevel},
    printable::{printable, printable_json},
    quantity::quantity,
};

/// Lines that may wait: a burst of a thousand sessions that end at once.
const QUEUE: usize = 1024;
/// What the last lines get to be written when the process ends. Longer would hold up a stop that is
/// asked for twice behind a stderr that takes nothing.
const LAST_LINES: Duration = Duration::from_millis(500);

/// What the names of our modules begin with, which stand for a target where an event has none.
const OWN_MODULES: &str = concat!(env!("CARGO_CRATE_NAME"), "::");

/// The log; what is still in the queue is written when it is dropped.
#[derive(Debug)]
pub struct Log {
    queue: Queue,
}

/// Installs the log for the process.
///
/// # Errors
/// When the thread cannot be started.
pub fn init(level: LogLevel, format: LogFormat) -> io::Result<Log> {
    let queue = Queue::start(format)?;
    let writer = queue.clone();
    let layer = fmt::layer()
        .with_writer(move || writer.clone())
        // The library's own, which knows no overrides of the writing direction, and spells in another way.
        .with_ansi_sanitization(false)
        .log_internal_errors(false);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => layer
            .with_ansi(false)
            .map_event_format(NamedTargets::new)
            .boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .map_event_format(UniqueKeys)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter(level)))
        .init();
    Ok(Log { queue })
}

/// Lines of text for people: what an event is about stands before it where it has a name for that, and not where it has
/// but the module of ours that it comes from. What developers ask for has that too.
struct NamedTargets<F> {
    with_target: F,
    without: F,
}

impl<L: Clone, T: Clone> NamedTargets<Format<L, T>> {
    fn new(format: Format<L, T>) -> Self {
        NamedTargets {
            without: format.clone().with_target(false),
            with_target: format,
        }
    }
}

impl<S, N, F> FormatEvent<S, N> for NamedTargets<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let of = event.metadata();
        let is_module = of.target().starts_with(OWN_MODULES);
        match is_module && *of.level() <= Level::INFO {
            true => self.without.format_event(context, writer, event),
            false => self.with_target.format_event(context, writer, event),
        }
    }
}

/// Lines of JSON in which each key stands once: what a session is joined to is its `target`, and so is what the event is
/// about, which is always there. The former is `connected_to` then.
struct UniqueKeys<F>(F);

impl<S, N, F> FormatEvent<S, N> for UniqueKeys<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        // Within a string the quotes would be escaped, so this is a key.
        const KEY: &str = "\"target\":";
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        match line.matches(KEY).count() {
            0 | 1 => writer.write_str(&line),
            _ => writer.write_str(&line.replacen(KEY, "\"connected_to\":", 1)),
        }
    }
}

fn filter(level: LogLevel) -> Targets {
    let all = |level: LevelFilter| {
        Targets::new()
            .with_default(level)
            // What is to be said of the hub is said by ourselves, once.
            .with_target("async_nats", LevelFilter::OFF)
            .with_target("listening", Level::INFO)
    };
    match level {
        LogLevel::Debug => all(LevelFilter::TRACE),
        LogLevel::Trace => all(LevelFilter::DEBUG),
        LogLevel::Access => all(LevelFilter::INFO),
        LogLevel::Info => all(LevelFilter::INFO).with_target("access", LevelFilter::WARN),
        LogLevel::Error => all(LevelFilter::WARN).with_target("access", LevelFilter::ERROR),
        LogLevel::Fatal => Targets::new().with_default(LevelFilter::OFF),
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (done, written) = mpsc::sync_channel(1);
        // A queue that is full has a stderr that takes nothing, and nothing to wait for.
        if self.queue.entries.try_send(Entry::Last(done)).is_ok() {
            let _ = written.recv_timeout(LAST_LINES);
        }
    }
}

/// What the thread is told.
#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    /// Answered when all before it is written.
    Last(SyncSender<()>),
}

/// The near end of the thread's queue; `fmt` writes an event in one call.
#[derive(Debug, Clone)]
struct Queue {
    entries: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
    /// The thread that writes, which waits for no room in its own queue: what it says of others' lines would be lost
    /// there, with their number.
    writer: ThreadId,
}

impl Queue {
    fn start(format: LogFormat) -> io::Result<Self> {
        let (entries, waiting) = mpsc::sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let thread = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&waiting, &count))?;
        Ok(Queue {
            entries,
            dropped,
            format,
            writer: thread.thread().id(),
        })
    }

    /// An event's line, safe to look at.
    fn to_line(&self, event: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.format {
            LogFormat::Text => printable(text),
            LogFormat::Json => printable_json(text),
        };
        [line.as_bytes(), b"\n"].concat()
    }
}

impl Write for Queue {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = self.to_line(event);
        if thread::current().id() == self.writer {
            write_line(&line);
        } else if self.entries.try_send(Entry::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stderr that is closed or on a full disk is no reason to stop.
fn write_line(line: &[u8]) {
    let _ = io::stderr().write_all(line);
}

fn write_all(waiting: &Receiver<Entry>, dropped: &AtomicU64) {
    for entry in waiting {
        match entry {
            Entry::Line(line) => write_line(&line),
            Entry::Last(done) => drop(done.try_send(())),
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let lost = quantity(lost, "line", "lines");
            warn!("dropped {lost} of the log, which stderr did not take in time");
        }
    }
}
