//! The opening handshake from the client's side (RFC 6455 §4.1).

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Request, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

use super::{
    connect_error::ConnectError,
    exchange::{UnexpectedResponse, UpgradeResult, exchange},
    url::{ServerAddress, Url},
};
use crate::{
    backend::SocketStream,
    http::websocket::extensions,
    tls_failure::TlsFailure,
    transport::{
        websocket::deflate::{DeflateParams, Negotiated},
        websocket::{accept_key, new_key},
    },
};

/// Who we say that we are, unless a header says otherwise.
const USER_AGENT: &str = concat!("wsd/", env!("CARGO_PKG_VERSION"));

/// What the request says beside the handshake itself.
#[derive(Debug, Clone, Default)]
pub struct HandshakeOptions {
    /// Subprotocols, the one that is liked most first.
    pub subprotocols: Vec<String>,
    /// More headers; they take the place of those of the same name that would be sent.
    pub headers: HeaderMap,
    /// How messages are compressed, if that is offered.
    pub compression: Option<DeflateParams>,
}

/// A connection that carries messages from here on.
pub(super) struct OpenWebSocket {
    pub(super) stream: SocketStream,
    /// What came behind the answer.
    pub(super) read_ahead: Bytes,
    /// The subprotocol that the server selected.
    pub(super) subprotocol: Option<String>,
    /// What of compression was agreed on.
    pub(super) compression: Option<Negotiated>,
}

/// Asks a server for a WebSocket.
///
/// # Errors
/// Its refusal, or what is wrong with its answer.
pub(super) async fn handshake(
    stream: SocketStream,
    url: &Url,
    options: &HandshakeOptions,
) -> Result<OpenWebSocket, ConnectError> {
    let key = new_key();
    let request = request(url, options, &key)?;
    let is_wanted = |status: &StatusCode| *status == StatusCode::SWITCHING_PROTOCOLS;
    let answer = exchange(stream, request, is_wanted).await;
    match answer.map_err(|error| no_answer(url, error))? {
        UpgradeResult::Refused(refusal) => Err(refused(url, refusal)),
        UpgradeResult::Switched {
            stream,
            read_ahead,
            headers,
        } => {
            check(&headers, &key).map_err(ConnectError::Handshake)?;
            let compression = extensions::confirm(&headers, options.compression);
            Ok(OpenWebSocket {
                stream,
                read_ahead,
                subprotocol: subprotocol(&headers, options)?,
                compression: compression.map_err(ConnectError::Extensions)?,
            })
        }
    }
}

fn no_answer(url: &Url, error: hyper::Error) -> ConnectError {
    match TlsFailure::behind(&error) {
        Some(failure) => ConnectError::Tls(failure),
        None if may_need_tls(url) => ConnectError::PlainHttp(error),
        None => ConnectError::Http(error),
    }
}

fn refused(url: &Url, refusal: UnexpectedResponse) -> ConnectError {
    let says_nothing = refusal.status == StatusCode::BAD_REQUEST && refusal.line.is_none();
    match says_nothing && may_need_tls(url) {
        true => ConnectError::PlainRefused(refusal),
        false => ConnectError::Refused(refusal),
    }
}

/// Whether the server may be one that speaks TLS, which was not tried.
fn may_need_tls(url: &Url) -> bool {
    !url.is_tls && matches!(url.place, ServerAddress::Host(..))
}

fn request(
    url: &Url,
    options: &HandshakeOptions,
    key: &str,
) -> Result<Request<Empty<Bytes>>, ConnectError> {
    let wrong = |error: &dyn std::fmt::Display| ConnectError::Handshake(error.to_string());
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = url.target.clone().into();
    let headers = request.headers_mut();
    let mut set = |name: HeaderName, value: &str| -> Result<(), ConnectError> {
        let value = HeaderValue::from_str(value).map_err(|error| wrong(&error))?;
        headers.insert(name, value);
        Ok(())
    };
    set(header::HOST, &url.host())?;
    set(header::CONNECTION, "Upgrade")?;
    set(header::UPGRADE, "websocket")?;
    set(header::SEC_WEBSOCKET_VERSION, "13")?;
    set(header::SEC_WEBSOCKET_KEY, key)?;
    set(header::USER_AGENT, USER_AGENT)?;
    if !options.subprotocols.is_empty() {
        set(
            header::SEC_WEBSOCKET_PROTOCOL,
            &options.subprotocols.join(", "),
        )?;
    }
    if options.compression.is_some() {
        set(header::SEC_WEBSOCKET_EXTENSIONS, Negotiated::OFFER)?;
    }
    if let Some(credentials) = &url.authorization {
        headers.insert(header::AUTHORIZATION, credentials.clone());
    }
    for name in options.headers.keys() {
        headers.remove(name);
    }
    for (name, value) in &options.headers {
        headers.append(name, value.clone());
    }
    Ok(request)
}

/// What RFC 6455 §4.1 has a client check in an answer of 101, whatever was offered.
fn check(headers: &HeaderMap, key: &str) -> Result<(), String> {
    let has = |name: HeaderName, token: &str| {
        let values = headers.get_all(name).iter();
        let mut tokens = values.filter_map(|value| value.to_str().ok());
        tokens.any(|value| {
            value
                .split(',')
                .any(|one| one.trim().eq_ignore_ascii_case(token))
        })
    };
    if !has(header::UPGRADE, "websocket") {
        return Err("its Upgrade is not 'websocket'".to_owned());
    }
    if !has(header::CONNECTION, "upgrade") {
        return Err("its Connection is not 'Upgrade'".to_owned());
    }
    let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| accept.as_bytes() != accept_key(key.as_bytes()).as_bytes()) {
        return Err("its Sec-WebSocket-Accept does not belong to our key".to_owned());
    }
    Ok(())
}

/// The subprotocol that was selected.
fn subprotocol(
    headers: &HeaderMap,
    options: &HandshakeOptions,
) -> Result<Option<String>, ConnectError> {
    let Some(selected) = headers.get(header::SEC_WEBSOCKET_PROTOCOL) else {
        return Ok(None);
    };
    let offered = options.subprotocols.iter();
    match offered
        .into_iter()
        .find(|name| selected.as_bytes() == name.as_bytes())
    {
        Some(name) => Ok(Some(name.clone())),
        None => Err(ConnectError::Subprotocol(selected.clone())),
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, io};

    use futures_util::stream;
    use tokio::io::{join, sink};
    use tokio_rustls::rustls::{AlertDescription, Error};
    use tokio_util::io::StreamReader;

    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn checked(change: &[(HeaderName, Option<&'static str>)]) -> Result<Option<String>, String> {
        let options = HandshakeOptions {
            subprotocols: vec!["a".to_owned(), "b".to_owned()],
            ..HandshakeOptions::default()
        };
        let mut headers = HeaderMap::new();
        let good = [
            (header::UPGRADE, "WebSocket"),
            (header::CONNECTION, "keep-alive, upgrade"),
            (header::SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ];
        for (name, value) in good {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in change {
            match value {
                Some(value) => headers.insert(name, HeaderValue::from_static(value)),
                None => headers.remove(name),
            };
        }
        check(&headers, KEY)?;
        subprotocol(&headers, &options).map_err(|failure| failure.to_string())
    }

    #[test]
    fn answer_of_the_rfc_is_taken() {
        assert_eq!(checked(&[]), Ok(None));
        let selected = (header::SEC_WEBSOCKET_PROTOCOL, Some("b"));
        assert_eq!(checked(&[selected]), Ok(Some("b".to_owned())));
    }

    #[test]
    fn answer_that_breaks_the_rfc_is_not() {
        for (name, value) in [
            (header::UPGRADE, None),
            (header::UPGRADE, Some("h2c")),
            (header::CONNECTION, Some("close")),
            (header::SEC_WEBSOCKET_ACCEPT, None),
            (header::SEC_WEBSOCKET_ACCEPT, Some("AAAA")),
            (header::SEC_WEBSOCKET_PROTOCOL, Some("c")),
            (header::SEC_WEBSOCKET_PROTOCOL, Some("a, b")),
        ] {
            assert!(
                checked(&[(name.clone(), value)]).is_err(),
                "{name}: {value:?}"
            );
        }
    }

    #[test]
    fn given_header_takes_the_place_of_our_own() {
        let url: Url = "ws://u:p@a:81/x?y".parse().expect("a URL");
        let mut options = HandshakeOptions::default();
        let plain = request(&url, &options, KEY).expect("a request");
        assert_eq!(plain.uri(), "/x?y");
        assert_eq!(plain.headers()[header::HOST], "a:81");
        assert!(
            plain.headers()[header::AUTHORIZATION]
                .as_bytes()
                .starts_with(b"Basic ")
        );
        options
            .headers
            .insert(header::HOST, HeaderValue::from_static("b"));
        options
            .headers
            .insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        let changed = request(&url, &options, KEY).expect("a request");
        assert_eq!(changed.headers()[header::HOST], "b");
        assert_eq!(changed.headers()[header::AUTHORIZATION], "Bearer x");
    }

    #[tokio::test]
    async fn alert_that_comes_before_the_request_has_gone_out_is_found() {
        let alert = Error::AlertReceived(AlertDescription::CertificateRequired);
        let broken = Err::<Bytes, _>(io::Error::new(io::ErrorKind::InvalidData, alert));
        let stream = join(StreamReader::new(stream::once(ready(broken))), sink());
        let error = exchange(stream, Request::new(Empty::new()), |_| true).await;
        let error = error.err().expect("there is no answer");
        assert!(error.is_canceled(), "{error:?}");
        let failure = TlsFailure::behind(&error).expect("an alert");
        assert!(failure.to_string().contains("certificate"), "{failure}");
        let told = ConnectError::Http(error).to_string();
        assert!(!told.contains("canceled"), "{told}");
    }
}
