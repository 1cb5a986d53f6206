//! How figures grow: with the number of sessions, and with the size of messages.

use std::fs;
use std::io;
use std::time::Instant;

use crate::crowd::Crowd;
use crate::figures::{self, Effort, Program, standing::settled_memory, throughput::echoes_of};
use crate::options::Options;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::picture::{self, Line, Panel};
use crate::report::{self, Report, Series};
use crate::server::{Mode, Server, Template};
use crate::{finish, kernel, progress};

/// Numbers of sessions, where none are asked for.
pub(crate) const SESSIONS: [usize; 5] = [1, 10, 100, 1_000, 10_000];

/// Bytes of messages.
const SIZES: [usize; 6] = [16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20];

/// Sessions that are on their way at a time.
const AT_ONCE: usize = 16;

/// What a session takes at most: descriptors of the server, and bytes of the machine.
const DESCRIPTORS: u64 = 5;
const MEMORY: u64 = 1 << 20;

/// What everything else on the machine takes of each limit, at most.
const SPARE: u64 = 500;

/// Names of measures, which the picture finds them by.
const OPENED: &str = "opened/s";
const MEMORY_ALL: &str = "memory, MiB";
const MEMORY_EACH: &str = "memory each, KiB";
const MEDIAN: &str = "p50, µs";
const SLOWEST: &str = "p99, µs";
const ECHOES: &str = "echoes/s";
const BYTES: &str = "MB/s";

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    let most = options.sessions.iter().copied().max().unwrap_or(0);
    let descriptors = kernel::raise_descriptor_limit(most as u64 * DESCRIPTORS + SPARE)?;
    kernel::adopt_orphans()?;
    let mut report = Report::begin(options);
    let names = || options.servers.iter().map(|server| server.name.clone());
    report.table(names().collect());
    let steps = possible(&options.sessions, descriptors, &mut report);
    for &count in &steps {
        let name = sessions_name(count);
        let probe = |server: &Server, effort: &Effort| crowd(server, effort, count);
        report.add(&name, &in_turn(&name, options, Mode::Lines, probe));
    }
    for size in SIZES {
        let name = size_name(size);
        let probe = |server: &Server, effort: &Effort| echoes_of(server, effort, size);
        report.add(&name, &in_turn(&name, options, Mode::LongLines, probe));
    }
    finish(&report, options, || draw(&report, options, &steps))
}

/// The numbers that are asked for; in place of those that this machine does not allow, as many as it does.
fn possible(wanted: &[usize], descriptors: u64, report: &mut Report) -> Vec<usize> {
    let limits = [
        ("RLIMIT_NOFILE", Some(descriptors), DESCRIPTORS),
        (
            "kernel.pid_max",
            number_in("/proc/sys/kernel/pid_max", ""),
            1,
        ),
        (
            "MemAvailable, in KiB",
            number_in("/proc/meminfo", "MemAvailable:"),
            MEMORY / 1024,
        ),
    ];
    let fitting = limits.iter().filter_map(|(name, most, each)| {
        let most = (*most)?;
        Some((
            most.saturating_sub(SPARE) / each,
            format!("{name} is {most}"),
        ))
    });
    let (most, limit) = fitting.min().expect("the first is known");
    // Two digits, so that runs can be compared.
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let round = 10_usize.pow(most.max(1).ilog10().saturating_sub(1));
    let most = most / round * round;
    let mut steps = Vec::new();
    for &count in wanted {
        if count > most {
            report.note(format!(
                "{count} sessions: {most} in their place, as {limit}"
            ));
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

fn sessions_name(count: usize) -> String {
    match count {
        1 => "1 session".to_owned(),
        _ => format!("{count} sessions"),
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
    options: &Options,
    mode: Mode,
    probe: impl Fn(&Server, &Effort) -> Result<Outcome, Failure>,
) -> Vec<Series> {
    let mut series: Vec<_> = options.servers.iter().map(|_| Series::default()).collect();
    for round in 1..=options.rounds {
        for (server, series) in options.servers.iter().zip(&mut series) {
            if series.failure.is_none() {
                progress(name, round, server);
                series.record(once(server, options, mode, &probe));
            }
        }
    }
    series
}

fn once(
    server: &Template,
    options: &Options,
    mode: Mode,
    probe: impl Fn(&Server, &Effort) -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    figures::run(server, Program::Cat, mode, &options.effort, probe)
}

/// Opens so many sessions; then one of them is talked to.
fn crowd(server: &Server, effort: &Effort, count: usize) -> Result<Outcome, Failure> {
    // What a server sets up for its first session is no session's cost; and one that has ended a
    // session may treat the next otherwise.
    Crowd::new(server.port)?.gather(1, 1)?;
    let before = settled_memory(server)?;
    let mut crowd = Crowd::new(server.port)?;
    let start = Instant::now();
    crowd.gather(count, AT_ONCE)?;
    let time = start.elapsed().as_secs_f64();
    let memory = settled_memory(server)?;
    let mut times = crowd.solo(effort.span)?;
    let count = count as f64;
    Ok(Outcome::from(vec![
        Measure::more(OPENED, count / time),
        Measure::less(MEMORY_ALL, memory / 1024.0 / 1024.0),
        Measure::less(MEMORY_EACH, (memory - before) / 1024.0 / count),
        Measure::less(MEDIAN, percentile(&mut times, 50) * 1e6),
        Measure::less(SLOWEST, percentile(&mut times, 99) * 1e6),
    ]))
}

fn draw(report: &Report, options: &Options, steps: &[usize]) -> String {
    let by_sessions =
        |names: &[(&'static str, &str)]| lines(report, options, names, steps, sessions_name);
    let by_size = |measure| lines(report, options, &[(measure, "")], &SIZES, size_name);
    let panel = |title: &str, axes, lines| Panel {
        title: title.to_owned(),
        axes,
        lines,
    };
    let panels = [
        panel(
            "Sessions opened, each with its first echo",
            ["sessions", "a second"],
            by_sessions(&[(OPENED, "")]),
        ),
        panel(
            "Round trip of one session, the others idle",
            ["sessions", "µs"],
            by_sessions(&[(MEDIAN, " p50"), (SLOWEST, " p99")]),
        ),
        panel(
            "Memory of the gateway",
            ["sessions", "MiB"],
            by_sessions(&[(MEMORY_ALL, "")]),
        ),
        panel(
            "The same for each session",
            ["sessions", "KiB"],
            by_sessions(&[(MEMORY_EACH, "")]),
        ),
        panel(
            "Echoes",
            ["bytes of a message", "a second"],
            by_size(ECHOES),
        ),
        panel(
            "Echoed",
            ["bytes of a message", "MB a second"],
            by_size(BYTES),
        ),
    ];
    let about = format!(
        "Medians of {} rounds on {}; a cat behind each session; both axes logarithmic",
        options.rounds,
        report::machine()
    );
    picture::lines("How it grows", &about, &panels)
}

/// A line for each server and measure; every measure but the first is dashed.
fn lines(
    report: &Report,
    options: &Options,
    measures: &[(&'static str, &str)],
    steps: &[usize],
    name: fn(usize) -> String,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for server in &options.servers {
        for (place, (measure, suffix)) in measures.iter().enumerate() {
            let point = |&step: &usize| {
                let value = report.median(&name(step), measure, &server.name)?;
                Some((step as f64, value))
            };
            lines.push(Line {
                name: format!("{}{suffix}", server.name),
                is_dashed: place > 0,
                points: steps.iter().filter_map(point).collect(),
            });
        }
    }
    lines
}
