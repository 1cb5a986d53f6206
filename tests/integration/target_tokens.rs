//! Targets by token: what `docs/targets.md` says of `--target-map`.

use std::fs;

use crate::support::{Gateway, Server, Target, eventually};

/// A map of this text in which TARGET is an address of echoes, beside a server with these flags.
fn server(text: &str, flags: &str) -> (Server, Target) {
    let target = Target::echo();
    let gateway = Gateway::with(flags).file("");
    let map = gateway.directory().join("map");
    let text = text.replace("TARGET", &target.address());
    fs::write(&map, text).expect("a file");
    let flag = format!("--target-map={}", map.display());
    (gateway.args([flag]).start(), target)
}

#[test]
fn token_leads_to_its_target_wherever_it_is_said_to_be() {
    for (flags, uri, headers) in [
        ("", "/any/path?a=b&token=one.two", &[][..]),
        ("--target-token=query", "/?token=one%2etwo", &[]),
        ("--target-token=path", "/one.two", &[]),
        (
            "--target-token=host --host=vm1.example",
            "/",
            &["Host: vm1.example"],
        ),
        (
            "--target-token=cookie:vm",
            "/",
            &["Cookie: a=b; vm=one.two"],
        ),
    ] {
        let (server, _target) = server("one.two: TARGET\nvm1: tcp:TARGET\n", flags);
        let mut client = server.ask(uri, headers);
        assert_eq!(client.status(), 101, "{flags}: {}", client.head);
        client.send("hello");
        assert_eq!(client.binary(), b"hello");
    }
}

#[test]
fn token_that_is_missing_or_malformed_is_400_and_one_that_is_unknown_404() {
    let (server, _target) = server("one: TARGET\n", "");
    let long = format!("/?token={}", "x".repeat(129));
    for uri in [
        "/",
        "/?token=",
        "/?token=../one",
        "/?token=.one",
        "/?token=one%00",
        "/?token=a/b",
        "/?token=one&token=one",
        &long,
    ] {
        assert_eq!(server.status(uri, &[]), 400, "{uri}");
    }
    assert_eq!(server.status("/?token=two", &[]), 404);
    assert_eq!(server.status("/?token=one", &[]), 101);
}

#[test]
fn who_guesses_is_held() {
    let (server, _target) = server("one: TARGET\n", "");
    for guess in 0..5 {
        assert_eq!(server.status(&format!("/?token={guess}"), &[]), 404);
    }
    let held = server.ask("/?token=one", &[]);
    assert_eq!(held.status(), 429);
    let retry = held.head.to_lowercase();
    let seconds = retry.split("retry-after: ").nth(1).expect("a header");
    let seconds: u32 = seconds
        .lines()
        .next()
        .expect("a line")
        .parse()
        .expect("a number");
    assert!((1..=10).contains(&seconds), "{seconds}");
}

#[test]
fn client_behind_a_trusted_proxy_is_held_alone() {
    let (server, _target) = server("one: TARGET\n", "--trust-proxy=127.0.0.1");
    let bad = ["X-Forwarded-For: 192.0.2.1"];
    for guess in 0..5 {
        assert_eq!(server.status(&format!("/?token={guess}"), &bad), 404);
    }
    assert_eq!(server.status("/?token=one", &bad), 429);
    assert_eq!(
        server.status("/?token=one", &["X-Forwarded-For: 192.0.2.2"]),
        101
    );
    for guess in 0..9 {
        // The proxy itself is not its clients.
        assert_eq!(server.status(&format!("/?token={guess}"), &[]), 404);
    }
}

#[test]
fn log_has_a_digest_in_the_place_of_a_token() {
    for (flags, uri) in [
        ("", "/p?token=SECRET&a=b"),
        ("--target-token=path", "/SECRET"),
    ] {
        let (mut server, _target) = server("SECRET: TARGET\n", flags);
        let unknown = uri.replace("SECRET", "SECRE7");
        assert_eq!(server.status(&unknown, &[]), 404);
        let refused = server.wait_for_line("refused");
        server.connect_to(uri).close();
        let started = server.wait_for_line("session started");
        server.wait_for_line("session ended");
        let digest = started
            .split("token=\"")
            .nth(1)
            .expect("a token")
            .split('"')
            .next();
        let digest = digest.expect("a digest").to_owned();
        assert_eq!(digest.len(), 8, "{started}");
        let shown = uri.replace("SECRET", &digest);
        assert!(started.contains(&format!("uri={shown} ")), "{started}");
        assert!(!refused.contains(&digest), "{refused}");
        assert!(!server.log().contains("SECRE"), "{}", server.log());
    }
}

#[test]
fn page_that_is_told_which_address_to_connect_to_keeps_the_token_out_of_the_log() {
    let (mut server, _target) = server("one: TARGET\n", "");
    let _ = server.get("/vnc.html?path=websockify%3Ftoken%3DSECRET&x=y");
    let line = server.wait_for_line("vnc.html?path=websockify%3Ftoken%3D");
    assert!(!line.contains("SECRET") && line.contains("&x=y"), "{line}");
}

#[test]
fn map_is_read_again_while_clients_come_and_a_bad_line_is_a_line_of_the_log() {
    let (mut server, target) = server("one: TARGET\nbad\n", "");
    let expected = "map:2: expected TOKEN: TARGET";
    eventually("the bad line is said", || server.log().contains(expected));
    let mut client = server.connect_to("/?token=one");
    let map = server.directory().join("map");
    let (new, old) = (server.directory().join("new"), target.address());
    fs::write(&new, format!("other: {old}\nhidden: nowhere\n")).expect("a file");
    fs::rename(&new, &map).expect("the same directory");
    eventually("the new token leads somewhere", || {
        // Not as fast as guesses are counted.
        std::thread::sleep(std::time::Duration::from_millis(400));
        server.status("/?token=other", &[]) == 101
    });
    let expected = "map:2: the target: expected HOST:PORT";
    eventually("the bad line is said", || server.log().contains(expected));
    // At the level of the start.
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("map:2: "));
    assert!(
        lines.clone().count() == 2 && lines.clone().all(|line| line.contains("WARN")),
        "{log}"
    );
    assert_eq!(server.status("/?token=one", &[]), 404);
    client.send("still there");
    assert_eq!(client.binary(), b"still there");
    assert!(!server.log().contains("hidden"));
}

#[test]
fn files_of_a_directory_come_and_go() {
    let target = Target::echo();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a");
    fs::write(&file, format!("one: {}\n", target.address())).expect("a file");
    let flag = format!("--target-map={}", directory.path().display());
    let server = Gateway::new().args([flag]).start();
    assert_eq!(server.status("/?token=one", &[]), 101);
    fs::rename(&file, directory.path().join(".a")).expect("the same directory");
    eventually("its tokens have gone", || {
        std::thread::sleep(std::time::Duration::from_millis(400));
        server.status("/?token=one", &[]) == 404
    });
}
