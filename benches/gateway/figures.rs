//! The list of figures. Each is a function from a fresh server to measures;
//! a new one is a row here and a function beside the others of its kind.

mod json;
mod latency;
mod standing;
mod throughput;
mod turnover;
mod web;

use std::time::Duration;

use crate::kernel::OneCpu;
use crate::outcome::{Failure, Outcome};
use crate::server::{Server, Template};
use crate::site::{Serving, Site};

/// How much is done for a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How long what can go on goes on: long enough for thousands of events.
    pub(crate) span: Duration,
    /// How long a reader that stops stops.
    pub(crate) pause: Duration,
    /// Sessions in `rtt-100`, `storm` and `idle`.
    pub(crate) busy: usize,
    pub(crate) storm: usize,
    pub(crate) idle: usize,
    /// Lines that the program of `lines` prints.
    pub(crate) lines: &'static str,
}

impl Effort {
    pub(crate) const FULL: Self = Self {
        span: Duration::from_millis(1500),
        pause: Duration::from_secs(5),
        busy: 100,
        storm: 500,
        idle: 1000,
        lines: "2000000",
    };

    /// Enough to see that everything works, too little to compare.
    pub(crate) const QUICK: Self = Self {
        span: Duration::from_millis(200),
        pause: Duration::from_secs(1),
        busy: 20,
        storm: 50,
        idle: 100,
        lines: "100000",
    };
}

/// What runs behind the server. Each has an argument, as some servers have a
/// way to say "a program with arguments" and another for "without".
#[derive(Clone, Copy)]
enum Program {
    Cat,
    Seq,
    Yes,
}

/// What a server is to do, and so which servers can be compared.
#[derive(Clone, Copy)]
enum Task {
    /// A program per WebSocket.
    Run(Program),
    /// Answers to plain requests.
    Serve(Serving),
}

impl Program {
    fn words(self, effort: &Effort) -> Vec<&'static str> {
        match self {
            Self::Cat => vec!["cat", "-"],
            Self::Seq => vec!["seq", "1", effort.lines],
            Self::Yes => vec!["yes", "y"],
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cpus {
    All,
    /// Client, server and program share one.
    One,
}

/// A name to ask for and what is done then.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    task: Task,
    cpus: Cpus,
    measure: fn(&Server, &Effort) -> Result<Outcome, Failure>,
}

impl Figure {
    /// Whether it is about web servers.
    pub(crate) fn is_web(&self) -> bool {
        matches!(self.task, Task::Serve(_))
    }

    /// Runs the figure once, with a server of its own.
    pub(crate) fn run(&self, template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
        let _pinned = match self.cpus {
            Cpus::One => Some(OneCpu::pin()?),
            Cpus::All => None,
        };
        let measure = |server: Server| {
            (self.measure)(&server, effort).map_err(|failure| failure.and(&server.complaints()))
        };
        match self.task {
            Task::Run(program) => {
                let words = program.words(effort);
                measure(Server::start(|port| Ok(template.fill(port, &words)))?)
            }
            Task::Serve(what) => {
                let site = Site::build()?;
                measure(Server::start(|port| site.words(template, what, port))?)
            }
        }
    }
}

const fn figure(
    name: &'static str,
    about: &'static str,
    program: Program,
    measure: fn(&Server, &Effort) -> Result<Outcome, Failure>,
) -> Figure {
    let cpus = Cpus::All;
    Figure {
        name,
        about,
        task: Task::Run(program),
        cpus,
        measure,
    }
}

const fn web(
    name: &'static str,
    about: &'static str,
    what: Serving,
    measure: fn(&Server, &Effort) -> Result<Outcome, Failure>,
) -> Figure {
    Figure {
        name,
        about,
        task: Task::Serve(what),
        cpus: Cpus::All,
        measure,
    }
}

/// All figures, in the order in which they run.
pub(crate) const FIGURES: &[Figure] = &[
    figure(
        "rtt",
        "round trip of 16 B, alone",
        Program::Cat,
        latency::alone,
    ),
    Figure {
        cpus: Cpus::One,
        ..figure(
            "rtt-1cpu",
            "the same, all on one CPU",
            Program::Cat,
            latency::alone,
        )
    },
    figure(
        "rtt-100",
        "100 connections, one message in flight each",
        Program::Cat,
        latency::crowded,
    ),
    figure(
        "pipelined-16",
        "echoes of 16 B as fast as they go",
        Program::Cat,
        throughput::echoes::<16>,
    ),
    figure(
        "pipelined-1k",
        "echoes of 1 KiB",
        Program::Cat,
        throughput::echoes::<1024>,
    ),
    figure(
        "pipelined-64k",
        "echoes of 64 KiB",
        Program::Cat,
        throughput::echoes::<65536>,
    ),
    figure(
        "lines",
        "output of seq 1 2000000, a message a line",
        Program::Seq,
        throughput::lines,
    ),
    figure(
        "cycle-1",
        "connect, echo, close: one at a time",
        Program::Cat,
        turnover::cycles::<1>,
    ),
    figure(
        "cycle-16",
        "connect, echo, close: 16 at a time",
        Program::Cat,
        turnover::cycles::<16>,
    ),
    figure(
        "storm",
        "500 connects at once, until all have an echo",
        Program::Cat,
        turnover::storm,
    ),
    figure(
        "idle",
        "1,000 sessions that do nothing",
        Program::Cat,
        standing::idle,
    ),
    figure(
        "json",
        "echoes of 1 KiB of JSON, compressed where the server does",
        Program::Cat,
        json::echoes,
    ),
    figure(
        "json-idle",
        "1,000 sessions that have had such echoes",
        Program::Cat,
        json::idle,
    ),
    figure(
        "slow-reader",
        "yes before a reader that stops for 5 s",
        Program::Yes,
        standing::slow_reader,
    ),
    web(
        "static-1k",
        "a file of 1 KiB, asked for on 32 connections",
        Serving::Files,
        web::small_file,
    ),
    web(
        "static-1m",
        "a file of 1 MiB",
        Serving::Files,
        web::large_file,
    ),
    web(
        "cgi-hello",
        "a CGI script of the shell",
        Serving::Scripts,
        web::script,
    ),
];
