//! The games of the examples, played by scripts.

use std::{fs, process::Command};

use crate::{
    browser::browse,
    support::{Gateway, Server, Signal, eventually, example::started_with, forget_caller},
};

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
        "",
        " ",
        "play",
        "play ",
        "play |x|",
        "go",
        "go 1",
        "go a b c",
        "go 1 1 1 1",
        "go 1e9 1 1",
        "go 99999999999999999999 -99999999999999999999 9",
        "go [exit] $x {",
        "keys",
        "keys 1 1",
        "keys 2 0 0",
        "keys -1 x y",
        "keys 1 1 1 1",
        "\u{1F600}",
        "play \u{1F600}\t\u{0}x",
        "go nan inf 1",
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
    let game = || started_with("asteroids", &[("~/asteroids.scores", file)]);
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
        .args([
            format!("--url={}", game.url),
            format!("--pid={}", game.pid()),
        ])
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
