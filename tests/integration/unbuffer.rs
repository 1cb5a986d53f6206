//! `--unbuffer`: output comes when it is written, from real programs.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::support::{Client, Gateway, Server, Signal, installed, script};

/// A program that answers lines; `{}` in its words is a directory of its own for what is compiled.
struct Answering {
    name: &'static str,
    words: &'static [&'static str],
    /// What it says to "say a x".
    answer: &'static str,
    /// How its files are made.
    made_by: Option<fn(&Path) -> bool>,
}

const fn answering(
    name: &'static str,
    words: &'static [&'static str],
    answer: &'static str,
) -> Answering {
    Answering {
        name,
        words,
        answer,
        made_by: None,
    }
}

const SOURCE: &str = "#include <stdio.h>\n\
    int main(void) { char line[99]; while (fgets(line, sizeof line, stdin)) printf(\"%s\", line); }\n";

fn compile(directory: &Path, compiler: &str, arguments: &[&str]) -> bool {
    let source = directory.join("answer.c");
    fs::write(&source, SOURCE).expect("a file");
    let Some(compiler) = installed::find_or_skip(compiler) else {
        return false;
    };
    let status = Command::new(compiler)
        .arg(&source)
        .arg("-o")
        .arg(directory.join("answer"))
        .args(arguments)
        .status();
    status.is_ok_and(|status| status.success())
}

/// Programs that hold back what they say to a pipe, and that their environment keeps from it.
fn mended_by_environment() -> Vec<Answering> {
    vec![
        answering(
            "python3",
            &[
                "python3",
                "-c",
                "import sys\nfor line in sys.stdin: print(line, end='')",
            ],
            "say a x",
        ),
        answering("gawk", &["gawk", "{ print }"], "say a x"),
        answering("sed", &["sed", "s/a/b/"], "sby a x"),
        answering("grep", &["grep", "a"], "say a x"),
        answering("tr", &["tr", "a", "b"], "sby b x"),
        answering("cut", &["cut", "-c1-5"], "say a"),
        answering("jq", &["jq", "-M", "-R", "."], "\"say a x\""),
        Answering {
            made_by: Some(|directory| compile(directory, "gcc", &[])),
            ..answering("sh", &["{}/answer"], "say a x")
        },
        answering("grep", &["sh", "-c", "grep a | tr a y"], "syy y x"),
        answering(
            "cat",
            &[
                "sh",
                "-c",
                "cat | python3 -c 'import sys\nfor line in sys.stdin: print(line, end=\"\")' | cat",
            ],
            "say a x",
        ),
    ]
}

/// Those that only a terminal keeps from it.
fn mended_by_a_terminal() -> Vec<Answering> {
    vec![
        answering("ruby", &["ruby", "-ne", "puts $_"], "say a x"),
        answering("perl", &["perl", "-ne", "print"], "say a x"),
        Answering {
            made_by: Some(|directory| compile(directory, "gcc", &["-static"])),
            ..answering("sh", &["{}/answer"], "say a x")
        },
    ]
}

/// Those that write at once anyway.
fn never_held_back() -> Vec<Answering> {
    vec![
        answering(
            "node",
            &[
                "node",
                "-e",
                "process.stdin.on('data', data => process.stdout.write(data))",
            ],
            "say a x",
        ),
        Answering {
            made_by: Some(|directory| {
                let source = "class Answer { public static void main(String[] a) throws Exception { \
                    var in = new java.io.BufferedReader(new java.io.InputStreamReader(System.in)); \
                    for (String line; (line = in.readLine()) != null;) System.out.println(line); } }";
                fs::write(directory.join("Answer.java"), source).is_ok()
            }),
            ..answering("java", &["java", "{}/Answer.java"], "say a x")
        },
    ]
}

/// A server of a program that is there.
fn start(program: &Answering, flags: &str) -> Option<(Server, TempDir)> {
    installed::find_or_skip(program.name)?;
    let directory = tempfile::tempdir().expect("a directory");
    if program.made_by.is_some_and(|make| !make(directory.path())) {
        installed::skip(&format!("{:?} cannot be made", program.words));
        return None;
    }
    let path = directory.path().to_str().expect("text");
    let words = program.words.iter().map(|word| word.replace("{}", path));
    let words: Vec<String> = words.collect();
    let server = Gateway::with(flags).args(words).start();
    Some((server, directory))
}

fn assert_answers_each_line(program: &Answering, flags: &str) {
    let Some((server, _directory)) = start(program, flags) else {
        return;
    };
    let mut client = server.connect();
    for _ in 0..2 {
        client.send("say a x");
        assert_eq!(client.text(), program.answer, "{:?}", program.words);
        client.send("other a");
        client.text();
    }
}

/// Whether an answer comes within a time in which it would.
fn answers_soon(client: &mut Client) -> bool {
    let patience = Duration::from_millis(300);
    client
        .stream
        .set_read_timeout(Some(patience))
        .expect("a timeout");
    client.stream.read(&mut [0; 1]).is_ok()
}

#[test]
fn environment_mends_programs_of_the_c_library_python_and_pipelines() {
    for program in mended_by_environment() {
        assert_answers_each_line(&program, "--unbuffer");
    }
}

#[test]
fn terminal_mends_what_the_environment_does_not_reach() {
    for program in mended_by_environment()
        .iter()
        .chain(&mended_by_a_terminal())
    {
        assert_answers_each_line(program, "--unbuffer=pty");
    }
}

#[test]
fn what_writes_at_once_goes_on_to() {
    for program in never_held_back() {
        for flag in ["--unbuffer", "--unbuffer=pty"] {
            assert_answers_each_line(&program, flag);
        }
    }
}

#[test]
fn uniq_says_a_line_when_the_next_one_comes() {
    for flag in ["--unbuffer", "--unbuffer=pty"] {
        let server = Gateway::with(flag).args(["uniq"]).start();
        let mut client = server.connect();
        for line in ["a", "a", "b", "c"] {
            client.send(line);
        }
        assert_eq!([client.text(), client.text()], ["a", "b"]);
    }
}

#[test]
fn without_it_they_hold_back_what_they_say() {
    for program in [&mended_by_environment()[0], &mended_by_environment()[3]] {
        let Some((server, _directory)) = start(program, "--loglevel=access") else {
            continue;
        };
        let mut client = server.connect();
        client.send("say a x");
        assert!(!answers_soon(&mut client), "{:?}", program.words);
    }
}

#[test]
fn library_writes_lines_and_with_other_framings_at_once() {
    let script = "echo $PYTHONUNBUFFERED $_STDBUF_O $LD_PRELOAD; sleep 1000";
    let variables = |flags: &str, framing: &str| {
        let server = Gateway::with(flags).args([framing]).program(script).start();
        let mut client = server.connect();
        let text = String::from_utf8(client.receive().payload).expect("text");
        text.trim_end().to_owned()
    };
    let Some(library) = library() else {
        return;
    };
    let library = library.display();
    assert_eq!(
        variables("--unbuffer", "--newline=split"),
        format!("1 L {library}")
    );
    assert_eq!(
        variables("--unbuffer", "--framing=text"),
        format!("1 0 {library}")
    );
    assert_eq!(
        variables("--unbuffer", "--binary"),
        format!("1 0 {library}")
    );
    assert_eq!(
        variables("--unbuffer", "--flush-after=50"),
        format!("1 0 {library}")
    );
    assert_eq!(
        variables("--unbuffer=pty", "--newline=split"),
        format!("1 L {library}")
    );
    // Another library, which the loader finds.
    let other = "--env=LD_PRELOAD=libm.so.6";
    assert_eq!(
        variables("--unbuffer", other),
        format!("1 L libm.so.6:{library}")
    );
    assert_eq!(
        variables("--unbuffer", "--env=PYTHONUNBUFFERED=2"),
        format!("2 L {library}")
    );
}

/// coreutils' library, where this machine has it.
fn library() -> Option<PathBuf> {
    let places = [
        "/usr/libexec/coreutils",
        "/usr/lib/coreutils",
        "/usr/local/libexec/coreutils",
    ];
    let found = places.map(|place| Path::new(place).join("libstdbuf.so"));
    let found = found.into_iter().find(|library| library.is_file());
    if found.is_none() {
        installed::skip("coreutils' libstdbuf.so is not here");
    }
    found
}

#[test]
fn program_of_another_c_library_starts() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("show.c");
    let text = "#include <stdio.h>\n#include <stdlib.h>\n\
        int main(void) { puts(getenv(\"LD_PRELOAD\") ? \"preloaded\" : \"started\"); return 0; }\n";
    fs::write(&source, text).expect("a file");
    let Some(compiler) = installed::find_or_skip("musl-gcc") else {
        return;
    };
    let program = directory.path().join("show");
    let made = Command::new(compiler)
        .arg(&source)
        .arg("-o")
        .arg(&program)
        .status();
    assert!(made.expect("a compiler").success());
    let interpreter = Command::new("readelf").arg("-l").arg(&program).output();
    if let Ok(output) = interpreter {
        let headers = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(headers.contains("ld-musl"), "it is dynamic: {headers}");
    }
    let words = [program.as_os_str()];
    for flag in ["--unbuffer", "--unbuffer=pty"] {
        let server = Gateway::with(flag).args(words).start();
        assert_eq!(server.text("/"), "started", "{flag}");
    }
    // As the interpreter of a script.
    let line = format!("#!{}\n", program.display());
    let script = script(directory.path(), "script", &line);
    let server = Gateway::with("--unbuffer").args([script]).start();
    assert_eq!(server.text("/"), "started");
    // Found beneath a directory.
    let server = Gateway::new()
        .args([
            "--unbuffer",
            &format!("--dir={}", directory.path().display()),
        ])
        .start();
    assert_eq!(server.text("/show"), "started");
}

#[test]
fn programs_of_a_directory_are_mended_too() {
    let directory = tempfile::tempdir().expect("a directory");
    script(directory.path(), "answer", "#!/bin/sh\ngrep a | tr a y\n");
    let server = Gateway::new()
        .args([
            "--unbuffer",
            &format!("--dir={}", directory.path().display()),
        ])
        .start();
    let mut client = server.connect_to("/answer");
    client.send("a");
    assert_eq!(client.text(), "y");
}

#[test]
fn script_whose_interpreter_is_a_script_is_mended_too() {
    if library().is_none() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let shell = script(directory.path(), "shell", "#!/usr/bin/env sh\n. \"$1\"\n");
    let text = format!("#!{}\ngrep a | tr a y\n", shell.display());
    let program = script(directory.path(), "program", &text);
    let server = Gateway::with("--unbuffer").args([program]).start();
    let mut client = server.connect();
    client.send("a");
    assert_eq!(client.text(), "y");
}

#[test]
fn shared_program_is_mended_too() {
    let server = Gateway::with("--share --unbuffer")
        .program("grep a | tr a y")
        .start();
    let mut client = server.connect();
    client.send("a");
    assert_eq!(client.text(), "y");
}

/// The first question of every newcomer, answered where it can be told.
#[test]
fn log_says_unbuffer_where_output_came_only_at_the_end() {
    let held_back = "import time\nfor n in range(3): print(n); time.sleep(1.2)";
    let mut server = Gateway::new().args(["python3", "-c", held_back]).start();
    let mut client = server.connect();
    assert_eq!(
        [client.text(), client.text(), client.text()],
        ["0", "1", "2"]
    );
    server.wait_for_line("--unbuffer");
}

#[test]
fn log_says_unbuffer_where_a_client_left_without_an_answer() {
    let echo = "import sys\nfor line in sys.stdin: print(line, end='')";
    let mut server = Gateway::new().args(["python3", "-c", echo]).start();
    let mut client = server.connect();
    client.send("hello");
    std::thread::sleep(Duration::from_millis(3500));
    client.send_close(1000);
    server.wait_for_line("--unbuffer");
    server.signal(Signal::TERM);
}

#[test]
fn log_says_unbuffer_of_a_shared_program_that_was_heard_at_its_end_alone() {
    let held_back = "import time\nfor n in range(3): print(n); time.sleep(1.2)";
    let mut server = Gateway::with("--share")
        .args(["python3", "-c", held_back])
        .start();
    let mut client = server.connect();
    let said = [client.text(), client.text(), client.text()];
    assert_eq!(said, ["0", "1", "2"]);
    server.wait_for_line("--unbuffer");
}

#[test]
fn log_says_unbuffer_of_a_shared_program_whose_members_left_without_an_answer() {
    let echo = "import sys\nfor line in sys.stdin: print(line, end='')";
    let mut server = Gateway::with("--share --share-keep=0")
        .args(["python3", "-c", echo])
        .start();
    let mut client = server.connect();
    client.send("hello");
    std::thread::sleep(Duration::from_millis(3500));
    client.send_close(1000);
    server.wait_for_line("--unbuffer");
}

#[test]
fn log_says_nothing_of_a_shared_program_that_was_heard_in_time() {
    let mut server = Gateway::with("--share --share-keep=0")
        .program("read line; echo $line; sleep 3.2; echo a; echo b")
        .start();
    let mut client = server.connect();
    client.send("hello");
    let said = [client.text(), client.text(), client.text()];
    assert_eq!(said, ["hello", "a", "b"]);
    server.wait_for_line("shared program ended");
    server.signal(Signal::TERM);
    server.wait();
    assert!(!server.log().contains("--unbuffer"), "{}", server.log());
}
