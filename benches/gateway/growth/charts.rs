//! The picture of what grows.

use super::many::{LAST, MEDIAN, MEMORY_ALL, MEMORY_EACH, OPENED, SESSIONS, SLOWEST, START};
use super::{Grown, SIZES, able, size_name};
use crate::options::Options;
use crate::picture::{self, Line, Panel, Section};
use crate::report::{self, Report};
use crate::server::Mode;

/// Sections of what was measured: sessions of all servers, all kinds of the first, messages of all servers.
pub(super) fn draw(report: &Report, options: &Options, grown: &[Grown]) -> String {
    let sessions = grown.iter().find(|one| one.kind.mode == SESSIONS.mode);
    let mut sections = Vec::new();
    sections.extend(sessions.map(|sessions| sessions_section(report, options, sessions)));
    if grown.iter().any(|one| one.kind.mode != SESSIONS.mode) {
        sections.extend(kinds_section(report, options, grown));
    }
    if report
        .median(&size_name(SIZES[0]), ECHOES, &options.servers[0].name)
        .is_some()
    {
        sections.push(messages_section(report, options));
    }
    let about = format!(
        "Medians of {} rounds on {}; both axes logarithmic",
        options.rounds,
        report::machine()
    );
    picture::lines("How it grows", &about, &sections)
}

const ECHOES: &str = "echoes/s";
const BYTES: &str = "MB/s";

fn panel(title: &str, axes: [&'static str; 2], lines: Vec<Line>) -> Panel {
    Panel {
        title: title.to_owned(),
        axes,
        lines,
    }
}

fn sessions_section(report: &Report, options: &Options, sessions: &Grown) -> Section {
    let lines =
        |measures: &[(&str, &str)]| lines_of_servers(report, options, measures, &points(sessions));
    Section {
        title: "Sessions, a program each".to_owned(),
        panels: vec![
            panel(
                "Opened, each with its first echo",
                ["sessions", "a second"],
                lines(&[(OPENED, "")]),
            ),
            panel(
                "Round trip of one, the others idle",
                ["sessions", "µs"],
                lines(&[(MEDIAN, " p50"), (SLOWEST, " p99")]),
            ),
            panel(
                "Memory of the gateway",
                ["sessions", "MiB"],
                lines(&[(MEMORY_ALL, "")]),
            ),
            panel(
                "The same for each session",
                ["sessions", "KiB"],
                lines(&[(MEMORY_EACH, "")]),
            ),
        ],
    }
}

/// What one server makes of each kind.
fn kinds_section(report: &Report, options: &Options, grown: &[Grown]) -> Option<Section> {
    let server = &able(options, Mode::Share).first()?.name;
    let lines = |measure| lines_of_kinds(report, server, grown, measure);
    Some(Section {
        title: format!("{server}: sessions, and what can be in their place"),
        panels: vec![
            panel("Opened", ["how many", "a second"], lines(OPENED)),
            panel(
                "Start of a program beside them, to its first echo",
                ["how many", "ms"],
                lines(START),
            ),
            panel("Memory", ["how many", "MiB"], lines(MEMORY_ALL)),
            panel("Memory of each", ["how many", "KiB"], lines(MEMORY_EACH)),
            panel(
                "What one says, until it hears it itself",
                ["how many", "µs"],
                lines(MEDIAN),
            ),
            panel(
                "Until the last has heard it",
                ["how many", "ms"],
                lines(LAST),
            ),
        ],
    })
}

fn messages_section(report: &Report, options: &Options) -> Section {
    let steps = SIZES.map(|size| (size as f64, size_name(size)));
    let lines = |measure| lines_of_servers(report, options, &[(measure, "")], &steps);
    Section {
        title: "Messages of one session".to_owned(),
        panels: vec![
            panel("Echoes", ["bytes of a message", "a second"], lines(ECHOES)),
            panel(
                "Echoed",
                ["bytes of a message", "MB a second"],
                lines(BYTES),
            ),
        ],
    }
}

/// Where the figures of a kind are across, and their names in the report.
fn points(grown: &Grown) -> Vec<(f64, String)> {
    let steps = grown.steps.iter();
    steps
        .map(|&count| (count as f64, grown.kind.name_of(count)))
        .collect()
}

/// A line for each server and measure; every measure but the first is dashed.
fn lines_of_servers(
    report: &Report,
    options: &Options,
    measures: &[(&str, &str)],
    steps: &[(f64, String)],
) -> Vec<Line> {
    let mut lines = Vec::new();
    for server in &options.servers {
        for (place, (measure, suffix)) in measures.iter().enumerate() {
            lines.push(Line {
                name: format!("{}{suffix}", server.name),
                is_dashed: place > 0,
                points: medians(report, &server.name, measure, steps),
            });
        }
    }
    lines
}

/// A line for each kind that has the measure.
fn lines_of_kinds(report: &Report, server: &str, grown: &[Grown], measure: &str) -> Vec<Line> {
    let line = |one: &Grown| Line {
        name: one.kind.names[1].to_owned(),
        is_dashed: false,
        points: medians(report, server, measure, &points(one)),
    };
    grown.iter().map(line).collect()
}

fn medians(
    report: &Report,
    server: &str,
    measure: &str,
    steps: &[(f64, String)],
) -> Vec<(f64, f64)> {
    let point =
        |(across, name): &(f64, String)| Some((*across, report.median(name, measure, server)?));
    steps.iter().filter_map(point).collect()
}
