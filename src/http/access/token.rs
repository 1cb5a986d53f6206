//! Where a client's token is, by which it names a target: [`TokenPlace`].

use std::str::FromStr;

use hyper::http::request::Parts;

use super::host::Authority;
use crate::{
    backend::Token,
    http::{
        fields::{cookies, is_token},
        refusal::Refusal,
    },
    percent::unescaped,
};

/// Where a token is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TokenPlace {
    /// `?token=`.
    #[default]
    Query,
    /// PATH_INFO without its slash.
    Path,
    /// The first label of Host, which is in lower case.
    Host,
    /// The cookie of this name.
    Cookie(String),
}

/// The name in a query.
pub(in crate::http) const QUERY_NAME: &str = "token";

impl FromStr for TokenPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match (text, text.strip_prefix("cookie:")) {
            ("query", _) => Ok(TokenPlace::Query),
            ("path", _) => Ok(TokenPlace::Path),
            ("host", _) => Ok(TokenPlace::Host),
            (_, Some(name)) if is_token(name) => Ok(TokenPlace::Cookie(name.to_owned())),
            (_, Some(_)) => {
                Err("expected the name of a cookie behind 'cookie:', letters and digits")
            }
            _ => Err("expected query, path, host or cookie:NAME"),
        }
    }
}

impl TokenPlace {
    /// The token of a request.
    ///
    /// # Errors
    /// 400 when it is missing, malformed, or given twice.
    pub(in crate::http) fn token(
        &self,
        request: &Parts,
        host: Option<&Authority>,
        path_info: &str,
    ) -> Result<Token, Refusal> {
        let given = match self {
            TokenPlace::Query => only(in_query(request.uri.query().unwrap_or_default()))?,
            TokenPlace::Path => path_info.strip_prefix('/').map(str::to_owned),
            TokenPlace::Host => host
                .and_then(|host| host.name.split('.').next())
                .map(str::to_owned),
            TokenPlace::Cookie(name) => only(cookies(&request.headers, name))?,
        };
        let given = given.filter(|given| !given.is_empty());
        let given =
            given.ok_or_else(|| bad(format!("the token is missing: it is {}", self.name())))?;
        given
            .parse()
            .map_err(|()| bad(format!("the token, {}, is malformed", self.name())))
    }

    fn name(&self) -> String {
        match self {
            TokenPlace::Query => "in the URL's query, ?token=TOKEN".to_owned(),
            TokenPlace::Path => "the end of the URL's path".to_owned(),
            TokenPlace::Host => "the first label of the host's name".to_owned(),
            TokenPlace::Cookie(name) => format!("in the cookie {name}"),
        }
    }
}

fn bad(reason: String) -> Refusal {
    Refusal::BadToken(reason)
}

fn only(mut values: impl Iterator<Item = String>) -> Result<Option<String>, Refusal> {
    let first = values.next();
    match values.next() {
        Some(_) => Err(bad("there is more than one token".to_owned())),
        None => Ok(first),
    }
}

/// The values of `token`, decoded once.
fn in_query(query: &str) -> impl Iterator<Item = String> {
    let values = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name == QUERY_NAME).then_some(value)
    });
    // Decoded once. What cannot be decoded stays as it is, and is no token.
    values.map(|value| String::from_utf8_lossy(&unescaped(value)).into_owned())
}

/// A query with a digest in the place of each token: also of one in the value of another parameter, as a page has it
/// that is told which address to connect to.
pub(in crate::http) fn with_tokens_digested(
    query: &str,
    digest: impl Fn(&[u8]) -> String,
) -> String {
    const BEGINNINGS: [&str; 2] = ["token=", "token%3d"];
    let lower = query.to_ascii_lowercase();
    let (mut shown, mut done) = (String::new(), 0);
    while let Some((begin, name)) = BEGINNINGS
        .iter()
        .filter_map(|name| Some((done + lower[done..].find(name)?, name)))
        .min()
    {
        let begin = begin + name.len();
        // What is encoded may be a part of it, but for what ends it.
        let ends =
            |&(at, byte): &(usize, u8)| byte == b'&' || lower.as_bytes()[at..].starts_with(b"%26");
        let mut bytes = (begin..).zip(query[begin..].bytes());
        let end = bytes.find(ends).map_or(query.len(), |(at, _)| at);
        shown.push_str(&query[done..begin]);
        if end > begin {
            shown.push_str(&digest(&query.as_bytes()[begin..end]));
        }
        done = end;
    }
    shown + &query[done..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::{Request, header};

    fn token(place: &str, uri: &str, cookie: &str, path_info: &str) -> Result<String, u16> {
        let place: TokenPlace = place.parse().expect(place);
        let request = Request::builder().uri(uri).header(header::COOKIE, cookie);
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let host = "VM1.example:80".parse().ok();
        let token = place.token(&parts, host.as_ref(), path_info);
        let text = |token: Token| String::from_utf8_lossy(token.as_bytes()).into_owned();
        token.map(text).map_err(|refusal| refusal.status().as_u16())
    }

    #[test]
    fn token_is_found_where_it_is_said_to_be() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(token("query", "/?a=b&token=x%2dy", "", ""), ok("x-y"));
        assert_eq!(token("path", "/p/x", "", "/x"), ok("x"));
        assert_eq!(token("host", "/", "", ""), ok("vm1"));
        assert_eq!(token("cookie:t", "/", "a=b; t=x; tt=y", ""), ok("x"));
        assert_eq!(token("cookie:t", "/", "t=\"x\"", ""), ok("x"));
    }

    #[test]
    fn digest_stands_in_the_place_of_tokens() {
        for (query, shown) in [
            ("token=abc", "token=X3"),
            ("a=b&token=abc&c=d", "a=b&token=X3&c=d"),
            ("path=ws%3Ftoken%3Dabc%26c&d", "path=ws%3Ftoken%3DX3%26c&d"),
            ("token=&TOKEN%3da%2fb&token=", "token=&TOKEN%3dX5&token="),
            ("é=token=é", "é=token=X2"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            let digest = |token: &[u8]| format!("X{}", token.len());
            assert_eq!(with_tokens_digested(query, digest), shown);
        }
    }

    #[test]
    fn token_that_is_missing_malformed_or_doubled_is_refused() {
        let long = format!("/?token={}", "x".repeat(129));
        for uri in [
            "/",
            "/?token",
            "/?token=",
            "/?Token=x",
            "/?token=x&token=x",
            "/?token=a/b",
            "/?token=.a",
            "/?token=%00",
            "/?token=x%252d",
            "/?token=a+b",
            &long,
        ] {
            assert_eq!(token("query", uri, "", ""), Err(400), "{uri}");
        }
        for path_info in ["", "/", "//x", "/x/", "/a/b", "/.x", "/a b"] {
            assert_eq!(token("path", "/", "", path_info), Err(400), "{path_info}");
        }
        for cookie in ["", "t", "t=", "t=a; t=b", "s=x", "t=a b"] {
            assert_eq!(token("cookie:t", "/", cookie, ""), Err(400), "{cookie}");
        }
    }
}
