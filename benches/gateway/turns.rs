//! Figures for which servers take turns, round by round, and which are a table and a picture of their own.

use std::io;

use crate::{
    finish,
    options::Options,
    outcome::{Failure, Outcome},
    picture, progress,
    report::{Report, Series},
    server::Template,
};

/// Measures each figure of each server; `once` is one figure of a fresh server. Tells whether that went well.
pub(crate) fn take_turns<Probe: Copy>(
    title: &str,
    options: &Options,
    figures: &[(&str, Probe)],
    once: impl Fn(&Template, Probe) -> Result<Outcome, Failure>,
) -> io::Result<bool> {
    let mut report = Report::begin(options);
    let names = options.servers.iter().map(|server| server.name.clone());
    report.table(names.collect());
    for (name, probe) in figures {
        let mut series: Vec<_> = options.servers.iter().map(|_| Series::default()).collect();
        for round in 1..=options.rounds {
            for (server, series) in options.servers.iter().zip(&mut series) {
                if series.failure.is_none() {
                    progress(name, round, server);
                    series.record(once(server, *probe));
                }
            }
        }
        report.add(name, &series);
    }
    finish(&report, options, || {
        let card = |(name, _): &(&str, Probe)| picture::Card {
            title: (*name).to_owned(),
            charts: report.charts(name, |_, _| None),
        };
        let cards: Vec<_> = figures.iter().map(card).collect();
        picture::bars(title, &crate::report::machine(), &cards)
    })
}
