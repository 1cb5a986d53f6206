//! The Sec-WebSocket-Extensions of an opening handshake (RFC 6455 §9.1); pure.

use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};

use crate::{
    http::fields::{is_token, is_token_byte},
    transport::websocket::deflate::{DeflateParams, Negotiated},
};

/// A header that does not have the form that RFC 6455 §9.1 prescribes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Malformed;

/// The first offer of permessage-deflate that can be accepted, in all headers together.
///
/// # Errors
/// A header that is malformed, wherever: then the handshake must fail.
pub(in crate::http) fn select(
    headers: &HeaderMap,
    terms: DeflateParams,
) -> Result<Option<Negotiated>, Malformed> {
    let mut selected = None;
    for value in headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS) {
        let mut rest = Rest(value.to_str().map_err(|_| Malformed)?);
        while let Some(offer) = rest.offer()? {
            if selected.is_none() && offer.name == Negotiated::NAME {
                selected = Negotiated::accept(terms, offer.parameters());
            }
        }
    }
    Ok(selected)
}

/// What is wrong with a server's answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Not of the form of RFC 6455 §9.1.
    #[error("its Sec-WebSocket-Extensions is malformed: {0:?}")]
    Malformed(HeaderValue),
    /// Permessage-deflate, which was not offered.
    #[error("it selects the extension {NAME:?}, which was not offered", NAME = Negotiated::NAME)]
    DeflateNotOffered,
    /// Another extension, which is never offered.
    #[error("it selects the extension {0:?}, which was not offered")]
    NotOffered(String),
    /// The same extension once more.
    #[error("it selects an extension twice: {0:?}")]
    Twice(HeaderValue),
    /// Parameters that do not answer the offer (RFC 7692 §7.1).
    #[error("it selects what cannot be: {0:?}")]
    Impossible(HeaderValue),
}

/// What a server agreed to of [`Negotiated::OFFER`], or of no offer where there are no terms.
///
/// # Errors
/// What is wrong with its answer; then the handshake must fail (RFC 6455 §4.1, RFC 7692 §7.1).
pub fn confirm(
    headers: &HeaderMap,
    terms: Option<DeflateParams>,
) -> Result<Option<Negotiated>, BadAnswer> {
    let mut confirmed = None;
    for value in headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS) {
        let malformed = |Malformed| BadAnswer::Malformed(value.clone());
        let text = value.to_str().map_err(|_| malformed(Malformed))?;
        let mut rest = Rest(text);
        while let Some(answer) = rest.offer().map_err(malformed)? {
            if answer.name != Negotiated::NAME {
                return Err(BadAnswer::NotOffered(answer.name.to_owned()));
            }
            let terms = terms.ok_or(BadAnswer::DeflateNotOffered)?;
            if confirmed.is_some() {
                return Err(BadAnswer::Twice(value.clone()));
            }
            let agreed = Negotiated::confirm(terms, answer.parameters());
            confirmed = Some(agreed.ok_or_else(|| BadAnswer::Impossible(value.clone()))?);
        }
    }
    Ok(confirmed)
}

/// `name; parameter; parameter=value`.
struct ExtensionOffer<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, Option<String>)>,
}

impl ExtensionOffer<'_> {
    fn parameters(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let parameters = self.parameters.iter();
        parameters.map(|(name, value)| (*name, value.as_deref()))
    }
}

/// What of a header is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The next element of the list, empty ones aside (RFC 9110 §5.6.1).
    fn offer(&mut self) -> Result<Option<ExtensionOffer<'a>>, Malformed> {
        while self.takes(',') {}
        if self.0.is_empty() {
            return Ok(None);
        }
        let name = self.token()?;
        let mut parameters = Vec::new();
        while self.takes(';') {
            let name = self.token()?;
            let value = match self.takes('=') {
                true => Some(self.value()?),
                false => None,
            };
            parameters.push((name, value));
        }
        match self.0.is_empty() || self.takes(',') {
            true => Ok(Some(ExtensionOffer { name, parameters })),
            false => Err(Malformed),
        }
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    /// Whether this comes next, with or without spaces about it.
    fn takes(&mut self, separator: char) -> bool {
        self.skip_space();
        let rest = self.0.strip_prefix(separator);
        self.0 = rest.unwrap_or(self.0);
        self.skip_space();
        rest.is_some()
    }

    fn token(&mut self) -> Result<&'a str, Malformed> {
        let end = self.0.bytes().position(|byte| !is_token_byte(byte));
        let (token, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        self.skip_space();
        match token {
            "" => Err(Malformed),
            token => Ok(token),
        }
    }

    /// A token, in quotes or not.
    fn value(&mut self) -> Result<String, Malformed> {
        let Some(quoted) = self.0.strip_prefix('"') else {
            return self.token().map(str::to_owned);
        };
        let mut value = String::new();
        let mut characters = quoted.chars();
        loop {
            match characters.next().ok_or(Malformed)? {
                '"' => break,
                '\\' => value.push(characters.next().ok_or(Malformed)?),
                character => value.push(character),
            }
        }
        self.0 = characters.as_str();
        self.skip_space();
        match is_token(&value) {
            true => Ok(value),
            false => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: DeflateParams = DeflateParams {
        level: 1,
        threshold: 0,
        keeps_context: true,
    };

    /// What is answered to these headers: nothing is `-`, a refusal `400`.
    fn answer(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_str(value).expect("a value");
            headers.append(header::SEC_WEBSOCKET_EXTENSIONS, value);
        }
        match select(&headers, TERMS) {
            Ok(Some(negotiated)) => negotiated.to_string(),
            Ok(None) => "-".to_owned(),
            Err(Malformed) => "400".to_owned(),
        }
    }

    #[test]
    fn parameters_are_answered_or_decline_the_offer() {
        for (offered, answered) in [
            ("", ""),
            ("; client_max_window_bits", ""),
            ("; client_max_window_bits=8", ""),
            ("; client_max_window_bits=9", "; client_max_window_bits=9"),
            ("; client_max_window_bits=15", "; client_max_window_bits=15"),
            (
                "; client_max_window_bits=\"12\"",
                "; client_max_window_bits=12",
            ),
            (
                "; client_max_window_bits=\"1\\2\"",
                "; client_max_window_bits=12",
            ),
            ("; client_max_window_bits=7", "-"),
            ("; client_max_window_bits=16", "-"),
            ("; client_max_window_bits=010", "-"),
            ("; client_max_window_bits=x", "-"),
            ("; server_max_window_bits", "-"),
            ("; server_max_window_bits=8", "-"),
            ("; server_max_window_bits=9", "; server_max_window_bits=9"),
            (
                " ;\tserver_max_window_bits = 15 ",
                "; server_max_window_bits=15",
            ),
            (
                "; server_max_window_bits=10; server_max_window_bits=10",
                "-",
            ),
            (
                "; server_no_context_takeover",
                "; server_no_context_takeover",
            ),
            ("; server_no_context_takeover=1", "-"),
            (
                "; client_no_context_takeover",
                "; client_no_context_takeover",
            ),
            ("; client_no_context_takeover=", "400"),
            (
                "; client_no_context_takeover; client_no_context_takeover",
                "-",
            ),
            ("; unknown", "-"),
            (
                "; client_no_context_takeover; client_max_window_bits=11; server_max_window_bits=10; server_no_context_takeover",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
            ),
        ] {
            let expected = match answered {
                "-" | "400" => answered.to_owned(),
                answered => format!("permessage-deflate{answered}"),
            };
            let given = format!("permessage-deflate{offered}");
            assert_eq!(answer(&[&given]), expected, "{given}");
        }
    }

    #[test]
    fn first_acceptable_offer_of_all_is_taken() {
        for (offers, answered) in [
            (&[][..], "-"),
            (&[""], "-"),
            (&[", ,"], "-"),
            (&["x-other, foo; bar=\"a\""], "-"),
            (&["Permessage-Deflate"], "-"),
            (
                &["x-webkit-deflate-frame, permessage-deflate"],
                "permessage-deflate",
            ),
            (
                &[
                    "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9",
                ],
                "permessage-deflate; server_max_window_bits=9",
            ),
            (
                &[
                    "permessage-deflate; unknown",
                    "foo",
                    "permessage-deflate; server_no_context_takeover, permessage-deflate",
                ],
                "permessage-deflate; server_no_context_takeover",
            ),
        ] {
            assert_eq!(answer(offers), answered, "{offers:?}");
        }
    }

    #[test]
    fn answer_of_a_server_is_taken_or_fails_the_handshake() {
        let answered = |value, terms| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::SEC_WEBSOCKET_EXTENSIONS,
                HeaderValue::from_static(value),
            );
            confirm(&headers, terms)
        };
        assert_eq!(confirm(&HeaderMap::new(), Some(TERMS)), Ok(None));
        for parameters in [
            "",
            "; server_no_context_takeover",
            "; client_no_context_takeover",
            "; server_max_window_bits=8",
            "; server_max_window_bits=15",
            "; client_max_window_bits=9",
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
        ] {
            let value = format!("permessage-deflate{parameters}");
            let agreed = answered(value.clone().leak(), Some(TERMS));
            let agreed = agreed.map(|agreed| agreed.map(|agreed| agreed.to_string()));
            assert_eq!(agreed, Ok(Some(value)));
        }
        for value in [
            "x-webkit-deflate-frame",
            "permessage-deflate, permessage-deflate",
            "permessage-deflate, foo",
            "permessage-deflate; unknown",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; client_max_window_bits",
            // zlib has no such window.
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate;",
        ] {
            answered(value, Some(TERMS)).expect_err(value);
        }
        answered("permessage-deflate", None).expect_err("nothing was offered");
    }

    #[test]
    fn comma_in_quotes_separates_nothing() {
        assert_eq!(answer(&["foo; a=\"b,permessage-deflate\""]), "400");
    }

    #[test]
    fn malformed_headers_are_400_wherever_they_are() {
        for value in [
            "permessage-deflate;",
            "permessage-deflate; =1",
            "permessage-deflate foo",
            "; server_no_context_takeover",
            "permessage-deflate, a; b=\"",
            "permessage-deflate, a; b=\"\"",
            "permessage-deflate, a; b=\"x y\"",
            "permessage-deflate, a; b=\"x\"y",
            "permessage-deflate, a/b",
        ] {
            assert_eq!(answer(&[value]), "400", "{value}");
        }
    }
}
