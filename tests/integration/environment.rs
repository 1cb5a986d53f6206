//! What a program finds in its environment: what `docs/environment.md` says.

use std::collections::BTreeMap;

use crate::support::{Client, Gateway, Server};

/// The environment of a program that prints it as the kernel has it: `NAME=value`, NUL, …
fn environment(server: &Server, target: &str, headers: &[&str]) -> BTreeMap<String, String> {
    let text = Client::connect(server.address, target, headers).text();
    let pairs = text
        .split_terminator('\0')
        .map(|pair| pair.split_once('=').expect("a variable"));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn dumping(options: &[&str], variables: &[(&str, &str)]) -> Server {
    let gateway = Gateway::new().args(options);
    let gateway = variables
        .iter()
        .fold(gateway, |gateway, (name, value)| gateway.env(name, value));
    gateway.args(["cat", "/proc/self/environ"]).start()
}

#[test]
fn meta_variables_are_those_of_the_rfc() {
    let server = dumping(&[], &[]);
    let port = server.port().to_string();
    let origin = format!("Origin: http://localhost:{port}");
    let found = environment(&server, "/a%20b/c?x=1&y=%20", &[&origin]);
    for (name, value) in [
        (
            "SERVER_SOFTWARE",
            concat!("wsd/", env!("CARGO_PKG_VERSION")),
        ),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REMOTE_HOST", "127.0.0.1"),
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", &port),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/a b/c"),
        ("PATH_TRANSLATED", ""),
        ("QUERY_STRING", "x=1&y=%20"),
        ("REQUEST_URI", "/a%20b/c?x=1&y=%20"),
        ("AUTH_TYPE", ""),
        ("CONTENT_LENGTH", ""),
        ("CONTENT_TYPE", ""),
        ("REMOTE_IDENT", ""),
        ("REMOTE_USER", ""),
        ("HTTP_HOST", &format!("localhost:{port}")),
        ("HTTP_UPGRADE", "websocket"),
        ("HTTP_ORIGIN", &format!("http://localhost:{port}")),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(found["REMOTE_PORT"].parse::<u16>().is_ok());
    assert_eq!(found["UNIQUE_ID"].len(), 36);
    assert!(!found.contains_key("HTTPS") && !found.contains_key("WS_PROTOCOL"));
}

#[test]
fn session_ids_differ() {
    let server = dumping(&[], &[]);
    let id = || environment(&server, "/", &[])["UNIQUE_ID"].clone();
    assert_ne!(id(), id());
}

#[test]
fn nothing_of_the_gateways_environment_leaks() {
    let server = dumping(
        &[],
        &[
            ("SECRET", "x"),
            ("LD_LIBRARY_PATH", "/nowhere"),
            ("HTTP_PROXY", "x"),
        ],
    );
    let found = environment(&server, "/", &[]);
    assert_eq!(found["LD_LIBRARY_PATH"], "/nowhere");
    assert!(found.contains_key("PATH"));
    for name in found.keys() {
        let known = name.starts_with("HTTP_") && name != "HTTP_PROXY"
            || name.starts_with("SERVER_")
            || name.starts_with("REMOTE_")
            || name.starts_with("REQUEST_")
            || name.starts_with("PATH")
            || name.starts_with("CONTENT_")
            || [
                "AUTH_TYPE",
                "GATEWAY_INTERFACE",
                "LC_CTYPE",
                "LD_LIBRARY_PATH",
                "QUERY_STRING",
                "SCRIPT_NAME",
                "UNIQUE_ID",
            ]
            .contains(&name.as_str());
        assert!(known, "{name} is not a program's business");
    }
}

#[test]
fn text_is_utf8_unless_something_says_what_it_is() {
    let own = &[("LANG", "de_DE.UTF-8"), ("LC_ALL", "")];
    let ctype = |options: &[&str]| {
        let found = environment(&dumping(options, own), "/", &[]);
        found.get("LC_CTYPE").cloned()
    };
    let utf8 = Some("C.UTF-8".to_owned());
    assert_eq!(ctype(&[]), utf8);
    assert_eq!(ctype(&["--passenv=PATH"]), utf8);
    // What is empty, or not there, says nothing.
    assert_eq!(ctype(&["--passenv=PATH,LC_ALL,UNSET"]), utf8);
    assert_eq!(ctype(&["--env=LC_CTYPE="]), utf8);
    assert_eq!(ctype(&["--passenv=PATH,LANG"]), None);
    assert_eq!(ctype(&["--env=LC_ALL=C"]), None);
    assert_eq!(ctype(&["--env=LC_CTYPE=C"]), Some("C".to_owned()));
}

#[test]
fn programs_of_many_languages_take_text_for_utf8() {
    let server = Gateway::with("sed -u s/./x/g").start();
    let mut client = server.connect();
    client.send("é");
    assert_eq!(client.text(), "x");
}

#[test]
fn passenv_passes_its_list_instead() {
    let server = dumping(
        &["--passenv=PATH,MINE,UNSET"],
        &[("MINE", "yes"), ("LD_LIBRARY_PATH", "/nowhere")],
    );
    let found = environment(&server, "/", &[]);
    assert_eq!(found["MINE"], "yes");
    assert!(!found.contains_key("LD_LIBRARY_PATH") && !found.contains_key("UNSET"));
}

#[test]
fn passed_variables_do_not_override_the_requests() {
    let server = dumping(
        &["--passenv=PATH,REMOTE_ADDR,HTTP_HOST"],
        &[("REMOTE_ADDR", "forged"), ("HTTP_HOST", "forged")],
    );
    let found = environment(&server, "/", &[]);
    assert_eq!(found["REMOTE_ADDR"], "127.0.0.1");
    assert_ne!(found["HTTP_HOST"], "forged");
}

#[test]
fn headers_become_variables_by_the_rules() {
    let server = dumping(&[], &[]);
    let found = environment(
        &server,
        "/",
        &[
            "X-One: 1",
            "x-one: 2",
            "Cookie: a=1",
            "Cookie: b=2",
            "Proxy: evil",
            "X_Forged: evil",
            "X.Dot: evil",
            "Authorization: Bearer t",
        ],
    );
    assert_eq!(found["HTTP_X_ONE"], "1, 2");
    assert_eq!(found["HTTP_COOKIE"], "a=1; b=2");
    assert_eq!(found["HTTP_AUTHORIZATION"], "Bearer t");
    for name in ["HTTP_PROXY", "HTTP_X_FORGED", "HTTP_X.DOT"] {
        assert!(!found.contains_key(name), "{name}");
    }
}

#[test]
fn path_translated_is_beneath_the_static_root() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().to_str().expect("text");
    let server = dumping(&["--staticdir", root], &[]);
    assert_eq!(
        environment(&server, "/a/b", &[])["PATH_TRANSLATED"],
        format!("{root}/a/b")
    );
}

#[test]
fn reverselookup_gives_a_name() {
    let server = dumping(&["--reverselookup"], &[]);
    let found = environment(&server, "/", &[]);
    assert_eq!(found["REMOTE_ADDR"], "127.0.0.1");
    assert_eq!(found["REMOTE_HOST"], "localhost");
}

#[test]
fn ipv6_client_is_told_as_such() {
    let server = dumping(&["--address=[::1]"], &[]);
    let port = server.port();
    assert_eq!(server.url, format!("ws://[::1]:{port}/"));
    let address = format!("[::1]:{port}").parse().expect("an address");
    let mut client = Client::connect(address, "/", &[&format!("Host: [::1]:{port}")]);
    let text = client.text();
    assert!(
        text.contains("REMOTE_ADDR=::1\0") && text.contains("SERVER_NAME=[::1]\0"),
        "{text}"
    );
}

#[test]
fn both_families_reach_the_address_of_all() {
    let server = dumping(&["--address=::"], &[]);
    assert_eq!(environment(&server, "/", &[])["REMOTE_ADDR"], "127.0.0.1");
    let address = format!("[::1]:{}", server.port())
        .parse()
        .expect("an address");
    assert!(
        Client::connect(address, "/", &[])
            .text()
            .contains("REMOTE_ADDR=::1\0")
    );
}
