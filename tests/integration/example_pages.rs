//! The pages of the examples, as their README files start them, in a real browser; those that are shared in two pages.

use std::{fs, os::unix::fs::symlink, process::Command, thread};

use crate::{
    browser::{browse, read},
    support::{
        Gateway, Server, WSD,
        broker::{Broker, Kind, free_port},
        eventually,
        example::{Background, started, started_with},
        forget_caller,
        installed::find,
        interpreter,
    },
};

#[test]
fn first_pages_keep_nobody_out() {
    keep_nobody_out(&["echo", "fizzbuzz", "languages", "lsp"]);
}

#[test]
fn pages_of_games_keep_nobody_out() {
    keep_nobody_out(&["agar", "asteroids"]);
}

#[test]
fn pages_that_are_shared_keep_nobody_out() {
    keep_nobody_out(&["chat", "cursors", "quiz", "rooms"]);
}

#[test]
fn pages_of_programs_that_talk_keep_nobody_out() {
    keep_nobody_out(&["dashboard", "llm", "log", "telnet"]);
}

/// In light and dark, on large and small screens.
fn keep_nobody_out(examples: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    fs::write(&log, "a line\n").expect("a file");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let port = free_port().to_string();
    let replaced = [
        ("/var/log/syslog", &*path("log")),
        ("~/asteroids.scores", &path("scores")),
        ("/tmp/rooms", &path("rooms")),
        ("telnet_server.py", &format!("telnet_server.py {port}")),
        ("localhost:2323", &format!("localhost:{port}")),
    ];
    let start = |example: &&str| started_with(example, &replaced);
    let servers: Vec<Server> = examples.iter().map(start).collect();
    let urls: Vec<&str> = servers.iter().map(|server| &*server.url).collect();
    browse("examples", &urls);
}

/// An example that has a page is one of those.
#[test]
fn no_page_is_forgotten() {
    let tests = fs::read_to_string(file!()).expect("this file");
    for entry in fs::read_dir("examples").expect("examples").flatten() {
        let name = entry.file_name().into_string().expect("text");
        if entry.path().join("index.html").exists() {
            assert!(tests.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}

#[test]
fn first_three_of_the_gallery_run_word_for_word() {
    let page = fs::read_to_string("examples/README.md").expect("the gallery");
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    let [echo, fizzbuzz, chat_server, chat] = commands[..] else {
        panic!("{commands:?}");
    };
    let run = |command: &str| {
        let words = command.split_whitespace().skip(1);
        let words = words.filter(|word| !word.starts_with("--port="));
        Gateway::new().args(words).start()
    };
    browse("echo_page", &[&run(echo).url]);
    browse("fizzbuzz", &[&run(fizzbuzz).url]);
    let port = free_port().to_string();
    let own_port = |command: &str| command.trim_end_matches('&').replace("7777", &port);
    let server = Background::start(&own_port(chat_server));
    browse("chat", &[&run(&own_port(chat)).url]);
    drop(server);
}

#[test]
fn cursors_of_two_pages_are_seen_by_each_other() {
    browse("cursors", &[&started("cursors").url]);
}

#[test]
fn quiz_gives_points_to_who_is_right() {
    let server = started_with("quiz", &[("--tick=1000", "--tick=100")]);
    browse("quiz", &[&server.url]);
}

#[test]
fn dashboard_draws_vmstat_for_who_is_late_too() {
    browse("dashboard", &[&started("dashboard").url]);
}

#[test]
fn dashboard_makes_do_without_vmstat() {
    let bin = tempfile::tempdir().expect("a directory");
    for name in ["sh", "sleep", "cat", "awk"] {
        let found = find(name).expect("it is installed");
        symlink(found, bin.path().join(name)).expect("a link");
    }
    let path = format!("PATH={}", bin.path().display());
    let server = Gateway::with("--staticdir=examples/dashboard --share --history=120 --env")
        .args([&*path, "examples/dashboard/dashboard.sh"])
        .start();
    browse("dashboard", &[&server.url]);
}

#[test]
fn log_page_gets_only_the_lines_that_it_asks_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    fs::write(&log, "old: fine\nold: an Error\n").expect("a file");
    let log = log.to_str().expect("text");
    let server = started_with("log", &[("/var/log/syslog", log)]);
    browse("log", &[&server.url, log]);
}

#[test]
fn tokens_of_a_model_stream_to_a_page_and_to_curl() {
    let server = started("llm");
    let seen = read("llm", &[&server.url]);
    let question = "What is a WebSocket?";
    let mut curl = Command::new("curl");
    let curl = forget_caller(&mut curl)
        .args(["-sSN", "-d", question, &server.url])
        .output()
        .expect("curl is installed");
    assert!(
        curl.status.success(),
        "{}",
        String::from_utf8_lossy(&curl.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&curl.stdout).trim(), seen.trim());
    eventually("who is stopped computes no more", || {
        server.children().is_empty()
    });
}

#[test]
fn editor_finds_errors_and_completes_with_the_language_server_of_the_example() {
    browse("lsp", &[&started("lsp").url, "own"]);
}

#[test]
fn editor_completes_with_pylsp() {
    if let Some(pylsp) = interpreter::python_program("pylsp") {
        let server = Gateway::with("--staticdir=examples/lsp --framing=headers")
            .args([pylsp])
            .start();
        browse("lsp", &[&server.url, "pylsp"]);
    }
}

#[test]
fn room_of_two_machines_is_one_and_cron_speaks_in_it() {
    let broker = Broker::start(Kind::Nats);
    let directory = tempfile::tempdir().expect("a directory");
    let hub = format!("--hub={}", broker.url(""));
    let socket = directory.path().join("rooms");
    let socket = socket.to_str().expect("text");
    let machine = |words: &[&str]| {
        Gateway::with("--staticdir=examples/rooms --room=/rooms")
            .args([&*hub])
            .args(words)
            .start()
    };
    let one = machine(&[&format!("--rooms-socket={socket}")]);
    let two = machine(&[]);
    // The line of the crontab, as cron runs it.
    let crontab = fs::read_to_string("examples/rooms/crontab").expect("a crontab");
    let line = crontab
        .lines()
        .find(|line| line.starts_with("*/15 "))
        .expect("a line");
    let job = line.splitn(6, ' ').nth(5).expect("a command");
    let job = job
        .replace("uptime", "echo from cron")
        .replace("/tmp/rooms", socket);
    let job = job.replace("wsd ", &format!("{} ", WSD));
    thread::scope(|scope| {
        let pages = scope.spawn(|| browse("talk_on_two", &[&one.url, &two.url, "from cron"]));
        while !pages.is_finished() {
            let status = Command::new("sh")
                .args(["-c", &job])
                .status()
                .expect("a shell");
            assert!(status.success(), "{job}");
        }
        pages.join().expect("the pages talk");
    });
}
