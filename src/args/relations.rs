//! Relations between flags, and values of switches, said so that the remedy is named.
//!
//! Which flag requires or excludes which is an attribute on the flag, or on its group; clap sees what was
//! given and what is a default. Here its errors of these two kinds get our own words, in one place. What
//! clap has no attribute for, since it depends on three flags, is checked behind it.

use std::ffi::OsString;

use clap::{
    ArgMatches, CommandFactory, Id,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};

use super::{arguments::Args, groups::OF_A_PROGRAM, help};

/// Parses the words of flags, and a command.
///
/// # Errors
/// clap's. One about a relation has the flag in [`ContextKind::InvalidArg`], and what is wrong with it in
/// [`ContextKind::Custom`].
pub(super) fn parse(flags: Vec<OsString>, command: &[OsString]) -> Result<ArgMatches, Error> {
    let separator = (!command.is_empty()).then(|| OsString::from("--"));
    let words = [OsString::from("wsd")].into_iter().chain(flags.clone());
    let words = words.chain(separator).chain(command.iter().cloned());
    let command = match flags.iter().any(|word| word == "-h") {
        true => help::for_beginners(Args::command()),
        false => Args::command(),
    };
    let matches = command.try_get_matches_from(words);
    let matches = matches.map_err(|error| explain(error, &flags))?;
    check_local_end(&matches)?;
    Ok(matches)
}

/// With `--connect`, stdin is joined where there is no COMMAND, and only there.
fn check_local_end(matches: &ArgMatches) -> Result<(), Error> {
    let kind = ErrorKind::ArgumentConflict;
    if !matches.contains_id("connect") {
        return Ok(());
    }
    if matches.contains_id("command") {
        return match matches.contains_id("linger") {
            true => Err(about(
                kind,
                "linger",
                "is about stdin, and with a COMMAND there is none: leave one of them out",
            )),
            false => Ok(()),
        };
    }
    let mut given = matches.get_many::<Id>(OF_A_PROGRAM).into_iter().flatten();
    match given.next() {
        Some(id) => Err(about(
            kind,
            &id.as_str().replace('_', "-"),
            "is about a program: give a COMMAND too",
        )),
        None => Ok(()),
    }
}

/// Puts errors about relations in our own words.
fn explain(mut error: Error, flags: &[OsString]) -> Error {
    // clap would advise to pass an unknown flag as a COMMAND.
    error.remove(ContextKind::Suggested);
    let explained = match error.kind() {
        ErrorKind::ArgumentConflict => exclusion(&error, flags),
        ErrorKind::MissingRequiredArgument => requirement(&error, flags),
        ErrorKind::UnknownArgument => {
            add_tip(&mut error);
            None
        }
        ErrorKind::TooManyValues => no_switch_position(&error),
        _ => None,
    };
    explained.unwrap_or(error)
}

/// A value that says neither on nor off; to clap a switch has none at all.
fn no_switch_position(error: &Error) -> Option<Error> {
    let flag = names(error, ContextKind::InvalidArg).into_iter().next()?;
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        return None;
    };
    let sentence = format!("invalid value '{value}' for '--{flag}': expected true or false\n");
    Some(Error::raw(ErrorKind::InvalidValue, sentence))
}

/// Letters by which other programs take what has a long name alone here.
const LETTERS: [(char, &str); 4] = [
    ('a', "address"),
    ('c', "config"),
    ('d', "staticdir"),
    ('p', "port"),
];

/// The long name for a letter: `-p`, and `-p8080`, which was given its second dash.
fn add_tip(error: &mut Error) {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return;
    };
    let mut letters = word.trim_start_matches('-').chars();
    let first = letters.next();
    let is_letter = letters.all(|rest| rest.is_ascii_digit());
    let known = LETTERS.iter().find(|(letter, _)| Some(*letter) == first);
    if let Some((_, name)) = known.filter(|_| is_letter) {
        let tip = match *name {
            // Other clients have it for a URL.
            "config" => "the flag is '--config' (a file) or '--connect' (a URL), and has no letter"
                .to_owned(),
            name => format!("the flag is '--{name}', and has no letter"),
        };
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, tips);
    }
}

/// Two flags that exclude each other.
fn exclusion(error: &Error, flags: &[OsString]) -> Option<Error> {
    let flag = names(error, ContextKind::InvalidArg).into_iter().next()?;
    // Where clap knows of a group, it names all of it.
    let is_given = |name: &String| {
        flags
            .iter()
            .any(|word| name_in(word).as_ref() == Some(name))
    };
    let other = names(error, ContextKind::PriorArg)
        .into_iter()
        .find(is_given)?;
    let (flag, other) = match (flag.as_str(), other.as_str()) {
        ("connect" | "insecure", _) | (_, "inetd" | "ssl-selfsigned" | "fingerprint") => {
            (other, flag)
        }
        _ => (flag, other),
    };
    let reason = match (flag.as_str(), other.as_str()) {
        (flag, "connect") => format!("--{flag} is for a server"),
        (_, "insecure") => "--insecure trusts anybody".to_owned(),
        ("inetd", "start") => {
            "--inetd serves one connection, and such a server is started once for many".to_owned()
        }
        ("fingerprint", _) => "--fingerprint trusts one certificate, whoever issued it".to_owned(),
        ("inetd", "share") => {
            "--inetd serves one connection, and a shared program has many clients".to_owned()
        }
        ("pty" | "terminal", "share") | ("share", "pty" | "terminal") => {
            "a terminal is one client's; with --terminal, 'tmux new -A -s NAME' gives all the same one"
                .to_owned()
        }
        ("pty" | "terminal", "passstderr") | ("passstderr", "pty" | "terminal") => {
            "stderr is on the terminal too, and nobody can tell it from stdout".to_owned()
        }
        ("terminal", "framing" | "binary" | "flush-after")
        | ("framing" | "binary" | "flush-after", "terminal") => {
            "a terminal has its own messages, bytes as they come".to_owned()
        }
        ("terminal", "pty") | ("pty", "terminal") => {
            "--terminal is a pty, with a page and its protocol".to_owned()
        }
        ("share", "target" | "target-map") => "a target is shared by itself, or is not".to_owned(),
        ("inetd", other) => {
            format!("--inetd serves what is on stdin, --{other} is about listening")
        }
        ("ssl-selfsigned", _) => "it makes its own certificate".to_owned(),
        _ => "give one of them".to_owned(),
    };
    let reason = format!("and --{other} exclude each other: {reason}");
    Some(about(error.kind(), &flag, &reason))
}

/// A flag that requires another. clap's error names what is missing, not what it is missing for: that is the
/// flag which is refused for the same reason when it stands alone.
fn requirement(error: &Error, flags: &[OsString]) -> Option<Error> {
    let missing = names(error, ContextKind::InvalidArg);
    // What is nearest to the flag, where it requires a flag that requires another.
    let nearest = ["sslca", "ssl"];
    let nearest = nearest.map(|name| missing.iter().find(|missing| *missing == name));
    let first = nearest.into_iter().flatten().next().or(missing.first())?;
    let is_refused_alone = |word: &&OsString| {
        let alone = Args::command().try_get_matches_from([&OsString::from("wsd"), *word]);
        alone.is_err_and(|error| names(&error, ContextKind::InvalidArg).contains(first))
    };
    let flag = name_in(flags.iter().find(is_refused_alone)?)?;
    let reason = match first.as_str() {
        "connect" => "is for a client: give --connect too",
        "hub" => "is about the broker of --hub: give that too",
        "ssl" => "is about TLS: give --ssl too",
        "sslca" => "is about the certificates of --sslca: give that too",
        "sslcert" => "needs the certificate of the key: give --sslcert too",
        "sslkey" => "needs the certificate's private key: give --sslkey too",
        "staticdir" => "is about the files of --staticdir: give that too",
        "terminal" => "is about the terminals of --terminal: give that too",
        "unixsocket" => "is about the file of --unixsocket: give that too, with a path",
        other => &format!("needs --{other}: give that too"),
    };
    Some(about(error.kind(), &flag, reason))
}

fn about(kind: ErrorKind, name: &str, reason: &str) -> Error {
    let flag = format!("--{name}");
    let mut error = Error::raw(kind, format!("{flag} {reason}\n"));
    error.insert(ContextKind::InvalidArg, ContextValue::String(flag));
    error.insert(ContextKind::Custom, ContextValue::String(reason.to_owned()));
    error
}

/// The first flag of each argument or group that an error names, without dashes.
fn names(error: &Error, kind: ContextKind) -> Vec<String> {
    let texts = match error.get(kind) {
        Some(ContextValue::String(text)) => std::slice::from_ref(text),
        Some(ContextValue::Strings(texts)) => texts,
        _ => &[],
    };
    let name = |text: &String| {
        let rest = text.split_once("--")?.1;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        Some(rest[..end.unwrap_or(rest.len())].to_owned())
    };
    texts.iter().filter_map(name).collect()
}

/// The name in `--name=value`.
fn name_in(word: &OsString) -> Option<String> {
    let text = word.to_string_lossy();
    let name = text.strip_prefix("--")?;
    Some(name.split('=').next()?.to_owned())
}
