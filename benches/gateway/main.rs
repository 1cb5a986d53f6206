//! Measures servers that run a program per WebSocket connection, and those that
//! serve files and scripts, side by side: for every figure, each server in turn, round after round (A B A B …), so
//! that what else the machine does falls on all of them alike. Each run has a
//! fresh server process. Every answer is checked; a wrong one, or a
//! figure that no server could do, fails the run in the end.
//!
//! `cargo bench --bench gateway -- --help` tells how to use it. Linux only, as
//! it reads what servers cost from /proc.

mod connection;
mod crowd;
mod figures;
mod floor;
mod frames;
mod kernel;
mod options;
mod outcome;
mod poll;
mod report;
mod server;
mod site;
mod wire;

use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use crate::figures::Figure;
use crate::floor::{FLOORS, Floor};
use crate::options::{Options, Request};
use crate::outcome::Outcome;
use crate::report::{Report, Series};
use crate::server::Template;

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    if words.is_empty() {
        // `cargo test --all-targets` runs benchmarks too, and means no harm.
        println!("This is a benchmark: run it with `cargo bench --bench gateway`.");
        return ExitCode::SUCCESS;
    }
    let result = match options::parse(words) {
        Ok(Request::Help) => {
            print!("{}", options::help());
            return ExitCode::SUCCESS;
        }
        Ok(Request::Floor(options)) => floor(&options),
        Ok(Request::Compare(options)) => compare(&options),
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
    kernel::raise_descriptor_limit()?;
    kernel::adopt_orphans()?;
    let mut report = Report::begin(options);
    for (is_web, servers) in [(false, &options.servers), (true, &options.web_servers)] {
        let figures = options
            .figures
            .iter()
            .filter(|figure| figure.is_web() == is_web);
        if servers.is_empty() || figures.clone().next().is_none() {
            continue;
        }
        report.table(servers.iter().map(|server| server.name.clone()).collect());
        for figure in figures {
            report.add(figure.name, &in_turn(figure, servers, options));
        }
    }
    finish(&report, options)
}

/// All rounds of one figure; a server that failed is left out from then on.
fn in_turn(figure: &Figure, servers: &[Template], options: &Options) -> Vec<Series> {
    let mut series: Vec<_> = servers.iter().map(|_| Series::default()).collect();
    for round in 1..=options.rounds {
        for (server, series) in servers.iter().zip(&mut series) {
            if series.failure.is_none() {
                progress(figure, round, server);
                series.record(figure.run(server, &options.effort));
            }
        }
    }
    series
}

/// Says on a terminal what is going on; the next line of the table covers it.
fn progress(figure: &Figure, round: usize, server: &Template) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{} {round} {}\r", figure.name, server.name);
    }
}

/// Runs the figures of the machine itself.
fn floor(options: &Options) -> io::Result<bool> {
    let mut report = Report::begin(options);
    report.table(vec!["floor".into()]);
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
    finish(&report, options)
}

fn finish(report: &Report, options: &Options) -> io::Result<bool> {
    if let Some(path) = &options.json {
        report.write_json(path, options)?;
    }
    Ok(report.end())
}
