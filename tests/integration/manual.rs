//! The manual page and the completions hold every flag, and their readers find nothing wrong with them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../scripts/packaging/manual/completions.rs"]
mod completions;
#[path = "../../scripts/packaging/manual/page.rs"]
mod page;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::{Arg, CommandFactory};
use tempfile::TempDir;
use wsd::args::Args;

/// All flags that `--help` lists, without their dashes.
fn flags() -> Vec<String> {
    let mut command = Args::command();
    command.build();
    let is_listed = |argument: &&Arg| !argument.is_hide_set();
    let flags: Vec<String> = command
        .get_arguments()
        .filter(is_listed)
        .filter_map(|argument| argument.get_long().map(str::to_owned))
        .collect();
    assert!(flags.len() > 30, "{flags:?}");
    flags
}

fn page() -> String {
    page::render("2026-01-31").expect("a page")
}

/// A file of that name, gone with the directory.
fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    (directory, path)
}

/// What a command prints, stderr too; it has to succeed.
fn output(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// The words that a shell offers at the end of `line`.
fn offered(shell: &mut Command, line: &str) -> Vec<String> {
    let output = output(shell.env("LINE", line));
    let first_word = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
    output.lines().map(first_word).collect()
}

#[test]
fn manual_page_has_every_flag() {
    let page = page();
    for flag in flags() {
        let name = format!(r"\fB\-\-{}\fR", flag.replace('-', r"\-"));
        assert!(page.contains(&name), "--{flag} is missing");
    }
}

#[test]
fn manual_page_has_its_sections() {
    let page = page();
    let sections: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix(".SH "))
        .collect();
    assert_eq!(
        sections,
        [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXIT STATUS",
            "SIGNALS",
            "ENVIRONMENT",
            "FILES",
            "EXAMPLES",
            "SEE ALSO"
        ]
    );
}

#[test]
fn manual_page_names_no_flag_that_does_not_exist() {
    let flags = flags();
    let page = page().replace(r"\-", "-");
    for (start, _) in page.match_indices("--") {
        let name: String = page[start + 2..]
            .chars()
            .take_while(|character| {
                character.is_ascii_lowercase() || character.is_ascii_digit() || *character == '-'
            })
            .collect();
        assert!(flags.contains(&name), "--{name}");
    }
}

#[test]
fn mandoc_and_man_find_nothing_wrong_with_the_page() {
    let (_directory, file) = file("wsd.1", &page());
    // Long lines are a matter of style in a page that nobody edits.
    let lint = ["-T", "lint", "-W", "warning"];
    assert_eq!(output(Command::new("mandoc").args(lint).arg(&file)), "");
    let mut man = Command::new("man");
    man.args(["--warnings", "--local-file"]).arg(&file);
    let text = output(man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80"));
    assert!(text.contains("WSD(1)"), "{text}");
    assert!(!text.contains("warning:"), "{text}");
}

#[test]
fn completions_have_every_flag() {
    for flag in flags() {
        let long = format!("--{flag}");
        let has = |script: &str, word: &str| {
            script
                .split(|character: char| !character.is_alphanumeric() && character != '-')
                .any(|other| other == word)
        };
        assert!(has(&completions::bash(), &long), "bash: {long}");
        assert!(has(&completions::zsh(), &long), "zsh: {long}");
        let fish = format!("-l {flag} ");
        let found = completions::fish()
            .lines()
            .any(|line| format!("{line} ").contains(&fish));
        assert!(found, "fish: {long}");
    }
}

/// Lines, and a word that has to be offered at their end; none if nothing may be.
const COMPLETED: [(&str, Option<&str>); 9] = [
    ("wsd --devc", Some("--devconsole")),
    ("wsd --port=80 --devc", Some("--devconsole")),
    ("wsd --port 80 --devc", Some("--devconsole")),
    ("wsd --loglevel de", Some("debug")),
    // Options end where COMMAND begins.
    ("wsd nosuchprogram --devc", None),
    ("wsd --port 80 nosuchprogram --devc", None),
    ("wsd -- nosuchprogram --devc", None),
    ("wsd --port=80 mkfif", Some("mkfifo")),
    ("wsd -- mkfif", Some("mkfifo")),
];

/// Calls the completion as readline does, which splits words at `=` too. compopt works in readline alone.
const ASK_BASH: &str = r#"
compopt() { :; }
source "$0"
complete -p wsd >/dev/null || exit
COMP_LINE=$LINE
COMP_POINT=${#LINE}
read -ra COMP_WORDS <<<"${LINE//=/ = }"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_wsd wsd "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

fn ask_bash(file: &Path) -> Command {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", ASK_BASH]).arg(file);
    bash
}

#[test]
fn bash_completes_flags_values_and_commands() {
    let (_directory, file) = file("wsd.bash", &completions::bash());
    for (line, word) in COMPLETED {
        let offered = offered(&mut ask_bash(&file), line);
        match word {
            Some(word) => assert!(
                offered.iter().any(|other| other == word),
                "{line}: {offered:?}"
            ),
            None => assert_eq!(offered, [""], "{line}"),
        }
    }
}

#[test]
fn bash_completes_values_behind_an_equals_sign() {
    let (_directory, file) = file("wsd.bash", &completions::bash());
    for line in ["wsd --loglevel=de", "wsd -loglevel=de"] {
        assert_eq!(offered(&mut ask_bash(&file), line), ["debug"], "{line}");
    }
}

#[test]
fn fish_completes_flags_values_and_commands() {
    let (_directory, file) = file("wsd.fish", &completions::fish());
    for (line, word) in COMPLETED {
        let mut fish = Command::new("fish");
        let script = "source $argv[1]; complete --do-complete $LINE";
        // fish keeps a history and a cache in its home.
        fish.env("HOME", file.parent().unwrap());
        let offered = offered(fish.args(["--no-config", "-c", script]).arg(&file), line);
        match word {
            Some(word) => assert!(
                offered.iter().any(|other| other == word),
                "{line}: {offered:?}"
            ),
            None => assert!(offered.is_empty(), "{line}: {offered:?}"),
        }
    }
}

/// Types a line and a tab into an interactive zsh, and waits until the line has become `WANTED`.
const ASK_ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh --no-rcs -i
zpty -w shell "PS1= PS2= fpath=($DIRECTORY \$fpath); autoload -Uz compinit; compinit -D -u; echo REA''DY"
zpty -r shell text '*READY*' || exit
zpty -w -n shell "$LINE"$'\t'
zpty -r shell text "*$WANTED*" || exit
zpty -d shell
"#;

#[test]
fn zsh_completes_flags_values_and_commands() {
    let (directory, _file) = file("_wsd", &completions::zsh());
    for (line, wanted) in [
        ("wsd --devc", "wsd --devconsole"),
        ("wsd --loglevel=de", "wsd --loglevel=debug"),
        ("wsd --port 80 mkfif", "wsd --port 80 mkfifo"),
        // A file, as the program's word, and no option of wsd.
        ("wsd nosuchprogram --dev", "wsd nosuchprogram --device"),
    ] {
        fs::write(directory.path().join("--device"), "").unwrap();
        let mut zsh = Command::new("timeout");
        zsh.args(["20", "zsh", "--no-rcs", "-c", ASK_ZSH])
            .current_dir(directory.path())
            .env("DIRECTORY", directory.path())
            .env("HOME", directory.path())
            .env("TERM", "dumb")
            .env("LINE", line)
            .env("WANTED", wanted);
        output(&mut zsh);
    }
}
