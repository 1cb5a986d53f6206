//! The opening handshake (RFC 6455 §4.2, and RFC 8441 §5 for HTTP/2), up to the answer; pure.

#[cfg(any(test, fuzzing))]
pub(crate) mod properties;

use hyper::{
    HeaderMap, Method, Response, StatusCode, Version,
    header::{self, HeaderValue},
    http::request::Parts,
};

use super::{extensions, subprotocol::Subprotocols};
use crate::{
    http::{
        body::{Body, empty},
        fields::list_elements,
        refusal::Refusal,
    },
    transport::{
        websocket::accept_key,
        websocket::deflate::{DeflateParams, Negotiated},
    },
};

/// A handshake that can be answered with 101, by HTTP/2 with 200.
#[derive(Debug)]
pub(in crate::http) struct Handshake {
    /// What the key of HTTP/1.1 is answered with.
    accept: Option<HeaderValue>,
    subprotocol: Option<HeaderValue>,
    compression: Option<Negotiated>,
}

/// Whether a request asks for a WebSocket: by tokens in any case, across repeated headers; by HTTP/2 with the
/// one CONNECT that [`normalize_http2`](crate::http::pseudo_headers::normalize_http2) lets pass.
pub(in crate::http) fn is_requested(request: &Parts) -> bool {
    let headers = &request.headers;
    if request.version == Version::HTTP_2 {
        return request.method == Method::CONNECT;
    }
    list_elements(headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
        && list_elements(headers, &header::UPGRADE)
            .any(|token| token.eq_ignore_ascii_case("websocket"))
}

impl Handshake {
    /// Checks a request that asks for a WebSocket. Without terms of `compression` there is none, and
    /// extensions that are offered are not looked at.
    ///
    /// # Errors
    /// 405 for another method than GET, 426 for another version, 400 for what else is wrong.
    pub(in crate::http) fn check(
        request: &Parts,
        subprotocols: &Subprotocols,
        compression: Option<DeflateParams>,
    ) -> Result<Self, Refusal> {
        let headers = &request.headers;
        let accept = match request.version {
            Version::HTTP_2 => {
                check_version(headers)?;
                None
            }
            _ => Some(accept(request)?),
        };
        let compression = match compression.map(|terms| extensions::select(headers, terms)) {
            None => None,
            Some(Ok(selected)) => selected,
            Some(Err(extensions::Malformed)) => {
                let reason = "the Sec-WebSocket-Extensions are malformed (RFC 6455 §9.1)";
                return Err(Refusal::BadRequest(reason.to_owned()));
            }
        };
        Ok(Handshake {
            accept,
            subprotocol: subprotocols.select(headers)?,
            compression,
        })
    }

    /// The selected subprotocol.
    pub(in crate::http) fn subprotocol(&self) -> Option<&str> {
        self.subprotocol
            .as_ref()
            .and_then(|value| value.to_str().ok())
    }

    /// Selects another of the subprotocols that were offered.
    ///
    /// # Errors
    /// 400 for what cannot be one.
    pub(in crate::http) fn select(&mut self, subprotocol: &str) -> Result<(), Refusal> {
        let value = HeaderValue::from_str(subprotocol).ok();
        let value = value.ok_or_else(|| {
            Refusal::BadRequest("a subprotocol that was offered is not a token".to_owned())
        })?;
        self.subprotocol = Some(value);
        Ok(())
    }

    /// What of compression was agreed on.
    pub(in crate::http) fn compression(&self) -> Option<Negotiated> {
        self.compression
    }

    /// The answer (RFC 6455 §4.2.2, item 5; RFC 8441 §5).
    pub(in crate::http) fn to_response(&self) -> Response<Body> {
        let mut response = Response::new(empty());
        if let Some(accept) = self.accept.clone() {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        let headers = response.headers_mut();
        if let Some(subprotocol) = self.subprotocol.clone() {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        let extension = self.compression.map(|accepted| accepted.to_string());
        if let Some(Ok(extension)) = extension.map(HeaderValue::try_from) {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
        }
        response
    }
}

/// What an HTTP/1.1 request's key is answered with, if all else is right as well.
fn accept(request: &Parts) -> Result<HeaderValue, Refusal> {
    let bad = |reason: &str| Err(Refusal::BadRequest(reason.to_owned()));
    if request.method != Method::GET {
        return Err(Refusal::MethodNotAllowed("GET"));
    }
    if request.version < Version::HTTP_11 {
        return bad("a WebSocket needs HTTP/1.1 (RFC 6455 §4.1)");
    }
    let headers = &request.headers;
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length != "0");
    if has_body {
        return bad("an opening handshake has no body");
    }
    check_version(headers)?;
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let Some(key) = keys.next().filter(|key| is_key(key.as_bytes())) else {
        return bad("the Sec-WebSocket-Key is missing or not 16 bytes in base64");
    };
    if keys.any(|other| other != key) {
        return bad("there are two different Sec-WebSocket-Keys");
    }
    let accept = HeaderValue::try_from(accept_key(key.as_bytes()));
    accept.or_else(|_| bad("the Sec-WebSocket-Key cannot be answered"))
}

fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut versions = headers.get_all(header::SEC_WEBSOCKET_VERSION).iter();
    match (versions.next(), versions.next()) {
        (Some(version), None) if version == "13" => Ok(()),
        _ => Err(Refusal::WebSocketVersion),
    }
}

/// 16 bytes in base64 are 22 characters and two signs of padding.
fn is_key(key: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key.strip_suffix(b"=="), Some(digits) if digits.len() == 22 && digits.iter().all(is_base64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;
    use proptest::prelude::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn status(request: &Parts) -> Option<u16> {
        let refusal = Handshake::check(request, &Subprotocols::Offered, None).err()?;
        Some(refusal.status().as_u16())
    }

    #[test]
    fn key_of_the_rfc_is_answered_as_the_rfc_does() {
        let request = parts(&[("sec-websocket-key", KEY), ("sec-websocket-version", "13")]);
        let response = Handshake::check(&request, &Subprotocols::Offered, None)
            .expect("fine")
            .to_response();
        assert_eq!(
            response.headers()["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert!(!response.headers().contains_key("sec-websocket-protocol"));
    }

    #[test]
    fn tokens_are_found_in_any_case_across_headers() {
        let asked = |headers: &[(&str, &str)]| is_requested(&parts(headers));
        assert!(asked(&[
            ("connection", "keep-alive, UPGRADE"),
            ("upgrade", "WebSocket")
        ]));
        assert!(asked(&[
            ("connection", "close"),
            ("connection", "upgrade"),
            ("upgrade", "h2c, websocket")
        ]));
        assert!(!asked(&[
            ("connection", "upgraded"),
            ("upgrade", "websocket")
        ]));
        assert!(!asked(&[("upgrade", "websocket")]));
    }

    fn parts_by_http_2(method: Method, headers: &[(&str, &str)]) -> Parts {
        let mut parts = parts(headers);
        (parts.version, parts.method) = (Version::HTTP_2, method);
        parts
    }

    #[test]
    fn http_2_asks_by_connect_without_a_key() {
        let version = ("sec-websocket-version", "13");
        let request = parts_by_http_2(
            Method::CONNECT,
            &[version, ("sec-websocket-protocol", "ex1")],
        );
        assert!(is_requested(&request));
        let handshake = Handshake::check(&request, &Subprotocols::Offered, None).expect("fine");
        let response = handshake.to_response();
        assert_eq!(response.status(), StatusCode::OK);
        let names: Vec<_> = response.headers().keys().collect();
        assert_eq!(names, [&header::SEC_WEBSOCKET_PROTOCOL]);
        assert_eq!(status(&parts_by_http_2(Method::CONNECT, &[])), Some(426));
    }

    #[test]
    fn http_2_does_not_ask_by_upgrade() {
        let headers = [("connection", "upgrade"), ("upgrade", "websocket")];
        assert!(!is_requested(&parts_by_http_2(Method::GET, &headers)));
    }

    #[test]
    fn wrong_versions_are_426() {
        assert_eq!(
            status(&parts(&[
                ("sec-websocket-key", KEY),
                ("sec-websocket-version", "8")
            ])),
            Some(426)
        );
        assert_eq!(status(&parts(&[("sec-websocket-key", KEY)])), Some(426));
    }

    #[test]
    fn bad_missing_and_differing_keys_are_400() {
        let version = ("sec-websocket-version", "13");
        let other = "AAAAAAAAAAAAAAAAAAAAAA==";
        assert_eq!(status(&parts(&[version])), Some(400));
        for key in [
            "",
            "x",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZ===",
            "????????????????????????",
        ] {
            assert_eq!(
                status(&parts(&[version, ("sec-websocket-key", key)])),
                Some(400),
                "{key}"
            );
        }
        let twice = |second| {
            parts(&[
                version,
                ("sec-websocket-key", KEY),
                ("sec-websocket-key", second),
            ])
        };
        assert_eq!(status(&twice(other)), Some(400));
        assert_eq!(status(&twice(KEY)), None);
    }

    #[test]
    fn handshake_is_a_get_without_a_body() {
        let good = [("sec-websocket-key", KEY), ("sec-websocket-version", "13")];
        let mut post = parts(&good);
        post.method = Method::POST;
        assert_eq!(status(&post), Some(405));
        let mut old = parts(&good);
        old.version = Version::HTTP_10;
        assert_eq!(status(&old), Some(400));
        assert_eq!(
            status(&parts(&[good[0], good[1], ("content-length", "3")])),
            Some(400)
        );
    }

    proptest! {
        #[test]
        fn all_that_holds_for_handshakes_does(
            method in "(GET|GET|GET|POST)",
            keys in prop::collection::vec("[A-Za-z0-9+/]{22}==|x", 1..3),
            fields in prop::collection::vec(
                "Sec-WebSocket-Version: (13|8)|Sec-WebSocket-Protocol: (ex1|ex2|a|,| |\\?){0,5}|Sec-WebSocket-Extensions: (permessage-deflate|;|,| |=|\"|server_max_window_bits|9|client_max_window_bits|a){0,9}",
                0..4,
            ),
        ) {
            let keys = keys.iter().map(|key| format!("Sec-WebSocket-Key: {key}\n"));
            let lines = [keys.collect(), fields.join("\n")].concat();
            properties::handshake(format!("{method} / HTTP/1.1\nSec-WebSocket-Version: 13\n{lines}\n\n").as_bytes());
        }
    }
}
