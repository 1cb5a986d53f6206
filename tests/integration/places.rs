//! A server that has nothing at its top: who is told where else there is something, and who is not.

use crate::support::{ConsoleFeed, Gateway};

const WORDS: [&str; 2] = ["--room=/chat", "--route=/time=cat"];
const PLACES: &str = "/time, /chat/NAME (any NAME)";

#[test]
fn start_says_where_there_is_something() {
    let mut server = Gateway::new().args(WORDS).start();
    let line = server.wait_for_line("nothing is at / itself");
    assert!(line.ends_with(&format!(", but at {PLACES}")), "{line}");
}

#[test]
fn many_routes_are_counted() {
    let routes = (0..10).map(|number| format!("--route=/r{number}=cat"));
    let routes: Vec<String> = routes.collect();
    let words: Vec<&str> = routes.iter().map(String::as_str).collect();
    let mut server = Gateway::new().args(&words).start();
    let line = server.wait_for_line("nothing is at / itself");
    assert!(line.ends_with(" /r6, /r7 and 2 more"), "{line}");
}

#[test]
fn what_has_a_top_says_nothing_of_it() {
    for words in [
        &["cat"][..],
        &["--route=/x=cat", "cat"],
        &["--route=/=cat", "--route=/x=cat"],
        &["--room=/chat", "--devconsole"],
        &["--room=/chat", "--staticdir=docs"],
        &["--room=/chat", "--cgidir=docs"],
        &["--room=/chat", "--dir=docs"],
    ] {
        let mut server = Gateway::new().args(words).start();
        server.get("/missing");
        server.wait_for_line("uri=/missing");
        let log = server.log();
        assert!(!log.contains("nothing is at"), "{words:?}: {log}");
    }
}

#[test]
fn plain_request_hears_that_it_is_elsewhere_and_not_where() {
    let server = Gateway::new().args(WORDS).start();
    for headers in ["", "Accept: text/html\r\n"] {
        let (status, _, body) = server.request("GET", "/", headers);
        assert_eq!(status, 404);
        let text = String::from_utf8(body).expect("text");
        assert!(
            text.contains("at other paths, which its log names"),
            "{text}"
        );
        assert!(!text.contains("/chat") && !text.contains("/time"), "{text}");
    }
}

#[test]
fn log_and_console_say_where_websockets_are_answered_and_the_answer_does_not() {
    let mut server = Gateway::with("--devconsole").args(WORDS).start();
    let feed = ConsoleFeed::open(server.address, "");
    assert_eq!(server.status(&feed.target("/"), &[]), 404);
    let events = feed.rest();
    let expected = format!("nothing answers at this address; WebSockets are answered at {PLACES}");
    assert_eq!(events[0]["reason"], expected);
    server.wait_for_line(&expected);
    let handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let (status, _, body) = server.request("GET", "/", handshake);
    assert_eq!(
        (status, &body[..]),
        (404, &b"nothing answers at this address\n"[..])
    );
}
