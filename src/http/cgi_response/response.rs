//! What a program's header block asks for (RFC 3875 §6); pure.

use std::fmt::Write;

use hyper::{
    HeaderMap, StatusCode,
    ext::ReasonPhrase,
    header::{self, HeaderName, HeaderValue},
};
use memchr::{memchr, memchr2};

use super::header_block::{BadHeader, MAX_HEADER};

/// Headers of one connection only, which the gateway has its own of (RFC 9110 §7.6.1).
pub(super) const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How a script speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Dialect {
    /// CGI header fields.
    Parsed,
    /// A whole HTTP response (RFC 3875 §5): a script whose name begins with `nph-`.
    NonParsed,
}

/// What a script answers.
#[derive(Debug)]
pub(in crate::http) enum Reply {
    /// A response, whose body follows.
    Document(Head),
    /// Path and query of what the gateway is to answer with instead (RFC 3875 §6.2.2).
    LocalRedirect(String),
}

/// The head of a response.
#[derive(Debug)]
pub(in crate::http) struct Head {
    pub(in crate::http) status: StatusCode,
    /// What the script says for the status, if it says something.
    pub(in crate::http) reason: Option<ReasonPhrase>,
    pub(in crate::http) headers: HeaderMap,
    /// What its Content-Length says.
    pub(in crate::http) length: Option<u64>,
    /// Numbers of the lines that were no header fields, and were left out.
    pub(in crate::http) dropped: Vec<usize>,
}

impl Head {
    /// Whether a body follows (RFC 9112 §6.3).
    pub(in crate::http) fn has_body(&self, is_head: bool) -> bool {
        !is_head
            && !matches!(
                self.status,
                StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
            )
    }
}

/// Parses a whole block.
///
/// # Errors
/// [`BadHeader`]: the script's output cannot be passed on.
pub(in crate::http) fn parse(block: &[u8], dialect: Dialect) -> Result<Reply, BadHeader> {
    let mut lines = lines(block).peekable();
    let first = lines.peek().ok_or(BadHeader::Empty)?.1;
    // Some scripts speak as nph- scripts do, and servers have always taken that for the status.
    let status = match dialect == Dialect::NonParsed || first.starts_with(b"HTTP/") {
        true => Some(status_line(first).ok_or(BadHeader::StatusLine)?),
        false => None,
    };
    let Fields { headers, dropped } = fields(lines.skip(usize::from(status.is_some())))?;
    let mut reply = match (status, dialect) {
        (Some(status), Dialect::NonParsed) => document(status, headers, dialect),
        (None, _) if headers.is_empty() => Err(match dropped.first() {
            Some(line) => BadHeader::Line(*line),
            None => BadHeader::Empty,
        }),
        (status, _) => cgi(headers, status),
    }?;
    if let Reply::Document(head) = &mut reply {
        head.dropped = dropped;
    }
    Ok(reply)
}

/// Parses a whole block in which nothing may be wrong: CGI header fields and nothing else, none of them about the
/// connection, which is the server's.
///
/// # Errors
/// [`BadHeader`]: the first thing that is wrong.
pub(in crate::http) fn parse_strictly(block: &[u8]) -> Result<Reply, BadHeader> {
    let Fields { headers, dropped } = fields(lines(block))?;
    if let Some(line) = dropped.first() {
        return Err(BadHeader::Line(*line));
    }
    if headers.is_empty() {
        return Err(BadHeader::Empty);
    }
    if let Some(name) = HOP_BY_HOP.iter().find(|name| headers.contains_key(**name)) {
        return Err(BadHeader::HopByHop(name));
    }
    cgi(headers, None)
}

/// The lines of a block with their indices, up to the empty one.
fn lines(block: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    block
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .enumerate()
        .take_while(|(_, line)| !line.is_empty())
}

/// The fields of a block.
struct Fields {
    headers: HeaderMap,
    dropped: Vec<usize>,
}

/// Takes lines for fields, as far as they are; what is none is left out, unless the answer would mean something else
/// without it.
fn fields<'a>(lines: impl Iterator<Item = (usize, &'a [u8])>) -> Result<Fields, BadHeader> {
    let mut fields: Vec<(HeaderName, HeaderValue)> = Vec::new();
    let mut dropped = Vec::new();
    // Of the line before, which a folded line goes on with (RFC 9112 §5.2).
    let mut name: &[u8] = b"";
    for (index, line) in lines {
        let is_folded = matches!(line.first(), Some(b' ' | b'\t')) && index > 0;
        if !is_folded {
            name = intended_name(line);
        }
        // What some take for a line's end, others for a part of it, could split the answer.
        if memchr2(b'\r', 0, line).is_some() {
            return Err(BadHeader::Line(index + 1));
        }
        match field(line).filter(|_| !is_folded) {
            Some(field) => fields.push(field),
            None if is_critical(name) => return Err(BadHeader::Line(index + 1)),
            None => {
                // Half a field is worse than none.
                fields.pop_if(|(last, _)| {
                    is_folded && last.as_str().as_bytes().eq_ignore_ascii_case(name)
                });
                dropped.push(index + 1);
            }
        }
    }
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        // 64 KiB hold fewer fields than the map can, but that is its business.
        let added = headers.try_append(name, value);
        added.map_err(|_| BadHeader::TooLarge(MAX_HEADER))?;
    }
    Ok(Fields { headers, dropped })
}

/// What a line that may be no field begins with as if it were one.
fn intended_name(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_start();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let end = line.iter().position(|byte| !is_name(byte));
    &line[..end.unwrap_or(line.len())]
}

/// Whether an answer without this field would say something else than the script meant, or protect less.
fn is_critical(name: &[u8]) -> bool {
    const NAMES: [&str; 5] = [
        "cache-control",
        "location",
        "set-cookie",
        "status",
        "x-frame-options",
    ];
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || name.starts_with("content-")
        || name.starts_with("access-control-")
        || name.ends_with("-policy")
}

type Status = (StatusCode, Option<ReasonPhrase>);

/// RFC 3875 §6.2: which of the four kinds of response it is.
fn cgi(mut headers: HeaderMap, first: Option<Status>) -> Result<Reply, BadHeader> {
    let own = match only(&mut headers, &HeaderName::from_static("status"), "Status")? {
        Some(value) => Some(status(value.as_bytes()).ok_or(BadHeader::Field("Status"))?),
        None => None,
    };
    let status = own.or(first);
    let location = only(&mut headers, &header::LOCATION, "Location")?;
    let Some(location) = location else {
        return document(
            status.unwrap_or((StatusCode::OK, None)),
            headers,
            Dialect::Parsed,
        );
    };
    let location = encoded(&location).ok_or(BadHeader::Field("Location"))?;
    let text = location
        .to_str()
        .map_err(|_| BadHeader::Field("Location"))?;
    // A fragment is for the client to see to, and a script that gives a status speaks to the client.
    let is_local = text.starts_with('/') && !text.contains('#') && status.is_none();
    if text.is_empty() || is_local && text.starts_with("//") {
        return Err(BadHeader::Field("Location"));
    }
    if is_local {
        return Ok(Reply::LocalRedirect(text.to_owned()));
    }
    headers.insert(header::LOCATION, location);
    document(
        status.unwrap_or((StatusCode::FOUND, None)),
        headers,
        Dialect::Parsed,
    )
}

fn document(
    (status, reason): Status,
    mut headers: HeaderMap,
    dialect: Dialect,
) -> Result<Reply, BadHeader> {
    if let Some(value) = only(&mut headers, &header::CONTENT_TYPE, "Content-Type")? {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if dialect == Dialect::NonParsed && headers.contains_key(header::TRANSFER_ENCODING) {
        // Its body would be encoded, and be encoded again.
        return Err(BadHeader::Field("Transfer-Encoding"));
    }
    remove_hop_by_hop(&mut headers);
    let length = content_length(&headers)?;
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(Reply::Document(Head {
        status,
        reason,
        headers,
        length,
        dropped: Vec::new(),
    }))
}

/// Takes out a field that may stand there once.
fn only(
    headers: &mut HeaderMap,
    name: &HeaderName,
    shown: &'static str,
) -> Result<Option<HeaderValue>, BadHeader> {
    let mut values = headers.get_all(name).iter();
    if values.next().is_some() && values.next().is_some() {
        return Err(BadHeader::Field(shown));
    }
    Ok(headers.remove(name))
}

/// A URL with raw UTF-8 in it, as scripts print the names that people give, percent-encoded (RFC 3987 §3.1).
fn encoded(location: &HeaderValue) -> Option<HeaderValue> {
    let text = std::str::from_utf8(location.as_bytes()).ok()?;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii() {
            true => encoded.push(char::from(byte)),
            // Writing to a String does not fail.
            false => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    HeaderValue::from_str(&encoded).ok()
}

/// RFC 9112 §5: a name, a colon right behind it, a value; no folded lines.
fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = memchr(b':', line)?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}

/// `404 Not found`: three digits, and a reason or none. Interim statuses are not a script's to send.
fn status(text: &[u8]) -> Option<Status> {
    let (code, reason) = text.split_at_checked(3)?;
    let code = StatusCode::from_bytes(code).ok()?;
    let reason = match reason {
        [] => reason,
        [b' ', reason @ ..] => reason.trim_ascii(),
        _ => return None,
    };
    let reason = match reason {
        [] => None,
        reason => Some(ReasonPhrase::try_from(reason).ok()?),
    };
    (!code.is_informational()).then_some((code, reason))
}

/// `HTTP/1.1 404 Not found` (RFC 9112 §4).
fn status_line(line: &[u8]) -> Option<Status> {
    match line.strip_prefix(b"HTTP/")? {
        [major, b'.', minor, b' ', rest @ ..]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            status(rest)
        }
        // As the versions behind 1.1 are called (RFC 9113, RFC 9114).
        [b'2' | b'3', b' ', rest @ ..] => status(rest),
        _ => None,
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, BadHeader> {
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let digits = value.to_str().unwrap_or_default();
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_number);
        if number.is_none() || length.is_some() && length != number {
            return Err(BadHeader::Field("Content-Length"));
        }
        length = number;
    }
    Ok(length)
}

#[cfg(test)]
mod tests;
