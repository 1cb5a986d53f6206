//! What `--completions` prints: it holds every flag, and the shells complete by it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::{Arg, CommandFactory};
use tempfile::TempDir;
use wsd::args::Args;

use crate::support::{WSD, run, terminal::Terminal};

/// All flags that `--help` lists, without their dashes.
fn flags() -> Vec<String> {
    let mut command = Args::command();
    command.build();
    let is_listed = |argument: &&Arg| !argument.is_hide_set();
    let flags = command.get_arguments().filter(is_listed);
    flags
        .filter_map(|argument| argument.get_long().map(str::to_owned))
        .collect()
}

/// What is printed for a shell.
fn completions(shell: &str) -> String {
    let output = run(&["--completions", shell]);
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
    output.stdout
}

/// A file of that name with what is printed for a shell, gone with the directory.
fn file(name: &str, shell: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(name);
    fs::write(&path, completions(shell)).expect("a file");
    (directory, path)
}

/// Whether a shell is there; where it is not, a line says so.
fn is_there(shell: &str) -> bool {
    let found = Command::new(shell).args(["-c", "exit"]).status().is_ok();
    if !found {
        eprintln!("skipped: {shell} is missing, scripts/test installs it");
    }
    found
}

/// What a command prints, stderr too; it has to succeed.
fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
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
fn completions_have_every_flag() {
    let [bash, zsh, fish_script] = ["bash", "zsh", "fish"].map(completions);
    for flag in flags() {
        let long = format!("--{flag}");
        let has = |script: &str, word: &str| {
            script
                .split(|character: char| !character.is_alphanumeric() && character != '-')
                .any(|other| other == word)
        };
        assert!(has(&bash, &long), "bash: {long}");
        assert!(has(&zsh, &long), "zsh: {long}");
        let fish = format!("-l {flag} -o {flag} ");
        let found = fish_script
            .lines()
            .any(|line| format!("{line} ").contains(&fish));
        assert!(found, "fish: {long}");
    }
}

/// Lines, and a word that has to be offered at their end; none if nothing may be.
const COMPLETED: [(&str, Option<&str>); 20] = [
    ("wsd --fr", Some("--framing")),
    ("wsd --devc", Some("--devconsole")),
    ("wsd --port=80 --devc", Some("--devconsole")),
    ("wsd --port 80 --devc", Some("--devconsole")),
    ("wsd --loglevel de", Some("debug")),
    ("wsd --completions z", Some("zsh")),
    // As Go programs take them.
    ("wsd -devc", Some("-devconsole")),
    ("wsd -port 80 --devc", Some("--devconsole")),
    ("wsd -loglevel de", Some("debug")),
    ("wsd -port 80 mkfif", Some("mkfifo")),
    ("wsd -binary mkfif", Some("mkfifo")),
    // A value that may be left out is no word of its own.
    ("wsd --cors mkfif", Some("mkfifo")),
    ("wsd --cors=a.example mkfif", Some("mkfifo")),
    ("wsd --cors --devc", Some("--devconsole")),
    // Options end where COMMAND begins.
    ("wsd nosuchprogram --devc", None),
    ("wsd --port 80 nosuchprogram --devc", None),
    ("wsd -- nosuchprogram --devc", None),
    ("wsd -port 80 nosuchprogram -devc", None),
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
    let (_directory, file) = file("wsd.bash", "bash");
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
    let (_directory, file) = file("wsd.bash", "bash");
    for line in ["wsd --loglevel=de", "wsd -loglevel=de"] {
        assert_eq!(offered(&mut ask_bash(&file), line), ["debug"], "{line}");
    }
}

#[test]
fn fish_completes_flags_values_and_commands() {
    if !is_there("fish") {
        return;
    }
    let (_directory, file) = file("wsd.fish", "fish");
    for (line, word) in COMPLETED {
        let mut fish = Command::new("fish");
        let script = "source $argv[1]; complete --do-complete $LINE";
        // fish keeps a history and a cache in its home.
        fish.env("HOME", file.parent().expect("a directory"));
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

#[test]
fn fish_completes_values_that_may_be_left_out() {
    if !is_there("fish") {
        return;
    }
    let (directory, file) = file("wsd.fish", "fish");
    fs::write(directory.path().join("watched"), "").expect("a file");
    for (line, all) in [
        ("wsd --share=t", "--share=tagged"),
        ("wsd --unbuffer=p", "--unbuffer=pty"),
        ("wsd --cors=mkfif", ""),
        ("wsd --watch=watch", "--watch=watched"),
    ] {
        let mut fish = Command::new("fish");
        let script =
            "source $argv[1]; complete --do-complete $LINE | string replace -r '\t.*' ''; true";
        fish.env("HOME", directory.path())
            .current_dir(directory.path());
        let offered = offered(fish.args(["--no-config", "-c", script]).arg(&file), line);
        assert_eq!(offered.join(" "), all, "{line}");
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
    if !is_there("zsh") {
        return;
    }
    let (directory, _file) = file("_wsd", "zsh");
    for (line, wanted) in [
        ("wsd --devc", "wsd --devconsole"),
        ("wsd --loglevel=de", "wsd --loglevel=debug"),
        ("wsd --fr", "wsd --framing"),
        ("wsd --port 80 mkfif", "wsd --port 80 mkfifo"),
        ("wsd -port 80 mkfif", "wsd -port 80 mkfifo"),
        ("wsd -port 80 --devc", "wsd -port 80 --devconsole"),
        ("wsd -loglevel de", "wsd -loglevel debug"),
        // It becomes --devconsole, and the terminal goes back to write that.
        ("wsd -devc", "-devconsole"),
        ("wsd --cors mkfif", "wsd --cors mkfifo"),
        ("wsd --cors --devc", "wsd --cors --devconsole"),
        ("wsd --watch=--dev", "wsd --watch=--device"),
        // A file, as the program's word, and no option of wsd.
        ("wsd nosuchprogram --dev", "wsd nosuchprogram --device"),
    ] {
        fs::write(directory.path().join("--device"), "").expect("a file");
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

/// Makes the line a comment, and enters that (readline(3), insert-comment): a signal that comes while bash completes
/// may be noticed with the next key only.
const GIVE_UP: &str = "\x1b#";

#[test]
fn bash_completes_at_its_prompt() {
    let mut bash = Terminal::run("PS1='ready> ' exec bash --norc --noprofile -i");
    bash.wait_for("ready> ");
    bash.press("PS1='again> '; source <(\"$WSD\" --completions bash)\n");
    bash.wait_for("\nagain> ");
    for (typed, completed) in [
        ("wsd --fr", "wsd --framing"),
        ("wsd --fr\tle", "wsd --framing length"),
        ("wsd --loglevel=de", "wsd --loglevel=debug"),
        ("wsd -loglevel=de", "wsd -loglevel=debug"),
        ("wsd -devc", "wsd -devconsole"),
        ("wsd -port 80 --devc", "wsd -port 80 --devconsole"),
        ("wsd --cors mkfif", "wsd --cors mkfifo"),
        ("wsd --port=80 mkfif", "wsd --port=80 mkfifo"),
        (
            "wsd --watch=/proc/self/limi",
            "wsd --watch=/proc/self/limits",
        ),
    ] {
        bash.press(&format!("{typed}\t"));
        bash.wait_for(completed);
        bash.press(GIVE_UP);
        bash.wait_for("\nagain> ");
    }
    bash.press("exit 7\n");
    assert_eq!(bash.end().0, Some(7));
}

#[test]
fn shell_that_has_no_completions_is_told() {
    for words in [
        &["--completions=csh"][..],
        &["--completions"],
        &["--completions="],
    ] {
        let output = run(words);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
        let all = ["--completions", "bash, zsh, fish"];
        assert!(
            all.iter().all(|part| output.stderr.contains(part)),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn completions_need_nothing_else_to_be_right() {
    // No file is read, and nothing is started.
    for more in [
        "--config=/nowhere",
        "/nowhere/program",
        "--staticdir=/nowhere",
    ] {
        let output = run(&["--completions=bash", more]);
        assert_eq!(output.code, Some(0), "{more}: {}", output.stderr);
    }
    let output = run(&["--completions=csh", "--config=/nowhere"]);
    assert!(output.stderr.contains("csh"), "{}", output.stderr);
}

#[test]
fn what_is_cut_off_by_a_full_disk_is_no_success() {
    for words in [&["--completions", "bash"][..], &["--help"], &["--version"]] {
        let mut wsd = Command::new(WSD);
        let full = fs::File::create("/dev/full").expect("a device");
        let output = wsd.args(words).stdout(full).output().expect("wsd");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("cannot write to stdout"), "{said}");
    }
}
