//! What a client calls its session, which it alone knows: [`SessionName`], and how that is kept out of everything else.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use hyper::{
    Request, Uri,
    header::{HeaderName, HeaderValue},
    http::uri::PathAndQuery,
};
use memchr::memmem;

use crate::http::request_head::RawTarget;

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

/// A text with a mask in the place of each name; the same if it has none.
pub(in crate::http) fn masked(text: &[u8]) -> Cow<'_, [u8]> {
    let digits = |at: usize| {
        let behind = text[at..].iter();
        behind.take(DIGITS).filter(|byte| is_digit(**byte)).count()
    };
    let found = memmem::find_iter(text, BEGINNING).map(|at| at + BEGINNING.len());
    let mut names = found.filter(|at| digits(*at) == DIGITS).peekable();
    if names.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut done) = (Vec::with_capacity(text.len()), 0);
    for at in names {
        shown.extend_from_slice(&text[done..at - BEGINNING.len()]);
        shown.extend_from_slice(MASK.as_bytes());
        done = at + DIGITS;
    }
    shown.extend_from_slice(&text[done..]);
    Cow::Owned(shown)
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
        ] {
            assert_eq!(shown(&text), expected);
        }
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
