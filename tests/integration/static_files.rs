//! Static files over HTTP: what they are answered with, when they are not, and that nothing else is served.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use crate::support::{Gateway, PATIENCE, Server, eventually, lease::Lease, run, script};

/// A root with files, beside a secret.
struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let site = Site { directory };
        fs::create_dir(site.root()).expect("the root");
        fs::write(site.directory.path().join("secret"), "SECRET").expect("a file");
        for (name, text) in files {
            site.write(name, text);
        }
        site
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.root().join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        fs::write(file, text).expect("a file");
    }

    fn set_time(&self, name: &str, time: SystemTime) {
        let file = File::options().write(true).open(self.root().join(name));
        file.and_then(|file| file.set_modified(time))
            .expect("its time");
    }

    fn serve(&self, options: &[&str]) -> Server {
        serve(&self.root(), options)
    }
}

fn serve(root: &Path, options: &[&str]) -> Server {
    let flag = format!("--staticdir={}", root.display());
    Gateway::new().args([&flag]).args(options).start()
}

/// 06 Nov 1994 08:49:37 GMT
fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
}
const LONG_AGO: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A site with one file of ten bytes, and its server.
fn ten_bytes() -> (Site, Server) {
    let site = Site::new(&[("f.txt", "0123456789")]);
    site.set_time("f.txt", long_ago());
    let server = site.serve(&[]);
    (site, server)
}

#[test]
fn file_has_validators_and_takes_ranges() {
    let (_site, server) = ten_bytes();
    let (status, headers, _) = server.get("/f.txt");
    assert_eq!(status, 200);
    assert_eq!(headers["last-modified"], LONG_AGO);
    assert_eq!(headers["accept-ranges"], "bytes");
    let etag = &headers["etag"];
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert!(!headers.contains_key("content-encoding"));
}

#[test]
fn etag_changes_with_time_and_size_alone() {
    let (site, server) = ten_bytes();
    let mut seen = Vec::new();
    let mut look = || {
        let etag = server.get("/f.txt").1["etag"].clone();
        assert!(!seen.contains(&etag), "{etag} in {seen:?}");
        seen.push(etag);
    };
    look();
    site.set_time("f.txt", long_ago() + Duration::from_nanos(1));
    look();
    site.write("f.txt", "01234567890");
    site.set_time("f.txt", long_ago());
    look();

    // Another file with the same bytes and time, as another machine has it.
    let other = Site::new(&[("f.txt", "01234567890")]);
    other.set_time("f.txt", long_ago());
    let etag = other.serve(&[]).get("/f.txt").1["etag"].clone();
    assert_eq!(etag, server.get("/f.txt").1["etag"]);
}

#[test]
fn redirect_is_right_beneath_a_prefix() {
    let site = Site::new(&[("a/b:c/index.html", "x")]);
    let server = site.serve(&[]);
    let (status, headers, _) = server.get("/a/b:c");
    assert_eq!((status, &headers["location"][..]), (301, "./b%3Ac/"));
    assert_eq!(server.get("/a/b%3Ac/").0, 200);
}

#[test]
fn page_is_found_without_its_extension() {
    let site = Site::new(&[
        ("about.html", "about"),
        ("both.html", "page"),
        ("both/index.html", "directory"),
        (".hidden.html", "hidden"),
        ("plain", "plain"),
        ("plain.html", "page"),
    ]);
    let server = site.serve(&[]);
    let (status, headers, body) = server.get("/about?x");
    assert_eq!((status, &body[..]), (200, &b"about"[..]));
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(server.get("/both").0, 301);
    assert_eq!(server.get("/plain").2, b"plain");
    for target in ["/about/", "/.hidden", "/missing", "/about.html/"] {
        assert_eq!(server.get(target).0, 404, "{target}");
    }
}

#[test]
fn spa_answers_whoever_goes_to_a_page_whatever_dots_it_has() {
    let site = Site::new(&[("index.html", "index")]);
    let server = site.serve(&["--spa"]);
    let go = |target| {
        server
            .request("GET", target, "Accept: text/html,*/*;q=0.8\r\n")
            .0
    };
    assert_eq!(go("/users/jane.doe"), 200);
    assert_eq!(
        server.request("GET", "/missing.js", "Accept: */*\r\n").0,
        404
    );
    for target in ["/.git", "/.well-known/security.txt", "/index.html/x"] {
        assert_eq!(go(target), 404, "{target}");
    }
}

#[test]
fn last_modified_is_never_later_than_now_nor_before_1970() {
    let site = Site::new(&[("future", "f"), ("past", "p")]);
    let day = Duration::from_secs(86_400);
    site.set_time("future", SystemTime::now() + 4_000_000 * day);
    site.set_time("past", SystemTime::UNIX_EPOCH - day);
    let server = site.serve(&["--listing"]);
    let (_, headers, _) = server.get("/future");
    assert_eq!(headers["last-modified"], headers["date"]);
    let (status, headers, _) = server.get("/past");
    assert_eq!((status, headers.get("last-modified")), (200, None));
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn known_file_is_304_without_a_body() {
    let (_site, server) = ten_bytes();
    let etag = server.get("/f.txt").1["etag"].clone();
    for headers in [
        format!("If-None-Match: {etag}\r\n"),
        format!("If-None-Match: \"x\", W/{etag}\r\n"),
        format!("If-None-Match: \"x\"\r\nIf-None-Match: {etag}\r\n"),
        "If-None-Match: *\r\n".to_owned(),
        format!("If-Modified-Since: {LONG_AGO}\r\n"),
        // A tag goes before a date, and a 304 before a range.
        format!("If-None-Match: {etag}\r\nIf-Modified-Since: Sun, 06 Nov 1983 08:49:37 GMT\r\n"),
        format!("If-None-Match: {etag}\r\nRange: bytes=0-1\r\n"),
    ] {
        for method in ["GET", "HEAD"] {
            let (status, found, body) = server.request(method, "/f.txt", &headers);
            assert_eq!((status, body.len()), (304, 0), "{headers}");
            assert_eq!(found["etag"], etag);
            assert!(!found.contains_key("content-length"), "{found:?}");
            assert!(!found.contains_key("content-type"), "{found:?}");
        }
    }
}

#[test]
fn file_that_is_not_known_is_sent() {
    let (_site, server) = ten_bytes();
    for headers in [
        "If-None-Match: \"x\"\r\n".to_owned(),
        "If-Modified-Since: Sun, 06 Nov 1983 08:49:37 GMT\r\n".to_owned(),
        "If-Modified-Since: today\r\n".to_owned(),
        format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {LONG_AGO}\r\n"),
    ] {
        let (status, _, body) = server.request("GET", "/f.txt", &headers);
        assert_eq!((status, body.len()), (200, 10), "{headers}");
    }
}

#[test]
fn precondition_that_fails_is_412() {
    let (_site, server) = ten_bytes();
    for headers in [
        "If-Match: \"x\"\r\n",
        "If-Unmodified-Since: Sun, 06 Nov 1983 08:49:37 GMT\r\n",
    ] {
        assert_eq!(server.request("GET", "/f.txt", headers).0, 412, "{headers}");
    }
}

#[test]
fn range_is_206_with_its_bytes() {
    let (_site, server) = ten_bytes();
    for (range, body, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-4", "6789", "bytes 6-9/10"),
        ("bytes=0-99", "0123456789", "bytes 0-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let (status, headers, found) =
            server.request("GET", "/f.txt", &format!("Range: {range}\r\n"));
        assert_eq!((status, &found[..]), (206, body.as_bytes()), "{range}");
        assert_eq!(headers["content-range"], content_range);
        assert_eq!(headers["content-length"], body.len().to_string());
        assert!(headers.contains_key("etag") && headers.contains_key("last-modified"));
    }
}

#[test]
fn range_behind_the_end_is_416() {
    let (site, server) = ten_bytes();
    site.write("empty", "");
    for (target, range, content_range) in [
        ("/f.txt", "bytes=10-", "bytes */10"),
        ("/f.txt", "bytes=-0", "bytes */10"),
        ("/f.txt", "bytes=99999999999999999999999-", "bytes */10"),
        ("/empty", "bytes=0-", "bytes */0"),
    ] {
        let (status, headers, _) = server.request("GET", target, &format!("Range: {range}\r\n"));
        assert_eq!(
            (status, headers["content-range"].as_str()),
            (416, content_range)
        );
    }
}

#[test]
fn range_that_is_not_understood_is_the_whole_file() {
    let (_site, server) = ten_bytes();
    for range in ["bytes=0-1,4-5", "bytes=4-2", "lines=1-2", "bytes=x", "0-1"] {
        let (status, headers, body) =
            server.request("GET", "/f.txt", &format!("Range: {range}\r\n"));
        assert_eq!((status, body.len()), (200, 10), "{range}");
        assert!(!headers.contains_key("content-range"));
    }
    // Only GET has ranges.
    let (status, headers, _) = server.request("HEAD", "/f.txt", "Range: bytes=0-1\r\n");
    assert_eq!((status, headers["content-length"].as_str()), (200, "10"));
}

#[test]
fn if_range_of_another_state_gets_the_whole_file() {
    let (_site, server) = ten_bytes();
    let etag = server.get("/f.txt").1["etag"].clone();
    for (condition, status) in [
        (etag.clone(), 206),
        (LONG_AGO.to_owned(), 206),
        (format!("W/{etag}"), 200),
        ("\"x\"".to_owned(), 200),
        ("Sun, 06 Nov 2094 08:49:37 GMT".to_owned(), 200),
    ] {
        let headers = format!("Range: bytes=0-1\r\nIf-Range: {condition}\r\n");
        assert_eq!(
            server.request("GET", "/f.txt", &headers).0,
            status,
            "{condition}"
        );
    }
    // The file ends before this range, but it is not this file that was meant.
    let headers = "Range: bytes=50-\r\nIf-Range: \"x\"\r\n";
    assert_eq!(server.request("GET", "/f.txt", headers).0, 200);
}

/// `app.js` with three compressed siblings, which here are only words.
fn compressed() -> (Site, Server) {
    let site = Site::new(&[
        ("app.js", "identity"),
        ("app.js.br", "brotli"),
        ("app.js.zst", "zstd!"),
        ("app.js.gz", "gzip"),
        ("index.html", "page"),
        ("index.html.gz", "packed page"),
    ]);
    let server = site.serve(&[]);
    (site, server)
}

#[test]
fn sibling_is_sent_to_who_accepts_it() {
    let (_site, server) = compressed();
    let mut etags = Vec::new();
    for (accepted, coding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "brotli"),
        ("gzip, zstd", Some("zstd"), "zstd!"),
        ("gzip;q=0.2, br;q=0.1", Some("gzip"), "gzip"),
        ("deflate", None, "identity"),
    ] {
        let headers = format!("Accept-Encoding: {accepted}\r\n");
        let (status, found, bytes) = server.request("GET", "/app.js", &headers);
        assert_eq!((status, &bytes[..]), (200, body.as_bytes()), "{accepted}");
        assert_eq!(
            found.get("content-encoding").map(String::as_str),
            coding,
            "{accepted}"
        );
        assert_eq!(found["vary"], "Accept-Encoding");
        assert_eq!(found["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(found["content-length"], body.len().to_string());
        assert!(!etags.contains(&found["etag"]), "{accepted}");
        etags.push(found["etag"].clone());
    }
}

#[test]
fn index_has_siblings_too() {
    let (_site, server) = compressed();
    let (_, headers, body) = server.request("GET", "/", "Accept-Encoding: gzip\r\n");
    assert_eq!(body, b"packed page");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
}

#[test]
fn without_accept_encoding_nothing_is_packed() {
    let (_site, server) = compressed();
    let (_, headers, body) = server.get("/app.js");
    assert_eq!(body, b"identity");
    assert_eq!(headers["vary"], "Accept-Encoding");
}

#[test]
fn coding_that_is_not_there_is_406_if_nothing_else_will_do() {
    let site = Site::new(&[("f.txt", "text"), ("f.txt.gz", "gzip")]);
    let server = site.serve(&[]);
    for (accepted, status) in [
        ("identity;q=0", 406),
        ("br, *;q=0", 406),
        ("gzip, identity;q=0", 200),
        ("*, identity;q=0", 200),
    ] {
        let headers = format!("Accept-Encoding: {accepted}\r\n");
        let (found, headers, _) = server.request("GET", "/f.txt", &headers);
        assert_eq!(found, status, "{accepted}");
        assert_eq!(headers["vary"], "Accept-Encoding", "{accepted}");
    }
}

#[test]
fn etag_of_one_coding_is_unknown_to_another() {
    let (site, server) = compressed();
    // Even as two names of one file.
    fs::remove_file(site.root().join("app.js.gz")).expect("a file");
    fs::hard_link(site.root().join("app.js"), site.root().join("app.js.gz")).expect("a link");
    let etag = server.get("/app.js").1["etag"].clone();
    let ask = |accepted: &str| {
        let headers = format!("If-None-Match: {etag}\r\nAccept-Encoding: {accepted}\r\n");
        server.request("GET", "/app.js", &headers)
    };
    assert_eq!(ask("gzip").0, 200);
    let (status, headers, _) = ask("identity");
    assert_eq!((status, headers["vary"].as_str()), (304, "Accept-Encoding"));
}

#[test]
fn range_is_of_the_packed_bytes() {
    let (_site, server) = compressed();
    let headers = "Accept-Encoding: br\r\nRange: bytes=1-2\r\n";
    let (status, headers, body) = server.request("GET", "/app.js", headers);
    assert_eq!((status, &body[..]), (206, &b"ro"[..]));
    assert_eq!(headers["content-range"], "bytes 1-2/6");
    assert_eq!(headers["content-encoding"], "br");
}

#[test]
fn sibling_that_is_older_is_left_aside() {
    let (site, server) = compressed();
    site.set_time("app.js.br", long_ago());
    let (_, headers, _) = server.request("GET", "/app.js", "Accept-Encoding: br, gzip\r\n");
    assert_eq!(headers["content-encoding"], "gzip");
}

#[test]
fn sibling_that_leads_out_or_is_no_file_is_left_aside() {
    let site = Site::new(&[("a.js", "a"), ("a.js.gz/x", "x")]);
    symlink("../secret", site.root().join("a.js.br")).expect("a link");
    let server = site.serve(&[]);
    let (status, headers, body) = server.request("GET", "/a.js", "Accept-Encoding: br, gzip\r\n");
    assert_eq!((status, &body[..]), (200, &b"a"[..]));
    assert!(!headers.contains_key("content-encoding"));
}

#[test]
fn packed_file_asked_for_by_name_is_itself() {
    let (_site, server) = compressed();
    let (_, headers, body) = server.get("/app.js.gz");
    assert_eq!(body, b"gzip");
    assert_eq!(headers["content-type"], "application/gzip");
    assert!(!headers.contains_key("content-encoding"));
}

const ODD_NAMES: [(&str, &str); 8] = [
    ("a b.txt", "/a%20b.txt"),
    ("a%20b.txt", "/a%2520b.txt"),
    ("\"'&<>.txt", "/%22%27%26%3C%3E.txt"),
    ("😀.txt", "/%F0%9F%98%80.txt"),
    ("line\nend.txt", "/line%0Aend.txt"),
    ("what?#.txt", "/what%3F%23.txt"),
    ("javascript:alert(1)", "/javascript%3Aalert%281%29"),
    ("…", "/%E2%80%A6"),
];

#[test]
fn odd_names_are_served() {
    let site = Site::new(&ODD_NAMES.map(|(name, _)| (name, name)));
    let server = site.serve(&[]);
    for (name, target) in ODD_NAMES {
        let (status, _, body) = server.get(target);
        assert_eq!((status, &body[..]), (200, name.as_bytes()), "{target}");
    }
}

#[test]
fn redirect_keeps_name_and_query() {
    let site = Site::new(&[("a b\n?/index.html", "x")]);
    let (status, headers, _) = site.serve(&[]).get("/a%20b%0A%3F?q=1&%0d%0a");
    assert_eq!(status, 301);
    assert_eq!(headers["location"], "./a%20b%0A%3F/?q=1&%0d%0a");
}

#[test]
fn directory_without_an_index_is_404_by_default() {
    let site = Site::new(&[("sub/f", "x")]);
    assert_eq!(site.serve(&[]).get("/sub/").0, 404);
}

#[test]
fn listing_has_names_links_sizes_and_dates() {
    let site = Site::new(&ODD_NAMES.map(|(name, _)| (name, name)));
    site.write("sub/x", "x");
    site.write("big", &"x".repeat(2048));
    site.set_time("big", long_ago());
    let server = site.serve(&["--listing"]);
    let (status, headers, body) = server.get("/");
    assert_eq!(
        (status, headers["content-type"].as_str()),
        (200, "text/html; charset=utf-8")
    );
    assert!(headers["content-security-policy"].starts_with("default-src 'none'"));
    assert_eq!(headers["content-length"], body.len().to_string());
    let page = String::from_utf8(body).expect("text");
    assert!(page.contains("<a href=\"sub/\">sub/</a>"), "{page}");
    assert!(
        page.contains("2.0 KiB</td><td>06 Nov 1994 08:49 UTC"),
        "{page}"
    );
    for (name, target) in ODD_NAMES {
        assert!(
            page.contains(&format!("href=\"{}\"", &target[1..])),
            "{name}"
        );
    }
    assert!(page.contains(">&quot;&#39;&amp;&lt;&gt;.txt</a>"), "{page}");
    assert!(
        !page.contains("href=\"../\"") && !page.contains("http"),
        "{page}"
    );
}

#[test]
fn listing_of_a_subdirectory_leads_up() {
    let site = Site::new(&[("sub/f", "x")]);
    let server = site.serve(&["--listing"]);
    assert_eq!(server.get("/sub").0, 301);
    let page = String::from_utf8(server.get("/sub/").2).expect("text");
    assert!(
        page.contains("href=\"../\"") && page.contains("href=\"f\""),
        "{page}"
    );
}

#[test]
fn listing_hides_dot_files_and_what_leads_out() {
    let site = Site::new(&[(".env", "x"), (".well-known/x", "x"), ("here", "x")]);
    let root = site.root();
    symlink("../secret", root.join("link-out")).expect("a link");
    symlink("..", root.join("up")).expect("a link");
    symlink("nowhere", root.join("dangling")).expect("a link");
    symlink("here", root.join("link-in")).expect("a link");
    fs::write(root.join("back\\slash"), "x").expect("a file");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(root.join("fifo"))
            .status()
            .is_ok_and(|status| status.success())
    );
    let page = String::from_utf8(site.serve(&["--listing"]).get("/").2).expect("text");
    for hidden in [
        ".env",
        ".well-known",
        "link-out",
        "up",
        "dangling",
        "slash",
        "fifo",
        "secret",
    ] {
        assert!(!page.contains(&format!("{hidden}</a>")), "{hidden}: {page}");
        assert!(
            !page.contains(&format!("{hidden}/</a>")),
            "{hidden}: {page}"
        );
    }
    for shown in ["here", "link-in"] {
        assert!(page.contains(&format!("href=\"{shown}\"")), "{page}");
    }
}

#[test]
fn listing_has_directories_first_and_names_in_order() {
    let site = Site::new(&[("b", "1"), ("a", "22"), ("z/f", "x"), ("y/f", "x")]);
    let page = String::from_utf8(site.serve(&["--listing"]).get("/").2).expect("text");
    let links: Vec<&str> = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(links, ["y/", "z/", "a", "b"]);
}

#[test]
fn index_goes_before_the_listing() {
    let site = Site::new(&[("index.html", "index"), ("f", "x")]);
    assert_eq!(site.serve(&["--listing"]).get("/").2, b"index");
}

#[test]
fn index_that_is_refused_is_not_replaced_by_a_listing() {
    let site = Site::new(&[("f", "x")]);
    symlink("../secret", site.root().join("index.html")).expect("a link");
    assert_eq!(site.serve(&["--listing", "--spa"]).get("/").0, 404);
}

#[test]
fn head_of_a_listing_has_its_length_only() {
    let site = Site::new(&[("f", "x")]);
    let server = site.serve(&["--listing"]);
    let (status, headers, body) = server.request("HEAD", "/", "");
    assert_eq!((status, body.len()), (200, 0));
    let length = server.get("/").2.len().to_string();
    assert_eq!(headers["content-length"], length);
}

#[test]
fn spa_answers_unknown_paths_with_the_index() {
    let site = Site::new(&[("index.html", "index"), ("app.js", "app"), ("sub/f", "f")]);
    let server = site.serve(&["--spa"]);
    for target in ["/users", "/users/7/", "/v1.0/users?q=a.b", "/sub/"] {
        let (status, headers, body) = server.get(target);
        assert_eq!((status, &body[..]), (200, &b"index"[..]), "{target}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    }
    assert_eq!(server.get("/app.js").2, b"app");
}

#[test]
fn spa_leaves_refusals_as_they_are() {
    let site = Site::new(&[("index.html", "index")]);
    symlink("../secret", site.root().join("out")).expect("a link");
    let server = site.serve(&["--spa"]);
    for (target, expected) in [
        ("/missing.js", 404),
        ("/users.", 404),
        ("/.git", 404),
        ("/.git/config", 404),
        ("/.well-known/change-password", 404),
        ("/out", 404),
        ("/index.html/users", 404),
        ("//users", 404),
        ("/../users", 400),
        ("/a%2fb", 400),
        ("/a%00", 400),
    ] {
        let (status, _, body) = server.get(target);
        assert_eq!(status, expected, "{target}");
        assert_ne!(body, b"index", "{target}");
    }
    let long = format!("/{}", "a".repeat(8192));
    assert_eq!(server.get(&long).0, 404);
    assert_eq!(server.request("POST", "/users", "").0, 405);
}

#[test]
fn spa_without_an_index_is_404() {
    let site = Site::new(&[("f", "x")]);
    assert_eq!(site.serve(&["--spa"]).get("/users").0, 404);
}

#[test]
fn listing_and_spa_want_a_staticdir() {
    for flag in ["--listing", "--spa"] {
        let output = run(&["--port=0", flag, "cat"]);
        assert_eq!(output.code, Some(2), "{output:?}");
        let first = output.stderr.lines().next().unwrap_or_default();
        assert!(
            first.contains(flag) && first.contains("--staticdir"),
            "{first}"
        );
    }
}

/// Reads a head, and leaves the body where it is.
fn begin(server: &Server, target: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    (stream, String::from_utf8(head).expect("text"))
}

/// How many bytes come until the server closes, in order or not.
fn count(mut stream: TcpStream) -> u64 {
    let (mut sum, mut buffer) = (0, vec![0; 1 << 16]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return sum,
            Ok(count) => sum += count as u64,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return sum,
            Err(error) => panic!("the connection does not end: {error}"),
        }
    }
}

/// More than the kernel takes off the server's hands at once.
const LARGE: u64 = 64 << 20;

fn sparse(site: &Site, name: &str, length: u64) -> File {
    let file = File::create(site.root().join(name)).expect("a file");
    file.set_len(length).expect("its length");
    file
}

#[test]
fn large_and_small_answers_follow_each_other_unmixed() {
    let large: String = (0..500_000).map(|number| format!("{number:07}")).collect();
    let site = Site::new(&[("large", &large), ("small", "small")]);
    let server = site.serve(&[]);
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // All at once, so that one answer is begun while the other is still on its way.
    for (target, headers) in [
        ("/large", ""),
        ("/small", ""),
        ("/large", "Range: bytes=777777-2999999\r\n"),
        ("/large", "Connection: close\r\n"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
    }
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("all of them");
    let mut rest = &answers[..];
    for body in [&large, "small", &large[777_777..3_000_000], &large] {
        let (_, behind) = rest.split_once("\r\n\r\n").expect("a head");
        assert!(behind.starts_with(body));
        rest = &behind[body.len()..];
    }
    assert_eq!(rest, "");
}

#[test]
fn file_that_shrinks_breaks_the_connection() {
    let site = Site::new(&[]);
    let file = sparse(&site, "f", LARGE);
    let server = site.serve(&[]);
    let (stream, head) = begin(&server, "/f");
    assert!(
        head.contains(&format!("Content-Length: {LARGE}\r\n")),
        "{head}"
    );
    file.set_len(LARGE / 64).expect("its length");
    assert!(count(stream) < LARGE);
    assert_eq!(server.get("/f").0, 200);
}

#[test]
fn file_that_grows_is_sent_up_to_the_announced_length() {
    let site = Site::new(&[("next", "next")]);
    let file = sparse(&site, "f", LARGE);
    let server = site.serve(&[]);
    let (mut stream, _) = begin(&server, "/f");
    file.set_len(LARGE * 2).expect("its length");
    let mut body = (&mut stream).take(LARGE);
    std::io::copy(&mut body, &mut std::io::sink()).expect("all of it");
    // What follows on the connection is the next answer.
    let request = "GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nnext"), "{answer}");
}

#[test]
fn file_that_is_rewritten_all_the_time_never_has_a_corrupt_length() {
    let site = Site::new(&[("f", "")]);
    let server = site.serve(&[]);
    let path = site.root().join("f");
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let writer = thread::spawn(move || {
        while !is_done.load(Ordering::Relaxed) {
            for length in [0_usize, 1, 1000, 300_000] {
                fs::write(&path, vec![b'x'; length]).expect("a file");
            }
        }
    });
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = "GET /f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        assert!(
            end.as_ref().map_err(std::io::Error::kind).err() != Some(ErrorKind::WouldBlock),
            "{end:?}"
        );
        // A connection that breaks before the head says nothing wrong either.
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let announced = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok())
            .expect("a length");
        assert!(
            body.len() <= announced && body.bytes().all(|byte| byte == b'x'),
            "{head}, and {} bytes: {:?}",
            body.len(),
            body.get(..80)
        );
    }
    done.store(true, Ordering::Relaxed);
    writer.join().expect("the writer ends");
}

/// Mounts what a container sees, and becomes what follows.
const IN_A_CONTAINER: &str = "
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/lower /mnt/upper /mnt/work /mnt/site
head -c 50000 /dev/zero > /mnt/lower/f
mount -t overlay -o userxattr,lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/site
exec \"$0\" \"$@\"
";

#[test]
fn file_in_a_container_is_read_by_who_serves_it() {
    let server = Gateway::new()
        .under(&["unshare", "-r", "-m", "sh", "-c", IN_A_CONTAINER])
        .args(["--staticdir=/mnt/site", "--workers=1"])
        .start();
    let get = || server.request("GET", "/f", "").2.len() as u64;
    // Who answers is there, which the worker need not be when it is said that the server listens.
    get();
    // The worker was there before any other.
    let read = || threads_by_read(&server).remove(0);
    // What the file system is another thread asks, behind the first answer.
    eventually("the worker reads the file itself", || {
        let before = read();
        let length = get();
        let after = read();
        assert_eq!((length, after.0), (50_000, before.0));
        after.1 - before.1 > length
    });
}

/// The threads that serve, or wait for the disk, in the order of their starts, and how many bytes each has read.
fn threads_by_read(server: &Server) -> Vec<(i32, u64)> {
    let threads = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("threads");
    let mut found: Vec<_> = threads
        .flatten()
        .filter_map(|thread| {
            let text = |file| fs::read_to_string(thread.path().join(file)).ok();
            let is_one = text("comm")? == "tokio-rt-worker\n";
            let line = text("io")?
                .lines()
                .find_map(|line| line.strip_prefix("rchar: ")?.parse().ok());
            let id = thread.file_name().into_string().ok()?.parse().ok()?;
            is_one.then_some((id, line?))
        })
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn large_file_takes_little_memory() {
    let site = Site::new(&[]);
    sparse(&site, "f", 10 << 30);
    let server = site.serve(&[]);
    let (stream, _) = begin(&server, "/f");
    let mut part = stream.take(512 << 20);
    let copied = std::io::copy(&mut part, &mut std::io::sink()).expect("half of a GiB");
    assert_eq!(copied, 512 << 20);
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("proc");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    assert!(peak.is_some_and(|kib| kib < 64 << 10), "{peak:?} KiB");
    // Its end is there at once.
    let (status, headers, body) = server.request("GET", "/f", "Range: bytes=-3\r\n");
    assert_eq!((status, &body[..]), (206, &b"\0\0\0"[..]));
    assert_eq!(
        headers["content-range"],
        "bytes 10737418237-10737418239/10737418240"
    );
}

#[test]
fn file_under_a_lease_is_waited_for_without_work() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a.txt");
    fs::write(&file, "text").expect("a file");
    let lease = Lease::take(&file);
    let flag = format!("--staticdir={}", directory.path().display());
    let server = Gateway::new().args([&flag]).start();
    let (address, before) = (server.address, ticks(&server));
    let asking = std::thread::spawn(move || {
        let request = "GET /a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        crate::support::http(address, request)
    });
    // Long enough to see whether a processor is busy for it: a second is a hundred ticks.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let work = ticks(&server) - before;
    assert!(!asking.is_finished(), "there was no lease");
    drop(lease);
    assert_eq!(asking.join().expect("an answer").2, b"text");
    assert!(work < 30, "{work} ticks of a processor");
}

/// Processor time of a server (proc_pid_stat(5)).
fn ticks(server: &crate::support::Server) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("it runs");
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    let times = fields.skip(11).take(2);
    times
        .map(|time| time.parse::<u64>().expect("a number"))
        .sum()
}

#[test]
fn program_of_a_route_is_never_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    for name in ["command", "route", "other"] {
        script(path, name, "#!/bin/sh\necho secret\n");
    }
    std::os::unix::fs::symlink("route", path.join("link")).expect("a link");
    let server = Gateway::new()
        .args([
            format!("--staticdir={}", path.display()),
            format!("--route=/r={}", path.join("route").display()),
            path.join("command").display().to_string(),
        ])
        .start();
    let statuses = || ["/command", "/route", "/link", "/other"].map(|target| server.get(target).0);
    assert_eq!(statuses(), [404, 404, 404, 200]);
    // As editors save.
    script(path, "new", "#!/bin/sh\necho another secret\n");
    fs::rename(path.join("new"), path.join("route")).expect("one file system");
    assert_eq!(statuses(), [404, 404, 404, 200]);
    assert_eq!(server.text("/"), "secret");
    assert_eq!(server.text("/r"), "another secret");
}
