//! What was measured: an aligned table as it grows, and JSON in the end.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::options::Options;
use crate::outcome::{Better, Failure, Measure, Outcome};
use crate::picture::Bars;
use crate::server::Template;

const FIGURE: usize = 14;
const MEASURE: usize = 20;
const VALUES: usize = 22;

/// All rounds of one figure with one server.
#[derive(Default)]
pub(crate) struct Series {
    pub(crate) runs: Vec<Vec<Measure>>,
    /// Takes the place of the runs.
    pub(crate) failure: Option<Failure>,
    pub(crate) remark: Option<&'static str>,
}

impl Series {
    /// Adds a round. After a failure what there was before is worth nothing.
    pub(crate) fn record(&mut self, round: Result<Outcome, Failure>) {
        match round {
            Ok(outcome) => {
                self.runs.push(outcome.measures);
                self.remark = self.remark.or(outcome.remark);
            }
            Err(failure) => {
                self.runs.clear();
                self.failure = Some(failure);
            }
        }
    }
}

/// One line of the table.
struct Row {
    figure: String,
    measure: &'static str,
    better: Better,
    columns: Vec<String>,
    /// One list a column; empty where there is no figure.
    values: Vec<Vec<f64>>,
}

/// The table's columns, rows and notes.
pub(crate) struct Report {
    columns: Vec<String>,
    rows: Vec<Row>,
    notes: Vec<String>,
    has_failed: bool,
}

impl Report {
    /// Says what is measured where.
    pub(crate) fn begin(options: &Options) -> Self {
        let quick = match options.effort.span.as_millis() {
            0..1000 => ", quick: not to be compared",
            _ => "",
        };
        println!(
            "{} rounds: median (least–most){quick}; on {}",
            options.rounds,
            machine()
        );
        Self {
            columns: Vec::new(),
            rows: Vec::new(),
            notes: Vec::new(),
            has_failed: false,
        }
    }

    /// Begins a table and prints its head.
    pub(crate) fn table(&mut self, columns: Vec<String>) {
        let mut head = format!("{:<FIGURE$} {:<MEASURE$}", "figure", "better ↑ more ↓ less");
        for column in &columns {
            let _ = write!(head, " {column:>VALUES$}");
        }
        for column in columns.iter().skip(1) {
            let _ = write!(head, "  {}/{column}", columns[0]);
        }
        println!("\n{head}");
        self.columns = columns;
    }

    /// Adds a figure, one series a column, and prints its lines.
    pub(crate) fn add(&mut self, figure: &str, series: &[Series]) {
        for (column, series) in self.columns.iter().zip(series) {
            if let Some(failure) = &series.failure {
                self.notes.push(format!("{figure}, {column}: {failure}"));
                self.has_failed |= matches!(failure, Failure::Wrong(_));
            }
            if let Some(remark) = series.remark {
                self.notes.push(format!("{figure}, {column}: {remark}"));
            }
        }
        let Some(first) = series.iter().find_map(|series| series.runs.first()) else {
            println!("{figure:<FIGURE$} –");
            self.has_failed = true;
            return;
        };
        for (place, measure) in first.iter().enumerate() {
            let values_of =
                |series: &Series| series.runs.iter().map(|run| run[place].value).collect();
            let row = Row {
                figure: figure.to_owned(),
                measure: measure.name,
                better: measure.better,
                columns: self.columns.clone(),
                values: series.iter().map(values_of).collect(),
            };
            println!("{}", self.line(&row, place == 0));
            self.rows.push(row);
        }
    }

    fn line(&self, row: &Row, is_first: bool) -> String {
        let figure = if is_first { row.figure.as_str() } else { "" };
        let arrow = match row.better {
            Better::More => '↑',
            Better::Less => '↓',
        };
        let measure = format!("{arrow} {}", row.measure);
        let mut line = format!("{figure:<FIGURE$} {measure:<MEASURE$}");
        for values in &row.values {
            let _ = write!(line, " {:>VALUES$}", spread(values));
        }
        for (column, values) in self.columns.iter().zip(&row.values).skip(1) {
            let width = self.columns[0].chars().count() + column.chars().count() + 1;
            let ratio = ratio(&row.values[0], values);
            let ratio = ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
            let _ = write!(line, "  {ratio:>width$}");
        }
        line
    }

    /// Notes something about the whole.
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// The median of a measure in a column, by the names of figure and measure.
    pub(crate) fn median(&self, figure: &str, measure: &str, column: &str) -> Option<f64> {
        let is_it = |row: &&Row| row.figure == figure && row.measure == measure;
        let row = self.rows.iter().find(is_it)?;
        let place = row.columns.iter().position(|name| name == column)?;
        median(&row.values[place])
    }

    /// What was measured of a figure, as charts; `floor` gives the machine's own value of a measure.
    pub(crate) fn charts(
        &self,
        figure: &str,
        floor: impl Fn(&str, &str) -> Option<f64>,
    ) -> Vec<Bars> {
        let rows = self.rows.iter().filter(|row| row.figure == figure);
        let chart = |row: &Row| Bars {
            measure: row.measure.to_owned(),
            more_is_better: row.better == Better::More,
            bars: (row.columns.iter().cloned())
                .zip(row.values.iter().map(|values| median(values)))
                .collect(),
            floor: floor(figure, row.measure),
        };
        rows.map(chart).collect()
    }

    /// Prints the notes; tells whether every figure has a value and no answer was wrong.
    pub(crate) fn end(&self) -> bool {
        if !self.notes.is_empty() {
            println!("\nNotes:");
        }
        for note in &self.notes {
            println!("  {note}");
        }
        !self.has_failed
    }

    /// Writes every value of every run to `path`.
    pub(crate) fn write_json(&self, path: &Path, options: &Options) -> io::Result<()> {
        let rows = self.rows.iter().map(|row| {
            let columns = row.columns.iter().zip(&row.values).map(|(column, values)| {
                let runs: Vec<_> = values.iter().map(|value| format!("{value:.4}")).collect();
                let median = median(values).map_or("null".into(), |median| format!("{median:.4}"));
                format!(
                    "{}: {{\"median\": {median}, \"runs\": [{}]}}",
                    quoted(column),
                    runs.join(", ")
                )
            });
            format!(
                "    {{\"figure\": {}, \"measure\": {}, \"better\": \"{}\", \"servers\": {{{}}}}}",
                quoted(&row.figure),
                quoted(row.measure),
                if row.better == Better::More {
                    "more"
                } else {
                    "less"
                },
                columns.collect::<Vec<_>>().join(", "),
            )
        });
        let servers_of = |servers: &[Template]| {
            let words = servers.iter().map(|server| {
                let words = quoted(&server.words.join(" "));
                format!("{}: {words}", quoted(&server.name))
            });
            words.collect::<Vec<_>>().join(", ")
        };
        let notes = self.notes.iter().map(|note| quoted(note));
        let text = format!(
            "{{\n  \"machine\": {},\n  \"rounds\": {},\n  \"span_seconds\": {},\n  \"servers\": {{{}}},\n  \"web_servers\": {{{}}},\n  \
             \"figures\": [\n{}\n  ],\n  \"notes\": [{}]\n}}\n",
            quoted(&machine()),
            options.rounds,
            options.effort.span.as_secs_f64(),
            servers_of(&options.servers),
            servers_of(&options.web_servers),
            rows.collect::<Vec<_>>().join(",\n"),
            notes.collect::<Vec<_>>().join(", "),
        );
        std::fs::write(path, text)
    }
}

/// Processors and kernel.
pub(crate) fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cpus} CPUs, Linux {}", kernel.trim())
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

fn ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let ratio = median(ours)? / median(theirs)?;
    ratio.is_finite().then_some(ratio)
}

/// `median (least–most)`, all in the same thousands.
fn spread(values: &[f64]) -> String {
    let Some(median) = median(values) else {
        return "–".into();
    };
    let (scale, thousands) = match median.abs() {
        1e6.. => (1e6, " M"),
        1e4.. => (1e3, " k"),
        _ => (1.0, ""),
    };
    let digits = match median.abs() / scale {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min) / scale;
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) / scale;
    let median = median / scale;
    format!("{median:.digits$}{thousands} ({least:.digits$}–{most:.digits$})")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", control as u32);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
