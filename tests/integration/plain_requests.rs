//! Plain requests where there is no page: what they are told, and what the operator is told of it; OPTIONS.

use std::fs;

use crate::support::{Gateway, Server, http, script};

/// `a.sh` to run, `a.txt` to serve.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().expect("a directory");
    for name in ["bin", "files"] {
        fs::create_dir(site.path().join(name)).expect("a directory");
    }
    let text = "#!/bin/sh\nprintf 'X-Method: %s\\n\\n' \"$REQUEST_METHOD\"\n";
    script(&site.path().join("bin"), "a.sh", text);
    fs::write(site.path().join("files/a.txt"), "a").expect("a file");
    site
}

fn serve(site: &tempfile::TempDir, flags: &[&str]) -> Server {
    let path = |flag: &&str| flag.replace("SITE", &site.path().display().to_string());
    let flags: Vec<String> = flags.iter().map(path).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Gateway::new().args(&flags).start()
}

#[test]
fn only_programs_say_426_and_whoever_has_pages_404() {
    let site = site();
    for (flags, expected) in [
        (&["cat"][..], 426),
        (&["--route=/x=cat"], 426),
        (&["--dir=SITE/bin"], 426),
        (&["--staticdir=SITE/files", "cat"], 404),
        (&["--staticdir=SITE/files", "--dir=SITE/bin"], 404),
        (&["--cgidir=SITE/bin", "cat"], 404),
        (&["--cgidir=SITE/bin", "--route=/x=cat"], 404),
    ] {
        let server = serve(&site, flags);
        let (status, headers, body) = server.get("/x");
        assert_eq!(status, expected, "{flags:?}");
        let body = String::from_utf8_lossy(&body);
        match expected {
            426 => assert!(headers["upgrade"] == "websocket" && body.contains("WebSocket client")),
            _ => assert_eq!(body, "there is no page at this address\n"),
        }
    }
}

#[test]
fn missing_file_is_no_warning_and_no_refusal() {
    let site = site();
    for flags in [
        &["--staticdir=SITE/files"][..],
        &["--cgidir=SITE/bin"],
        &["cat"],
    ] {
        let mut server = serve(&site, flags);
        assert_eq!(server.get("/favicon.ico").0, 404, "{flags:?}");
        let line = server.wait_for_line("/favicon.ico");
        assert!(
            line.contains("answered") && !line.contains("WARN"),
            "{line}"
        );
    }
}

#[test]
fn options_says_what_is_answered() {
    let site = site();
    let pages = "GET, HEAD, OPTIONS";
    let scripts = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    for (flags, target, status, allow) in [
        (&["cat"][..], "/x", 204, Some(pages)),
        (&["cat"], "*", 204, Some(pages)),
        (&["--route=/x=cat"], "/x", 204, Some(pages)),
        (&["--route=/x=cat"], "/y", 404, None),
        (&["--dir=SITE/bin"], "/x", 204, Some(pages)),
        (&["--staticdir=SITE/files"], "/x", 204, Some(pages)),
        (&["--cgidir=SITE/bin"], "/", 204, Some(scripts)),
        (&["--cgidir=SITE/bin"], "*", 204, Some(scripts)),
        (&["cat"], "/%00", 400, None),
    ] {
        let server = serve(&site, flags);
        let foreign = "Origin: http://evil.example\r\n";
        let (found, headers, body) = server.request("OPTIONS", target, foreign);
        assert_eq!(found, status, "{flags:?} {target}");
        assert_eq!(
            headers.get("allow").map(String::as_str),
            allow,
            "{flags:?} {target}"
        );
        assert!(status != 204 || body.is_empty());
    }
}

#[test]
fn script_answers_options_itself() {
    let site = site();
    let server = serve(&site, &["--cgidir=SITE/bin"]);
    let (status, headers, _) = server.request("OPTIONS", "/a.sh", "");
    assert_eq!((status, headers["x-method"].as_str()), (200, "OPTIONS"));
}

#[test]
fn health_check_without_a_host_is_answered() {
    let site = site();
    for flags in [&["cat"][..], &["--cgidir=SITE/bin"]] {
        let server = serve(&site, flags);
        // HAProxy's `option httpchk`.
        for target in ["/", "/a.sh", "*"] {
            let (status, ..) = http(
                server.address,
                &format!("OPTIONS {target} HTTP/1.0\r\n\r\n"),
            );
            assert_eq!(status, 204, "{flags:?} {target}");
        }
        let named = "OPTIONS / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
        assert_eq!(http(server.address, named).0, 403);
    }
}

#[test]
fn names_beneath_localhost_are_loopbacks() {
    let server = Gateway::with("cat").start();
    for (host, status) in [
        ("app.localhost", 426),
        ("a.b.localhost:80", 426),
        ("localhost.", 426),
        ("127.0.0.1.", 426),
        ("app.localhost.", 426),
        ("localhost.evil.example", 403),
        ("evillocalhost", 403),
        (".", 400),
        ("localhost..", 400),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(http(server.address, &request).0, status, "{host}");
    }
}

#[test]
fn answer_that_counts_for_a_client_behind_a_proxy_keeps_its_length() {
    let files = tempfile::tempdir().expect("a directory");
    std::fs::write(files.path().join("a.txt"), "a file").expect("a file");
    for flags in ["--devconsole", "--h2c", "--staticdir=DIR"] {
        let flags = flags.replace("DIR", &files.path().display().to_string());
        let server = Gateway::with("--trust-proxy=127.0.0.1")
            .args([&flags])
            .args(["cat"])
            .start();
        let target = if flags.contains("static") {
            "/a.txt"
        } else {
            "/"
        };
        let forwarded = "X-Forwarded-For: 192.0.2.1\r\n";
        let (_, headers, body) = server.request("GET", target, forwarded);
        let length = body.len().to_string();
        assert_eq!(headers.get("content-length"), Some(&length), "{headers:?}");
        assert!(!headers.contains_key("transfer-encoding"), "{headers:?}");
    }
}
