//! Content types and encodings of static files: by name, by what is in them, and by what `--mime` says.

use std::fs;

use crate::support::{Gateway, Server, run};

fn serve(files: &[(&str, &[u8])], flags: &[&str]) -> (tempfile::TempDir, Server) {
    let root = tempfile::tempdir().expect("a directory");
    for (name, bytes) in files {
        fs::write(root.path().join(name), bytes).expect("a file");
    }
    let flag = format!("--staticdir={}", root.path().display());
    let server = Gateway::new().args([&flag]).args(flags).start();
    (root, server)
}

/// Content-Type and Content-Encoding of an answer.
fn content(server: &Server, target: &str, accepts: &str) -> (String, Option<String>) {
    let headers = format!("Accept-Encoding: {accepts}\r\n");
    let (status, mut headers, _) = server.request("GET", target, &headers);
    assert_eq!(status, 200, "{target}");
    let content_type = headers.remove("content-type").unwrap_or_default();
    (content_type, headers.remove("content-encoding"))
}

const GZIP: &[u8] = b"\x1f\x8b\x08\0";
const UNITY: &[u8] = b"\x6b\x8d\0UnityWeb Compressed Content (brotli)";

#[test]
fn packed_file_asked_for_by_name_is_unpacked_by_who_can() {
    let (_root, server) = serve(
        &[
            ("a.js.gz", GZIP),
            ("a.wasm.br", b"x"),
            ("a.json.zst", b"x"),
            ("a.svgz", GZIP),
            ("plain.svgz", b"<svg/>"),
            ("gzip.data.unityweb", GZIP),
            ("brotli.js.unityweb", UNITY),
            ("a.tar.gz", GZIP),
            ("a.tgz", GZIP),
        ],
        &[],
    );
    for (target, content_type, coding, as_it_is) in [
        (
            "/a.js.gz",
            "text/javascript; charset=utf-8",
            Some("gzip"),
            "application/gzip",
        ),
        (
            "/a.wasm.br",
            "application/wasm",
            Some("br"),
            "application/octet-stream",
        ),
        (
            "/a.json.zst",
            "application/json; charset=utf-8",
            Some("zstd"),
            "application/zstd",
        ),
        ("/a.svgz", "image/svg+xml", Some("gzip"), "application/gzip"),
        ("/plain.svgz", "application/gzip", None, "application/gzip"),
        (
            "/gzip.data.unityweb",
            "application/octet-stream",
            Some("gzip"),
            "application/octet-stream",
        ),
        (
            "/brotli.js.unityweb",
            "text/javascript; charset=utf-8",
            Some("br"),
            "application/octet-stream",
        ),
        ("/a.tar.gz", "application/gzip", None, "application/gzip"),
        ("/a.tgz", "application/gzip", None, "application/gzip"),
    ] {
        let unpacked = (content_type.to_owned(), coding.map(str::to_owned));
        assert_eq!(
            content(&server, target, "gzip, br, zstd"),
            unpacked,
            "{target}"
        );
        let packed = (as_it_is.to_owned(), None);
        assert_eq!(content(&server, target, "identity"), packed, "{target}");
    }
}

#[test]
fn packed_picture_runs_no_script_and_has_a_tag_of_its_own() {
    let (_root, server) = serve(&[("a.svgz", GZIP)], &[]);
    let unpacked = server.request("GET", "/a.svgz", "Accept-Encoding: gzip\r\n");
    assert_eq!(unpacked.1["content-security-policy"], "sandbox");
    let packed = server.get("/a.svgz");
    assert!(!packed.1.contains_key("content-security-policy"));
    assert_eq!(packed.2, unpacked.2);
    assert_ne!(packed.1["etag"], unpacked.1["etag"]);
}

#[test]
fn text_that_names_its_charset_is_not_overruled() {
    let (_root, server) = serve(
        &[
            ("old.html", b"<meta charset=iso-8859-1>caf\xe9"),
            ("new.html", "<p>caf\u{e9}".as_bytes()),
            (
                "old.xml",
                b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>",
            ),
            ("wide.txt", b"\xff\xfea\0"),
            ("empty.html", b""),
        ],
        &[],
    );
    for (target, expected) in [
        ("/old.html", "text/html"),
        ("/new.html", "text/html; charset=utf-8"),
        ("/old.xml", "text/xml"),
        ("/wide.txt", "text/plain"),
        ("/empty.html", "text/html; charset=utf-8"),
    ] {
        // Twice: the file is kept open, and what is known of it with it.
        for _ in 0..2 {
            assert_eq!(content(&server, target, "gzip").0, expected, "{target}");
        }
    }
}

#[test]
fn change_of_a_file_changes_what_it_is() {
    let (root, server) = serve(&[("about", b"text")], &[]);
    assert_eq!(
        content(&server, "/about", "gzip").0,
        "text/plain; charset=utf-8"
    );
    fs::write(root.path().join("about"), b"\0binary").expect("a file");
    assert_eq!(
        content(&server, "/about", "gzip").0,
        "application/octet-stream"
    );
}

#[test]
fn operator_names_types() {
    let (_root, server) = serve(
        &[("a.ts", b"x"), ("a.glb", b"x"), ("feed", b"x")],
        &[
            "--mime=.ts=video/mp2t",
            "--mime",
            "feed=application/rss+xml",
        ],
    );
    assert_eq!(content(&server, "/a.ts", "gzip").0, "video/mp2t");
    assert_eq!(content(&server, "/feed", "gzip").0, "application/rss+xml");
    assert_eq!(content(&server, "/a.glb", "gzip").0, "model/gltf-binary");
}

#[test]
fn types_are_a_list_of_the_file_too() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join("a.x"), "x").expect("a file");
    let toml = format!(
        "staticdir = {:?}\nmime = [\".x=text/x-own\"]\n",
        root.path()
    );
    let server = Gateway::new().file(&toml).start();
    assert_eq!(
        content(&server, "/a.x", "gzip").0,
        "text/x-own; charset=utf-8"
    );
}

#[test]
fn nonsense_is_refused_with_flag_value_and_reason() {
    for (word, reason) in [
        ("js=text", "'text' is no media type"),
        ("js", "expected .EXT=TYPE"),
        ("*.js=text/plain", "expected an extension with its dot"),
    ] {
        let output = run(&["--staticdir=/", "--mime", word]);
        assert_eq!(output.code, Some(2));
        let line = output.stderr.lines().next().unwrap_or_default().to_owned();
        for part in ["--mime", word, reason] {
            assert!(line.contains(part), "{line}");
        }
    }
}
