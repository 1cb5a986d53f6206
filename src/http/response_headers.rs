//! Response headers that the operator adds, and those that all answers have.

use hyper::{
    Response,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

/// What is added to answers of one kind.
#[derive(Debug, Clone, Default)]
pub struct AddedHeaders(HeaderMap);

impl AddedHeaders {
    /// One more, beside others of the same name.
    pub fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.append(name, value);
    }

    /// Adds them to an answer. They take the place of what a handler has set under the same name.
    pub(super) fn add_to<B>(&self, response: &mut Response<B>) {
        for name in self.0.keys() {
            response.headers_mut().remove(name);
        }
        for (name, value) in &self.0 {
            response.headers_mut().append(name, value.clone());
        }
    }
}

/// Sets `X-Content-Type-Options: nosniff`: browsers take a page for what its Content-Type says, and for nothing
/// else that it looks like.
pub(super) fn forbid_sniffing(headers: &mut HeaderMap) {
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
}

/// Headers on which an answer's correctness depends: they cannot be added.
const RESERVED: [&str; 8] = [
    "connection",
    "content-length",
    "date",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "transfer-encoding",
    "upgrade",
];

/// Reads `Name: value`.
///
/// # Errors
/// What is wrong with it: no colon, a name that is no token (RFC 9110 §5.1), a value with a line end or
/// another control character (§5.5), or a name that is the server's own business.
pub fn parse(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let Some((name, value)) = text.split_once(':') else {
        return Err("a header is 'Name: value'".to_owned());
    };
    let name = HeaderName::try_from(name).map_err(|_| format!("'{name}' is no header name"))?;
    if RESERVED.contains(&name.as_str()) {
        return Err(format!("'{name}' is set by wsd itself"));
    }
    let value = HeaderValue::try_from(value.trim_matches([' ', '\t']))
        .map_err(|_| "its value has a line end or another control character".to_owned())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_a_name_and_a_value() {
        let (name, value) = parse("Cache-Control:  max-age=60").expect("a header");
        assert_eq!(
            (name.as_str(), value.as_bytes()),
            ("cache-control", &b"max-age=60"[..])
        );
        assert!(parse("X-Empty:").is_ok());
    }

    #[test]
    fn what_could_split_an_answer_is_refused() {
        for text in [
            "X",
            ": x",
            "X Y: z",
            "X: a\r\nY: b",
            "X: a\nb",
            "X: \0",
            "Content-Length: 1",
            "upgrade: x",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn added_header_takes_the_place_of_a_handlers() {
        let mut added = AddedHeaders::default();
        let name = HeaderName::from_static("x-a");
        added.append(name.clone(), HeaderValue::from_static("1"));
        added.append(name, HeaderValue::from_static("2"));
        let mut response = Response::new(());
        response
            .headers_mut()
            .insert("x-a", HeaderValue::from_static("0"));
        added.add_to(&mut response);
        let values: Vec<_> = response.headers().get_all("x-a").iter().collect();
        assert_eq!(values, ["1", "2"]);
    }
}
