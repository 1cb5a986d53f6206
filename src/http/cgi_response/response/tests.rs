//! What scripts print, and what becomes of it.

use super::{super::properties, *};
use proptest::prelude::*;

fn head(block: &str) -> Head {
    match parse(block.as_bytes(), Dialect::Parsed) {
        Ok(Reply::Document(head)) => head,
        other => panic!("{block:?}: {other:?}"),
    }
}

fn error(block: &str, dialect: Dialect) -> BadHeader {
    parse(block.as_bytes(), dialect).expect_err(block)
}

#[test]
fn status_is_the_scripts_or_follows_from_the_location() {
    for (block, status) in [
        ("Content-Type: text/plain\n\n", 200),
        ("Content-Type: text/plain\r\n\r\n", 200),
        ("X: y\n\r\n", 200),
        ("Status: 404\n\n", 404),
        ("status:404 Not here\nX: y\n\n", 404),
        ("Status: 201 Created\r\nContent-Type: a/b\r\n\r\n", 201),
        ("Location: http://example.org/\n\n", 302),
        ("Location: relative\n\n", 302),
        ("Location: /path#part\n\n", 302),
        ("Status: 301\nLocation: /path\n\n", 301),
        ("Status: 303 See Other\nLocation: //other.example/\n\n", 303),
    ] {
        assert_eq!(head(block).status, status, "{block:?}");
    }
}

#[test]
fn path_without_a_status_is_a_local_redirect() {
    for block in [
        "Location: /path?query=1\n\n",
        "Content-Type: text/html\nLocation: /path?query=1\n\n",
    ] {
        let reply = parse(block.as_bytes(), Dialect::Parsed).expect(block);
        assert!(
            matches!(&reply, Reply::LocalRedirect(path) if path == "/path?query=1"),
            "{reply:?}"
        );
    }
}

#[test]
fn reason_is_the_scripts() {
    let reason = head("Status: 404 Gone fishing\n\n")
        .reason
        .expect("a reason");
    assert_eq!(reason.as_bytes(), b"Gone fishing");
    assert!(head("Status: 404\n\n").reason.is_none());
}

#[test]
fn headers_are_passed_on_but_for_those_of_the_connection() {
    let head = head(
        "Content-Type: a/b\nSet-Cookie: a=1\nSet-Cookie: b=2\nX-Empty:\nConnection: close, X-Mine\n\
         X-Mine: 1\nTransfer-Encoding: chunked\nKeep-Alive: 5\nUpgrade: x\nTrailer: y\n\n",
    );
    let cookies: Vec<_> = head.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(head.headers["x-empty"], "");
    assert_eq!(head.headers.len(), 4, "{:?}", head.headers);
}

#[test]
fn length_is_a_number_and_one() {
    assert_eq!(head("Content-Length: 12\n\n").length, Some(12));
    let twice = head("Content-Length: 12\nContent-Length: 12\n\n");
    assert_eq!(twice.headers.get_all("content-length").iter().count(), 1);
}

#[test]
fn what_is_no_header_is_refused() {
    for (block, expected) in [
        ("\n", BadHeader::Empty),
        ("\r\n", BadHeader::Empty),
        ("hello, world\n\n", BadHeader::Line(1)),
        ("Content-Type text/html\nX: y\n\n", BadHeader::Line(1)),
        ("X: y\nSet-Cookie : a=b\n\n", BadHeader::Line(2)),
        (
            "X: y\nCache-Control: no-store,\n private\n\n",
            BadHeader::Line(3),
        ),
        (
            "X: y\ncontent-security-policy: \x01\n\n",
            BadHeader::Line(2),
        ),
        ("X: y\nAccess-Control-Allow-Origin\n\n", BadHeader::Line(2)),
        ("X: y\nY: a\r\r\n\r\n", BadHeader::Line(2)),
        ("X: y\nY: a\rSet-Cookie: b\n\n", BadHeader::Line(2)),
        ("X: y\n folded\n\n", BadHeader::Line(2)),
        ("X : y\n\n", BadHeader::Line(1)),
        (": y\n\n", BadHeader::Line(1)),
        ("X: a\rb\n\n", BadHeader::Line(1)),
        ("X: a\0b\n\n", BadHeader::Line(1)),
        ("X\u{e9}: y\n\n", BadHeader::Line(1)),
        ("HTTP/1.1 OK\nX: y\n\n", BadHeader::StatusLine),
        ("X: y\nHTTP/1.1 200 OK\nLocation\n\n", BadHeader::Line(3)),
        ("Status: OK\n\n", BadHeader::Field("Status")),
        ("Status: 20\n\n", BadHeader::Field("Status")),
        ("Status: 2000\n\n", BadHeader::Field("Status")),
        ("Status: 099\n\n", BadHeader::Field("Status")),
        ("Status: 101 Switching\n\n", BadHeader::Field("Status")),
        ("Status: 200\nStatus: 200\n\n", BadHeader::Field("Status")),
        ("Location:\n\n", BadHeader::Field("Location")),
        ("Location: //evil/x\n\n", BadHeader::Field("Location")),
        ("Location: a\nLocation: b\n\n", BadHeader::Field("Location")),
        (
            "Content-Type: a/b\nContent-Type: a/c\n\n",
            BadHeader::Field("Content-Type"),
        ),
        ("Content-Length: -1\n\n", BadHeader::Field("Content-Length")),
        ("Content-Length: +1\n\n", BadHeader::Field("Content-Length")),
        ("Content-Length:\n\n", BadHeader::Field("Content-Length")),
        (
            "Content-Length: 1\nContent-Length: 2\n\n",
            BadHeader::Field("Content-Length"),
        ),
    ] {
        assert_eq!(error(block, Dialect::Parsed), expected, "{block:?}");
    }
}

#[test]
fn line_that_is_no_field_is_left_out() {
    for (block, dropped) in [
        ("<!--: spam\nX: y\n\n", &[1][..]),
        ("X: y\nhello\n\n", &[2]),
        ("Z: a,\n b\nX: y\n\n", &[2]),
        ("X: y\nZ: \x01\nZ : c\n\n", &[2, 3]),
    ] {
        let head = head(block);
        assert_eq!(head.dropped, dropped, "{block:?}");
        assert_eq!(
            (head.headers.len(), head.headers["x"].as_bytes()),
            (1, &b"y"[..])
        );
    }
}

#[test]
fn status_line_at_the_beginning_is_the_status() {
    let found = head("HTTP/1.0 404 Gone\nX: y\n\n");
    assert_eq!(found.status, 404);
    assert_eq!(found.reason.expect("a reason").as_bytes(), b"Gone");
    assert_eq!(head("HTTP/1.1 204 No Content\r\n\r\n").status, 204);
    assert_eq!(head("HTTP/2 203 OK\nX: y\n\n").status, 203);
    assert_eq!(head("HTTP/1.1 200 OK\nStatus: 500\n\n").status, 500);
    let found = head("HTTP/1.1 302 Found\nLocation: /x\n\n");
    assert_eq!(
        (found.status.as_u16(), &found.headers["location"]),
        (302, &"/x".parse().expect("a value"))
    );
}

#[test]
fn location_with_raw_utf_8_is_encoded() {
    let found = head("Status: 302\nLocation: /caf\u{e9}?q=\u{20ac}%20\n\n");
    assert_eq!(found.headers["location"], "/caf%C3%A9?q=%E2%82%AC%20");
    let reply = parse("Location: /caf\u{e9}\n\n".as_bytes(), Dialect::Parsed);
    assert!(matches!(reply, Ok(Reply::LocalRedirect(path)) if path == "/caf%C3%A9"));
    let latin = parse(b"Location: http://a/caf\xe9\n\n", Dialect::Parsed);
    assert_eq!(latin.expect_err("no UTF-8"), BadHeader::Field("Location"));
}

#[test]
fn nph_scripts_speak_http() {
    let block = b"HTTP/1.0 299 Mine\r\nLocation: /x\r\nContent-Length: 3\r\n\r\n";
    let Ok(Reply::Document(head)) = parse(block, Dialect::NonParsed) else {
        panic!("no document");
    };
    assert_eq!((head.status.as_u16(), head.length), (299, Some(3)));
    assert_eq!(head.headers["location"], "/x");
    for (block, expected) in [
        ("\n", BadHeader::Empty),
        ("Content-Type: a/b\n\n", BadHeader::StatusLine),
        ("HTTP/1.1 100 Continue\n\n", BadHeader::StatusLine),
        ("HTTP/1 200 OK\n\n", BadHeader::StatusLine),
        (
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n",
            BadHeader::Field("Transfer-Encoding"),
        ),
    ] {
        assert_eq!(error(block, Dialect::NonParsed), expected, "{block:?}");
    }
}

proptest! {
    #[test]
    fn all_that_holds_for_output_does(bytes: Vec<u8>) {
        properties::response(&bytes);
    }

    #[test]
    fn all_that_holds_for_headers_does(
        lines in prop::collection::vec("(HTTP/1.1 [0-9]{3}|Status: ?[0-9]{3}|Location: ?/|Content-Length: ?[0-9]|Connection: [a-z]|[A-Za-z: /0-9\\r]{0,20})[a-z/# ]{0,9}\r?\n", 0..6),
        behind in "\r?\n[a-z\r\n]{0,20}",
    ) {
        properties::response((lines.concat() + &behind).as_bytes());
    }
}
