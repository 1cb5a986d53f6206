//! Answers of an authorizer that hold for a while: `--authorize-cache`.

use std::io::{Read, Write};

use crate::support::{
    Gateway, Signal,
    auth_server::{AuthServer, answer},
    hooks::HookedSite,
};

/// A hook that counts how often it was asked, and does what the query says.
const COUNTS: &str = "echo \"$REQUEST_URI\" >> \"$0.asked\"\n\
    case $QUERY_STRING in\n\
    deny) exit 1 ;;\n\
    fails) exit 2 ;;\n\
    cookie) printf 'Set-Cookie: a=1\\n\\n' ;;\n\
    moved) printf 'Status: 302\\nLocation: /\\n\\n' ;;\n\
    page) printf 'Status: 403\\nContent-Type: text/html\\n\\n<p>no' ;;\n\
    user) printf 'Variable-REMOTE_USER: ann\\nX-Seen: yes\\n\\n' ;;\n\
    esac\nexit 0";

#[test]
fn answers_of_2xx_and_403_without_a_cookie_hold_and_no_others() {
    let site = HookedSite::new(COUNTS, "--authorize-cache=1h");
    for (query, status, asked) in [
        ("ok", 200, 1),
        ("user", 200, 1),
        ("deny", 403, 1),
        ("page", 403, 1),
        ("cookie", 200, 3),
        ("moved", 302, 3),
        ("fails", 500, 3),
    ] {
        let target = format!("/page.txt?{query}");
        for _ in 0..3 {
            let (code, headers, body) = site.server.get(&target);
            assert_eq!(code, status, "{query}");
            match query {
                "user" => assert_eq!(headers["x-seen"], "yes"),
                "page" => assert_eq!(body, b"<p>no"),
                _ => {}
            }
        }
        let lines = site.lines("hook.asked", asked);
        let times = lines.iter().filter(|line| **line == target).count();
        assert_eq!(times, asked, "{query}");
    }
}

#[test]
fn websockets_share_an_answer_though_each_has_a_key_a_port_and_an_id_of_its_own() {
    let site = HookedSite::new(COUNTS, "--authorize-cache=1h");
    for key in ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA=="] {
        let request = format!(
            "GET /?user HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        );
        let mut stream = std::net::TcpStream::connect(site.server.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut read = Vec::new();
        while !read.ends_with(b"ann|||") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            read.push(byte[0]);
        }
    }
    assert_eq!(site.lines("hook.asked", 1), ["/?user"]);
}

#[test]
fn another_question_has_another_answer() {
    let site = HookedSite::new(COUNTS, "--authorize-cache=1h");
    site.server.get("/page.txt?ok");
    site.server.request("HEAD", "/page.txt?ok", "");
    site.server
        .request("GET", "/page.txt?ok", "Authorization: Bearer x\r\n");
    site.server
        .request("GET", "/page.txt?ok", "Authorization: Bearer y\r\n");
    site.server
        .request("GET", "/page.txt?ok", "Cookie: a=b\r\n");
    site.server.get("/run?ok");
    assert_eq!(site.lines("hook.asked", 6).len(), 6);
}

#[test]
fn reading_the_configuration_again_forgets_all() {
    let mut site = HookedSite::new(COUNTS, "--authorize-cache=1h");
    site.server.get("/page.txt?ok");
    site.server.signal(Signal::HUP);
    site.server.wait_for_line("read again");
    site.server.get("/page.txt?ok");
    assert_eq!(site.lines("hook.asked", 2).len(), 2);
}

#[test]
fn nothing_holds_without_the_flag() {
    let site = HookedSite::new(COUNTS, "");
    site.server.get("/page.txt?ok");
    site.server.get("/page.txt?ok");
    assert_eq!(site.lines("hook.asked", 2).len(), 2);
}

#[test]
fn answers_of_a_server_hold_too() {
    let auth = AuthServer::new(|_| answer("200 OK", &["Remote-User: ann"], ""));
    let server = Gateway::with("--authorize-cache=1h").args([auth.flag()]);
    let server = server.program("echo \"$REMOTE_USER\"; cat").start();
    for _ in 0..3 {
        assert_eq!(server.text("/"), "ann");
    }
    auth.asked();
    assert_eq!(auth.connections(), 1);
    let again = server.ask("/", &["Sec-WebSocket-Protocol: chat"]);
    assert_eq!(again.status(), 101);
    // The offer is none of the server's business, the path is.
    assert_eq!(server.text("/other"), "ann");
    assert!(auth.asked().contains("X-Forwarded-Uri: /other"));
}
