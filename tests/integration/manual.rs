//! The manual page holds every flag, and its readers find nothing wrong with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../scripts/packaging/manual/page.rs"]
mod page;

use std::{
    fs,
    path::PathBuf,
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
