//! Pseudo-header fields of HTTP/2 (RFC 9113 §8.3), made the head of an HTTP/1.1 request: what reads it behind this
//! need not know the version, but for the method of a WebSocket, which is CONNECT (RFC 8441 §4).

use hyper::{
    Method, Request, Uri, Version,
    ext::Protocol,
    header::{self, HeaderValue},
};

use super::{access::Authority, refusal::Refusal};

/// The one protocol that is spoken on a stream of its own.
const WEBSOCKET: &str = "websocket";

/// Makes Host of `:authority`, which programs look for under that name (RFC 9113 §8.3.1 asks for it of
/// what translates), and of the target what stands in a request line. Another version's request stays as it is.
///
/// # Errors
/// 400 for a Host that is another than the authority; 501 for a CONNECT that asks for no WebSocket (RFC 9110
/// §15.6.2, RFC 9220 §3).
pub(super) fn normalize_http2<B>(request: &mut Request<B>) -> Result<(), Refusal> {
    if request.version() != Version::HTTP_2 {
        return Ok(());
    }
    if let Some(authority) = request.uri().authority().cloned() {
        let value = HeaderValue::from_str(authority.as_str());
        let mut hosts = request.headers().get_all(header::HOST).iter();
        if !hosts.all(|host| is_same(host, authority.as_str())) {
            return Err(Refusal::BadRequest(
                "the Host header is another than the :authority".to_owned(),
            ));
        }
        // Userinfo and the like are for the Host rule to find.
        let host = value.map_err(|_| Refusal::BadRequest("the :authority is malformed".into()))?;
        request.headers_mut().insert(header::HOST, host);
    }
    let is_connect = *request.method() == Method::CONNECT;
    if let Some(target) = request.uri().path_and_query() {
        *request.uri_mut() = Uri::from(target.clone());
    }
    match is_connect && !is_websocket(request) {
        true => Err(Refusal::NotImplemented),
        false => Ok(()),
    }
}

fn is_websocket<B>(request: &Request<B>) -> bool {
    let protocol = request.extensions().get::<Protocol>();
    protocol.is_some_and(|protocol| protocol.as_str() == WEBSOCKET)
}

/// Whether a Host header names an authority.
fn is_same(host: &HeaderValue, authority: &str) -> bool {
    let read = |text: &str| text.parse::<Authority>().ok();
    let host = host.to_str().ok().and_then(read);
    host.is_some() && host == read(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, uri: &str, host: &[&str], protocol: Option<&str>) -> Request<()> {
        let mut request = Request::builder()
            .version(Version::HTTP_2)
            .method(method)
            .uri(uri);
        for host in host {
            request = request.header(header::HOST, *host);
        }
        if let Some(protocol) = protocol {
            // hyper makes one of a static text only.
            let protocol = Protocol::from_static(String::leak(protocol.to_owned()));
            request = request.extension(protocol);
        }
        request.body(()).expect("a request")
    }

    fn status(mut request: Request<()>) -> Option<u16> {
        let refusal = normalize_http2(&mut request).err()?;
        Some(refusal.status().as_u16())
    }

    #[test]
    fn authority_becomes_host_and_the_target_a_path() {
        let mut request = request(Method::GET, "https://h:8443/a%20b?c=d", &[], None);
        normalize_http2(&mut request).expect("fine");
        assert_eq!(request.uri(), "/a%20b?c=d");
        assert_eq!(request.headers()[header::HOST], "h:8443");
    }

    #[test]
    fn host_beside_the_authority_has_to_be_the_same() {
        let get = |host: &[&str]| status(request(Method::GET, "https://h:8443/", host, None));
        assert_eq!(get(&["H:8443"]), None);
        for hosts in [&["other:8443"][..], &["h"], &["h:8443", "other"], &["a b"]] {
            assert_eq!(get(hosts), Some(400), "{hosts:?}");
        }
    }

    #[test]
    fn connect_is_for_websockets_only() {
        let connect = |uri, protocol| status(request(Method::CONNECT, uri, &[], protocol));
        assert_eq!(connect("https://h/", Some("websocket")), None);
        assert_eq!(connect("https://h/", Some("connect-udp")), Some(501));
        assert_eq!(connect("h:443", None), Some(501));
    }

    #[test]
    fn other_versions_are_left_alone() {
        let mut request = Request::builder()
            .uri("http://a/b")
            .header(header::HOST, "c")
            .body(())
            .expect("a request");
        normalize_http2(&mut request).expect("fine");
        assert_eq!(request.uri(), "http://a/b");
        assert_eq!(request.headers()[header::HOST], "c");
    }
}
