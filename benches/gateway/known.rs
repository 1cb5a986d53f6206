//! Servers that are known by name: where they are, and what they are told.

use std::env;
use std::path::{Path, PathBuf};

use crate::fan_out;
use crate::server::{Mode, Modes, Template};

/// The one that is not compared unless it is asked for: not all figures come to an end with it.
pub(crate) const BY_NAME_ALONE: &str = "websocketd";

/// Servers that are known by name; the program's own path is put in front.
pub(crate) const KNOWN: [(&str, &str, Modes); 3] = [
    (
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 {mode} {program}",
        &[
            (Mode::Lines, ""),
            (Mode::LongLines, "--maxframesize=0 --maxlinesize=0"),
            (Mode::Chunks, "--framing=chunks"),
            (Mode::Length, "--framing=length"),
            (Mode::Share, "--config={shared}"),
            (Mode::Rooms, "--room=/bench --max-rate=0 --max-members=0"),
            (Mode::Target, "--target=/bench=127.0.0.1:{target}"),
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
    // It reads from a program or writes to it, one at a time: with messages in flight both ways the two wait for each other.
    (
        BY_NAME_ALONE,
        "--address=127.0.0.1 --port={port} --loglevel=error {mode} {program}",
        &[(Mode::Lines, "")],
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
pub(crate) const KNOWN_WEB: [(&str, &str, Modes); 3] = [
    ("wsd", "--port={port} --loglevel=error {wsd-option}", &[]),
    ("nginx", "-p {site} -e stderr -c {site}/nginx.conf", &[]),
    ("lighttpd", "-D -f {site}/lighttpd.conf", &[]),
];

/// A server that is known by name, if it is on this machine.
pub(crate) fn known(
    name: &str,
    known_by: &[(&'static str, &'static str, Modes)],
) -> Option<Template> {
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
pub(crate) fn tls_servers() -> Vec<Template> {
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
pub(crate) fn servers_of(known: &[(&str, &str, &str)]) -> Vec<Template> {
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

pub(crate) fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Debian has servers where only root looks.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|candidate| Path::is_file(candidate))
}
