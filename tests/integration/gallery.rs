//! The examples as their README files have them, each in a real browser, those that are shared in two pages.

use std::{fs, path::Path, process::Command, thread};

use crate::{
    browser::{browse, read},
    support::{
        Gateway, Server, Signal,
        broker::{Broker, Kind},
        eventually, forget_caller, interpreter,
    },
};

/// A command of a README file, as it stands there in backticks: `wsd` with these words, on any port.
fn command_of(example: &str, begin: &str) -> Vec<String> {
    let file = format!("examples/{example}/README.md");
    let text = fs::read_to_string(&file).expect("a README");
    let command = text
        .split('`')
        .skip(1)
        .step_by(2)
        .find(|words| words.starts_with(begin))
        .unwrap_or_else(|| panic!("{file} has no command that begins with {begin:?}"));
    let words = command.split_whitespace().skip(1);
    words
        .filter(|word| !word.starts_with("--port="))
        .map(str::to_owned)
        .collect()
}

/// An example, started by the first command of its README.
fn started(example: &str) -> Server {
    started_with(example, |word| Some(word.to_owned()))
}

/// The same with words that are others for the test, or left out.
fn started_with(example: &str, change: impl Fn(&str) -> Option<String>) -> Server {
    let words = command_of(example, "wsd --port=");
    let words = words.iter().filter_map(|word| change(word));
    Gateway::new().args(words).start()
}

/// `to` in place of `from`.
fn with(from: &str, to: &str) -> impl Fn(&str) -> Option<String> {
    move |word| Some(word.replace(from, to))
}

#[test]
fn pages_of_the_examples_keep_nobody_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    fs::write(&log, "a line\n").expect("a file");
    let log = log.to_str().expect("text");
    let examples = [
        "agar", "chat", "cursors", "dashboard", "echo", "fizzbuzz", "languages", "llm", "lsp",
        "quiz",
    ];
    let mut servers: Vec<Server> = examples.iter().map(|example| started(example)).collect();
    servers.push(started_with("log", with("/var/log/syslog", log)));
    servers.push(started_with("asteroids", |word| {
        (word != "/tmp/asteroids.scores").then(|| word.to_owned())
    }));
    servers.push(started_with("rooms", with("/tmp/rooms", &format!("{log}.rooms"))));
    let urls: Vec<&str> = servers.iter().map(|server| &*server.url).collect();
    browse("examples", &urls);
}

#[test]
fn examples_have_one_style() {
    let mut styles = Vec::new();
    for entry in fs::read_dir("examples").expect("examples").flatten() {
        let page = entry.path().join("index.html");
        let Ok(page) = fs::read_to_string(&page) else {
            continue;
        };
        assert!(page.contains("href=\"style.css\""), "{:?}", entry.path());
        styles.push(fs::read_to_string(entry.path().join("style.css")).expect("its style"));
    }
    assert!(styles.len() > 10, "{}", styles.len());
    styles.dedup();
    assert_eq!(styles.len(), 1, "the copies of style.css differ");
    let game = |example: &str| fs::read_to_string(format!("examples/{example}/game.css"));
    assert_eq!(game("agar").expect("a style"), game("asteroids").expect("a style"));
}

/// What the tables of the project promise of each program's length.
#[test]
fn programs_of_the_examples_are_as_short_as_they_are_said_to_be() {
    let lengths = [
        ("chat/chat.py", 25),
        ("chat/chat.tcl", 25),
        ("chat/chat.awk", 25),
        ("chat/chat.bash", 25),
        ("agar/agar.tcl", 249),
        ("cursors/cursors.sed", 30),
        ("quiz/quiz.py", 30),
        ("dashboard/dashboard.sh", 30),
        ("log/log.sh", 30),
        ("llm/model.py", 30),
    ];
    for (file, most) in lengths {
        let text = fs::read_to_string(Path::new("examples").join(file)).expect("a program");
        let lines = text.lines().count();
        assert!(lines <= most, "{file} has {lines} lines");
    }
}

#[test]
fn chat_programs_of_the_documents_are_those_of_the_example() {
    let page = fs::read_to_string("docs/sharing.md").expect("the page");
    for language in ["py", "tcl", "awk", "bash"] {
        let program = fs::read_to_string(format!("examples/chat/chat.{language}")).expect("one");
        assert!(page.contains(program.trim_end()), "chat.{language} differs");
    }
}

#[test]
fn gallery_lists_every_example() {
    let page = fs::read_to_string("examples/README.md").expect("the gallery");
    for entry in fs::read_dir("examples").expect("examples").flatten() {
        let name = entry.file_name().into_string().expect("text");
        if entry.path().is_dir() {
            assert!(page.contains(&format!("]({name}/README.md)")), "{name} is missing");
        }
    }
}

#[test]
fn links_and_paths_of_the_examples_lead_somewhere() {
    let entries = fs::read_dir("examples").expect("examples").flatten();
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    for folder in folders.chain(["examples".into()]) {
        let text = fs::read_to_string(folder.join("README.md")).expect("a README");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let path = link.split('#').next().expect("a path");
            assert!(folder.join(path).exists(), "{folder:?} links to {link}");
        }
        let words = text.split(|character: char| character.is_whitespace() || "`()=".contains(character));
        for word in words.filter(|word| word.starts_with("./examples/")) {
            let path = word.trim_end_matches([',', '.', ';', ':']);
            assert!(Path::new(path).exists(), "{folder:?} names {path}");
        }
    }
}

#[test]
fn echo_page_gets_back_what_it_sends() {
    browse("echo_page", &[&started("echo").url]);
}

#[test]
fn cursors_of_two_pages_are_seen_by_each_other() {
    browse("cursors", &[&started("cursors").url]);
}

#[test]
fn quiz_gives_points_to_who_is_right() {
    let server = started_with("quiz", with("--tick=1000", "--tick=100"));
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
        let found = crate::support::installed::find(name).expect("it is installed");
        std::os::unix::fs::symlink(found, bin.path().join(name)).expect("a link");
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
    let server = started_with("log", with("/var/log/syslog", log));
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
    assert!(curl.status.success(), "{}", String::from_utf8_lossy(&curl.stderr));
    assert_eq!(String::from_utf8_lossy(&curl.stdout).trim(), seen.trim());
    eventually("who is stopped computes no more", || server.children().is_empty());
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
fn agar_in_tcl_is_played_by_two() {
    browse("agar", &[&agar("tcl", &["0"]).url]);
}

#[test]
fn agar_in_python_is_played_by_two() {
    browse("agar", &[&agar("py", &["0"]).url]);
}

#[test]
fn agar_in_tcl_tells_nothing_of_what_goes_straight_on() {
    browse("agar_still", &[&agar("tcl", &["0", "0"]).url]);
}

#[test]
fn agar_in_python_tells_nothing_of_what_goes_straight_on() {
    browse("agar_still", &[&agar("py", &["0", "0"]).url]);
}

/// The game in one of its languages, with so many bots and pellets.
fn agar(language: &str, words: &[&str]) -> Server {
    Gateway::with("--staticdir=examples/agar --share=tagged --tick=50")
        .args([format!("examples/agar/agar.{language}")])
        .args(words)
        .start()
}

#[test]
fn games_survive_whatever_a_client_says() {
    let said = [
        "", " ", "play", "play ", "play |x|", "go", "go 1", "go a b c", "go 1 1 1 1", "go 1e9 1 1",
        "go 99999999999999999999 -99999999999999999999 9", "go [exit] $x {", "keys", "keys 1 1",
        "keys 2 0 0", "keys -1 x y", "keys 1 1 1 1", "\u{1F600}", "play \u{1F600}\t\u{0}x", "go nan inf 1",
    ];
    let games = [
        agar("tcl", &["2", "10"]),
        agar("py", &["2", "10"]),
        Gateway::with("--share=tagged --tick=50 examples/asteroids/asteroids.py").start(),
    ];
    for game in games {
        let mut client = game.connect();
        for text in said {
            client.send(text);
        }
        client.text();
        // The same program is still there.
        let mut next = game.connect();
        while !next.text().contains("|y 2") {}
        client.close();
        assert_eq!(game.children().len(), 1);
    }
}

#[test]
fn scores_of_asteroids_last() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("scores");
    let file = file.to_str().expect("text");
    let game = || started_with("asteroids", with("/tmp/asteroids.scores", file));
    let mut first = game();
    browse("asteroids", &[&first.url, "play"]);
    eventually("the score is saved", || {
        fs::read_to_string(file).is_ok_and(|scores| scores.contains("<b>Ann</b>"))
    });
    first.signal(Signal::TERM);
    first.wait();
    browse("asteroids", &[&game().url, "best"]);
}

#[test]
fn a_hundred_bots_play_asteroids_in_256_megabytes() {
    let game = Gateway::with("--share=tagged --tick=50 examples/asteroids/asteroids.py").start();
    let mut bots = Command::new("examples/asteroids/bots.py");
    let bots = forget_caller(&mut bots)
        .args(["--bots=100", "--seconds=8"])
        .args([format!("--url={}", game.url), format!("--pid={}", game.pid())])
        .output()
        .expect("the bots play");
    let complaint = String::from_utf8_lossy(&bots.stderr);
    assert!(bots.status.success(), "{complaint}");
    let found: serde_json::Value = serde_json::from_slice(&bots.stdout).expect("JSON");
    assert_eq!(found["bots"], 100);
    // A busy machine skips ticks, so that there is no promise of how many.
    assert!(found["states"].as_u64() > Some(2000), "{found}");
    assert!(found["gap"]["p50"].as_f64() >= Some(40.0), "{found}");
    let memory = found["memory"]["together"].as_str().expect("text");
    let megabytes: f64 = memory.trim_end_matches(" MB").parse().expect("a number");
    assert!(megabytes < 256.0, "{found}");
}

#[test]
fn room_of_two_machines_is_one_and_cron_speaks_in_it() {
    let broker = Broker::start(Kind::Nats);
    let directory = tempfile::tempdir().expect("a directory");
    let hub = format!("--hub={}", broker.url(""));
    let socket = directory.path().join("rooms");
    let socket = socket.to_str().expect("text");
    let machine = |words: &[&str]| {
        Gateway::with("--staticdir=examples/rooms --room=/rooms").args([&*hub]).args(words).start()
    };
    let one = machine(&[&format!("--rooms-socket={socket}")]);
    let two = machine(&[]);
    // The line of the crontab, as cron runs it.
    let crontab = fs::read_to_string("examples/rooms/crontab").expect("a crontab");
    let line = crontab.lines().find(|line| line.starts_with("*/15 ")).expect("a line");
    let job = line.splitn(6, ' ').nth(5).expect("a command");
    let job = job.replace("uptime", "echo from cron").replace("/tmp/rooms", socket);
    let job = job.replace("wsd ", &format!("{} ", crate::support::WSD));
    thread::scope(|scope| {
        let pages = scope.spawn(|| browse("talk_on_two", &[&one.url, &two.url, "from cron"]));
        while !pages.is_finished() {
            let status = Command::new("sh").args(["-c", &job]).status().expect("a shell");
            assert!(status.success(), "{job}");
        }
        pages.join().expect("the pages talk");
    });
}
