//! What a request is told of sessions without a WebSocket where pages answer: what `docs/plain-http.md` says of GET and HEAD.

use crate::support::Gateway;

#[test]
fn who_finds_no_page_is_told_of_post_where_it_is_answered() {
    let files = tempfile::tempdir().expect("a directory");
    let path = files.path().display();
    for pages in ["--staticdir", "--cgidir"] {
        let server = Gateway::with("--plain-http")
            .args([&format!("{pages}={path}"), "--route=/cat=cat"])
            .start();
        let (status, _, body) = server.get("/cat");
        let body = String::from_utf8_lossy(&body);
        assert_eq!(status, 404);
        for words in ["no page", "POST", "Accept: text/event-stream"] {
            assert!(body.contains(words), "{body}");
        }
        assert_eq!(server.request("HEAD", "/cat", "").0, 404);
        assert_eq!(
            server.get("/other").2,
            b"there is no page at this address\n"
        );
    }
}

#[test]
fn methods_that_are_allowed_are_those_that_are_answered() {
    let files = tempfile::tempdir().expect("a directory");
    let page = format!("--staticdir={}", files.path().display());
    let server = Gateway::with("--plain-http")
        .args([&page, "--devconsole", "--route=/cat=cat", "--route=/=cat"])
        .start();
    let all = "GET, HEAD, POST, PUT, OPTIONS";
    for (method, target, status, allow) in [
        ("DELETE", "/cat", 405, all),
        ("OPTIONS", "/cat", 204, all),
        ("DELETE", "/", 405, all),
        ("OPTIONS", "*", 204, all),
        ("DELETE", "/.well-known/wsd.js", 405, "GET, HEAD, OPTIONS"),
    ] {
        let (found, headers, _) = server.request(method, target, "");
        let found = (found, headers["allow"].as_str());
        assert_eq!(found, (status, allow), "{method} {target}");
    }
    let server = Gateway::with("--plain-http")
        .args([&page, "--route=/cat=cat"])
        .start();
    let (_, headers, _) = server.request("DELETE", "/other", "");
    assert_eq!(headers["allow"], "GET, HEAD, OPTIONS");
}
