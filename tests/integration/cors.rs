//! `--cors`: which pages of others may read files and the answers of scripts.

use std::fs;

use crate::support::{Gateway, Server, run, script};

fn serve(flags: &[&str]) -> (tempfile::TempDir, Server) {
    let root = tempfile::tempdir().expect("a directory");
    for name in ["w", "c"] {
        fs::create_dir(root.path().join(name)).expect("a directory");
    }
    fs::write(root.path().join("w/a.txt"), "a").expect("a file");
    let text = "#!/bin/sh\nprintf 'X-Method: %s\\n\\n' \"$REQUEST_METHOD\"\n";
    script(&root.path().join("c"), "s.sh", text);
    let own = "#!/bin/sh\nprintf 'Access-Control-Allow-Origin: https://own\\n\\n'\n";
    script(&root.path().join("c"), "own.sh", own);
    let staticdir = format!("--staticdir={}/w", root.path().display());
    let cgidir = format!("--cgidir={}/c", root.path().display());
    let gateway = Gateway::new().args([&staticdir, &cgidir]).args(flags);
    (root, gateway.start())
}

const PREFLIGHT: &str = "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n\
                         Access-Control-Request-Headers: x-own, x-forwarded-for\r\n";

#[test]
fn any_page_may_read_files_and_answers_of_scripts() {
    // COMMAND is no value of the flag.
    let (_root, server) = serve(&["--cors", "cat"]);
    for (target, status) in [("/a.txt", 200), ("/missing", 404), ("/s.sh", 200)] {
        let (found, headers, _) = server.request("GET", target, "Origin: https://a.example\r\n");
        assert_eq!(found, status, "{target}");
        assert_eq!(headers["access-control-allow-origin"], "*", "{target}");
        assert!(!headers.contains_key("access-control-allow-credentials"));
        let (status, headers, _) = server.request("OPTIONS", target, PREFLIGHT);
        assert_eq!(status, 204, "{target}");
        assert_eq!(headers["access-control-allow-methods"], "PUT");
        assert_eq!(headers["access-control-allow-headers"], "x-own");
        assert!(!headers.contains_key("x-method"));
    }
    let (_, headers, _) = server.get("/own.sh");
    assert_eq!(headers["access-control-allow-origin"], "https://own");
    assert_eq!(server.connect().status(), 101);
    assert_eq!(server.status("/", &["Origin: https://a.example"]), 403);
}

#[test]
fn listed_pages_alone_may() {
    let (_root, server) = serve(&["--cors=https://a.example,https://b.example"]);
    let allowed = |origin: &str| {
        let (_, headers, _) = server.request("GET", "/a.txt", &format!("Origin: {origin}\r\n"));
        assert!(headers["vary"].contains("Origin") || headers["vary"].contains("Accept"));
        headers.get("access-control-allow-origin").cloned()
    };
    for origin in ["https://a.example", "https://b.example"] {
        assert_eq!(allowed(origin).as_deref(), Some(origin));
    }
    for origin in ["http://a.example", "https://evil.example", "null"] {
        assert_eq!(allowed(origin), None, "{origin}");
    }
}

#[test]
fn without_the_flag_no_page_of_another_may() {
    let (_root, server) = serve(&[]);
    let (status, headers, _) = server.request("OPTIONS", "/a.txt", PREFLIGHT);
    assert_eq!(status, 204);
    assert!(
        !headers
            .keys()
            .any(|name| name.starts_with("access-control"))
    );
    // Scripts answer for themselves.
    assert_eq!(
        server.request("OPTIONS", "/s.sh", PREFLIGHT).1["x-method"],
        "OPTIONS"
    );
}

#[test]
fn no_page_may_send_the_header_in_which_a_proxy_names_users() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join("a"), "a").expect("a file");
    let top = format!("staticdir = {:?}\ntrust-proxy = '192.0.2.1'\n", root.path());
    let of_route = "[[route]]\npath = '/r'\ncommand = 'cat'\nauth-header = 'X-User'\n";
    for cors in ["cors = '*'\n", "cors = 'https://a.example'\n"] {
        for file in [
            format!("{top}{cors}auth-header = 'X-User'\n"),
            format!("{top}{cors}{of_route}"),
        ] {
            let server = Gateway::new().file(&file).start();
            let asked = PREFLIGHT.replace("x-own", "x-own, X-User");
            let (_, headers, _) = server.request("OPTIONS", "/a", &asked);
            assert_eq!(headers["access-control-allow-headers"], "x-own", "{file}");
        }
    }
}

#[test]
fn nonsense_is_refused() {
    for (words, parts) in [
        (
            &["--staticdir=/", "--cors=http://a b"][..],
            &["--cors", "http://a b"][..],
        ),
        (&["--staticdir=/", "--cors="], &["--cors"]),
        (&["--cors", "cat"], &["--cors", "--staticdir", "--origin"]),
    ] {
        let output = run(words);
        assert_eq!(output.code, Some(2), "{output:?}");
        let line = output.stderr.lines().next().unwrap_or_default();
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
}

#[test]
fn list_of_the_file_is_one_too() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join("a"), "a").expect("a file");
    let toml = format!(
        "staticdir = {:?}\ncors = [\"https://a.example\"]\n",
        root.path()
    );
    let server = Gateway::new().file(&toml).start();
    let (_, headers, _) = server.request("GET", "/a", "Origin: https://a.example\r\n");
    assert_eq!(headers["access-control-allow-origin"], "https://a.example");
}
