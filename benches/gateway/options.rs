//! The command line.

use std::env;
use std::path::{Path, PathBuf};

use crate::access;
use crate::fan_out;
use crate::figures::{Effort, FIGURES, Figure, Kind};
use crate::games;
use crate::growth;
use crate::server::{Mode, Modes, Template};
use crate::targets;
use crate::terminals;

/// What was asked for.
pub(crate) enum Request {
    Help,
    /// What the machine itself allows.
    Floor(Options),
    /// Servers side by side.
    Compare(Options),
    /// The same with more and more sessions, and longer and longer messages.
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
}

pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) effort: Effort,
    pub(crate) figures: Vec<&'static Figure>,
    /// Names of the figures of `fan-out`, where not all are wanted.
    pub(crate) only: Option<Vec<String>>,
    /// Those that run programs, and those that serve files and scripts.
    pub(crate) servers: Vec<Template>,
    pub(crate) web_servers: Vec<Template>,
    /// One with and without TLS.
    pub(crate) tls_servers: Vec<Template>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    /// Numbers of sessions, of `growth`.
    pub(crate) sessions: Vec<usize>,
}

/// What has figures and servers of its own.
#[derive(Clone, Copy)]
enum Own {
    Targets,
    FanOut,
    Games,
    Access,
    Terminals,
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

/// Servers that are known by name; the program's own path is put in front.
const KNOWN: [(&str, &str, Modes); 2] = [
    (
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 {mode} {program}",
        &[
            (Mode::Lines, ""),
            (Mode::LongLines, "--maxframesize=0 --maxlinesize=0"),
            (Mode::Chunks, "--framing=chunks"),
            (Mode::Length, "--framing=length"),
        ],
    ),
    // -E: ends a session when its program or client does, and so leaks none.
    // -B: a message and its newline may be longer than the default of 64 KiB.
    (
        "websocat",
        "-q {mode} -E ws-l:127.0.0.1:{port} exec:{command} --exec-args {arguments}",
        &[
            (Mode::Lines, "-t -B 1048576"),
            (Mode::LongLines, "-t -B 33554432"),
            (Mode::Chunks, "-b -B 1048576"),
        ],
    ),
];

/// With and without TLS; only wsd makes a certificate for itself.
const KNOWN_TLS: [(&str, &str); 2] = [
    (
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 {program}",
    ),
    (
        "TLS",
        "--port={port} --loglevel=error --maxforks=0 --ssl-selfsigned {program}",
    ),
];

/// The same of web servers. Their configurations are written into `{site}`; what
/// wsd needs besides is `{wsd-option}`. None logs requests.
const KNOWN_WEB: [(&str, &str, Modes); 3] = [
    ("wsd", "--port={port} --loglevel=error {wsd-option}", &[]),
    ("nginx", "-p {site} -e stderr -c {site}/nginx.conf", &[]),
    ("lighttpd", "-D -f {site}/lighttpd.conf", &[]),
];

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
        sessions: growth::SESSIONS.to_vec(),
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
            "--quick" => options.effort = Effort::QUICK,
            "--rounds" => rounds = Some(parse_rounds(&value()?)?),
            "--only" => only = Some(value()?),
            "--json" => options.json = Some(PathBuf::from(value()?)),
            "--svg" => options.svg = Some(PathBuf::from(value()?)),
            "--sessions" => options.sessions = parse_sessions(&value()?)?,
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
                "targets, game, access and terminal have figures and servers of their own".into(),
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
        });
    }
    if is_floor {
        return Ok(Request::Floor(options));
    }
    options.figures = parse_figures(only.as_deref())?;
    if options.servers.is_empty() && options.web_servers.is_empty() {
        let all = |known_by: &[(&'static str, &'static str, Modes)]| {
            let names = known_by.iter().map(|(name, ..)| name);
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

fn parse_sessions(value: &str) -> Result<Vec<usize>, String> {
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

/// A server that is known by name, if it is on this machine.
fn known(name: &str, known_by: &[(&'static str, &'static str, Modes)]) -> Option<Template> {
    let (name, arguments, modes) = known_by.iter().find(|known| known.0 == name)?;
    let path = match (*name, option_env!("CARGO_BIN_EXE_wsd")) {
        ("wsd", Some(built)) => built.into(),
        _ => find_in_path(name)?.to_string_lossy().into_owned(),
    };
    let mut template = Template::new(name, arguments, modes);
    // In front and as one word, whatever characters it has.
    template.words.insert(0, path);
    Some(template)
}

/// The wsd that was built, with and without TLS.
fn tls_servers() -> Vec<Template> {
    let template = |(name, arguments): &(&str, &str)| {
        let mut template = Template::new(name, arguments, &[]);
        template
            .words
            .insert(0, option_env!("CARGO_BIN_EXE_wsd")?.into());
        template.is_tls = *name == "TLS";
        Some(template)
    };
    KNOWN_TLS.iter().filter_map(template).collect()
}

/// Those of a list that are on this machine.
fn servers_of(known: &[(&str, &str, &str)]) -> Vec<Template> {
    let template = |(name, program, arguments): &(&str, &str, &str)| {
        let is_missing = match *name {
            "nchan" => !Path::new(fan_out::NCHAN).exists(),
            fan_out::NATS => find_in_path(name).is_none(),
            _ => false,
        };
        if is_missing {
            return None;
        }
        let path = match (*program, option_env!("CARGO_BIN_EXE_wsd")) {
            ("wsd", Some(built)) => built.into(),
            _ => find_in_path(program)?.to_string_lossy().into_owned(),
        };
        let mut template = Template::new(name, arguments, &[]);
        template.words.insert(0, path);
        Some(template)
    };
    known.iter().filter_map(template).collect()
}

fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Debian has servers where only root looks.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|candidate| Path::is_file(candidate))
}
