//! The scripts that people type: each explains itself, and none begins anything by a mistake.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const SCRIPTS: [&str; 7] = [
    "scripts/bench",
    "scripts/check",
    "scripts/fuzz",
    "scripts/package",
    "scripts/packaging/check",
    "scripts/page",
    "scripts/test",
];

/// What any of them would call to do its work.
const TOOLS: [&str; 8] = [
    "apt-get", "cargo", "npm", "pip", "python3", "rustc", "rustup", "sudo",
];

/// Runs a script where each tool does nothing but note that it was called; also gives these notes.
fn run_without_tools(script: &str, argument: &str) -> (Output, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let called = directory.path().join("called");
    for tool in TOOLS {
        let file = directory.path().join(tool);
        let text = format!("#!/bin/sh\necho {tool} \"$@\" >>{}\n", called.display());
        fs::write(&file, text).expect("a stand-in");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    let path = env::var("PATH").expect("a PATH");
    let output = Command::new(script)
        .arg(argument)
        .env("PATH", format!("{}:{path}", directory.path().display()))
        .stdin(Stdio::null())
        .output()
        .expect("the script runs");
    (output, fs::read_to_string(called).unwrap_or_default())
}

#[test]
fn help_of_a_script_is_printed_and_nothing_done() {
    for script in SCRIPTS {
        for argument in ["--help", "-h"] {
            let (output, called) = run_without_tools(script, argument);
            let help = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{script} {argument}: {help}");
            assert!(help.contains(script), "{script} {argument}: {help}");
            assert!(output.stderr.is_empty(), "{script} {argument}: {output:?}");
            assert_eq!(called, "", "{script} {argument}");
        }
    }
}

#[test]
fn unknown_argument_of_a_script_is_an_error_and_nothing_done() {
    for script in SCRIPTS {
        for argument in ["--no-such-option", "no-such-thing"] {
            let (output, called) = run_without_tools(script, argument);
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{script}: {complaint}");
            assert!(complaint.contains(argument), "{script}: {complaint}");
            assert!(output.stdout.is_empty(), "{script} {argument}");
            assert_eq!(called, "", "{script} {argument}");
        }
    }
}

#[test]
fn every_script_is_held_to_this() {
    let mut found = Vec::new();
    for directory in ["scripts", "scripts/packaging"] {
        let entries = fs::read_dir(directory).expect("scripts").flatten();
        let files = entries.map(|entry| entry.path());
        let is_script = |file: &PathBuf| {
            file.extension().is_none()
                && fs::read(file).is_ok_and(|content| content.starts_with(b"#!"))
        };
        found.extend(files.filter(|file| file.is_file()).filter(is_script));
    }
    found.sort();
    assert_eq!(found, SCRIPTS.map(Path::new));
}

/// The figures of the benchmark, whose help the shell prints before anything is built.
#[test]
fn help_of_the_benchmark_names_every_figure() {
    let help = fs::read_to_string("benches/gateway/help.txt").expect("the help");
    let source = fs::read_to_string("benches/gateway/figures.rs").expect("the figures");
    let (_, figures) = source.split_once("const FIGURES").expect("their table");
    let literals: Vec<_> = figures.split('"').skip(1).step_by(2).collect();
    let (pairs, _) = literals.as_chunks::<2>();
    let expected: String = pairs
        .iter()
        .map(|[name, about]| format!("  {name:<14} {about}\n"))
        .collect();
    let (_, lists) = help.split_once("Figures:\n").expect("their list");
    let mut lists = lists.split("\nFigures of ");
    let listed = lists.next().expect("their list");
    assert!(pairs.len() > 10, "the figures were not found");
    assert_eq!(listed, expected);

    let files = [
        ("growth", "growth.rs"),
        ("targets", "targets.rs"),
        ("fan-out", "fan_out.rs"),
        ("game", "games.rs"),
        ("access", "access.rs"),
        ("terminal", "terminals.rs"),
        ("plain-http", "plain_http.rs"),
    ];
    for (subject, file) in files {
        let (listed, list) = lists
            .next()
            .and_then(|list| list.split_once(":\n"))
            .expect(subject);
        assert_eq!(listed, subject);
        let source = fs::read_to_string(format!("benches/gateway/{file}")).expect("the figures");
        let (_, source) = source.split_once("const FIGURES").expect("their table");
        let (source, _) = source.split_once("];").expect("its end");
        let (_, source) = source.split_once("=").expect("its beginning");
        let names: Vec<_> = list
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(names.len(), source.matches("(\"").count(), "{file}");
        for name in names {
            assert!(source.contains(&format!("(\"{name}\", ")), "{name}");
        }
    }
    assert_eq!(lists.next(), None);
}
