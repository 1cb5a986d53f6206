//! Pages that wsd itself makes, for who looks at them in a browser: refusals and listings.

use std::fs;

use crate::{
    browser::browse,
    support::{Gateway, Server, login},
};

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

/// The status and the page of a path, as a browser gets them.
fn page(server: &Server, target: &str, headers: &str) -> (u16, String) {
    let (status, fields, body) = server.request("GET", target, &format!("{BROWSER}{headers}"));
    assert_eq!(
        fields["content-type"], "text/html; charset=utf-8",
        "{target}"
    );
    assert!(fields["content-security-policy"].starts_with("default-src 'none'"));
    assert_eq!(fields["x-content-type-options"], "nosniff");
    (status, String::from_utf8(body).expect("text"))
}

#[test]
fn refusal_is_a_page_for_browsers_and_plain_text_for_others() {
    let site = tempfile::tempdir().expect("a directory");
    let files = format!("--staticdir={}", site.path().display());
    let pages = Gateway::new().args([files.as_str(), "cat"]).start();
    let program = Gateway::with("cat").start();
    for (server, target, headers, status, text) in [
        (&pages, "/none", "", 404, "there is no page at this address"),
        (&pages, "/%00", "", 400, "NUL"),
        (&program, "/", "", 426, "this is a WebSocket address"),
        (&program, "/", "Host: evil.example\r\n", 400, "Host"),
    ] {
        let (found, text_of_page) = page(server, target, headers);
        assert_eq!(found, status, "{target}");
        assert!(
            text_of_page.starts_with("<!doctype html>"),
            "{text_of_page}"
        );
        assert!(text_of_page.contains(text), "{text_of_page}");
        assert!(
            text_of_page.contains(&format!("<h1>{status} ")),
            "{text_of_page}"
        );
        let (found, fields, body) = server.request("GET", target, headers);
        assert_eq!(
            (found, fields["content-type"].as_str()),
            (status, "text/plain; charset=utf-8")
        );
        assert_eq!(fields["vary"], "Accept");
        let plain = String::from_utf8(body).expect("text");
        assert!(plain.contains(text) && !plain.contains('<'), "{plain}");
    }
}

#[test]
fn page_of_a_program_leads_to_the_console_that_connects_to_it() {
    let server = Gateway::with("--devconsole --trust-proxy=127.0.0.1 --trust-prefix cat").start();
    let (status, text) = page(&server, "/chat?a=%22b", "");
    assert_eq!(status, 426);
    assert!(
        text.contains("<a href=\"/#path=/chat%3Fa%3D%2522b\">"),
        "{text}"
    );
    let (_, text) = page(
        &server,
        "/chat",
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Prefix: /app\r\n",
    );
    assert!(text.contains("<a href=\"/app/#path=/app/chat\">"), "{text}");
    let without = Gateway::with("cat").start();
    assert!(!page(&without, "/chat", "").1.contains("<a "));
}

#[test]
fn nothing_of_a_request_is_markup_in_a_page() {
    let site = tempfile::tempdir().expect("a directory");
    let files = format!("--staticdir={}", site.path().display());
    let hostile = "<script>alert(1)</script>";
    for words in [&["--devconsole", "cat"][..], &["--listing", &files]] {
        let server = Gateway::new().args(words).start();
        for target in [
            "/%3Cscript%3Ealert(1)%3C/script%3E",
            "/<script>alert(1)</script>",
            "/x?<script>alert(1)</script>",
            "/x?\"><script>alert(1)</script>",
        ] {
            let (_, fields, body) = server.request("GET", target, BROWSER);
            assert!(fields["content-type"].starts_with("text/html"), "{target}");
            assert!(
                !String::from_utf8_lossy(&body).contains("<script"),
                "{target}"
            );
        }
        let foreign = format!(
            "{BROWSER}Origin: http://{hostile}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        );
        let (_, _, body) = server.request("GET", "/", &foreign);
        assert!(!String::from_utf8_lossy(&body).contains("<script"));
    }
}

#[test]
fn who_is_logged_out_sees_a_page() {
    let server = login::site("", "basic-auth = \"DIR/users\"\n")
        .program("cat")
        .start();
    let (status, text) = page(&server, "/.well-known/wsd-logout", "");
    assert!(
        status == 401 && text.contains("you are logged out"),
        "{text}"
    );
}

#[test]
fn pages_are_readable_on_a_phone() {
    let site = tempfile::tempdir().expect("a directory");
    let long =
        "a-file-with-a-name-that-is-much-longer-than-a-phone-is-wide-and-has-no-space-in-it.tar.gz";
    for name in [long, "short.txt", "<b>bold<b> & \"quoted\".txt"] {
        fs::write(site.path().join(name), "x".repeat(3000)).expect("a file");
    }
    fs::create_dir(site.path().join("a directory")).expect("a directory");
    let files = format!("--staticdir={}", site.path().display());
    let server = Gateway::new()
        .args([files.as_str(), "--listing", "--devconsole", "cat"])
        .start();
    // The console is at the top.
    let top = site.path().join("shown");
    fs::create_dir(&top).expect("a directory");
    for entry in fs::read_dir(site.path()).expect("a directory").flatten() {
        if entry.file_type().expect("a type").is_file() {
            fs::copy(entry.path(), top.join(entry.file_name())).expect("a copy");
        }
    }
    browse("own_pages", &[&server.url, long]);
}

#[test]
fn page_in_whose_place_another_stands_is_named_at_the_start() {
    let site = tempfile::tempdir().expect("a directory");
    let files = format!("--staticdir={}", site.path().display());
    let start = |words: &[&str]| {
        Gateway::new()
            .args([words, &[&files, "cat"]].concat())
            .start()
    };
    let mut without_a_page = start(&["--devconsole"]);
    assert!(!without_a_page.log().contains("index.html"));
    fs::write(site.path().join("index.html"), "mine").expect("a file");
    for (words, expected) in [
        (&["--devconsole"][..], "--devconsole: the console"),
        (
            &["--devconsole", "--terminal", "--readonly"],
            "--terminal: the terminal",
        ),
    ] {
        let mut server = start(words);
        let expected = format!("WARN {expected} is at / in the place of");
        let log = server.log();
        assert!(log.contains(&expected), "{log}");
        assert_eq!(server.get("/index.html").2, b"mine");
    }
    assert!(!start(&[]).log().contains("index.html"));
}
