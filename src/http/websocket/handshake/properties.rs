//! What holds for the handshake of every request.

use hyper::{
    HeaderMap, Request, Response,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};

use super::{Handshake, Subprotocols, is_requested};
use crate::{
    http::{body::Body, fields::is_token},
    transport::websocket::{accept_key, deflate::DeflateParams},
};

/// A request's head gets an answer that fits it, or a refusal that says why.
pub(crate) fn handshake(head: &[u8]) {
    let Some(request) = parts(head) else {
        return;
    };
    let is_requested = is_requested(&request);
    assert!(!is_requested || request.headers.contains_key(header::UPGRADE));
    let terms = DeflateParams {
        level: 1,
        threshold: 0,
        keeps_context: true,
    };
    let listed = Subprotocols::Listed(vec!["ex1".to_owned(), "ex2".to_owned()]);
    for (spoken, compression) in [
        (Subprotocols::Offered, None),
        (listed, Some(terms)),
        (Subprotocols::Off, Some(terms)),
    ] {
        match Handshake::check(&request, &spoken, compression) {
            Ok(handshake) => check_answer(&request, &spoken, handshake.to_response()),
            Err(refusal) => {
                let status = refusal.status().as_u16();
                assert!(matches!(status, 400 | 405 | 426), "{refusal}");
            }
        }
    }
}

/// A head as the lines of it are, without what else is asked of one.
fn parts(head: &[u8]) -> Option<Parts> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let mut words = lines.next()?.split(|byte| *byte == b' ');
    let request = Request::builder().method(words.next()?).uri(words.next()?);
    let mut parts = request.body(()).ok()?.into_parts().0;
    for line in lines.take_while(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        parts.headers.append(name, value);
    }
    Some(parts)
}

fn check_answer(request: &Parts, spoken: &Subprotocols, answer: Response<Body>) {
    assert_eq!(
        (request.method.as_str(), answer.status().as_u16()),
        ("GET", 101)
    );
    let (asked, answered) = (&request.headers, answer.headers());
    let all = |name| asked.get_all(name).iter().collect::<Vec<_>>();
    assert_eq!(all("sec-websocket-version"), ["13"]);
    let key = &asked["sec-websocket-key"];
    assert!(
        all("sec-websocket-key")
            .into_iter()
            .all(|other| other == key)
    );
    assert_eq!(answered["sec-websocket-accept"], accept_key(key.as_bytes()));
    assert_eq!(answered["upgrade"], "websocket");
    assert_eq!(answered["connection"], "Upgrade");
    if let Some(subprotocol) = answered.get("sec-websocket-protocol") {
        let selected = subprotocol.to_str().expect("a token");
        assert!(is_token(selected));
        assert!(offers(asked).any(|offer| offer == selected), "{selected}");
        match spoken {
            Subprotocols::Offered => assert_eq!(offers(asked).next(), Some(selected)),
            Subprotocols::Listed(names) => assert!(names.iter().any(|name| name == selected)),
            Subprotocols::Off => panic!("{selected} is not spoken"),
        }
    }
    if let Some(extension) = answered.get("sec-websocket-extensions") {
        assert!(
            *spoken != Subprotocols::Offered,
            "{extension:?} without terms"
        );
        assert!(extension.as_bytes().starts_with(b"permessage-deflate"));
    }
    assert!(answered.values().all(|value| value.to_str().is_ok()));
}

fn offers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lists = headers.get_all("sec-websocket-protocol").iter();
    let offers = lists.flat_map(|list| list.to_str().unwrap_or_default().split(','));
    offers.map(str::trim).filter(|offer| !offer.is_empty())
}
