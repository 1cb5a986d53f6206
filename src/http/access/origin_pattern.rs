//! What an entry of `--origin` says of host and port: [`HostPattern`] and [`PortPattern`], one of which may
//! be a `*`.

use super::host::Authority;

/// What a wrong entry is told.
const FORM: &str =
    "an origin is [scheme://]host[:port], 'null' for pages from file://, or '*' for any";
/// What a `*` in a wrong place is told.
const STAR: &str = "a '*' is one label at the left of two or more (*.example.com) or of localhost, any port \
                    (http://localhost:*), or any host of a scheme other than http and https; to let any \
                    origin connect, say '*'";

/// Which hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: all of a scheme that has no names of the DNS, such as an editor's own.
    Any,
    /// `*.example.com`: those with one more label on the left; the rest with its dot.
    LabelAbove(String),
    /// This one.
    Exact(String),
}

/// Which ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortPattern {
    /// `:*`, or an entry without scheme and port.
    Any,
    /// This one; `None` is the default of the origin's scheme.
    Exact(Option<u16>),
}

/// Parses `host[:port]` behind a scheme, or without one.
///
/// # Errors
/// Where it is none, or a `*` would stand for more than somebody may have meant.
pub(super) fn parse(
    scheme: Option<&str>,
    text: &str,
) -> Result<(HostPattern, PortPattern), String> {
    let (rest, any_port) = match text.strip_suffix(":*") {
        Some(host) => (host, true),
        None => (text, false),
    };
    let (host, port) = host_and_port(scheme, rest)?;
    match (any_port, &host, port, scheme) {
        // What is left of `host:80:*`, and a second `*`.
        (true, _, Some(_), _) => Err(FORM.to_owned()),
        (true, HostPattern::Exact(_), ..) => Ok((host, PortPattern::Any)),
        (true, ..) => Err(STAR.to_owned()),
        (false, _, None, None) => Ok((host, PortPattern::Any)),
        (false, _, port, _) => Ok((host, PortPattern::Exact(port))),
    }
}

/// Checks a scheme (RFC 3986 §3.1), and puts it in lower case.
///
/// # Errors
/// Where it is none.
pub(super) fn scheme(text: &str) -> Result<String, String> {
    let is_rest = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    match text.as_bytes() {
        [first, rest @ ..] if first.is_ascii_alphabetic() && rest.iter().all(|b| is_rest(*b)) => {
            Ok(text.to_ascii_lowercase())
        }
        _ if text.contains('*') => Err(STAR.to_owned()),
        _ => Err(FORM.to_owned()),
    }
}

fn host_and_port(scheme: Option<&str>, text: &str) -> Result<(HostPattern, Option<u16>), String> {
    let is_web = scheme.is_none_or(|scheme| matches!(scheme, "http" | "https"));
    if text == "*" && !is_web {
        return Ok((HostPattern::Any, None));
    }
    // `x` stands for the label, so that the rest is checked as any host is.
    let (concrete, has_star) = match text.strip_prefix('*') {
        Some(rest) => (format!("x{rest}"), true),
        None => (text.to_owned(), false),
    };
    if concrete.contains('*') {
        return Err(STAR.to_owned());
    }
    let Authority { name, port } = concrete.parse().map_err(|()| FORM.to_owned())?;
    if !has_star {
        return Ok((HostPattern::Exact(name), port));
    }
    match name.strip_prefix("x.") {
        Some(parent) if is_specific(parent) => {
            Ok((HostPattern::LabelAbove(format!(".{parent}")), port))
        }
        _ => Err(STAR.to_owned()),
    }
}

/// Whether one owner has all names above this one. An IP address has none.
fn is_specific(parent: &str) -> bool {
    let labels: Vec<&str> = parent.split('.').collect();
    let is_number = |label: &&str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = labels.iter().all(|label| !label.is_empty());
    let is_name = !labels.last().is_some_and(is_number);
    parent == "localhost" || labels.len() >= 2 && is_whole && is_name
}

impl HostPattern {
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            HostPattern::Any => true,
            HostPattern::Exact(exact) => name == exact,
            HostPattern::LabelAbove(rest) => {
                let label = name.strip_suffix(rest.as_str());
                label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
            }
        }
    }
}

impl PortPattern {
    /// `port` is what was sent, `default` what the scheme has.
    pub(super) fn matches(self, port: Option<u16>, default: Option<u16>) -> bool {
        match self {
            PortPattern::Any => true,
            PortPattern::Exact(exact) => exact.or(default) == port.or(default),
        }
    }
}
