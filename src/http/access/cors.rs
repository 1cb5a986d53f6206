//! Cross-origin resource sharing: which pages of others may read files and the answers of scripts (Fetch standard, "CORS
//! protocol"). It opens nothing else: a WebSocket has the rule of [`Origins`], and no page may send credentials.

use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};

use super::origin::{AllowedOrigin, Origins};
use crate::http::{
    body::{Body, empty},
    fields::list_elements,
};

/// Whose pages may read what is answered.
#[derive(Debug, Clone)]
pub struct Cors {
    origins: Origins,
    /// In which proxies name users.
    user_headers: Vec<HeaderName>,
}

/// What a proxy says of a client is no page's to say.
const OF_PROXIES: [&str; 2] = ["forwarded", "x-real-ip"];

impl Cors {
    /// The pages of these origins.
    pub fn new(allowed: Vec<AllowedOrigin>) -> Self {
        Cors {
            origins: Origins {
                allowed,
                required: true,
            },
            user_headers: Vec::new(),
        }
    }

    /// The same, where proxies name users in these headers: no page may send them.
    pub fn with_user_headers(self, user_headers: Vec<HeaderName>) -> Self {
        Cors {
            user_headers,
            ..self
        }
    }

    fn allows_any(&self) -> bool {
        self.origins.allowed.contains(&AllowedOrigin::Any)
    }

    /// Whether a page asks that was listed by its name.
    pub(in crate::http) fn names_page_of(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN);
        !self.allows_any() && origin.is_some_and(|origin| self.allows(origin))
    }

    /// Whether a request asks, for a page, what another one may ask.
    pub(in crate::http) fn is_preflight(request: &Parts) -> bool {
        let has = |name| request.headers.contains_key(name);
        request.method == Method::OPTIONS
            && has(header::ORIGIN)
            && has(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Lets the page ask with any method, and with any header that is a page's to send.
    pub(in crate::http) fn preflight(&self, request: &Parts) -> Response<Body> {
        let mut response = Response::new(empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.add_to(request.headers.get(header::ORIGIN), &mut response);
        let headers = response.headers_mut();
        if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            return response;
        }
        let method = &request.headers[header::ACCESS_CONTROL_REQUEST_METHOD];
        if Method::from_bytes(method.as_bytes()).is_ok() {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        }
        let asked = self.headers_of_pages(&request.headers).join(", ");
        if let Some(asked) = HeaderValue::from_str(&asked)
            .ok()
            .filter(|asked| !asked.is_empty())
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        response
    }

    /// The headers that a preflight asks for, without those that are not a page's. A password is for those alone
    /// that are named.
    fn headers_of_pages(&self, headers: &HeaderMap) -> Vec<String> {
        let is_withheld = |name: &HeaderName| {
            OF_PROXIES.contains(&name.as_str())
                || self.user_headers.contains(name)
                || name.as_str().starts_with("x-forwarded-")
                || name == header::AUTHORIZATION && self.allows_any()
        };
        list_elements(headers, &header::ACCESS_CONTROL_REQUEST_HEADERS)
            .filter_map(|name| name.parse::<HeaderName>().ok())
            .filter(|name| !is_withheld(name))
            .map(|name| name.to_string())
            .collect()
    }

    /// Says in an answer who may read it, unless a script has said so itself.
    pub(in crate::http) fn add_to<B>(
        &self,
        origin: Option<&HeaderValue>,
        response: &mut Response<B>,
    ) {
        let headers = response.headers_mut();
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        let allow = match self.allows_any() {
            true => Some(HeaderValue::from_static("*")),
            false => {
                // For caches, which would give one page the answer to another.
                headers.append(header::VARY, HeaderValue::from_static("Origin"));
                origin.filter(|origin| self.allows(origin)).cloned()
            }
        };
        headers.extend(allow.map(|allow| (header::ACCESS_CONTROL_ALLOW_ORIGIN, allow)));
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let headers = HeaderMap::from_iter([(header::ORIGIN, origin.clone())]);
        self.origins.check(&headers, None).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn preflight(allowed: &[&str], origin: &str, asked: &str) -> HeaderMap {
        let allowed = allowed.iter().map(|text| text.parse().expect("an origin"));
        let request = Request::builder()
            .method(Method::OPTIONS)
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PATCH")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, asked);
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        assert!(Cors::is_preflight(&parts));
        let response = Cors::new(allowed.collect()).preflight(&parts);
        response.headers().clone()
    }

    #[test]
    fn page_may_ask_for_all_but_what_is_a_proxys() {
        let asked =
            "Content-Type, X-Own, Forwarded, X-Forwarded-For, x-real-ip, authorization, b ad";
        let found = preflight(&["*"], "http://a", asked);
        assert_eq!(found["access-control-allow-origin"], "*");
        assert_eq!(found["access-control-allow-methods"], "PATCH");
        assert_eq!(found["access-control-allow-headers"], "content-type, x-own");
        assert!(!found.contains_key("vary"));
        assert!(!found.contains_key("access-control-allow-credentials"));
    }

    #[test]
    fn listed_page_alone_may_ask_and_with_a_password() {
        let found = preflight(&["https://a"], "https://a", "authorization");
        assert_eq!(found["access-control-allow-origin"], "https://a");
        assert_eq!(found["access-control-allow-headers"], "authorization");
        assert_eq!(found["vary"], "Origin");
        for origin in ["http://a", "https://a.evil", "null", "x"] {
            let found = preflight(&["https://a"], origin, "x-own");
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found["vary"], "Origin");
        }
    }

    #[test]
    fn no_page_may_send_the_header_in_which_a_proxy_names_users() {
        for allowed in [AllowedOrigin::Any, "https://a".parse().expect("an origin")] {
            let cors = Cors::new(vec![allowed]);
            let cors = cors.with_user_headers(vec![HeaderName::from_static("x-user")]);
            let request = Request::builder()
                .method(Method::OPTIONS)
                .header(header::ORIGIN, "https://a")
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
                .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "X-User, x-own");
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let response = cors.preflight(&parts);
            let headers = response.headers();
            assert_eq!(headers["access-control-allow-headers"], "x-own");
        }
    }

    #[test]
    fn scripts_own_word_stands() {
        let mut response = Response::new(());
        let own = HeaderValue::from_static("https://own");
        let name = header::ACCESS_CONTROL_ALLOW_ORIGIN;
        response.headers_mut().insert(name.clone(), own.clone());
        Cors::new(vec![AllowedOrigin::Any]).add_to(None, &mut response);
        assert_eq!(response.headers()[name], own);
    }
}
