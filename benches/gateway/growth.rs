//! How figures grow: with the number of sessions and of all that there may be in their place, and with the size of
//! messages.

mod charts;
mod many;
mod shared;

use std::fs;
use std::io;

use crate::figures::{Effort, Program, throughput::echoes_of};
use crate::growth::shared::Shared;
use crate::options::Options;
use crate::outcome::{Failure, Outcome};
use crate::report::{Report, Series};
use crate::server::{Mode, Server, Template};
use crate::{finish, kernel, progress, socket_server};

/// Numbers of each, where none are asked for.
pub(crate) const NUMBERS: [usize; 5] = [1, 10, 100, 1_000, 10_000];

/// Bytes of messages.
const SIZES: [usize; 6] = [16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20];

/// What everything else on the machine takes of each limit, at most.
const SPARE: u64 = 500;

/// What grows, by name.
const FIGURES: [(&str, Figure); 6] = [
    ("sessions", Figure::Many(&many::SESSIONS)),
    ("members", Figure::Many(&many::MEMBERS)),
    ("rooms", Figure::Many(&many::ROOMS)),
    ("targets", Figure::Many(&many::TARGETS)),
    ("events", Figure::Many(&many::EVENTS)),
    ("messages", Figure::Messages),
];

#[derive(Clone, Copy)]
enum Figure {
    /// More and more of a kind.
    Many(&'static Kind),
    /// Longer and longer messages of one session.
    Messages,
}

/// What there may be many of.
struct Kind {
    /// What one is called, and several.
    names: [&'static str; 2],
    /// What a server is told that has them.
    mode: Mode,
    /// What one takes at most: descriptors of a process, processes or threads, and KiB of the machine's memory.
    descriptors: u64,
    processes: u64,
    memory: u64,
    /// Opens so many, and looks at them.
    probe: fn(&Server, &Effort, usize) -> Result<Outcome, Failure>,
}

/// A kind and the numbers of it that were measured, which have a picture.
struct Grown {
    kind: &'static Kind,
    steps: Vec<usize>,
}

/// The figures of a list.
pub(crate) fn chosen(list: &str) -> Result<Vec<String>, String> {
    let known = |name: &&str| FIGURES.iter().any(|(known, _)| known == name);
    match list.split(',').find(|name| !known(name)) {
        Some(name) => Err(format!("--only={name}: no such figure; see --help")),
        None => Ok(list.split(',').map(str::to_owned).collect()),
    }
}

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    let most = options.numbers.iter().copied().max().unwrap_or(0) as u64;
    let descriptors = kernel::raise_descriptor_limit(most * many::SESSIONS.descriptors + SPARE)?;
    kernel::adopt_orphans()?;
    let mut report = Report::begin(options);
    let is_wanted = |name: &str| match &options.only {
        Some(only) => only.iter().any(|wanted| wanted == name),
        None => true,
    };
    let mut grown = Vec::new();
    for (_, figure) in FIGURES.iter().filter(|(name, _)| is_wanted(name)) {
        match *figure {
            Figure::Many(kind) => grown.push(grow(kind, options, descriptors, &mut report)),
            Figure::Messages => lengthen(options, &mut report),
        }
    }
    finish(&report, options, || charts::draw(&report, options, &grown))
}

/// Measures more and more of a kind.
fn grow(kind: &'static Kind, options: &Options, descriptors: u64, report: &mut Report) -> Grown {
    let servers = able(options, kind.mode);
    report.table(servers.iter().map(|server| server.name.clone()).collect());
    let steps = possible(kind, &options.numbers, descriptors, report);
    for &count in &steps {
        let name = kind.name_of(count);
        let series = in_turn(&name, &servers, options, |server| {
            once(server, kind.mode, options, |server, effort| {
                (kind.probe)(server, effort, count)
            })
        });
        report.add(&name, &series);
    }
    Grown { kind, steps }
}

/// Measures longer and longer messages.
fn lengthen(options: &Options, report: &mut Report) {
    let servers = able(options, Mode::LongLines);
    report.table(servers.iter().map(|server| server.name.clone()).collect());
    for size in SIZES {
        let name = size_name(size);
        let series = in_turn(&name, &servers, options, |server| {
            once(server, Mode::LongLines, options, |server, effort| {
                echoes_of(server, effort, size)
            })
        });
        report.add(&name, &series);
    }
}

/// The servers that can do it.
fn able(options: &Options, mode: Mode) -> Vec<&Template> {
    let servers = options.servers.iter();
    servers.filter(|server| server.can(mode)).collect()
}

/// The numbers that are asked for; in place of those that this machine does not allow, as many as it does.
fn possible(kind: &Kind, wanted: &[usize], descriptors: u64, report: &mut Report) -> Vec<usize> {
    let limits = [
        ("RLIMIT_NOFILE", Some(descriptors), kind.descriptors),
        (
            "kernel.pid_max",
            number_in("/proc/sys/kernel/pid_max", ""),
            kind.processes,
        ),
        (
            "MemAvailable, in KiB",
            number_in("/proc/meminfo", "MemAvailable:"),
            kind.memory,
        ),
    ];
    let fitting = limits.iter().filter_map(|(name, most, each)| {
        let most = (*most)?;
        let fitting = most.saturating_sub(SPARE).checked_div(*each)?;
        Some((fitting, format!("{name} is {most} and one takes {each}")))
    });
    let (most, limit) = fitting.min().expect("the first is known");
    // Two digits, so that runs can be compared.
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let round = 10_usize.pow(most.max(1).ilog10().saturating_sub(1));
    let most = most / round * round;
    let mut steps = Vec::new();
    for &count in wanted {
        if count > most {
            let asked = kind.name_of(count);
            report.note(format!("{asked}: {most} in their place, as {limit}"));
        }
        steps.push(count.min(most).max(1));
    }
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// The first number in a file behind a name, which may be empty.
fn number_in(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let (_, rest) = text.split_once(name)?;
    rest.split_whitespace().next()?.parse().ok()
}

impl Kind {
    fn name_of(&self, count: usize) -> String {
        let [one, several] = self.names;
        format!("{count} {}", if count == 1 { one } else { several })
    }
}

fn size_name(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..0x10_0000 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

fn in_turn(
    name: &str,
    servers: &[&Template],
    options: &Options,
    once: impl Fn(&Template) -> Result<Outcome, Failure>,
) -> Vec<Series> {
    let mut series: Vec<_> = servers.iter().map(|_| Series::default()).collect();
    for round in 1..=options.rounds {
        for (server, series) in servers.iter().zip(&mut series) {
            if series.failure.is_none() {
                progress(name, round, server);
                series.record(once(server));
            }
        }
    }
    series
}

/// Looks at a fresh server, behind which are what its flags for the mode name.
fn once(
    template: &Template,
    mode: Mode,
    options: &Options,
    probe: impl FnOnce(&Server, &Effort) -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    let target = match mode {
        Mode::Target => Some(socket_server::start()?),
        _ => None,
    };
    let shared = match mode {
        Mode::Share => Some(Shared::write()?),
        _ => None,
    };
    let fill = |word: String| {
        let target = target.map(|port| port.to_string()).unwrap_or_default();
        let shared = shared.as_ref().map(Shared::path).unwrap_or_default();
        word.replace("{target}", &target)
            .replace("{shared}", &shared)
    };
    let program = Program::Cat.words(&options.effort);
    let server = Server::start(|port| {
        let words = template.fill(port, &program, mode)?;
        Ok(words.into_iter().map(fill).collect())
    })?;
    probe(&server, &options.effort).map_err(|failure| failure.and(&server.complaints()))
}
