//! The pages beside the program: static files and the developer console.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::support::{Gateway, Server, http};

fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().expect("a directory");
    let root = site.path().join("root");
    fs::create_dir_all(root.join("sub dir")).expect("a directory");
    fs::create_dir_all(root.join(".git")).expect("a directory");
    fs::create_dir_all(root.join(".well-known")).expect("a directory");
    fs::write(site.path().join("secret"), "secret").expect("a file");
    for (name, text) in [
        ("index.html", "<p>index"),
        ("app.js", "1"),
        ("a b ü.txt", "named"),
        ("sub dir/index.html", "sub"),
        (".git/config", "secret"),
        (".env", "secret"),
        (".well-known/x", "known"),
    ] {
        fs::write(root.join(name), text).expect("a file");
    }
    fs::write(root.join("large"), vec![b'x'; 3_000_000]).expect("a file");
    symlink("../secret", root.join("out")).expect("a link");
    symlink(site.path().join("secret"), root.join("absolute")).expect("a link");
    symlink("..", root.join("up")).expect("a link");
    symlink("index.html", root.join("inside.html")).expect("a link");
    site
}

fn serve(site: &Path, options: &[&str]) -> Server {
    let flag = format!("--staticdir={}", site.join("root").display());
    Gateway::new()
        .args([&flag])
        .args(options)
        .args(["cat"])
        .start()
}

#[test]
fn files_are_served_with_type_and_length() {
    let site = site();
    let server = serve(site.path(), &[]);
    for (target, body, content_type) in [
        ("/", "<p>index", "text/html; charset=utf-8"),
        ("/index.html", "<p>index", "text/html; charset=utf-8"),
        ("/inside.html", "<p>index", "text/html; charset=utf-8"),
        ("/app.js?v=1", "1", "text/javascript; charset=utf-8"),
        ("/a%20b%20%C3%BC.txt", "named", "text/plain; charset=utf-8"),
        ("/sub%20dir/", "sub", "text/html; charset=utf-8"),
        ("/.well-known/x", "known", "text/plain; charset=utf-8"),
    ] {
        let (status, headers, found) = server.get(target);
        assert_eq!((status, &found[..]), (200, body.as_bytes()), "{target}");
        assert_eq!(headers["content-type"], content_type, "{target}");
        assert_eq!(
            headers["content-length"],
            body.len().to_string(),
            "{target}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{target}");
    }
}

#[test]
fn large_file_arrives_whole() {
    let site = site();
    let (status, _, body) = serve(site.path(), &[]).get("/large");
    assert_eq!((status, body.len()), (200, 3_000_000));
}

#[test]
fn nothing_outside_the_root_and_nothing_hidden_is_served() {
    let site = site();
    let server = serve(site.path(), &[]);
    for target in [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/sub%20dir/../../secret",
        "/out",
        "/absolute",
        "/up/secret",
        "/.git/config",
        "/.env",
        "/.git",
        "//secret",
        "/%00",
        "/\\..\\secret",
        "/root/../../secret",
        "/./index.html",
        "/up/root/index.html",
        "/inside.html/",
        "/index.html/x",
        "/nothing",
    ] {
        let (status, _, body) = server.get(target);
        assert!(status == 400 || status == 404, "{target}: {status}");
        assert!(
            !String::from_utf8_lossy(&body).contains("secret"),
            "{target}"
        );
    }
}

#[test]
fn directory_without_its_slash_is_redirected() {
    let site = site();
    let (status, headers, _) = serve(site.path(), &[]).get("/sub%20dir");
    assert_eq!(
        (status, headers["location"].as_str()),
        (301, "./sub%20dir/")
    );
}

#[test]
fn head_is_answered_without_a_body_and_other_methods_are_not() {
    let site = site();
    let server = serve(site.path(), &[]);
    let request = |method: &str| {
        http(
            server.address,
            &format!("{method} /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        )
    };
    let (status, headers, body) = request("HEAD");
    assert_eq!(
        (status, headers["content-length"].as_str(), body.len()),
        (200, "3000000", 0)
    );
    let (status, headers, _) = request("POST");
    assert_eq!(
        (status, headers["allow"].as_str()),
        (405, "GET, HEAD, OPTIONS")
    );
}

#[test]
fn fifo_in_the_root_does_not_hold_the_server() {
    let site = site();
    let fifo = site.path().join("root/fifo");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .is_ok_and(|status| status.success())
    );
    let server = serve(site.path(), &[]);
    assert_eq!(server.get("/fifo").0, 404);
}

#[test]
fn websocket_and_page_share_the_port() {
    let site = site();
    let server = serve(site.path(), &[]);
    assert!(server.url.starts_with("http://"), "{}", server.url);
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn console_is_one_page_that_loads_nothing() {
    let server = Gateway::with("--devconsole cat").start();
    let (status, headers, body) = server.get("/");
    assert_eq!(
        (status, headers["content-type"].as_str()),
        (200, "text/html; charset=utf-8")
    );
    assert!(headers["content-security-policy"].starts_with("default-src 'none'"));
    let page = String::from_utf8(body).expect("text");
    for outside in [
        "src=\"http",
        "href=\"http",
        "@import",
        "url(http",
        "//cdn",
        "innerHTML",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(server.get("/elsewhere").0, 426);
}

#[test]
fn console_shares_the_server_with_files() {
    let site = site();
    let server = serve(site.path(), &["--devconsole"]);
    assert!(String::from_utf8_lossy(&server.get("/").2).contains("console"));
    assert_eq!(server.get("/index.html").2, b"<p>index");
}

#[test]
fn host_is_checked_for_pages_too() {
    let server = Gateway::with("--devconsole cat").start();
    let request = "GET / HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n";
    assert_eq!(http(server.address, request).0, 403);
}
