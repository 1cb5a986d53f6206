//! What the client's opening handshake says.

use hyper::header::{HeaderMap, HeaderValue, ORIGIN};

use super::super::{flag_error::FlagError, route_options::subprotocols, session::compression};
use crate::{
    args::Args,
    client::HandshakeOptions,
    http::{response_headers, websocket::Subprotocols},
};

/// Headers that the handshake sets, beside those that no message may have.
const RESERVED: [&str; 3] = [
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
];

/// Headers, origin, subprotocols and compression.
pub(super) fn handshake(args: &Args) -> Result<HandshakeOptions, FlagError> {
    let mut headers = added(&args.pages.header)?;
    if let Some(origin) = origin(&args.program.origin)? {
        headers.insert(ORIGIN, origin);
    }
    let messages = &args.program.messages;
    Ok(HandshakeOptions {
        subprotocols: match subprotocols(messages)? {
            Subprotocols::Listed(names) => names,
            Subprotocols::Offered | Subprotocols::Off => Vec::new(),
        },
        headers,
        compression: compression(&args.program),
    })
}

fn added(words: &[String]) -> Result<HeaderMap, FlagError> {
    let mut added = HeaderMap::new();
    for word in words {
        let invalid = |reason| FlagError::new("--header", word, reason);
        let (name, value) = response_headers::parse(word).map_err(invalid)?;
        if RESERVED.contains(&name.as_str()) {
            return Err(invalid(format!("'{name}' is set by wsd itself")));
        }
        added.append(name, value);
    }
    Ok(added)
}

fn origin(words: &[String]) -> Result<Option<HeaderValue>, FlagError> {
    let invalid = |value: &str, reason| Err(FlagError::new("--origin", value, reason));
    match words {
        [] => Ok(None),
        [origin] => match HeaderValue::from_str(origin) {
            Ok(value) => Ok(Some(value)),
            Err(_) => invalid(origin, "no header has it"),
        },
        several => invalid(&several.join(","), "a client has one"),
    }
}
