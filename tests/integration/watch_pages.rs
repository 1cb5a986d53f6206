//! `--watch`, and pages: the script that is added to them, and what it is told.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::PathBuf,
};

use tempfile::TempDir;

use crate::{
    browser::browse,
    support::{Gateway, PATIENCE, Server, Signal, http::Answer, script},
};

const SCRIPT: &str = "/.well-known/wsd-watch.js";
const STREAM: &str = "/.well-known/wsd-watch";
const TAG: &str = "<script src=\"/.well-known/wsd-watch.js\"";

/// A server of files, and where these are.
struct Site {
    directory: TempDir,
    server: Server,
}

impl Site {
    /// With these words, in which DIR is the directory that is served, and these files.
    fn new(words: &str, files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).expect("a file");
        }
        let path = directory.path().display().to_string();
        let words = words.split_whitespace();
        let words: Vec<_> = words.map(|word| word.replace("DIR", &path)).collect();
        let server = Gateway::new()
            .args([format!("--staticdir={path}")])
            .args(words)
            .start();
        Site { directory, server }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).expect("a file");
    }

    fn stream(&self) -> Updates {
        Updates::new(&self.server, "")
    }
}

/// What pages are told.
struct Updates(BufReader<TcpStream>);

impl Updates {
    /// Asks with these headers, each a line with its end, and reads up to the first state.
    fn new(server: &Server, headers: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = format!("GET {STREAM} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the server reads");
        let mut updates = Updates(BufReader::new(stream));
        assert_eq!(updates.line(), "HTTP/1.1 200 OK");
        updates.line_with("retry: ");
        updates
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// The rest of the next line that begins so.
    fn line_with(&mut self, start: &str) -> String {
        for _ in 0..100 {
            if let Some(rest) = self.line().strip_prefix(start) {
                return rest.to_owned();
            }
        }
        panic!("there is no line with {start}");
    }

    fn next(&mut self) -> String {
        self.line_with("data: ")
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.2.clone()).expect("text")
}

const PAGE: (&str, &[u8]) = ("index.html", b"<!doctype html><p>Hello");

#[test]
fn page_ends_with_the_script_and_its_length_is_that_of_both() {
    let site = Site::new("--watch", &[PAGE]);
    let page = site.server.get("/");
    let (status, headers, _) = &page;
    let body = text(&page);
    assert_eq!(*status, 200);
    assert!(body.starts_with("<!doctype html><p>Hello\n"), "{body}");
    assert!(
        body.trim_end().ends_with("></script>") && body.contains(TAG),
        "{body}"
    );
    assert_eq!(headers["content-length"], body.len().to_string());
    assert_eq!(headers["cache-control"], "no-store");
    for name in ["etag", "last-modified", "accept-ranges"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    let head = site.server.request("HEAD", "/", "");
    assert_eq!(head.1["content-length"], headers["content-length"]);
    assert!(head.2.is_empty() && !head.1.contains_key("etag"));
}

#[test]
fn nothing_of_it_is_there_without_the_flag() {
    let site = Site::new("cat", &[PAGE]);
    let page = site.server.get("/");
    assert_eq!(page.2, PAGE.1);
    assert!(page.1.contains_key("etag") && !page.1.contains_key("cache-control"));
    for path in [SCRIPT, STREAM] {
        assert_eq!(site.server.get(path).0, 404, "{path}");
    }
}

#[test]
fn whatever_a_client_has_of_a_page_it_gets_the_whole() {
    let site = Site::new("--watch", &[PAGE]);
    for headers in [
        "If-None-Match: *\r\n",
        "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n",
        "If-Match: \"x\"\r\n",
    ] {
        let page = site.server.request("GET", "/", headers);
        assert_eq!(page.0, 200, "{headers}");
        assert!(text(&page).contains(TAG), "{headers}");
    }
}

#[test]
fn part_of_a_page_and_one_that_is_compressed_stay_as_they_are() {
    let site = Site::new("--watch", &[PAGE, ("index.html.gz", b"packed")]);
    let part = site.server.request("GET", "/", "Range: bytes=0-8\r\n");
    assert_eq!((part.0, &part.2[..]), (206, &b"<!doctype"[..]));
    assert_eq!(
        part.1["content-range"],
        format!("bytes 0-8/{}", PAGE.1.len())
    );
    let packed = site.server.request("GET", "/", "Accept-Encoding: gzip\r\n");
    assert_eq!((packed.0, &packed.2[..]), (200, &b"packed"[..]));
    assert_eq!(packed.1["content-encoding"], "gzip");
}

#[test]
fn other_files_stay_as_they_are_and_are_asked_for_each_time() {
    let site = Site::new(
        "--watch",
        &[
            PAGE,
            ("a.js", b"1"),
            ("a.txt", b"<p>"),
            ("a.svg", b"<svg/>"),
        ],
    );
    for name in ["/a.js", "/a.txt", "/a.svg"] {
        let file = site.server.get(name);
        assert!(!text(&file).contains("script"), "{name}");
        assert_eq!(file.1["cache-control"], "no-cache", "{name}");
        let known = format!("If-None-Match: {}\r\n", file.1["etag"]);
        let again = site.server.request("GET", name, &known);
        assert_eq!(
            (again.0, &*again.1["cache-control"]),
            (304, "no-cache"),
            "{name}"
        );
    }
}

#[test]
fn page_in_utf_16_has_the_script_in_utf_16() {
    let encode = |text: &str| -> Vec<u8> {
        let units = [0xfeff].into_iter().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let long = format!("<p>żółw{}", " ".repeat(200_000));
    let pages = [encode("<p>żółw"), encode(&long)];
    let site = Site::new("--watch", &[("a.html", &pages[0]), ("b.html", &pages[1])]);
    for (name, page) in ["/a", "/b"].iter().zip(&pages) {
        let (status, headers, body) = site.server.get(name);
        assert_eq!((status, body.len() % 2), (200, 0));
        assert_eq!(headers["content-length"], body.len().to_string());
        assert!(body.starts_with(page));
        let units: Vec<u16> = body
            .chunks(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .collect();
        let decoded = String::from_utf16(&units).expect("UTF-16");
        assert!(decoded.trim_end().ends_with("></script>") && decoded.contains(TAG));
    }
}

#[test]
fn page_of_fifty_megabytes_is_not_taken_into_memory() {
    const LENGTH: usize = 50 << 20;
    let site = Site::new("--watch", &[]);
    let file = File::create(site.at("a.html")).expect("a file");
    file.set_len(LENGTH as u64).expect("room");
    let (status, headers, body) = site.server.get("/a.html");
    assert_eq!(status, 200);
    assert_eq!(headers["content-length"], body.len().to_string());
    let (page, script) = body.split_at(LENGTH);
    assert!(page.iter().all(|byte| *byte == 0));
    assert!(script.starts_with(format!("\n{TAG}").as_bytes()));
    let status = fs::read_to_string(format!("/proc/{}/status", site.server.pid()));
    let status = status.expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: usize = peak
        .and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok())
        .expect("a number");
    assert!(peak < LENGTH >> 10, "{peak} kB");
}

/// A server of one script.
fn cgi(words: &str, script_text: &str) -> (TempDir, Server) {
    let directory = tempfile::tempdir().expect("a directory");
    script(
        directory.path(),
        "page",
        &format!("#!/bin/sh\n{script_text}\n"),
    );
    let flag = format!("--cgidir={}", directory.path().display());
    let words = words.split_whitespace();
    let server = Gateway::new().args([flag]).args(words).start();
    (directory, server)
}

/// The content of a body that is sent in chunks.
fn dechunked((_, headers, body): &Answer) -> String {
    assert_eq!(headers["transfer-encoding"], "chunked");
    let (mut rest, mut content) = (std::str::from_utf8(body).expect("text"), String::new());
    loop {
        let (length, data) = rest.split_once("\r\n").expect("a chunk");
        let length = usize::from_str_radix(length, 16).expect("a length");
        if length == 0 {
            return content;
        }
        content.push_str(&data[..length]);
        rest = &data[length + 2..];
    }
}

#[test]
fn page_of_a_script_ends_with_the_script_too() {
    for length in ["", "Content-Length: 3\\n"] {
        let program = format!("printf 'Content-Type: text/html\\nETag: \"x\"\\n{length}\\n<p>'");
        let (_directory, server) = cgi("--watch", &program);
        let page = server.get("/page");
        assert!(
            dechunked(&page).starts_with(&format!("<p>\n{TAG}")),
            "{page:?}"
        );
        assert!(!page.1.contains_key("etag"));
        let head = server.request("HEAD", "/page", "");
        assert!(
            head.2.is_empty() && !head.1.contains_key("content-length"),
            "{head:?}"
        );
    }
}

#[test]
fn other_answers_of_a_script_stay_as_they_are() {
    for (fields, status) in [
        ("Content-Type: text/plain\\n", 200),
        ("Content-Type: text/html\\nContent-Encoding: gzip\\n", 200),
        (
            "Status: 206 Partial Content\\nContent-Type: text/html\\n",
            206,
        ),
    ] {
        let program = format!("printf '{fields}Content-Length: 3\\nETag: \"x\"\\n\\n<p>'");
        let (_directory, server) = cgi("--watch", &program);
        let (found, headers, body) = server.get("/page");
        assert_eq!((found, &body[..]), (status, &b"<p>"[..]), "{fields}");
        assert_eq!(headers["etag"], "\"x\"", "{fields}");
    }
}

#[test]
fn pages_are_told_what_to_do_and_not_what_has_changed() {
    let files = [PAGE, ("a.css", &b"p {}"[..])];
    let site = Site::new("--watch", &files);
    let mut updates = site.stream();
    site.write("a.css", "p { color: red }");
    assert_eq!(updates.next(), "style");
    site.write("index.html", "<p>other");
    assert_eq!(updates.next(), "page");
    site.write("a.css", "p {}");
    site.write("a.js", "1");
    assert_eq!(updates.next(), "page");
    fs::remove_file(site.at("a.css")).expect("it is there");
    assert_eq!(updates.next(), "page");
}

#[test]
fn page_learns_what_has_changed_since_it_was_sent() {
    let site = Site::new("--watch", &[PAGE]);
    let state = || {
        let page = text(&site.server.get("/"));
        let (_, rest) = page.split_once("data-state=\"").expect("a state");
        rest.split('"').next().expect("a state").to_owned()
    };
    let before = state();
    let mut updates = site.stream();
    site.write("index.html", "<p>other");
    assert_eq!(updates.next(), "page");
    let after = state();
    assert_ne!(before, after);
    let mut late = Updates::new(&site.server, &format!("Last-Event-ID: {before}\r\n"));
    assert_eq!(late.line_with("id: "), before);
    assert_eq!(late.line_with("id: "), after);
    assert_eq!(late.next(), "page");
    let mut stranger = Updates::new(&site.server, "Last-Event-ID: x-1\r\n");
    assert_eq!(stranger.next(), "page");
}

#[test]
fn page_of_another_origin_gets_nothing_of_it() {
    let site = Site::new("--watch --origin=* --cors", &[PAGE]);
    for path in [SCRIPT, STREAM] {
        for headers in [
            "Origin: http://evil.example\r\n",
            "Origin: null\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
        ] {
            let answer = site.server.request("GET", path, headers);
            assert_eq!(answer.0, 403, "{path} {headers}");
            assert!(
                !answer.1.contains_key("access-control-allow-origin"),
                "{answer:?}"
            );
        }
        assert_eq!(site.server.request("POST", path, "").0, 405, "{path}");
        let options = site.server.request("OPTIONS", path, "");
        assert_eq!(options.1["allow"], "GET, HEAD, OPTIONS", "{path}");
    }
    let script = site
        .server
        .request("GET", SCRIPT, "Sec-Fetch-Site: same-origin\r\n");
    assert_eq!(script.0, 200);
    assert!(script.1["content-type"].starts_with("text/javascript"));
    assert!(!script.1.contains_key("access-control-allow-origin"));
}

#[test]
fn login_of_the_site_is_asked_for_by_the_script_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let tokens = directory.path().join("tokens");
    fs::write(&tokens, "").expect("a file");
    let flag = format!("--bearer-tokens={}", tokens.display());
    let server = Gateway::new().args(["--watch", &flag, "cat"]).start();
    for path in [SCRIPT, STREAM] {
        assert_eq!(server.get(path).0, 401, "{path}");
    }
}

#[test]
fn program_that_plain_requests_are_for_leaves_it_alone() {
    let site = Site::new("--watch --plain-http cat", &[PAGE]);
    for path in [SCRIPT, STREAM] {
        assert_eq!(
            site.server.request("POST", path, "Content-Length: 0\r\n").0,
            405,
            "{path}"
        );
    }
}

#[test]
fn script_is_where_a_proxy_has_the_site() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("index.html"), "<p>").expect("a file");
    let tokens = directory.path().join("tokens");
    fs::write(&tokens, "").expect("a file");
    let server = Gateway::with("--watch --trust-proxy=127.0.0.1 --trust-prefix --authorize=true")
        .args([format!("--staticdir={}", directory.path().display())])
        .start();
    let page = server.request("GET", "/", "X-Forwarded-Prefix: /apps/one\r\n");
    assert!(
        text(&page).contains("src=\"/apps/one/.well-known/wsd-watch.js\""),
        "{page:?}"
    );
}

#[test]
fn program_beneath_the_files_is_no_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = script(
        directory.path(),
        "program",
        "#!/bin/sh\necho one; exec cat\n",
    );
    let words = [
        "--watch".to_owned(),
        format!("--staticdir={}", directory.path().display()),
        program.display().to_string(),
    ];
    let server = Gateway::new().args(words).start();
    let site = Site { directory, server };
    let mut updates = site.stream();
    let mut client = site.server.connect();
    assert_eq!(client.text(), "one");
    script(
        site.directory.path(),
        "program",
        "#!/bin/sh\necho two; cat\n",
    );
    assert_eq!(client.closed().0, 1012);
    site.write("a.css", "p {}");
    assert_eq!(updates.next(), "style");
}

#[test]
fn script_that_has_changed_has_its_pages_load_anew_and_what_it_writes_has_not() {
    let program = "printf 'Content-Type: text/html\\n\\n<p>'; echo x >> hits";
    let (directory, mut server) = cgi("--watch", program);
    let mut updates = Updates::new(&server, "");
    server.get("/page");
    server.wait_for_line("hits has changed");
    script(
        directory.path(),
        "page",
        &format!("#!/bin/sh\n{program}; true\n"),
    );
    assert_eq!(updates.next(), "page");
    // The first of all.
    let state = text(&(
        0,
        Default::default(),
        dechunked(&server.get("/page")).into_bytes(),
    ));
    assert!(state.contains("-1\""), "{state}");
}

#[test]
fn stop_does_not_wait_for_open_pages() {
    let mut site = Site::new("--watch --drain-timeout=1000", &[PAGE]);
    let mut updates = site.stream();
    site.server.signal(Signal::TERM);
    assert!(site.server.wait().success());
    while !updates.line().is_empty() {}
}

#[test]
fn open_pages_follow_their_files() {
    let site = Site::new("--watch", &[]);
    let directory = site.directory.path().display().to_string();
    browse("watch", &[&site.server.url, &directory]);
}
