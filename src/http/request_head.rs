//! The head of a request by HTTP/1.1 (RFC 9112 §2.1), looked at before the HTTP library reads it: [`RequestHead`];
//! pure.
//!
//! The library refuses a head without a word. It takes one with both Content-Length and Transfer-Encoding, and forgets
//! the former before anybody sees it. And its targets have none of the raw characters that other servers take. So a
//! head is read here first, by the parser that the library has too.

use std::mem::MaybeUninit;

use bytes::Bytes;
use httparse::{Error, Header, Request, Status};
use hyper::{
    Method, Uri, header,
    http::{request::Parts, uri::PathAndQuery},
};
use memchr::memmem;

/// Fields that a head may have: hyper takes no more.
const MAX_FIELDS: usize = 100;
/// The longest body that hyper takes for one.
const MAX_LENGTH: u64 = u64::MAX - 2;
/// How much of a request line is shown, in bytes.
const LINE_SHOWN: usize = 200;

/// What has to be known of a head to find the next one.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// Its length in bytes, with the empty line.
    pub length: usize,
    /// What follows it.
    pub body: BodyLength,
    /// The same head with its target as the library takes it, and the target as it came, where the two are not the
    /// same.
    pub rewritten: Option<(Vec<u8>, RawTarget)>,
}

/// Where the body of a request ends (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// Behind so many bytes.
    Sized(u64),
    /// Where its last chunk says.
    Chunked,
}

/// A request's target as it came, where its `Uri` has some characters percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawTarget(pub Bytes);

/// A request whose head is not to be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequest {
    /// What is wrong with it.
    pub reason: BadHead,
    /// The beginning of its first line.
    pub line: String,
    /// Whether the answer has a body: not to HEAD (RFC 9110 §9.3.2).
    pub is_head: bool,
    /// Whether more bytes may come that belong to it.
    pub may_go_on: bool,
}

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// RFC 9110 §9.1.
    #[error("what came is no HTTP request: it does not begin with a method")]
    Method,
    /// RFC 9112 §3.2.
    #[error(
        "the request's target is malformed: it begins with a slash, and has no spaces, control characters or bytes that are not UTF-8"
    )]
    Target,
    /// RFC 9112 §2.3.
    #[error("the request's version is not one of HTTP/1.1 and HTTP/1.0")]
    Version,
    /// RFC 9110 §5.1.
    #[error(
        "the name of a header field is malformed: it has letters, digits and some signs, and a colon behind it at once"
    )]
    FieldName,
    /// RFC 9110 §5.5.
    #[error("the value of a header field has control characters")]
    FieldValue,
    /// RFC 9112 §2.2.
    #[error("a line of the request's head ends with a carriage return alone")]
    LineEnd,
    /// More than hyper takes.
    #[error("the request has more than {MAX_FIELDS} header fields")]
    TooManyFields,
    /// More than a connection takes.
    #[error("the request's head is larger than {0} bytes")]
    TooLarge(usize),
    /// RFC 9110 §8.6.
    #[error("the Content-Length is no number, or there are two that differ")]
    ContentLength,
    /// RFC 9112 §6.1.
    #[error("a request cannot have both Content-Length and Transfer-Encoding")]
    TwoLengths,
    /// RFC 9112 §6.1.
    #[error("HTTP/1.0 has no Transfer-Encoding")]
    OldTransferCoding,
    /// RFC 9112 §6.1: whoever passes the request on may read a list of codings in another way than we do, and take
    /// what follows for another request.
    #[error("this server takes no transfer coding but 'chunked', and that once")]
    TransferCoding,
}

impl RequestHead {
    /// Reads a head of at most `max` bytes; `None` while it is not complete.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8], max: usize) -> Result<Option<Self>, BadHead> {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut request = Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(bytes, &mut fields);
        let length = match parsed {
            Ok(Status::Complete(length)) if length <= max => length,
            Ok(Status::Partial) if bytes.len() <= max => return Ok(None),
            Ok(_) => return Err(BadHead::TooLarge(max)),
            Err(error) => return Err(BadHead::of(error, &request, first_line(bytes))),
        };
        let (Some(method), Some(target), Some(version)) =
            (request.method, request.path, request.version)
        else {
            return Ok(None);
        };
        // One that is too long.
        Method::from_bytes(method.as_bytes()).map_err(|_| BadHead::Method)?;
        let body = body_length(request.headers, version)?;
        let rewritten = rewrite(&bytes[..length], target)?;
        match &rewritten {
            Some((head, _)) if head.len() > max => Err(BadHead::TooLarge(max)),
            _ => Ok(Some(RequestHead {
                length,
                body,
                rewritten,
            })),
        }
    }
}

impl BadHead {
    fn of(error: Error, request: &Request<'_, '_>, line: &[u8]) -> Self {
        match error {
            Error::Token | Error::Status if request.method.is_none() => BadHead::Method,
            Error::Token | Error::Status => BadHead::Target,
            // A space within the target ends it too early.
            Error::Version
                if [b"HTTP/1.1", b"HTTP/1.0"]
                    .iter()
                    .any(|end| line.ends_with(*end)) =>
            {
                BadHead::Target
            }
            Error::Version => BadHead::Version,
            Error::HeaderName => BadHead::FieldName,
            Error::HeaderValue => BadHead::FieldValue,
            Error::NewLine => BadHead::LineEnd,
            Error::TooManyHeaders => BadHead::TooManyFields,
        }
    }
}

impl BadRequest {
    /// What there is to say of a request that begins with these bytes.
    pub fn new(reason: BadHead, bytes: &[u8]) -> Self {
        let (start, line) = (bytes.trim_ascii_start(), first_line(bytes));
        let line = &line[..line.len().min(LINE_SHOWN)];
        BadRequest {
            reason,
            line: String::from_utf8_lossy(line).into_owned(),
            is_head: line.starts_with(b"HEAD "),
            may_go_on: !has_end(start, 0) || has_body(start),
        }
    }
}

/// The request line, without its end and without empty lines before it (RFC 9112 §2.2).
fn first_line(bytes: &[u8]) -> &[u8] {
    let start = bytes.trim_ascii_start();
    let end = start.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    &start[..end.unwrap_or(start.len())]
}

/// Whether an empty line ends a head in `bytes`, of which those before `seen` were looked at before.
pub fn has_end(bytes: &[u8], seen: usize) -> bool {
    let unseen = &bytes[seen.saturating_sub(3)..];
    memmem::find(unseen, b"\n\r\n").is_some() || memmem::find(unseen, b"\n\n").is_some()
}

/// Whether a head that may be malformed says that a body follows.
fn has_body(head: &[u8]) -> bool {
    let is_field = |line: &[u8], name: &header::HeaderName| {
        line.get(..name.as_str().len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name.as_str().as_bytes()))
    };
    head.split(|byte| *byte == b'\n').any(|line| {
        is_field(line, &header::CONTENT_LENGTH) || is_field(line, &header::TRANSFER_ENCODING)
    })
}

/// Where the body ends, by the fields that say so: one kind of them, and no two that differ.
fn body_length(fields: &[Header<'_>], version: u8) -> Result<BodyLength, BadHead> {
    let values = |name: header::HeaderName| {
        let fields = fields.iter();
        let named = move |field: &&Header<'_>| field.name.eq_ignore_ascii_case(name.as_str());
        fields.filter(named).map(|field| field.value)
    };
    let mut lengths = values(header::CONTENT_LENGTH);
    let mut codings = values(header::TRANSFER_ENCODING);
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(BodyLength::Sized(0)),
        (Some(_), Some(_)) => Err(BadHead::TwoLengths),
        (None, Some(_)) if version == 0 => Err(BadHead::OldTransferCoding),
        (None, Some(coding)) => {
            match coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none() {
                true => Ok(BodyLength::Chunked),
                false => Err(BadHead::TransferCoding),
            }
        }
        (Some(length), None) => {
            let first = parse_length(length).ok_or(BadHead::ContentLength)?;
            match lengths.all(|other| parse_length(other) == Some(first)) {
                true => Ok(BodyLength::Sized(first)),
                false => Err(BadHead::ContentLength),
            }
        }
    }
}

/// Digits alone (RFC 9110 §8.6): no sign, no list.
fn parse_length(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let length = text.parse().ok().filter(|_| is_number)?;
    (length <= MAX_LENGTH).then_some(length)
}

/// Whether a target is a path, with a query or without, of which the library refuses nothing: nearly all are, and to see
/// that takes no memory.
fn is_plain(target: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%?&=+".contains(&byte);
    target.starts_with('/') && target.bytes().all(is_usual)
}

/// The head with what the library refuses in a target percent-encoded, where it refuses something.
fn rewrite(head: &[u8], target: &str) -> Result<Option<(Vec<u8>, RawTarget)>, BadHead> {
    if is_plain(target) || Uri::try_from(target).is_ok() {
        return Ok(None);
    }
    let is_refused = |byte: u8| matches!(byte, b'"' | b'<' | b'>' | b'`') || !byte.is_ascii();
    let mut encoded = String::with_capacity(target.len() + 16);
    for byte in target.bytes() {
        match is_refused(byte) {
            true => encoded.push_str(&format!("%{byte:02X}")),
            false => encoded.push(char::from(byte)),
        }
    }
    Uri::try_from(&encoded).map_err(|_| BadHead::Target)?;
    // It is a part of the head.
    let start = target.as_ptr().addr() - head.as_ptr().addr();
    let (before, rest) = head.split_at(start);
    let rewritten = [before, encoded.as_bytes(), &rest[target.len()..]].concat();
    let raw = RawTarget(Bytes::copy_from_slice(target.as_bytes()));
    Ok(Some((rewritten, raw)))
}

impl RawTarget {
    /// Path and query, as HTTP/1.1 has them in a request line (RFC 9112 §3.2.1); of an absolute one too.
    pub fn path_and_query(&self) -> &[u8] {
        let target = &self.0[..];
        let authority = memmem::find(target, b"://").map_or(0, |colon| colon + 3);
        let start = match target.first() {
            Some(b'/') => 0,
            _ => {
                let path = |byte: &u8| matches!(byte, b'/' | b'?');
                let path = target[authority..].iter().position(path);
                path.map_or(target.len(), |path| authority + path)
            }
        };
        // A fragment is no part of a target; the library cuts one off as well.
        let end = target.iter().position(|byte| *byte == b'#');
        &target[start..end.unwrap_or(target.len()).max(start)]
    }

    /// What stands behind the first question mark.
    pub fn query(&self) -> &[u8] {
        let target = self.path_and_query();
        match target.iter().position(|byte| *byte == b'?') {
            Some(mark) => &target[mark + 1..],
            None => &[],
        }
    }
}

/// Has a request another path and query, in what its `Uri` does not hold of them too.
pub(super) fn rewrite_target(request: &mut Parts, rewrite: impl Fn(&[u8]) -> Vec<u8>) {
    let target = request
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    let rewritten = rewrite(target.as_bytes());
    let mut uri = request.uri.clone().into_parts();
    uri.path_and_query = PathAndQuery::try_from(rewritten).ok();
    request.uri = Uri::from_parts(uri).unwrap_or_default();
    if let Some(raw) = request.extensions.remove::<RawTarget>() {
        let rewritten = rewrite(raw.path_and_query());
        request.extensions.insert(RawTarget(rewritten.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 1000;

    fn parse(head: &str) -> Result<Option<RequestHead>, BadHead> {
        RequestHead::parse(head.as_bytes(), MAX)
    }

    fn of_fields(fields: &str) -> Result<BodyLength, BadHead> {
        let head = parse(&format!("POST / HTTP/1.1\r\n{fields}\r\n"))?;
        Ok(head.expect("it is complete").body)
    }

    #[test]
    fn head_ends_with_the_empty_line() {
        for (text, length) in [
            ("GET / HTTP/1.1\r\nA: b\r\n\r\nGET", Some(24)),
            ("\r\nGET / HTTP/1.1\n\n", Some(18)),
            ("GET / HTTP/1.1\r\nA: b\r\n", None),
            ("", None),
        ] {
            let found = parse(text).expect("it is fine").map(|head| head.length);
            assert_eq!(found, length, "{text:?}");
        }
    }

    #[test]
    fn body_has_one_length() {
        use BodyLength::{Chunked, Sized};
        for (fields, expected) in [
            ("", Ok(Sized(0))),
            ("Content-Length: 12\r\n", Ok(Sized(12))),
            ("Content-Length: 1\r\ncontent-length: 1\r\n", Ok(Sized(1))),
            ("Transfer-Encoding: Chunked\r\n", Ok(Chunked)),
            (
                "Content-Length: 1\r\nContent-Length: 2\r\n",
                Err(BadHead::ContentLength),
            ),
            ("Content-Length: +1\r\n", Err(BadHead::ContentLength)),
            ("Content-Length: 1, 1\r\n", Err(BadHead::ContentLength)),
            ("Content-Length:\r\n", Err(BadHead::ContentLength)),
            (
                "Content-Length: 18446744073709551615\r\n",
                Err(BadHead::ContentLength),
            ),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Err(BadHead::TwoLengths),
            ),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
                Err(BadHead::TwoLengths),
            ),
            (
                "Transfer-Encoding: gzip, chunked\r\n",
                Err(BadHead::TransferCoding),
            ),
            (
                "Transfer-Encoding: chunked, chunked\r\n",
                Err(BadHead::TransferCoding),
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Err(BadHead::TransferCoding),
            ),
            (
                "Transfer-Encoding: identity\r\n",
                Err(BadHead::TransferCoding),
            ),
        ] {
            assert_eq!(of_fields(fields), expected, "{fields:?}");
        }
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(parse(old), Err(BadHead::OldTransferCoding));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("G@T / HTTP/1.1\r\n\r\n", BadHead::Method),
            ("SSH-2.0-x\r\n", BadHead::Method),
            ("GET /a b HTTP/1.1\r\n\r\n", BadHead::Target),
            ("GET / HTTP/3.1\r\n\r\n", BadHead::Version),
            ("GET /\r\n\r\n", BadHead::Target),
            ("GET /\x01 HTTP/1.1\r\n\r\n", BadHead::Target),
            ("GET a\" HTTP/1.1\r\n\r\n", BadHead::Target),
            ("PRI * HTTP/2.0\r\n\r\n", BadHead::Version),
            ("GET / HTTP/1.1\r\nA b: c\r\n\r\n", BadHead::FieldName),
            ("GET / HTTP/1.1\r\nA : c\r\n\r\n", BadHead::FieldName),
            ("GET / HTTP/1.1\r\n folded\r\n\r\n", BadHead::FieldName),
            ("GET / HTTP/1.1\r\nA: \x01\r\n\r\n", BadHead::FieldValue),
            ("GET / HTTP/1.1\rX", BadHead::LineEnd),
        ] {
            assert_eq!(parse(text), Err(expected), "{text:?}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a:b\r\n".repeat(101));
        assert_eq!(parse(&many), Err(BadHead::TooManyFields));
        let long = format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(MAX));
        for end in ["", "\r\n\r\n"] {
            assert_eq!(parse(&format!("{long}{end}")), Err(BadHead::TooLarge(MAX)));
        }
    }

    #[test]
    fn raw_characters_are_encoded_and_what_came_is_kept() {
        for (target, encoded) in [
            ("/?q=\"a\"", "/?q=%22a%22"),
            ("/?<>{|}^`%22", "/?%3C%3E{|}^%60%22"),
            ("/a<b?\u{e9}<", "/a%3Cb?%C3%A9%3C"),
            ("http://h/?\"", "http://h/?%22"),
        ] {
            let text = format!("GET {target} HTTP/1.1\r\nA: {target}\r\n\r\n");
            let head = parse(&text).expect("it is fine").expect("it is complete");
            assert_eq!(head.length, text.len());
            let (rewritten, raw) = head.rewritten.expect("another");
            let expected = format!("GET {encoded} HTTP/1.1\r\nA: {target}\r\n\r\n");
            assert_eq!(String::from_utf8(rewritten).expect("text"), expected);
            assert_eq!(raw.0, target);
        }
        // What the library takes stays as it is.
        for target in ["/?{|}^%22", "/\u{e9}?\u{e9}", "*", "h:1", "/a\"b"] {
            let head = parse(&format!("GET {target} HTTP/1.1\r\n\r\n"));
            let head = head.expect("it is fine").expect("it is complete");
            assert_eq!(head.rewritten, None, "{target}");
        }
    }

    #[test]
    fn library_takes_what_is_plain() {
        let plain: String = (0..128)
            .map(char::from)
            .filter(|c| is_plain(&format!("/{c}")))
            .collect();
        assert!(plain.len() > 2 * 26 + 10);
        for target in [format!("/{plain}"), format!("/?{plain}"), "//".to_owned()] {
            assert!(
                is_plain(&target) && Uri::try_from(&target).is_ok(),
                "{target}"
            );
        }
        for target in ["*", "h:1", "http://h/", "/#a", "/\\"] {
            assert!(!is_plain(target), "{target}");
        }
    }

    #[test]
    fn raw_target_is_cut_as_others_are() {
        for (target, path_and_query, query) in [
            ("/a?b\"?c", "/a?b\"?c", "b\"?c"),
            ("/a\"", "/a\"", ""),
            ("http://h/a?\"", "/a?\"", "\""),
            ("http://h?\"", "?\"", "\""),
            ("/http://h/?\"", "/http://h/?\"", "\""),
            ("/?\"#x?y", "/?\"", "\""),
        ] {
            let raw = RawTarget(Bytes::from_static(target.as_bytes()));
            assert_eq!(raw.path_and_query(), path_and_query.as_bytes());
            assert_eq!(raw.query(), query.as_bytes());
        }
    }

    #[test]
    fn request_that_is_refused_is_shown_by_its_first_line() {
        let line = |text: &str| BadRequest::new(BadHead::Method, text.as_bytes());
        assert_eq!(
            line("\r\nG@T /\u{1b} X\r\nA: b\r\n\r\n").line,
            "G@T /\u{1b} X"
        );
        assert_eq!(line(&"x".repeat(1000)).line.len(), LINE_SHOWN);
        assert!(line("HEAD / X\r\n").is_head && !line("HEADS / X\r\n").is_head);
        for (text, may_go_on) in [
            ("G@T / HTTP/1.1\r\n\r\n", false),
            ("G@T / HTTP/1.1\r\n", true),
            ("G@T / HTTP/1.1\r\ncontent-length: 1\r\n\r\n", true),
            ("G@T / HTTP/1.1\r\nTransfer-Encoding: chunked\n\n", true),
        ] {
            assert_eq!(line(text).may_go_on, may_go_on, "{text:?}");
        }
    }
}
