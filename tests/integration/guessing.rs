//! Guessing passwords and tokens: how many may be wrong, and what is held then.

use std::{sync::Arc, thread};

use crate::support::{
    Client, Server,
    login::{alice, basic, cookie_of_alice, site},
};

const FILE: &str =
    "basic-auth = \"DIR/users\"\nbearer-tokens = \"DIR/tokens\"\nstaticdir = \"DIR/www\"\n";

fn serve(words: &str) -> Server {
    site(words, FILE).program("cat").start()
}

fn guess(server: &Server, times: u32) {
    for _ in 0..times {
        assert_eq!(server.status("/", &[&basic("alice", "wrong")]), 401);
    }
}

#[test]
fn sixth_wrong_password_is_held_and_a_cookie_works_on() {
    let server = serve("");
    let cookie = cookie_of_alice(&server);
    guess(&server, 5);
    for header in [
        basic("alice", "wrong"),
        alice(),
        "Authorization: Bearer t0ken.of-ci".to_owned(),
    ] {
        let client = server.ask("/", &[&header]);
        assert_eq!(client.status(), 429, "{header}");
        let head = client.head.to_lowercase();
        let seconds = head
            .split("retry-after: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let seconds: u32 = seconds.expect("a header").parse().expect("a number");
        assert!((1..=10).contains(&seconds), "{seconds}");
    }
    assert_eq!(server.status("/", &[&cookie]), 101);
    assert_eq!(server.status("/", &[]), 401);
}

#[test]
fn right_password_forgives_wrong_ones_for_its_name() {
    let server = serve("");
    guess(&server, 4);
    assert_eq!(server.status("/", &[&alice()]), 101);
    guess(&server, 4);
    // Another name's right password forgives nothing of it, and counts only while it is tried.
    assert_eq!(server.status("/", &[&basic("bob", "hunter2")]), 101);
    guess(&server, 1);
    assert_eq!(server.status("/", &[&alice()]), 429);
}

#[test]
fn wrong_tokens_count_too_and_void_cookies_do_not() {
    let server = serve("");
    let cookie = format!("Cookie: wsd-{}=1.a.b", server.port());
    for _ in 0..7 {
        assert_eq!(server.status("/", &[&cookie]), 401);
    }
    for _ in 0..5 {
        assert_eq!(server.status("/?access_token=wrong", &[]), 401);
    }
    assert_eq!(server.status("/?access_token=t0ken.of-ci", &[]), 429);
}

#[test]
fn of_fifty_at_once_no_more_are_tried_than_may_be_wrong() {
    let server = serve("");
    let address = server.address;
    let asking: Vec<_> = (0..50)
        .map(|index| {
            let header = Arc::new(basic("alice", &format!("wrong{index}")));
            thread::spawn(move || Client::ask(address, "/", &[&header]).status())
        })
        .collect();
    let statuses: Vec<u16> = asking
        .into_iter()
        .map(|asked| asked.join().expect("an answer"))
        .collect();
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((count(401), count(429)), (5, 45), "{statuses:?}");
}

#[test]
fn clients_of_a_proxy_are_held_each_alone() {
    let server = serve("--trust-proxy=127.0.0.1");
    let wrong = basic("alice", "wrong");
    for _ in 0..5 {
        assert_eq!(
            server.status("/", &["X-Forwarded-For: 2001:db8:1:2::1", &wrong]),
            401
        );
    }
    // What one customer has of IPv6 is one client.
    assert_eq!(
        server.status("/", &["X-Forwarded-For: 2001:db8:1:2::ffff", &alice()]),
        429
    );
    assert_eq!(
        server.status("/", &["X-Forwarded-For: 2001:db8:1:3::1", &alice()]),
        101
    );
}

#[test]
fn clients_of_a_unix_socket_are_held_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let words = format!("--unixsocket={}", path.display());
    let gateway = crate::support::Gateway::without_port()
        .args([&words])
        .file(FILE);
    let users = [crate::support::login::ALICE, crate::support::login::BOB];
    crate::support::login::write_users(gateway.directory(), &users);
    std::fs::write(gateway.directory().join("tokens"), "").expect("a file");
    std::fs::create_dir(gateway.directory().join("www")).expect("a directory");
    let _server = gateway.program("cat").start();
    let status = |header: &str| {
        let stream = std::os::unix::net::UnixStream::connect(&path).expect("it listens");
        Client::over(stream.into(), "/", &[header]).status()
    };
    for _ in 0..5 {
        assert_eq!(status(&basic("alice", "wrong")), 401);
    }
    assert_eq!(status(&alice()), 429);
    assert_eq!(status(&basic("bob", "hunter2")), 101);
}

#[test]
fn part_of_a_foreign_page_is_refused_and_does_not_count() {
    let server = serve("");
    let wrong = basic("alice", "wrong");
    for _ in 0..9 {
        let headers = [
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Dest: image",
            &wrong,
        ];
        let client = server.ask("/", &headers);
        assert_eq!(client.status(), 401);
        assert!(
            !client.head.to_lowercase().contains("www-authenticate"),
            "{}",
            client.head
        );
    }
    // Nor is it a way to try passwords without being counted.
    let untried = [
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Dest: image",
        &*alice(),
    ];
    assert_eq!(server.status("/", &untried), 401);
    assert_eq!(server.status("/", &[&alice()]), 101);
    // It is remembered now.
    assert_eq!(server.status("/", &untried), 101);
    // Whoever follows a link is asked, and answers.
    let link = format!("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n{wrong}\r\n");
    let (status, headers, _) = server.request("GET", "/", &link);
    assert!(status == 401 && headers.contains_key("www-authenticate"));
}

#[test]
fn foreign_page_that_names_its_origin_alone_is_refused_and_does_not_count() {
    let server = serve("");
    let wrong = basic("alice", "wrong");
    let asking = |header: &str| {
        let headers = format!("Origin: https://evil.example\r\n{header}\r\n");
        let (status, headers, _) = server.request("GET", "/index.html", &headers);
        (status, headers.contains_key("www-authenticate"))
    };
    for header in [&*wrong, "Authorization: Bearer wrong", "X: y"] {
        for _ in 0..6 {
            assert_eq!(asking(header), (401, false), "{header}");
        }
    }
    // Nor is a right one tried, before it is remembered.
    assert_eq!(asking(&alice()), (401, false));
    assert_eq!(server.status("/", &[&alice()]), 101);
    assert_eq!(asking(&alice()), (200, false));
    // Its own page's is.
    let own = format!("Origin: http://localhost:{}\r\n{wrong}\r\n", server.port());
    let (status, headers, _) = server.request("GET", "/index.html", &own);
    assert!(status == 401 && headers.contains_key("www-authenticate"));
}

#[test]
fn right_password_that_is_remembered_forgives_and_so_does_a_token_for_its_name() {
    let server = serve("");
    for _ in 0..3 {
        guess(&server, 4);
        assert_eq!(server.status("/", &[&alice()]), 101);
    }
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(server.status("/", &[&basic("ci", "wrong")]), 401);
        }
        assert_eq!(server.status("/?access_token=t0ken.of-ci", &[]), 101);
    }
    guess(&server, 4);
    // That of another name does not.
    assert_eq!(server.status("/?access_token=t0ken.of-ci", &[]), 101);
    guess(&server, 1);
    assert_eq!(server.status("/", &[&alice()]), 429);
}

#[test]
fn private_peer_that_speaks_for_others_is_warned_of_once() {
    let mut server = serve("");
    for _ in 0..3 {
        assert_eq!(server.status("/", &["X-Forwarded-For: 192.0.2.1"]), 401);
    }
    drop(server.ask("/last", &[]));
    server.wait_for_line("/last");
    let log = server.log();
    assert_eq!(log.matches("--trust-proxy").count(), 1, "{log}");
}
