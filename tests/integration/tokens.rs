//! `--bearer-tokens`: what `docs/access.md` says of tokens.

use std::fs;

use crate::support::{
    Server, assert_refused,
    login::{WHO, alice, replace, site},
};

const FILE: &str =
    "bearer-tokens = \"DIR/tokens\"\nstaticdir = \"DIR/www\"\ncgidir = \"DIR/cgi\"\n";

fn serve() -> Server {
    site("", FILE).program(WHO).start()
}

#[test]
fn token_is_taken_where_clients_can_put_it() {
    let server = serve();
    for (target, header, uri, offers) in [
        ("/x?a=b", "Authorization: Bearer t0ken.of-ci", "/x?a=b", ""),
        (
            "/x",
            "Sec-WebSocket-Protocol: bearer.t0ken.of-ci, chat, other",
            "/x",
            "chat, other",
        ),
        (
            "/x",
            "Sec-WebSocket-Protocol: chat,bearer.t0ken.of-ci",
            "/x",
            "chat",
        ),
        ("/x?a=b&access_token=t0ken.of-ci&c", "X: y", "/x?a=b&c", ""),
        ("/x?access_token=t0ken%2Eof-ci", "X: y", "/x", ""),
        ("/x?access_token=t0ken.of-ci&q=\"", "X: y", "/x?q=\"", ""),
    ] {
        let mut client = server.ask(target, &[header]);
        assert_eq!(client.status(), 101, "{target} {header}: {}", client.head);
        assert!(!client.head.contains("t0ken"), "{}", client.head);
        let chat = client
            .head
            .to_lowercase()
            .contains("sec-websocket-protocol: chat");
        assert_eq!(chat, !offers.is_empty(), "{}", client.head);
        let said = client.text();
        assert!(
            said.starts_with("user=ci type=Bearer authorization= "),
            "{said}"
        );
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        let expected = format!("uri={uri} query={query} offers={offers}");
        assert!(said.ends_with(&expected), "{said}");
    }
}

#[test]
fn challenge_is_bearers_and_beside_passwords_both() {
    let (status, headers, _) = serve().get("/");
    assert_eq!(
        (status, headers["www-authenticate"].as_str()),
        (401, "Bearer")
    );
    let file = format!("{FILE}basic-auth = \"DIR/users\"\n");
    let both = site("", &file).program("cat").start();
    let head = both.ask("/", &[]).head.to_lowercase();
    assert!(
        head.contains("www-authenticate: basic ") && head.contains("www-authenticate: bearer"),
        "{head}"
    );
    assert_eq!(both.status("/", &[&alice()]), 101);
    assert_eq!(
        both.status("/", &["Authorization: Bearer t0ken.of-ci"]),
        101
    );
}

#[test]
fn first_kind_that_is_carried_decides() {
    let file = format!("{FILE}basic-auth = \"DIR/users\"\n");
    let server = site("", &file).program("cat").start();
    let wrong = crate::support::login::basic("alice", "wrong");
    assert_eq!(server.status("/?access_token=t0ken.of-ci", &[&wrong]), 401);
    assert_eq!(server.status("/?access_token=wrong", &[&alice()]), 101);
    let bearer = "Authorization: Bearer wrong";
    assert_eq!(server.status("/?access_token=t0ken.of-ci", &[bearer]), 401);
}

#[test]
fn token_as_a_subprotocol_needs_a_second_offer_that_is_selected() {
    let server = site("--subprotocol=chat", FILE).program("cat").start();
    for (offers, status) in [
        ("bearer.t0ken.of-ci", 400),
        ("bearer.t0ken.of-ci, other", 400),
        ("bearer.wrong", 400),
        ("bearer.t0ken.of-ci, chat", 101),
        ("bearer.wrong, chat", 401),
        ("bearer.t0ken.of-ci, bearer.t0ken.of-ci, chat", 401),
        ("bearer.a/b, chat", 401),
    ] {
        let header = format!("Sec-WebSocket-Protocol: {offers}");
        let mut client = server.ask("/", &[&header]);
        assert_eq!(client.status(), status, "{offers}: {}", client.head);
        if status == 400 {
            let body = client.body();
            assert!(body.contains("second"), "{body}");
        }
    }
}

#[test]
fn wrong_tokens_are_401() {
    for wrong in [
        "/?access_token=wrong",
        "/?access_token=",
        "/?access_token=a&access_token=b",
        "/",
    ] {
        assert_eq!(serve().status(wrong, &[]), 401, "{wrong}");
    }
    assert_eq!(
        serve().status("/", &["Authorization: Bearer t0ken.of-cI"]),
        401
    );
}

#[test]
fn answer_to_a_token_in_the_url_is_kept_and_told_nowhere() {
    let server = serve();
    let (status, headers, _) = server.get("/?access_token=t0ken.of-ci");
    assert_eq!(status, 200);
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["vary"], "Cookie, Authorization");
    assert!(!headers.contains_key("set-cookie"));
    let bearer = "Authorization: Bearer t0ken.of-ci\r\n";
    let (_, headers, body) = server.request("GET", "/who.sh", bearer);
    assert_eq!(headers["cache-control"], "private, max-age=60");
    assert!(!headers.contains_key("referrer-policy"));
    assert!(String::from_utf8_lossy(&body).contains("user=ci type=Bearer authorization= "));
}

#[test]
fn local_redirect_of_a_script_keeps_who_the_client_is() {
    let server = serve();
    for (target, headers) in [
        ("/there.sh?access_token=t0ken.of-ci", ""),
        ("/there.sh", "Authorization: Bearer t0ken.of-ci\r\n"),
    ] {
        let (status, _, body) = server.request("GET", target, headers);
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, 200, "{body}");
        assert!(
            body.contains("user=ci type=Bearer authorization= "),
            "{body}"
        );
        assert!(!body.contains("t0ken"), "{body}");
    }
}

#[test]
fn file_that_is_wrong_is_refused_at_the_start_by_its_line() {
    for (text, number) in [
        ("ci:hunter2\n", 1),
        ("#\nci:sha256:0123\n", 2),
        (":sha256:00\n", 1),
    ] {
        let gateway = site("", FILE);
        fs::write(gateway.directory().join("tokens"), text).expect("a file");
        let output = gateway.program("cat").output();
        assert_eq!(output.code, Some(2), "{}", output.stderr);
        assert!(
            output.stderr.contains(&format!("line {number}: ")),
            "{}",
            output.stderr
        );
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
    assert_refused(
        "--bearer-tokens=/nonexistent cat",
        &["--bearer-tokens", "cannot be read"],
    );
}

#[test]
fn token_that_is_added_lets_in() {
    let mut server = serve();
    let file = server.directory().join("tokens");
    assert_eq!(server.status("/?access_token=abc", &[]), 401);
    let more = "CI:sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\n";
    replace(&file, more);
    server.wait_for_line("were read again");
    assert_eq!(server.status("/?access_token=abc", &[]), 101);
    assert_eq!(server.status("/?access_token=t0ken.of-ci", &[]), 401);
}
