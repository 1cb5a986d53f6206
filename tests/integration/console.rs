//! The developer console, as far as wsd is concerned: what it is told of its own sessions, and who else is not. What a
//! person sees of it is in `browser`.

use std::fs;

use crate::{
    browser::browse,
    support::{ConsoleFeed, Gateway, Server, Signal, installed::skip, login, own_address, script},
};

/// An echo by lines, and one by bytes.
const ROUTES: &str = "[[route]]\npath = \"/lines\"\ncommand = \"cat\"\n\n[[route]]\npath = \"/bytes\"\ncommand = \"cat\"\n\
    framing = \"chunks\"\nunbuffer = true\n";

const FEED: &str = "/.well-known/wsd-console";

fn of_kind<'a>(events: &'a [serde_json::Value], kind: &str) -> Vec<&'a serde_json::Value> {
    events
        .iter()
        .filter(|event| event["kind"] == kind)
        .collect()
}

fn open(server: &Server) -> ConsoleFeed {
    ConsoleFeed::open(server.address, "")
}

#[test]
fn refused_attempt_is_told_why_as_the_log_words_it() {
    let mut server = Gateway::with("--devconsole --route=/echo=cat").start();
    let feed = open(&server);
    assert_eq!(server.status(&feed.target("/nowhere?a=b"), &[]), 404);
    let events = feed.rest();
    assert_eq!(events.len(), 1, "{events:?}");
    let refused = &events[0];
    assert_eq!(
        (&refused["kind"], &refused["status"]),
        (&"refused".into(), &404.into())
    );
    let line = server.wait_for_line("refused");
    let reason = refused["reason"].as_str().expect("text");
    assert!(line.contains(reason), "{reason}: {line}");
    assert!(line.contains("uri=/nowhere?a=b "), "{line}");
}

#[test]
fn reason_of_a_program_that_cannot_be_started_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = script(directory.path(), "program", "#!/bin/sh\ncat\n");
    let server = Gateway::with("--devconsole").args([&program]).start();
    fs::remove_file(&program).expect("it is there");
    let feed = open(&server);
    assert_eq!(server.status(&feed.target("/"), &[]), 500);
    let refused = &feed.rest()[0];
    assert_eq!(
        (&refused["name"], &refused["status"]),
        (&"start".into(), &500.into())
    );
    assert!(
        refused["reason"]
            .as_str()
            .expect("text")
            .contains("No such file"),
        "{refused}"
    );
}

#[test]
fn attempt_beyond_the_limit_of_connections_is_told_so() {
    let server = Gateway::with("--devconsole --max-connections=2 cat").start();
    let feed = open(&server);
    let _other = server.connect();
    assert_eq!(server.status(&feed.target("/"), &[]), 503);
    let refused = &feed.rest()[0];
    assert_eq!(refused["name"], "max_connections");
}

#[test]
fn stderr_of_the_consoles_own_session_is_told_and_of_no_other() {
    let server = Gateway::with("--devconsole")
        .program("read line; echo \"$line\" >&2; exit 3")
        .start();
    let feed = open(&server);
    let mut own = server.connect_to(&feed.target("/"));
    let mut other = server.connect();
    other.send("of another");
    assert_eq!(other.closed().0, 4003);
    own.send("its own");
    // The WebSocket is as it is without a console.
    assert_eq!(own.closed().0, 4003);
    let events = feed.rest();
    let said: Vec<_> = of_kind(&events, "stderr");
    assert_eq!(said.len(), 1, "{events:?}");
    assert_eq!(said[0]["line"], "its own");
    assert_eq!(of_kind(&events, "ended")[0]["status"], 3);
}

#[test]
fn how_messages_go_is_told() {
    let server = Gateway::with("--devconsole --room=/rooms")
        .file(ROUTES)
        .start();
    for (path, facts) in [
        ("/lines", ["program", "lines", "split", "false", "true"]),
        ("/bytes", ["program", "chunks", "", "true", "false"]),
        ("/rooms/a", ["room", "length", "", "false", "false"]),
    ] {
        let feed = open(&server);
        server.connect_to(&feed.target(path)).close();
        let events = feed.rest();
        let opened = of_kind(&events, "opened")[0];
        let keys = ["to", "framing", "newline", "takesBinary", "mayHoldBack"];
        let found = keys.map(|key| match &opened[key] {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        assert_eq!(found, facts, "{path}");
    }
}

#[test]
fn output_that_came_at_the_end_alone_is_told() {
    // As a program that has a buffer, and ends, later than what is taken for a slow answer.
    let server = Gateway::with("--devconsole")
        .program("sleep 3.3; echo a; echo b")
        .start();
    let feed = open(&server);
    let mut client = server.connect_to(&feed.target("/"));
    assert_eq!((client.text(), client.text()), ("a".into(), "b".into()));
    assert_eq!(client.closed().0, 1000);
    let events = feed.rest();
    assert_eq!(
        of_kind(&events, "ended")[0]["cameAtEnd"],
        true,
        "{events:?}"
    );
}

#[test]
fn word_is_seen_by_nobody_and_holds_once() {
    let mut server = Gateway::with("--devconsole")
        .program("echo \"$REQUEST_URI|$QUERY_STRING\"; cat")
        .start();
    let feed = open(&server);
    assert_eq!(server.text(&feed.target("/a?b=c")), "/a?b=c|b=c");
    let again = feed.target("/a?b=c");
    assert_eq!(server.text(&again), format!("{again}|{}", &again[3..]));
    let word = feed.word.clone();
    let log = server.log();
    // The second time it is a program's own, as far as wsd knows.
    let lines = log.lines().filter(|line| line.contains(&word));
    assert!(lines.count() <= 1, "{log}");
    assert!(!log.contains(FEED), "{log}");
}

#[test]
fn nothing_of_it_is_there_without_the_console() {
    let server = Gateway::new()
        .program("echo \"$QUERY_STRING\"; cat")
        .start();
    assert_eq!(server.get(FEED).0, 426);
    let word = "0123456789abcdef0123456789abcdef";
    let query = format!("wsd-console={word}");
    assert_eq!(server.text(&format!("/?{query}")), query);
}

#[test]
fn page_of_another_origin_gets_no_word() {
    let server = Gateway::with("--devconsole --origin=* cat").start();
    for foreign in [
        "Origin: http://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        assert_eq!(server.request("GET", FEED, foreign).0, 403, "{foreign}");
    }
    assert_eq!(server.request("POST", FEED, "").0, 405);
    for gone in ["?from=x.0", "?from=", "?from=x"] {
        assert_eq!(server.get(&format!("{FEED}{gone}")).0, 404, "{gone}");
    }
}

#[test]
fn who_comes_through_a_proxy_is_told_no_more_than_how_messages_go() {
    let server = Gateway::with("--devconsole --maxforks=1")
        .program("echo secret >&2; cat")
        .start();
    let feed = ConsoleFeed::open(server.address, "X-Forwarded-For: 192.0.2.1\r\n");
    assert!(!feed.tells_all);
    let client = server.connect_to(&feed.target("/"));
    let refused = ConsoleFeed::open(server.address, "X-Forwarded-For: 192.0.2.1\r\n");
    assert_eq!(server.status(&refused.target("/"), &[]), 503);
    assert_eq!(refused.rest().len(), 0);
    client.close();
    let events = feed.rest();
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("opened"), Some("ended")]);
}

#[test]
fn who_is_elsewhere_is_told_all_when_it_has_logged_in() {
    let Some(address) = own_address() else {
        return skip("this machine has no address but loopback");
    };
    for (file, headers, expected) in [
        ("", String::new(), false),
        (
            "basic-auth = \"DIR/users\"\n",
            format!("{}\r\n", login::alice()),
            true,
        ),
    ] {
        let words = format!("--devconsole --address={address}");
        let server = login::site(&words, file).program("cat").start();
        let at = (address, server.port()).into();
        let feed = ConsoleFeed::open(at, &headers);
        assert_eq!(feed.tells_all, expected, "{file}");
    }
}

#[test]
fn feed_is_read_on_where_it_was_left() {
    let server = Gateway::with("--devconsole")
        .program("echo one >&2; echo two >&2; read line; exit 0")
        .start();
    let feed = open(&server);
    let mut client = server.connect_to(&feed.target("/"));
    client.send("end");
    client.closed();
    let again = feed.read_on(server.address, 2);
    let (all, rest) = (feed.rest(), again.rest());
    assert_eq!(all[2..], rest[..]);
    assert_eq!(of_kind(&all, "stderr").len(), 2, "{all:?}");
}

#[test]
fn open_feed_does_not_hold_up_a_stop() {
    let mut server = Gateway::with("--devconsole cat").start();
    let feed = open(&server);
    server.signal(Signal::TERM);
    assert!(feed.rest().is_empty());
    assert!(server.wait().success());
}

#[test]
fn feed_is_no_session_where_plain_http_opens_some() {
    let server = Gateway::with("--devconsole --plain-http cat").start();
    let feed = ConsoleFeed::open(server.address, "Accept: text/event-stream\r\n");
    assert!(feed.tells_all);
    assert_eq!(server.request("POST", FEED, "").0, 405);
}

// ---- what a person sees

#[test]
fn reason_and_remedy_stand_in_the_console() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = script(directory.path(), "program", "#!/bin/sh\ncat\n");
    let server = Gateway::with("--devconsole --maxforks=1 --route=/echo=cat")
        .args([format!("--route=/gone={}", program.display())])
        .start();
    fs::remove_file(&program).expect("it is there");
    browse("console_refused", &[&server.url]);
}

#[test]
fn console_says_that_nothing_answers_when_wsd_has_gone() {
    let mut server = Gateway::with("--devconsole cat").start();
    let url = server.url.clone();
    let pid = server.pid().to_string();
    browse("console_gone", &[&url, &pid]);
    server.wait();
}

#[test]
fn program_that_dies_is_told_once_in_red_with_its_last_words() {
    let server = Gateway::with("--devconsole")
        .program(
            "echo one >&2; read line; for n in 1 2 3 4 5 6; do echo \"word $n\" >&2; done; exit 3",
        )
        .start();
    browse("console_stderr", &[&server.url]);
}

#[test]
fn program_that_does_not_flush_is_hinted_at() {
    let server = Gateway::with("--devconsole tr a b").start();
    let late = Gateway::with("--devconsole")
        .program("sleep 3.3; echo a; echo b")
        .start();
    browse("console_silence", &[&server.url, &late.url]);
}

#[test]
fn rows_are_filtered_copied_saved_sent_again_and_made_pretty() {
    let server =
        Gateway::with("--devconsole --framing=length --maxframesize=0 --maxlinesize=0 cat").start();
    browse("console_rows", &[&server.url]);
}

#[test]
fn console_knows_the_framing() {
    let server = Gateway::with("--devconsole").file(ROUTES).start();
    browse("console_framing", &[&server.url]);
}

#[test]
fn console_keeps_path_and_subprotocols_in_its_address() {
    let server = Gateway::with("--devconsole")
        .program("echo \"$PATH_INFO $QUERY_STRING $SEC_WEBSOCKET_PROTOCOL$HTTP_SEC_WEBSOCKET_PROTOCOL\"; cat")
        .start();
    browse("console_address", &[&server.url]);
}

#[test]
fn console_keeps_nobody_out() {
    let server = Gateway::with("--devconsole --route=/nowhere/else=cat")
        .program("echo '{\"a\":[1,2]}'; echo oh >&2; read line; exit 3")
        .start();
    browse("console_axe", &[&server.url]);
}

#[test]
fn console_can_be_used_by_keyboard_alone() {
    let server = Gateway::with("--devconsole cat").start();
    browse("console_keyboard", &[&server.url]);
}

#[test]
fn what_a_program_shared_by_many_says_on_stderr_is_for_the_log() {
    let server = Gateway::with("--devconsole --share")
        .program("echo secret >&2; cat")
        .start();
    let feed = open(&server);
    server.connect_to(&feed.target("/")).close();
    let events = feed.rest();
    assert!(of_kind(&events, "stderr").is_empty(), "{events:?}");
    assert_eq!(of_kind(&events, "opened")[0]["to"], "shared");
}
