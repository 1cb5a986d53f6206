//! Measures servers that run a program per WebSocket connection, and those that
//! serve files and scripts, side by side: for every figure, each server in turn, round after round (A B A B …), so
//! that what else the machine does falls on all of them alike. Each run has a
//! fresh server process. Every answer is checked; a wrong one, or a
//! figure that no server could do, fails the run in the end.
//!
//! `scripts/bench --help` tells how to use it. Linux only, as
//! it reads what servers cost from /proc.

mod access;
mod audience;
mod carrier;
mod connection;
mod crowd;
mod event_stream;
mod fan_out;
mod figures;
mod floor;
mod frames;
mod games;
mod growth;
mod hearing;
mod http_client;
mod kernel;
mod known;
mod nats;
mod options;
mod outcome;
mod picture;
mod plain_http;
mod poll;
mod reach;
mod report;
mod server;
mod site;
mod socket_server;
mod stream;
mod targets;
mod terminals;
mod turns;
mod wire;

use std::cell::LazyCell;
use std::env;
use std::fs;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use crate::figures::{Figure, Kind};
use crate::floor::{FLOORS, Floor};
use crate::options::{Options, Request};
use crate::outcome::Outcome;
use crate::picture::Card;
use crate::report::{Report, Series};
use crate::server::Template;
use crate::site::Site;

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    if words.is_empty() {
        // `cargo test --all-targets` runs benchmarks too, and means no harm.
        println!("This is a benchmark: run it with `cargo bench --bench gateway`.");
        return ExitCode::SUCCESS;
    }
    let result = match options::parse(words) {
        Ok(Request::Help) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Request::Floor(options)) => floor(&options),
        Ok(Request::Compare(options)) => compare(&options),
        Ok(Request::Growth(options)) => growth::run(&options),
        Ok(Request::Targets(options)) => targets::run(&options),
        Ok(Request::Access(options)) => access::run(&options),
        Ok(Request::Games(options)) => games::run(&options),
        Ok(Request::FanOut(options)) => fan_out::run(&options),
        Ok(Request::Terminals(options)) => terminals::run(&options),
        Ok(Request::PlainHttp(options)) => plain_http::run(&options),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the figures for all servers; tells whether that went well.
fn compare(options: &Options) -> io::Result<bool> {
    kernel::raise_descriptor_limit(0)?;
    kernel::adopt_orphans()?;
    let mut report = Report::begin(options);
    for kind in [Kind::Programs, Kind::Tls, Kind::Web] {
        let servers = options.servers_for(kind);
        let mut figures = options
            .figures
            .iter()
            .filter(|figure| figure.kind() == kind)
            .peekable();
        if servers.is_empty() || figures.peek().is_none() {
            continue;
        }
        report.table(servers.iter().map(|server| server.name.clone()).collect());
        for figure in figures {
            report.add(figure.name, &in_turn(figure, servers, options));
        }
    }
    if options.svg.is_some() {
        add_floors(&mut report, options);
    }
    finish(&report, options, || bars(&report, options))
}

/// The picture of all figures.
fn bars(report: &Report, options: &Options) -> String {
    let median = |figure: &str, measure: &str| report.median(figure, measure, FLOOR);
    let floor =
        |figure: &str, measure: &str| floor::beneath(figure, measure, options.effort.storm, median);
    let card = |figure: &&Figure| Card {
        title: format!("{}: {}", figure.name, figure.about),
        charts: report.charts(figure.name, floor),
    };
    let cards: Vec<_> = options.figures.iter().map(card).collect();
    let about = format!(
        "Medians of {} rounds on {}; the dashed line is what the machine allows without a server",
        options.rounds,
        report::machine()
    );
    picture::bars("What a session costs", &about, &cards)
}

/// All rounds of one figure; a server that failed is left out from then on.
fn in_turn(figure: &Figure, servers: &[Template], options: &Options) -> Vec<Series> {
    let mut series: Vec<_> = servers.iter().map(|_| Series::default()).collect();
    for round in 1..=options.rounds {
        // The same files for all: how they lie in the kernel's memory makes a fifth of the time for a large one.
        let site: LazyCell<io::Result<Site>> = LazyCell::new(Site::build);
        for (server, series) in servers.iter().zip(&mut series) {
            if series.failure.is_none() {
                progress(figure.name, round, server);
                series.record(figure.run(server, &options.effort, &site));
            }
        }
    }
    series
}

/// Says on a terminal what is going on; the next line of the table covers it.
fn progress(figure: &str, round: usize, server: &Template) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{figure} {round} {}\r", server.name);
    }
}

/// The column of what the machine itself allows.
const FLOOR: &str = "floor";

/// Runs the figures of the machine itself.
fn floor(options: &Options) -> io::Result<bool> {
    let mut report = Report::begin(options);
    add_floors(&mut report, options);
    let card = |floor: &Floor| Card {
        title: floor.name.to_owned(),
        charts: report.charts(floor.name, |_, _| None),
    };
    finish(&report, options, || {
        let cards: Vec<_> = FLOORS.iter().map(card).collect();
        picture::bars("What the machine allows", &report::machine(), &cards)
    })
}

fn add_floors(report: &mut Report, options: &Options) {
    report.table(vec![FLOOR.into()]);
    for Floor { name, measure } in FLOORS {
        let mut series = Series::default();
        for _ in 0..options.rounds {
            if series.failure.is_none() {
                series.record(measure(options.effort.span).map(Outcome::from));
            }
        }
        kernel::end_children();
        report.add(name, &[series]);
    }
}

/// Writes what was asked for; `draw` draws the picture.
fn finish(report: &Report, options: &Options, draw: impl FnOnce() -> String) -> io::Result<bool> {
    if let Some(path) = &options.json {
        report.write_json(path, options)?;
    }
    if let Some(path) = &options.svg {
        fs::write(path, draw())?;
    }
    Ok(report.end())
}
