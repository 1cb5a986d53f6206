//! `--auth-header`: users whom a trusted proxy names.

use crate::support::{
    Client, assert_refused,
    login::{WHO, basic, site},
    proxy::{Proxy, free_address},
};

const TRUSTED: &str = "--auth-header=X-Forwarded-User --trust-proxy=127.0.0.1";

#[test]
fn user_whom_a_trusted_proxy_names_is_believed() {
    let server = site(TRUSTED, "").program(WHO).start();
    // As oauth2-proxy passes a request on, and as Caddy's forward_auth has headers copied.
    for headers in [
        &[
            "X-Forwarded-User: alice",
            "X-Forwarded-Email: alice@example.org",
            "X-Forwarded-For: 192.0.2.1",
        ][..],
        &[
            "x-forwarded-user:  alice ",
            "X-Forwarded-For: 192.0.2.1",
            "X-Forwarded-Proto: https",
        ],
    ] {
        let mut client = server.ask("/", headers);
        let said = client.text();
        assert!(said.starts_with("user=alice type=Header "), "{said}");
    }
}

#[test]
fn header_that_is_missing_empty_or_doubled_is_401() {
    let server = site(TRUSTED, "").program("cat").start();
    for headers in [
        &[][..],
        &["X-Forwarded-User:"],
        &["X-Forwarded-User:  "],
        &["X-Forwarded-User: a", "X-Forwarded-User: b"],
        &["X-Forwarded-User: a", "X-Forwarded-User: a"],
    ] {
        let client = server.ask("/", headers);
        assert_eq!(client.status(), 401, "{headers:?}");
        assert!(
            !client.head.to_lowercase().contains("www-authenticate"),
            "{}",
            client.head
        );
    }
}

#[test]
fn header_of_anybody_else_is_removed() {
    let file = "[[route]]\npath = \"/open\"\ncommand = ['sh', '-c', 'echo \"[$HTTP_X_USER]\"']\nno-auth = true\n";
    let flags = "--auth-header=X-User --trust-proxy=192.0.2.1";
    let server = site(flags, file).program("cat").start();
    assert_eq!(server.status("/", &["X-User: alice"]), 401);
    assert_eq!(server.ask("/open", &["X-User: alice"]).text(), "[]");
}

#[test]
fn header_is_no_use_without_proxies_or_with_all_the_world_as_one() {
    for (words, parts) in [
        (
            "--auth-header=X-User cat",
            &["--auth-header", "--trust-proxy"][..],
        ),
        (
            "--auth-header=X-User --trust-proxy=0.0.0.0/0 cat",
            &["0.0.0.0/0", "everybody"],
        ),
        (
            "--auth-header=X-User --trust-proxy=::/0 cat",
            &["::/0", "everybody"],
        ),
        (
            "--auth-header=X-User --trust-proxy=0.0.0.0/1,128.0.0.0/1 cat",
            &["everybody"],
        ),
        (
            "--auth-header=a:b --trust-proxy=10.0.0.1 cat",
            &["a:b", "--auth-header"],
        ),
        (
            "--auth-header=Cookie --trust-proxy=10.0.0.1 cat",
            &["Cookie", "--auth-header"],
        ),
    ] {
        assert_refused(words, parts);
    }
}

#[test]
fn trust_in_this_machine_is_warned_of() {
    let mut server = site(TRUSTED, "").program("cat").start();
    let log = server.log();
    assert!(log.contains("every process here can be anyone"), "{log}");
    let mut server = site("--auth-header=X-User --trust-proxy=unix", "")
        .program("cat")
        .start();
    let log = server.log();
    assert!(!log.contains("every process here"), "{log}");
}

#[test]
fn header_decides_before_a_password() {
    let file = "basic-auth = \"DIR/users\"\n";
    let server = site(TRUSTED, file).program(WHO).start();
    let alice = crate::support::login::alice();
    let mut client = server.ask("/", &["X-Forwarded-User: bob", &alice]);
    assert!(
        client
            .text()
            .starts_with("user=bob type=Header authorization= ")
    );
    assert_eq!(server.status("/", &["X-Forwarded-User:", &alice]), 401);
    assert!(
        server
            .ask("/", &[&alice])
            .text()
            .starts_with("user=alice type=Basic ")
    );
}

#[test]
fn proxy_that_asks_for_passwords_itself_tells_the_user() {
    let server = site(TRUSTED, "").program(WHO).start();
    let listens = free_address();
    let configuration = format!(
        "defaults\n mode http\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n\
         userlist users\n user carol insecure-password secret\n\
         listen site\n bind {listens}\n http-request auth unless {{ http_auth(users) }}\n \
         http-request set-header X-Forwarded-User %[http_auth_user]\n server wsd {}\n",
        server.address
    );
    let _proxy = Proxy::haproxy(&configuration, listens);
    let host = format!("Host: localhost:{}", server.port());
    let carol = basic("carol", "secret");
    let forged = "X-Forwarded-User: root";
    let said = Client::connect(listens, "/", &[&host, &carol, forged]).text();
    assert!(said.starts_with("user=carol type=Header "), "{said}");
    assert_eq!(Client::ask(listens, "/", &[&host, forged]).status(), 401);
}
