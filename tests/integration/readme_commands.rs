//! The commands of the README, run as they stand there: whoever copies them sees what it says. Only ports are others.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    thread,
};

use tempfile::TempDir;

use crate::support::{WSD, line_client::LineClient, terminal::Terminal};

/// What stands between a line of three backticks with this word and the next one.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string("README.md").expect("the README");
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned());
    blocks.collect()
}

/// The lines of the block of commands that begins with this; each command once, behind its `$ `.
fn block(begin: &str) -> Vec<String> {
    let blocks = blocks("console");
    let found = blocks.iter().find(|block| block[2..].starts_with(begin));
    let found = found.unwrap_or_else(|| panic!("the README has no command {begin}"));
    found.lines().map(str::to_owned).collect()
}

fn command(line: &str) -> &str {
    line.strip_prefix("$ ").expect("a command")
}

/// A directory where `wsd` is a command, and where commands are run.
struct Shell {
    path: TempDir,
    directory: TempDir,
}

impl Shell {
    fn new() -> Self {
        let path = tempfile::tempdir().expect("a directory");
        symlink(WSD, path.path().join("wsd")).expect("a link");
        Shell {
            path,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    fn run_in(&self, directory: &Path, command: &str) -> Terminal {
        let path = self.path.path().display();
        Terminal::run(&format!(
            "cd {} && PATH={path}:$PATH && {command}",
            directory.display()
        ))
    }

    fn run(&self, command: &str) -> Terminal {
        self.run_in(self.directory.path(), command)
    }

    /// Runs a command to its end.
    fn done(&self, command: &str) {
        let (status, shown) = self.run(command).end();
        assert_eq!(status, Some(0), "{command}: {shown}");
    }

    /// Starts a server on a free port; its URL.
    fn serve_in(&self, directory: &Path, command: &str) -> (Terminal, String) {
        let words = command.split(' ').skip(1);
        let words: Vec<_> = words.filter(|word| !word.starts_with("--port=")).collect();
        let command = format!("wsd --port=0 {}", words.join(" "));
        let mut terminal = self.run_in(directory, &command);
        let mut shown = terminal.wait_for("serving on ");
        while !shown.ends_with('\n') {
            shown += &terminal.wait_for("\n");
        }
        let url = shown.split("serving on ").nth(1).expect("a URL");
        let authority = url.split('/').nth(2).expect("a host and a port");
        let port = authority.rsplit(':').next().expect("a port");
        (terminal, format!("ws://localhost:{port}/"))
    }

    fn serve(&self, command: &str) -> (Terminal, String) {
        self.serve_in(self.directory.path(), command)
    }
}

/// Says something to a server, and hears the answer.
fn assert_answers(url: &str, question: &str, answer: &str) {
    let mut client = LineClient::connect(url, &[]);
    client.send(question);
    assert_eq!(client.line(), answer);
}

/// How the blocks begin that are run here, in the order in which they stand there.
const RUN: [&str; 7] = [
    FIRST,
    CONNECT,
    LOG,
    "cargo run --release -- ",
    "chmod +x ",
    "wsd --port=8080 --unbuffer ",
    "wsd --port=6080 ",
];
const FIRST: &str = "wsd --port=8080 sh -c ";
const CONNECT: &str = "wsd --connect=ws://localhost:8080/";
const LOG: &str = "echo 'ERROR";

/// Those that are not: what runs all tests, and what those run in turn or what takes a build of its own.
const NOT_RUN: [&str; 3] = ["scripts/test", "scripts/package", "cargo install "];

#[test]
fn every_block_of_commands_is_run_or_known() {
    for block in blocks("console") {
        let begins = |begin: &&&str| block[2..].starts_with(**begin);
        let known = RUN.iter().chain(&NOT_RUN).filter(begins).count();
        assert_eq!(known, 1, "{block}");
    }
}

#[test]
fn first_screen_is_what_a_terminal_shows() {
    let shell = Shell::new();
    let first = block(FIRST);
    let (_server, url) = shell.serve(command(&first[0]));
    let here = |line: &str| line.replace("ws://localhost:8080/", &url);
    let dialogue = block(CONNECT);
    let mut client = shell.run(command(&here(&dialogue[0])));
    client.wait_for(&here(&dialogue[1]));
    let mut said = 0;
    for pair in dialogue[2..].chunks(2) {
        client.press(&format!("{}\n", pair[0]));
        client.wait_for(&pair[1]);
        said += 1;
    }
    assert_eq!(said, 2);
}

#[test]
fn what_one_machine_prints_is_read_on_another() {
    let shell = Shell::new();
    let lines = block(LOG);
    let [write, serve, read, shown] = &lines[..] else {
        panic!("{lines:?}");
    };
    shell.done(command(write));
    let (_server, url) = shell.serve(command(serve));
    let mut reader = shell.run(&command(read).replace("ws://localhost:8080/", &url));
    reader.wait_for(shown);
}

#[test]
fn first_command_answers_as_it_is_said() {
    let lines = block("cargo run --release -- ");
    let command = command(&lines[0]).replace("cargo run --release --", "wsd");
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (_server, url) = Shell::new().serve_in(top, &command);
    let text = fs::read_to_string("README.md").expect("the README");
    assert!(text.contains("send `15`, and `15 => FizzBuzz` comes back"));
    assert_answers(&url, "15", "15 => FizzBuzz");
}

#[test]
fn first_programs_answer() {
    let shell = Shell::new();
    for (language, file) in [("sh", "greet.sh"), ("python", "greet.py")] {
        let text = &blocks(language)[0];
        fs::write(shell.directory.path().join(file), text).expect("a file");
    }
    let lines = block("chmod +x ");
    shell.done(command(&lines[0]));
    let serve = command(&lines[1]);
    for command in [serve.to_owned(), serve.replace("greet.py", "greet.sh")] {
        let (_server, url) = shell.serve(&command);
        assert_answers(&url, "world", "hello, world");
    }
}

#[test]
fn program_that_keeps_output_back_answers_with_unbuffer() {
    let lines = block("wsd --port=8080 --unbuffer ");
    let (_server, url) = Shell::new().serve(command(&lines[0]));
    assert_answers(&url, "hello", "HELLO");
}

#[test]
fn servers_that_run_already_are_joined() {
    let shell = Shell::new();
    let listener = TcpListener::bind("localhost:0").expect("a port");
    let address = format!("localhost:{}", listener.local_addr().expect("bound").port());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut line = String::new();
        let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
        reader.read_line(&mut line).expect("a line");
        stream.write_all(line.as_bytes()).expect("it is read");
    });
    let lines = block("wsd --port=6080 ");
    let directory = shell.directory.path().display().to_string();
    let page = command(&lines[0]).replace("/usr/share/novnc", &directory);
    let (_page, _) = shell.serve(&page);
    let chat = command(&lines[1]).replace("localhost:7777", &address);
    let (_chat, url) = shell.serve(&chat);
    assert_answers(&url, "hello", "hello");
}
