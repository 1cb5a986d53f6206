//! What a client calls its session, which it alone knows: [`SessionName`], and how that is kept out of everything else.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use hyper::{
    Request, Uri,
    header::{HeaderName, HeaderValue},
    http::uri::PathAndQuery,
};
use memchr::memchr2_iter;

use crate::{http::request_head::RawTarget, masked::decoded};

/// What each name begins with, by which others tell that it is a secret.
const BEGINNING: &str = "wsd-";
/// Hexadecimal digits of the 128 random bits behind that.
const DIGITS: usize = 32;
/// What others see in the place of a name.
const MASK: &str = "wsd-***";
/// Which event a client has seen last (HTML Standard §9.2.4).
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The name of a session with an event stream: 128 random bits. Who knows it may hand something in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::http) struct SessionName(u128);

impl SessionName {
    /// A name that nobody has.
    pub(super) fn new() -> Self {
        SessionName(rand::random())
    }

    /// The name in a text; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(BEGINNING)?;
        if digits.len() != DIGITS || !digits.bytes().all(is_digit) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(SessionName)
    }

    /// As its client is told it.
    pub(super) fn to_text(&self) -> String {
        format!("{BEGINNING}{:0DIGITS$x}", self.0)
    }
}

impl fmt::Debug for SessionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// What a request says of a session, taken out of it.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Concealed {
    /// The query as it came.
    pub(super) query: Option<String>,
    /// Last-Event-ID as it came.
    pub(super) last_event: Option<HeaderValue>,
}

/// Takes names of sessions out of a request, from whatever programs, authorizers, the log and recordings are shown of
/// it; those who may know them find them in its extensions.
pub(in crate::http) fn conceal(request: &mut Request<()>) {
    let mut concealed = Concealed::default();
    let target = request.uri().path_and_query().map(PathAndQuery::as_str);
    if let Some(Cow::Owned(shown)) = target.map(|target| masked(target.as_bytes())) {
        concealed.query = request.uri().query().map(str::to_owned);
        let mut uri = request.uri().clone().into_parts();
        uri.path_and_query = PathAndQuery::try_from(shown).ok();
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    }
    if let Some(raw) = request.extensions_mut().remove::<RawTarget>() {
        let shown = match masked(&raw.0) {
            Cow::Owned(shown) => Bytes::from(shown),
            Cow::Borrowed(_) => raw.0,
        };
        request.extensions_mut().insert(RawTarget(shown));
    }
    concealed.last_event = request.headers().get(LAST_EVENT_ID).cloned();
    // Referer, and what proxies say of the target.
    for value in request.headers_mut().values_mut() {
        if let Cow::Owned(shown) = masked(value.as_bytes()) {
            // It cannot fail: a mask is as good as what it stands for.
            *value = HeaderValue::try_from(shown).unwrap_or(HeaderValue::from_static(MASK));
        }
    }
    if concealed.query.is_some() || concealed.last_event.is_some() {
        request.extensions_mut().insert(concealed);
    }
}

/// A text with a mask in the place of each name, percent-encoded or not; the same if it has none.
pub(in crate::http) fn masked(text: &[u8]) -> Cow<'_, [u8]> {
    let (mut shown, mut done) = (Vec::new(), 0);
    // What a name may begin with.
    for at in memchr2_iter(BEGINNING.as_bytes()[0], b'%', text) {
        if at >= done
            && let Some(end) = end_of_name(text, at)
        {
            shown.extend_from_slice(&text[done..at]);
            shown.extend_from_slice(MASK.as_bytes());
            done = end;
        }
    }
    match done {
        0 => Cow::Borrowed(text),
        _ => {
            shown.extend_from_slice(&text[done..]);
            Cow::Owned(shown)
        }
    }
}

/// What is behind the name that begins at `at`, if one does. It looks no further than at as many characters as a name has.
fn end_of_name(text: &[u8], mut at: usize) -> Option<usize> {
    for expected in BEGINNING.bytes() {
        let (byte, next) = decoded(text, at)?;
        if byte != expected {
            return None;
        }
        at = next;
    }
    for _ in 0..DIGITS {
        let (byte, next) = decoded(text, at)?;
        if !is_digit(byte) {
            return None;
        }
        at = next;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header;

    const NAME: &str = "wsd-0123456789abcdef0123456789abcdef";

    #[test]
    fn name_is_what_its_text_says() {
        let name = SessionName::new();
        assert_eq!(SessionName::parse(&name.to_text()), Some(name));
        assert_eq!(
            SessionName::parse(NAME)
                .map(|name| name.to_text())
                .as_deref(),
            Some(NAME)
        );
        for text in [
            "",
            "wsd-",
            &NAME[4..],
            &NAME[..35],
            &NAME.to_uppercase(),
            "wsd-+123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(SessionName::parse(text), None, "{text}");
        }
        assert_eq!(format!("{:?}", SessionName::new()), MASK);
    }

    #[test]
    fn names_are_masked_wherever_they_stand() {
        let shown = |text: &str| String::from_utf8_lossy(&masked(text.as_bytes())).into_owned();
        for (text, expected) in [
            (format!("/?session={NAME}&close"), "/?session=wsd-***&close"),
            (format!("{NAME}.7"), "wsd-***.7"),
            (
                format!("?a=%3Fsession%3D{NAME}{NAME}x"),
                "?a=%3Fsession%3Dwsd-***wsd-***x",
            ),
            ("/?session=wsd-12".to_owned(), "/?session=wsd-12"),
            (
                format!("/?session=%77sd-{}&%77sd-1", &NAME[4..]),
                "/?session=wsd-***&%77sd-1",
            ),
            (
                format!("/?a=wwsd%2D%30{}%2566.7", &NAME[5..35]),
                "/?a=wwsd-***.7",
            ),
            (
                format!("/?session=%2577%2573d-{}", &NAME[4..]),
                "/?session=wsd-***",
            ),
            ("/?a=100%&%zz=%77sd".to_owned(), "/?a=100%&%zz=%77sd"),
        ] {
            assert_eq!(shown(&text), expected);
        }
    }

    /// A look at all that follows for each beginning would take days.
    #[test]
    fn many_names_and_beginnings_cost_no_more_than_other_text() {
        let names = NAME.repeat(100_000);
        assert_eq!(*masked(names.as_bytes()), *MASK.repeat(100_000).as_bytes());
        for text in ["wsd-", "%77sd%2d", "%2525", "w%25", "wsd-0123456789abcdef"] {
            let text = text.repeat(200_000);
            assert!(matches!(masked(text.as_bytes()), Cow::Borrowed(_)));
        }
        let chain = format!("wsd-%{}", "25".repeat(500_000));
        assert!(matches!(masked(chain.as_bytes()), Cow::Borrowed(_)));
    }

    #[test]
    fn request_shows_no_name_and_keeps_it_for_those_who_may_know() {
        let mut request = Request::builder()
            .uri(format!("/a?session={NAME}"))
            .header(LAST_EVENT_ID, format!("{NAME}.3"))
            .header(header::REFERER, format!("http://h/?session={NAME}"))
            .header("x-original-uri", "/")
            .header("x-original-uri", format!("/?session={NAME}"))
            .body(())
            .expect("a request");
        let raw = format!("/a?session={NAME}&\"");
        request.extensions_mut().insert(RawTarget(raw.into()));
        conceal(&mut request);
        assert_eq!(request.uri(), "/a?session=wsd-***");
        assert_eq!(request.headers()[LAST_EVENT_ID], "wsd-***.3");
        assert_eq!(
            request.headers()[header::REFERER],
            "http://h/?session=wsd-***"
        );
        let others = request.headers().get_all("x-original-uri");
        assert!(others.iter().eq(["/", "/?session=wsd-***"]));
        let raw: &RawTarget = request.extensions().get().expect("it is there");
        assert_eq!(raw.0, "/a?session=wsd-***&\"");
        let concealed: &Concealed = request.extensions().get().expect("it is there");
        assert_eq!(
            concealed.query.as_deref(),
            Some(&*format!("session={NAME}"))
        );
        assert!(concealed.last_event.is_some());
    }
}
