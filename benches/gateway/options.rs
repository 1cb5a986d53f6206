//! The command line.

use std::path::PathBuf;

use crate::access;
use crate::fan_out;
use crate::figures::{Effort, FIGURES, Figure, Kind};
use crate::games;
use crate::growth;
use crate::known::{BY_NAME_ALONE, KNOWN, KNOWN_WEB, find_in_path, known, servers_of, tls_servers};
use crate::plain_http;
use crate::server::{Modes, Template};
use crate::targets;
use crate::terminals;

/// What was asked for.
pub(crate) enum Request {
    Help,
    /// What the machine itself allows.
    Floor(Options),
    /// Servers side by side.
    Compare(Options),
    /// The same with more and more sessions, or what can be in their place, and longer and longer messages.
    Growth(Options),
    /// Sockets in place of programs, beside others that lead to sockets.
    Targets(Options),
    /// Who may connect, beside everybody.
    Access(Options),
    /// One program for many clients, beside others that send to all.
    FanOut(Options),
    /// The same with a program that plays, in several languages.
    Games(Options),
    /// Terminals, beside pipes and script(1).
    Terminals(Options),
    /// Plain HTTP, beside WebSockets and CGI.
    PlainHttp(Options),
}

pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) effort: Effort,
    pub(crate) figures: Vec<&'static Figure>,
    /// Names of the figures of `fan-out` or `growth`, where not all are wanted.
    pub(crate) only: Option<Vec<String>>,
    /// Those that run programs, and those that serve files and scripts.
    pub(crate) servers: Vec<Template>,
    pub(crate) web_servers: Vec<Template>,
    /// One with and without TLS.
    pub(crate) tls_servers: Vec<Template>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    /// Numbers of sessions and the like, of `growth`.
    pub(crate) numbers: Vec<usize>,
}

/// What has figures and servers of its own.
#[derive(Clone, Copy)]
enum Own {
    Targets,
    FanOut,
    Games,
    Access,
    Terminals,
    PlainHttp,
}

impl Options {
    /// The servers that a figure compares.
    pub(crate) fn servers_for(&self, kind: Kind) -> &[Template] {
        match kind {
            Kind::Programs => &self.servers,
            Kind::Tls => &self.tls_servers,
            Kind::Web => &self.web_servers,
        }
    }
}

/// What `--help` prints; `scripts/bench` prints the same without building anything.
pub(crate) const HELP: &str = include_str!("help.txt");

/// Parses the words behind `cargo bench --bench gateway --`.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Request, String> {
    let mut rounds = None;
    let mut only = None;
    let mut options = Options {
        rounds: 5,
        effort: Effort::FULL,
        figures: Vec::new(),
        only: None,
        servers: Vec::new(),
        web_servers: Vec::new(),
        tls_servers: tls_servers(),
        json: None,
        svg: None,
        numbers: growth::NUMBERS.to_vec(),
    };
    let (mut is_floor, mut is_growth) = (false, false);
    let mut own: Option<Own> = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (flag, mut inline) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_string())),
            _ => (word.as_str(), None),
        };
        let mut value = || {
            let given = inline.take().or_else(|| words.next());
            given.ok_or_else(|| format!("{flag}: needs a value"))
        };
        match flag {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--help" | "-h" => return Ok(Request::Help),
            "floor" => is_floor = true,
            "growth" => is_growth = true,
            "targets" => own = Some(Own::Targets),
            "game" => own = Some(Own::Games),
            "fan-out" => own = Some(Own::FanOut),
            "access" => own = Some(Own::Access),
            "terminal" => own = Some(Own::Terminals),
            "plain-http" => own = Some(Own::PlainHttp),
            "--quick" => options.effort = Effort::QUICK,
            "--rounds" => rounds = Some(parse_rounds(&value()?)?),
            "--only" => only = Some(value()?),
            "--json" => options.json = Some(PathBuf::from(value()?)),
            "--svg" => options.svg = Some(PathBuf::from(value()?)),
            "--sessions" => options.numbers = parse_numbers(&value()?)?,
            "--server" => parse_server(&value()?, &mut options)?,
            unknown => return Err(format!("{unknown}: unknown; see --help")),
        }
    }
    let is_quick = options.effort.span < Effort::FULL.span;
    options.rounds = rounds.unwrap_or(match (is_quick, is_growth) {
        (true, _) => 2,
        (false, true) => 2,
        (false, false) if own.is_some() => 3,
        (false, false) => 5,
    });
    if let Some(own) = own {
        let has_others = !options.servers.is_empty() || !options.web_servers.is_empty();
        let is_fan_out = matches!(own, Own::FanOut);
        if !is_fan_out && (has_others || only.is_some()) {
            return Err(
                "targets, game, access, terminal and plain-http have figures and servers of their own"
                    .into(),
            );
        }
        if let Some(only) = only.as_ref().filter(|_| is_fan_out) {
            options.only = Some(fan_out::chosen(only)?);
        }
        let known: &[_] = match own {
            Own::Targets => &targets::KNOWN,
            Own::FanOut => &fan_out::KNOWN,
            Own::Games => &games::KNOWN,
            Own::Access => &access::KNOWN,
            Own::Terminals => &terminals::KNOWN,
            Own::PlainHttp => &plain_http::KNOWN,
        };
        if options.servers.is_empty() {
            options.servers = servers_of(known);
        }
        return Ok(match own {
            Own::Targets => Request::Targets(options),
            Own::FanOut => Request::FanOut(options),
            Own::Games => Request::Games(options),
            Own::Access => Request::Access(options),
            Own::Terminals => Request::Terminals(options),
            Own::PlainHttp => Request::PlainHttp(options),
        });
    }
    if is_floor {
        return Ok(Request::Floor(options));
    }
    match &only {
        Some(only) if is_growth => options.only = Some(growth::chosen(only)?),
        _ => options.figures = parse_figures(only.as_deref())?,
    }
    if options.servers.is_empty() && options.web_servers.is_empty() {
        let all = |known_by: &[(&'static str, &'static str, Modes)]| {
            let names = known_by.iter().map(|(name, ..)| *name);
            let names = names.filter(|name| *name != BY_NAME_ALONE);
            names.filter_map(|name| known(name, known_by)).collect()
        };
        options.servers = all(&KNOWN);
        options.web_servers = all(&KNOWN_WEB);
    }
    if is_growth {
        return match options.servers.is_empty() {
            true => Err("no server found: name one with --server".into()),
            false => Ok(Request::Growth(options)),
        };
    }
    if find_in_path("wrk").is_none() {
        options.web_servers.clear();
    }
    let has_server = |figure: &Figure| !options.servers_for(figure.kind()).is_empty();
    let left_out = options.figures.iter().find(|figure| !has_server(figure));
    if let (Some(figure), true) = (left_out, only.is_some()) {
        let name = figure.name;
        return Err(format!(
            "--only={name}: no server for it; see --help (files and scripts want wrk)"
        ));
    }
    let figures: Vec<_> = options
        .figures
        .iter()
        .copied()
        .filter(|figure| has_server(figure))
        .collect();
    options.figures = figures;
    if options.figures.is_empty() {
        return Err("no server found: name one with --server".into());
    }
    Ok(Request::Compare(options))
}

fn parse_rounds(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(rounds @ 1..=1000) => Ok(rounds),
        _ => Err(format!("--rounds={value}: is not a number from 1 to 1000")),
    }
}

fn parse_numbers(value: &str) -> Result<Vec<usize>, String> {
    let number = |word: &str| {
        word.parse()
            .ok()
            .filter(|number| (1..=100_000).contains(number))
    };
    let numbers: Option<Vec<_>> = value.split(',').map(number).collect();
    numbers.ok_or_else(|| format!("--sessions={value}: expected numbers from 1 to 100000"))
}

fn parse_figures(only: Option<&str>) -> Result<Vec<&'static Figure>, String> {
    let Some(names) = only else {
        return Ok(FIGURES.iter().collect());
    };
    names
        .split(',')
        .map(|name| {
            let figure = FIGURES.iter().find(|figure| figure.name == name);
            figure.ok_or_else(|| format!("--only={name}: no such figure; see --help"))
        })
        .collect()
}

fn parse_server(value: &str, options: &mut Options) -> Result<(), String> {
    let before = options.servers.len() + options.web_servers.len();
    match value.split_once('=') {
        Some((name, command)) if command.contains("{site}") => {
            options
                .web_servers
                .push(Template::new(name, command, KNOWN[0].2));
        }
        Some((name, command)) if command.contains("{port}") => {
            options
                .servers
                .push(Template::new(name, command, KNOWN[0].2));
        }
        Some(_) => return Err(format!("--server {value}: does not say {{port}}")),
        None => {
            options.servers.extend(known(value, &KNOWN));
            options.web_servers.extend(known(value, &KNOWN_WEB));
        }
    }
    match options.servers.len() + options.web_servers.len() > before {
        true => Ok(()),
        false => Err(format!("--server {value}: not found")),
    }
}
