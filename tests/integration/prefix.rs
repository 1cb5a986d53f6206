//! Beneath a path of a proxy that takes it off and says so: the real nginx and Caddy, as `examples/proxy/` has them.

use std::{collections::HashMap, fs, net::SocketAddr};

use tempfile::TempDir;

use crate::support::{
    Client, Gateway, Server, http,
    http::Answer,
    installed::find_or_skip,
    proxy::{Proxy, free_address},
    run, script,
};

/// Each proxy, and its configuration.
const PROXIES: [(&str, &str); 2] = [("nginx", "nginx.conf"), ("caddy", "Caddyfile")];

/// A wsd with scripts, programs and files, which trusts proxies on loopback addresses.
struct Site {
    server: Server,
    _directory: TempDir,
}

impl Site {
    fn start(words: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let (scripts, files) = (root.join("scripts"), root.join("files"));
        fs::create_dir(&scripts).expect("a directory");
        fs::create_dir_all(files.join("sub")).expect("a directory");
        fs::write(files.join("sub/index.html"), "a page").expect("a file");
        let print = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; env\n";
        script(&scripts, "env.sh", print);
        // To its neighbour, by the way that it knows itself by.
        let go = "#!/bin/sh\nprintf 'Location: %s/env.sh/there?x=y\\n\\n' \"${SCRIPT_NAME%/*}\"\n";
        script(&scripts, "go.sh", go);
        let server = Gateway::new()
            .args(["--host=chat.example", "--route=/env=env"])
            .args([format!("--cgidir={}", scripts.display())])
            .args([format!("--staticdir={}", files.display())])
            .args(words)
            .args(["env"])
            .start();
        Site {
            server,
            _directory: directory,
        }
    }
}

fn get(address: SocketAddr, target: &str, headers: &str) -> Answer {
    let head = format!("GET {target} HTTP/1.1\r\nHost: chat.example\r\n{headers}");
    http(address, &format!("{head}Connection: close\r\n\r\n"))
}

/// What a script finds.
fn variables(address: SocketAddr, target: &str, headers: &str) -> HashMap<String, String> {
    let (status, _, body) = get(address, target, headers);
    let body = String::from_utf8(body).expect("text");
    assert_eq!(status, 200, "{target}: {body}");
    let pairs = body.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The SCRIPT_NAME of a program.
fn script_name(address: SocketAddr, target: &str) -> String {
    let mut client = Client::connect(address, target, &["Host: chat.example"]);
    loop {
        if let Some(value) = client.text().strip_prefix("SCRIPT_NAME=") {
            return value.to_owned();
        }
    }
}

fn proxy(file: &str, server: &Server) -> (SocketAddr, Proxy) {
    let address = free_address();
    let to = ("127.0.0.1:8080", server.address.to_string());
    let proxy = match file {
        "Caddyfile" => {
            let (port, ip) = (
                format!(":{} {{", address.port()),
                format!("bind {}", address.ip()),
            );
            Proxy::start(
                file,
                &[(":8000 {", port), ("bind 127.0.0.1", ip), to],
                address,
            )
        }
        _ => {
            let other = ("127.0.0.1:8001", free_address().to_string());
            Proxy::start(
                file,
                &[("127.0.0.1:8000", address.to_string()), other, to],
                address,
            )
        }
    };
    (address, proxy)
}

#[test]
fn prefix_that_a_proxy_takes_off_leads_script_names() {
    for (program, file) in PROXIES {
        if find_or_skip(program).is_none() {
            continue;
        }
        let site = Site::start(&["--trust-proxy=127.0.0.0/8", "--trust-prefix"]);
        let (address, _proxy) = proxy(file, &site.server);
        let found = variables(address, "/app/env.sh/extra?a=b", "");
        assert_eq!(found["SCRIPT_NAME"], "/app/env.sh", "{file}");
        assert_eq!(found["PATH_INFO"], "/extra", "{file}");
        assert_eq!(found["QUERY_STRING"], "a=b", "{file}");
        // A script that sends on within the site.
        let found = variables(address, "/app/go.sh", "");
        assert_eq!(found["SCRIPT_NAME"], "/app/env.sh", "{file}");
        assert_eq!(found["PATH_INFO"], "/there", "{file}");
        // Programs.
        assert_eq!(script_name(address, "/app/env/x"), "/app/env", "{file}");
        assert_eq!(script_name(address, "/app/other"), "/app", "{file}");
        // A directory's way to its slash.
        let (status, headers, _) = get(address, "/app/sub", "");
        let location = headers["location"].rsplit('/').nth(1);
        assert_eq!(
            (status / 100, location),
            (3, Some("sub")),
            "{file} {headers:?}"
        );
        // At the top there is none, and none that a client claims.
        for claim in [
            "",
            "X-Forwarded-Prefix: /evil\r\n",
            "X-Ingress-Path: /evil\r\n",
        ] {
            assert_eq!(
                variables(address, "/env.sh", claim)["SCRIPT_NAME"],
                "/env.sh",
                "{file} {claim}"
            );
            let found = variables(address, "/app/env.sh", claim);
            assert_eq!(found["SCRIPT_NAME"], "/app/env.sh", "{file} {claim}");
        }
    }
}

#[test]
fn prefix_counts_of_a_trusted_proxy_alone_and_where_it_is_wanted() {
    let line = "X-Forwarded-Prefix: /app/\r\n";
    for (words, name) in [
        (
            &["--trust-proxy=127.0.0.1,::1", "--trust-prefix"][..],
            "/app/env.sh",
        ),
        (&["--trust-proxy=127.0.0.1,::1"], "/env.sh"),
        (&["--trust-proxy=10.0.0.0/8", "--trust-prefix"], "/env.sh"),
        (&[], "/env.sh"),
    ] {
        let site = Site::start(words);
        let found = variables(site.server.address, "/env.sh", line);
        assert_eq!(found["SCRIPT_NAME"], name, "{words:?}");
        assert_eq!(found["HTTP_X_FORWARDED_PREFIX"], "/app/");
    }
}

#[test]
fn first_of_the_two_headers_that_can_be_read_counts() {
    let site = Site::start(&["--trust-proxy=127.0.0.1", "--trust-prefix"]);
    for (lines, name) in [
        (
            "X-Ingress-Path: /in\r\nX-Forwarded-Prefix: /app\r\n",
            "/app/env.sh",
        ),
        (
            "X-Ingress-Path: /in\r\nX-Forwarded-Prefix: /a//b\r\n",
            "/in/env.sh",
        ),
        (
            "X-Ingress-Path: /in\r\nX-Forwarded-Prefix: /\r\n",
            "/env.sh",
        ),
        ("X-Forwarded-Prefix: /a/../b\r\n", "/env.sh"),
        ("X-Forwarded-Prefix: http://evil.example\r\n", "/env.sh"),
    ] {
        let found = variables(site.server.address, "/env.sh", lines);
        assert_eq!(found["SCRIPT_NAME"], name, "{lines}");
    }
}

#[test]
fn local_redirect_beneath_the_prefix_or_without_it_leads_on() {
    let site = Site::start(&["--trust-proxy=127.0.0.1", "--trust-prefix"]);
    for (prefix, name) in [
        ("/app", "/app/env.sh"),
        ("/env.sh", "/env.sh/env.sh"),
        ("/", "/env.sh"),
    ] {
        let line = format!("X-Forwarded-Prefix: {prefix}\r\n");
        let found = variables(site.server.address, "/go.sh", &line);
        assert_eq!(
            (&*found["SCRIPT_NAME"], &*found["PATH_INFO"]),
            (name, "/there"),
            "{prefix}"
        );
        assert_eq!(found["REQUEST_URI"], "/env.sh/there?x=y", "{prefix}");
    }
}

#[test]
fn prefix_without_a_proxy_to_believe_is_refused() {
    let output = run(&["--trust-prefix", "cat"]);
    assert_eq!(output.code, Some(2), "{output:?}");
    let first = output.stderr.lines().next().expect("a line");
    assert_eq!(
        first,
        "error: --trust-prefix needs --trust-proxy: give that too"
    );
    let gateway = Gateway::without_port().file("trust-prefix = true\ncommand = \"cat\"\n");
    let output = gateway.args(["--check-config"]).output();
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("wsd.toml:1"), "{output:?}");
    let file = "trust-prefix = true\ntrust-proxy = [\"127.0.0.1\"]\ncommand = \"cat\"\n";
    let output = Gateway::without_port()
        .file(file)
        .args(["--check-config"])
        .output();
    assert_eq!(output.code, Some(0), "{output:?}");
}
