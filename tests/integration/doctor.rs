//! `--doctor`: what the machine allows, and how many sessions follow.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{Gateway, run};

/// The number of sessions at the end of a report.
fn sessions(report: &str) -> u64 {
    let line = report
        .lines()
        .find_map(|line| line.strip_prefix("Sessions: "));
    let number = line.and_then(|line| line.split([',', ' ']).next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no number of sessions: {report}"))
}

/// The row of a limit: its last column.
fn row(report: &str, name: &str) -> Option<u64> {
    let line = report.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().last()?.parse().ok()
}

#[test]
fn report_names_the_limit_that_comes_first_and_its_remedy() {
    let output = run(&["--doctor", "--maxforks=3", "cat"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.starts_with("Program: cat\n"), "{output:?}");
    assert!(
        output
            .stdout
            .contains("Sessions: 3, by --maxforks.\n  For more: --maxforks=N")
    );
    assert_eq!(output.stderr, "");
}

#[test]
fn machine_has_limits_without_any_flag() {
    let output = run(&["--doctor", "--maxforks=0", "cat"]);
    let report = &output.stdout;
    for name in [
        "open files of wsd",
        "kernel.pid_max",
        "memory of this machine",
    ] {
        assert!(row(report, name).is_some(), "{name}: {report}");
    }
    assert!(sessions(report) <= row(report, "kernel.pid_max").expect("a row"));
    assert!(
        report.contains("A session takes 5 descriptors of wsd, 1 thread"),
        "{report}"
    );
}

#[test]
fn members_of_a_shared_program_take_no_program_each() {
    let flags = [
        "--doctor",
        "--maxforks=3",
        "--max-members=70",
        "--share",
        "cat",
    ];
    let output = run(&flags);
    let report = &output.stdout;
    assert!(
        report.contains("which all sessions have together"),
        "{report}"
    );
    assert!(
        report.contains("A session takes 1 descriptor of wsd, 16 KiB"),
        "{report}"
    );
    assert!(row(report, "--maxforks").is_none(), "{report}");
    assert_eq!(sessions(report), 70, "{report}");
}

#[test]
fn program_of_a_hundred_mebibytes_is_seen_to_be_one() {
    let script = "import sys; kept = b'x' * (100 << 20); sys.stdin.read()";
    let output = run(&["--doctor", "--maxforks=0", "python3", "-c", script]);
    let cat = run(&["--doctor", "--maxforks=0", "cat"]);
    let row = |report: &str| row(report, "memory of this machine").expect("a row");
    let (large, small) = (row(&output.stdout), row(&cat.stdout));
    assert!(
        large * 20 < small,
        "{} against {}",
        output.stdout,
        cat.stdout
    );
}

#[test]
fn whole_process_group_is_measured_and_ended() {
    let marker = "86399.25";
    let script = format!("sleep {marker} & sleep {marker} & wait");
    let output = run(&["--doctor", "sh", "-c", &script]);
    assert!(
        output.stdout.contains("\n  3 processes, 3 threads, "),
        "{output:?}"
    );
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let is_left = words.starts_with(format!("sleep\0{marker}").as_bytes());
        assert!(!is_left, "{:?}", entry.path());
    }
}

#[test]
fn without_a_command_cat_stands_for_one() {
    for words in [&["--doctor"][..], &["--doctor", "--staticdir=docs"]] {
        let output = run(words);
        assert_eq!(output.code, Some(0), "{output:?}");
        let first = output.stdout.lines().next();
        let says = "Program: cat (no COMMAND is given, so this stands for one)";
        assert_eq!(first, Some(says), "{words:?}");
    }
}

#[test]
fn program_of_a_route_is_examined() {
    let output = run(&["--doctor", "--route=/a=tail -f /dev/null"]);
    let first = output.stdout.lines().next();
    assert_eq!(first, Some("Program: tail -f /dev/null"), "{output:?}");
}

#[test]
fn program_that_ends_by_itself_is_said_to() {
    let output = run(&["--doctor", "sh", "-c", "exit 7"]);
    assert_eq!(output.code, Some(0));
    assert!(
        output
            .stdout
            .contains("It ended by itself (exit status: 7)"),
        "{output:?}"
    );
}

#[test]
fn complaints_of_the_program_are_seen() {
    let output = run(&["--doctor", "sh", "-c", "echo where is it >&2; exec cat"]);
    assert_eq!(output.stderr, "where is it\n");
}

#[test]
fn machine_without_pseudoterminals_is_said_to_have_none() {
    let hidden = "mount -t tmpfs none /dev/pts && exec \"$@\"";
    let hidden = ["unshare", "-r", "-m", "sh", "-c", hidden, "sh"];
    let doctor = |flag: &str| {
        Gateway::without_port()
            .under(&hidden)
            .args(["--doctor", flag, "cat"])
            .output()
    };
    for flag in ["--terminal", "--pty", "--unbuffer=pty"] {
        let output = doctor(flag);
        let report = &output.stdout;
        assert_eq!(output.code, Some(1), "{flag}: {output:?}");
        assert_eq!(row(report, "pseudoterminals"), Some(0), "{report}");
        assert!(row(report, "kernel.pid_max") > Some(0), "{report}");
        assert_eq!(sessions(report), 0, "{report}");
        assert!(report.contains("For more: mount -t devpts"), "{report}");
    }
    let output = doctor("--maxforks=3");
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(row(&output.stdout, "pseudoterminals"), None);
}

#[test]
fn program_that_cannot_be_started_fails() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("program");
    fs::write(&file, "no\0program").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
    let file = file.to_str().expect("a path");
    let output = run(&["--doctor", file]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stderr.contains(file) && output.stderr.contains("Exec format"),
        "{output:?}"
    );
}

#[test]
fn wrong_flags_are_usage_errors() {
    for words in [
        &["--doctor", "/nowhere/program"][..],
        &["--doctor", "--workdir=/nowhere", "cat"],
        &["--doctor", "--connect=ws://localhost/", "cat"],
    ] {
        let output = run(words);
        assert_eq!(output.code, Some(2), "{words:?}: {output:?}");
        assert_eq!(output.stdout, "", "{words:?}");
    }
}

#[test]
fn limit_of_open_files_is_the_hard_one() {
    let report = Gateway::without_port()
        .args(["--doctor", "--maxforks=0", "cat"])
        .shell("ulimit -n 200; ulimit -Sn 64")
        .output()
        .stdout;
    let name = "open files of wsd";
    let sessions = row(&report, name).expect("a row");
    assert!((30..40).contains(&sessions), "{report}");
    assert!(
        report.contains("The soft limit of open files is 64"),
        "{report}"
    );
    assert!(report.contains("LimitNOFILE=N"), "{report}");
}
