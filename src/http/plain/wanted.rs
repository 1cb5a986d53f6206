//! What a request without a WebSocket wants of a session: [`Wanted`].

use hyper::{Method, header, http::request::Parts};

use super::session_name::{Concealed, LAST_EVENT_ID, SessionName};
use crate::{
    http::{fields::list_elements, refusal::Refusal},
    message::Close,
};

/// The media type of event streams (HTML Standard §9.2.7).
pub(super) const EVENT_STREAM: &str = "text/event-stream";
/// By what a query names a session, and asks for its end.
const SESSION: &str = "session";
const CLOSE: &str = "close";

/// What a request wants of a session.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Wanted {
    /// A session that is over with the answer, which is what it says.
    Conversation,
    /// A session that is told in events.
    Events,
    /// The same one, further on.
    Resumption(Position),
    /// To hand something in, and perhaps to close behind that; without a name for none that there is.
    Input {
        name: Option<SessionName>,
        behind: Behind,
    },
}

/// What comes behind an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Behind {
    More,
    /// A Close with this code.
    Close(u16),
}

/// Where a client has left an event stream.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Position {
    /// The session; `None` for none that there is.
    pub(super) name: Option<SessionName>,
    /// The number of the last event that it has; `None` if it says nothing of that.
    pub(super) last: Option<u64>,
}

/// Whether a request that asks for no WebSocket is about a session.
pub(in crate::http) fn is_requested(request: &Parts) -> bool {
    match request.method {
        Method::POST | Method::PUT => true,
        Method::GET => accepts_events(request),
        _ => false,
    }
}

/// Whether an event stream is asked for by name: who takes anything does not ask for it.
fn accepts_events(request: &Parts) -> bool {
    list_elements(&request.headers, &header::ACCEPT).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|kind| kind.eq_ignore_ascii_case(EVENT_STREAM));
        // A weight of 0 is a no (RFC 9110 §12.4.2).
        is_named && !parts.any(is_zero_weight)
    })
}

fn is_zero_weight(parameter: &str) -> bool {
    let weight = parameter
        .strip_prefix("q=")
        .or_else(|| parameter.strip_prefix("Q="));
    weight.is_some_and(|weight| weight.parse() == Ok(0.0))
}

/// What a request wants that [`is_requested`].
///
/// # Errors
/// 400 for a Last-Event-ID that is none of ours, or of another session than the query says.
pub(in crate::http) fn wanted(request: &Parts) -> Result<Wanted, Refusal> {
    let concealed = request.extensions.get::<Concealed>();
    let last_event = concealed.and_then(|concealed| concealed.last_event.as_ref());
    let last_event = last_event.or_else(|| request.headers.get(LAST_EVENT_ID));
    let query = concealed.and_then(|concealed| concealed.query.as_deref());
    let query = query.or_else(|| request.uri.query()).unwrap_or_default();
    let in_query = session_of(query);
    let is_events = accepts_events(request);
    // EventSource leaves out what is empty, others do not.
    let last_event = last_event.filter(|value| is_events && !value.is_empty());
    if let Some(value) = last_event {
        let position = value.to_str().ok().and_then(position);
        let position = position
            .filter(|found| found.last.is_some())
            .ok_or_else(malformed)?;
        let is_of_another =
            |session: &str| self::position(session).is_none_or(|other| other.name != position.name);
        return match in_query.is_some_and(is_of_another) {
            true => Err(Refusal::BadRequest(
                "Last-Event-ID is of another session than the one in the URL".to_owned(),
            )),
            false => Ok(Wanted::Resumption(position)),
        };
    }
    Ok(match (in_query, request.method == Method::GET) {
        (Some(session), true) => Wanted::Resumption(position(session).unwrap_or(Position {
            name: None,
            last: None,
        })),
        (Some(session), false) => Wanted::Input {
            name: SessionName::parse(session),
            behind: behind(query)?,
        },
        (None, true) => Wanted::Events,
        (None, false) if is_events => Wanted::Events,
        (None, false) => Wanted::Conversation,
    })
}

fn malformed() -> Refusal {
    Refusal::BadRequest(
        "Last-Event-ID is malformed: it is the id of an event of this server".to_owned(),
    )
}

/// A name, with the number of an event behind it or without.
fn position(text: &str) -> Option<Position> {
    let (name, last) = match text.split_once('.') {
        Some((name, number)) => (name, Some(number)),
        None => (text, None),
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let last = match last {
        Some(number) if is_number(number) => Some(number.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    Some(Position {
        name: Some(SessionName::parse(name)?),
        last,
    })
}

/// The session that a query names, as it stands there.
fn session_of(query: &str) -> Option<&str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, session) = pairs.find(|(name, _)| *name == SESSION)?;
    Some(session)
}

/// Whether a query asks for the end, and with which of the codes that are a client's to send (RFC 6455 §7.4.2).
fn behind(query: &str) -> Result<Behind, Refusal> {
    let pairs = query.split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let Some((_, code)) = pairs.find(|(name, _)| *name == CLOSE) else {
        return Ok(Behind::More);
    };
    let code = match code {
        "" => Some(Close::NORMAL),
        code => code.parse().ok(),
    };
    let code = code.filter(|code| matches!(code, 1000 | 3000..=4999));
    code.map(Behind::Close).ok_or_else(|| {
        let reason = "the code of a close is 1000, or between 3000 and 4999";
        Refusal::BadRequest(reason.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    const NAME: &str = "wsd-0123456789abcdef0123456789abcdef";
    const OTHER: &str = "wsd-1123456789abcdef0123456789abcdef";

    fn request(method: Method, query: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(format!("/{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).expect("a request");
        super::super::session_name::conceal(&mut request);
        request.into_parts().0
    }

    fn name(text: &str) -> Option<SessionName> {
        SessionName::parse(text)
    }

    #[test]
    fn events_are_asked_for_by_name() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("text/html, Text/Event-Stream;charset=utf-8", true),
            ("text/event-stream; q=0.1", true),
            ("text/event-stream;q=0", false),
            ("*/*", false),
            ("text/*", false),
            ("", false),
        ] {
            let get = request(Method::GET, "", &[("accept", accept)]);
            assert_eq!(is_requested(&get), expected, "{accept}");
            let head = request(Method::HEAD, "", &[("accept", accept)]);
            assert!(!is_requested(&head));
        }
    }

    #[test]
    fn request_says_what_it_wants() {
        let events = ("accept", EVENT_STREAM);
        let (of_name, last) = (format!("?session={NAME}"), format!("{NAME}.7"));
        let wanted = |method, query: &str, headers: &[(&str, &str)]| {
            wanted(&request(method, query, headers)).map_err(|refusal| refusal.status().as_u16())
        };
        let resumption = |last| {
            Ok(Wanted::Resumption(Position {
                name: name(NAME),
                last,
            }))
        };
        assert_eq!(wanted(Method::POST, "", &[]), Ok(Wanted::Conversation));
        assert_eq!(wanted(Method::PUT, "?close", &[]), Ok(Wanted::Conversation));
        assert_eq!(wanted(Method::POST, "", &[events]), Ok(Wanted::Events));
        assert_eq!(wanted(Method::GET, "?a=b", &[events]), Ok(Wanted::Events));
        let at = ("last-event-id", last.as_str());
        assert_eq!(wanted(Method::GET, "", &[events, at]), resumption(Some(7)));
        assert_eq!(wanted(Method::POST, "", &[events, at]), resumption(Some(7)));
        assert_eq!(
            wanted(Method::GET, &of_name, &[events, at]),
            resumption(Some(7))
        );
        assert_eq!(wanted(Method::GET, &of_name, &[events]), resumption(None));
        let with_number = format!("?session={NAME}.3");
        assert_eq!(
            wanted(Method::GET, &with_number, &[events]),
            resumption(Some(3))
        );
        // Which others send with each request.
        assert_eq!(
            wanted(Method::GET, "", &[events, ("last-event-id", "")]),
            Ok(Wanted::Events)
        );
        assert_eq!(wanted(Method::POST, "", &[at]), Ok(Wanted::Conversation));
        for (query, behind) in [
            ("", Behind::More),
            ("&close", Behind::Close(1000)),
            ("&close=", Behind::Close(1000)),
            ("&close=4999&a", Behind::Close(4999)),
        ] {
            let query = format!("{of_name}{query}");
            let input = Wanted::Input {
                name: name(NAME),
                behind,
            };
            assert_eq!(wanted(Method::POST, &query, &[]), Ok(input));
        }
        let unknown = Wanted::Input {
            name: None,
            behind: Behind::More,
        };
        assert_eq!(wanted(Method::POST, "?session=x", &[]), Ok(unknown));
        for code in ["999", "1001", "5000", "x"] {
            let query = format!("{of_name}&close={code}");
            assert_eq!(wanted(Method::POST, &query, &[]), Err(400));
        }
    }

    #[test]
    fn last_event_id_of_another_kind_or_session_is_refused() {
        let other = format!("?session={OTHER}");
        for (query, last) in [
            ("", "7"),
            ("", NAME),
            ("", &*format!("{NAME}.")),
            ("", &*format!("{NAME}.-1")),
            ("", &*format!("{NAME}.+1")),
            ("", &*format!("{NAME}.99999999999999999999")),
            (&*other, &*format!("{NAME}.7")),
            ("?session=x", &*format!("{NAME}.7")),
        ] {
            let headers = [("accept", EVENT_STREAM), ("last-event-id", last)];
            let refused = wanted(&request(Method::GET, query, &headers));
            let status = refused.err().map(|refusal| refusal.status().as_u16());
            assert_eq!(status, Some(400), "{query} {last}");
        }
    }
}
