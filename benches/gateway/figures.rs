//! The list of figures. Each is a function from a fresh server to measures;
//! a new one is a row here and a function beside the others of its kind.

mod json;
mod latency;
pub(crate) mod standing;
mod start;
pub(crate) mod throughput;
mod tls;
mod turnover;
mod web;

use std::cell::LazyCell;
use std::io;
use std::time::Duration;

use crate::kernel::OneCpu;
use crate::outcome::{Failure, Outcome};
use crate::server::{Mode, Server, Template};
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
    /// Starts of a server in `start`.
    pub(crate) starts: usize,
}

impl Effort {
    pub(crate) const FULL: Self = Self {
        span: Duration::from_millis(1500),
        pause: Duration::from_secs(5),
        busy: 100,
        storm: 500,
        idle: 1000,
        lines: "2000000",
        starts: 20,
    };

    /// Enough to see that everything works, too little to compare.
    pub(crate) const QUICK: Self = Self {
        span: Duration::from_millis(200),
        pause: Duration::from_secs(1),
        busy: 20,
        storm: 50,
        idle: 100,
        lines: "100000",
        starts: 3,
    };
}

/// What runs behind the server. Each has an argument, as some servers have a
/// way to say "a program with arguments" and another for "without".
#[derive(Clone, Copy)]
pub(crate) enum Program {
    Cat,
    Seq,
    Yes,
}

impl Program {
    pub(crate) fn words(self, effort: &Effort) -> Vec<&'static str> {
        match self {
            Self::Cat => vec!["cat", "-"],
            Self::Seq => vec!["seq", "1", effort.lines],
            Self::Yes => vec!["yes", "y"],
        }
    }
}

/// Looks at a fresh server.
type Probe = fn(&Server, &Effort) -> Result<Outcome, Failure>;

/// What is done with a server.
#[derive(Clone, Copy)]
enum Task {
    /// It runs a program per WebSocket.
    Run(Program, Mode, Probe),
    /// The same with and without TLS.
    Secure(Program, Probe),
    /// It answers plain requests.
    Serve(Serving, Probe),
    /// It is started again and again.
    Start(Program),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cpus {
    All,
    /// Client, server and program share one.
    One,
}

/// Which servers can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Those that run a program per WebSocket.
    Programs,
    /// wsd, with and without TLS.
    Tls,
    /// Web servers.
    Web,
}

/// A name to ask for and what is done then.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    task: Task,
    cpus: Cpus,
}

impl Figure {
    /// Which servers it is about.
    pub(crate) fn kind(&self) -> Kind {
        match self.task {
            Task::Run(..) | Task::Start(_) => Kind::Programs,
            Task::Secure(..) => Kind::Tls,
            Task::Serve(..) => Kind::Web,
        }
    }

    /// Runs the figure once, with a server of its own; `site` is what a web server serves.
    pub(crate) fn run(
        &self,
        template: &Template,
        effort: &Effort,
        site: &LazyCell<io::Result<Site>>,
    ) -> Result<Outcome, Failure> {
        let _pinned = match self.cpus {
            Cpus::One => Some(OneCpu::pin()?),
            Cpus::All => None,
        };
        match self.task {
            Task::Run(program, mode, probe) => run(template, program, mode, effort, probe),
            Task::Secure(program, probe) => run(template, program, Mode::Lines, effort, probe),
            Task::Serve(what, probe) => {
                let site = site
                    .as_ref()
                    .map_err(|error| io::Error::other(error.to_string()))?;
                let mut server = Server::start(|port| Ok(site.words(template, what, port)?))?;
                server.is_tls = what == Serving::SecureFiles;
                probe(&server, effort).map_err(|failure| failure.and(&server.complaints()))
            }
            Task::Start(program) => start::first_answer(template, &program.words(effort), effort),
        }
    }
}

/// Starts a server and looks at it; a failure comes with what the server said.
pub(crate) fn run(
    template: &Template,
    program: Program,
    mode: Mode,
    effort: &Effort,
    probe: impl FnOnce(&Server, &Effort) -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    let words = program.words(effort);
    let mut server = Server::start(|port| template.fill(port, &words, mode))?;
    server.is_tls = template.is_tls;
    probe(&server, effort).map_err(|failure| failure.and(&server.complaints()))
}

const fn all_cpus(name: &'static str, about: &'static str, task: Task) -> Figure {
    Figure {
        name,
        about,
        task,
        cpus: Cpus::All,
    }
}

const fn figure(name: &'static str, about: &'static str, program: Program, probe: Probe) -> Figure {
    all_cpus(name, about, Task::Run(program, Mode::Lines, probe))
}

const fn web(name: &'static str, about: &'static str, what: Serving, probe: Probe) -> Figure {
    all_cpus(name, about, Task::Serve(what, probe))
}

const fn secure(name: &'static str, about: &'static str, probe: Probe) -> Figure {
    all_cpus(name, about, Task::Secure(Program::Cat, probe))
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
            "round trip of 16 B, all on one CPU",
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
        "cycle-64",
        "connect, echo, close: 64 at a time",
        Program::Cat,
        turnover::cycles::<64>,
    ),
    figure(
        "burst-16",
        "16 connects at once, until each has an echo; again when all have gone",
        Program::Cat,
        turnover::bursts::<16>,
    ),
    figure(
        "burst-64",
        "64 connects at once",
        Program::Cat,
        turnover::bursts::<64>,
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
    all_cpus(
        "idle-chunks",
        "idle sessions with binary messages, a read each",
        Task::Run(Program::Cat, Mode::Chunks, standing::idle),
    ),
    all_cpus(
        "idle-length",
        "idle sessions with a length before each message",
        Task::Run(Program::Cat, Mode::Length, standing::idle),
    ),
    all_cpus(
        "start",
        "from the start of the server to its first echo",
        Task::Start(Program::Cat),
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
    secure(
        "tls-rtt",
        "round trip of 16 B, with and without TLS",
        tls::alone,
    ),
    secure("tls-1k", "echoes of 1 KiB, 128 in flight", tls::echoes),
    secure("tls-idle", "1,000 sessions, opened one by one", tls::idle),
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
        "static-tls-1k",
        "a file of 1 KiB by TLS",
        Serving::SecureFiles,
        web::small_file,
    ),
    web(
        "static-tls-1m",
        "a file of 1 MiB by TLS",
        Serving::SecureFiles,
        web::large_file,
    ),
    web(
        "cgi-hello",
        "a CGI script of the shell",
        Serving::Scripts,
        web::script,
    ),
];
