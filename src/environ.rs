//! The environment of a program: the meta-variables of RFC 3875 §4.1, and what
//! little of the gateway's own environment is passed on. Pure.

mod tls;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    net::IpAddr,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

use hyper::{HeaderMap, Method, Uri, Version, header};

use crate::connection::ConnectionInfo;

/// What the gateway says of itself.
const SERVER_SOFTWARE: &str = concat!("wsd/", env!("CARGO_PKG_VERSION"));

/// The ports that a URL without one means (RFC 9110 §4.2.1, §4.2.2).
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// What the meta-variables are made of.
#[derive(Debug, Clone, Copy)]
pub struct RequestInfo<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's target.
    pub uri: &'a Uri,
    /// Its path with the query, and its query, as they came, where those of `uri` have characters percent-encoded
    /// that came raw.
    pub raw_target: Option<(&'a [u8], &'a [u8])>,
    /// The request's version.
    pub version: Version,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The part of the path that names the program; empty for a program that answers everywhere.
    pub script_name: &'a str,
    /// The rest of the path, decoded.
    pub path_info: &'a str,
    /// The Host header's name and port (RFC 9110 §7.2), where there is one.
    pub host: Option<(&'a str, Option<u16>)>,
    /// Who the client is, and what has shown that; both empty of a client that is anybody.
    pub user: (&'a str, &'a str),
    /// What was granted beside: more variables, none of which is one of those here.
    pub granted: &'a [(String, OsString)],
    /// The selected subprotocol.
    pub subprotocol: Option<&'a str>,
    /// The session's id.
    pub id: &'a str,
}

impl RequestInfo<'_> {
    /// Path with query, and query, as they came.
    fn target(&self) -> (&[u8], &[u8]) {
        let uri = self.uri;
        let target = uri
            .path_and_query()
            .map_or(uri.path(), |target| target.as_str());
        let query = uri.query().unwrap_or_default();
        self.raw_target
            .unwrap_or((target.as_bytes(), query.as_bytes()))
    }
}

/// The environment of the programs of one gateway.
#[derive(Debug, Clone, Default)]
pub struct Environ {
    /// Variables of the gateway's own, which meta-variables override.
    pub passed: Vec<(OsString, OsString)>,
    /// The static root, for PATH_TRANSLATED.
    pub static_root: Option<PathBuf>,
}

impl Environ {
    /// The whole environment of one program: every variable once.
    pub fn variables(
        &self,
        connection: &ConnectionInfo,
        request: &RequestInfo<'_>,
    ) -> Vec<(OsString, OsString)> {
        let mut variables: BTreeMap<OsString, OsString> = self.passed.iter().cloned().collect();
        variables.extend(http_variables(request.headers));
        let mut set = |name: &str, value: &dyn AsRef<OsStr>| {
            variables.insert(name.into(), value.as_ref().to_owned());
        };
        set("GATEWAY_INTERFACE", &"CGI/1.1");
        set("SERVER_SOFTWARE", &SERVER_SOFTWARE);
        set("SERVER_PROTOCOL", &format!("{:?}", request.version));
        set("REQUEST_METHOD", &request.method.as_str());
        let (target, query) = request.target();
        set("REQUEST_URI", &OsStr::from_bytes(target));
        set("QUERY_STRING", &OsStr::from_bytes(query));
        let script_name = [connection.prefix.as_str(), request.script_name].concat();
        set("SCRIPT_NAME", &script_name);
        set("PATH_INFO", &request.path_info);
        set("PATH_TRANSLATED", &self.path_translated(request.path_info));
        set("UNIQUE_ID", &request.id);
        // All three are empty on a unix socket, where a client has no address.
        let address = to_text(connection.remote.ip());
        set(
            "REMOTE_HOST",
            &connection.remote_name.as_ref().unwrap_or(&address),
        );
        set("REMOTE_ADDR", &address);
        set("REMOTE_PORT", &to_text(connection.remote.port()));
        let (name, port) = server(connection, request.host);
        set("SERVER_NAME", &name);
        set("SERVER_PORT", &port.to_string());
        let (user, auth_type) = request.user;
        set("REMOTE_USER", &user);
        set("AUTH_TYPE", &auth_type);
        set("REMOTE_IDENT", &"");
        set(
            "CONTENT_TYPE",
            &join_values(request.headers, &header::CONTENT_TYPE),
        );
        set(
            "CONTENT_LENGTH",
            &join_values(request.headers, &header::CONTENT_LENGTH),
        );
        if let Some(subprotocol) = request.subprotocol {
            set("WS_PROTOCOL", &subprotocol);
        }
        if connection.is_https() {
            set("HTTPS", &"on");
        }
        for (name, value) in connection.tls.iter().flat_map(tls::variables) {
            set(name, &value);
        }
        let granted = request.granted.iter();
        variables.extend(granted.map(|(name, value)| (name.into(), value.clone())));
        variables.into_iter().collect()
    }

    /// The whole environment of a program that many clients have together, with the path that leads to it, and the
    /// segment behind that if it is for one alone: nothing of any request.
    pub fn shared_variables(
        &self,
        script_name: &str,
        room: Option<&str>,
        kind: &str,
    ) -> Vec<(OsString, OsString)> {
        let mut variables: BTreeMap<OsString, OsString> = self.passed.iter().cloned().collect();
        let path = room.map_or(script_name.to_owned(), |room| {
            format!("{script_name}/{room}")
        });
        let own = [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SERVER_SOFTWARE", SERVER_SOFTWARE),
            ("SCRIPT_NAME", &path),
            ("WSD_SHARE", kind),
        ];
        let own = own.into_iter().chain(room.map(|room| ("ROOM", room)));
        variables.extend(own.map(|(name, value)| (name.into(), value.into())));
        variables.into_iter().collect()
    }

    /// RFC 3875 §4.1.6: where PATH_INFO lies in the server's files.
    fn path_translated(&self, path_info: &str) -> OsString {
        match &self.static_root {
            Some(root) if !path_info.is_empty() => {
                root.join(path_info.trim_start_matches('/')).into()
            }
            _ => OsString::new(),
        }
    }
}

/// Whether a variable is one that says what the request says, so that nobody else may set it.
pub fn is_meta_variable(name: &str) -> bool {
    const NAMES: [&str; 28] = [
        "AUTH_TYPE",
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "GATEWAY_INTERFACE",
        "HTTPS",
        "PATH_INFO",
        "PATH_TRANSLATED",
        "QUERY_STRING",
        "REMOTE_ADDR",
        "REMOTE_HOST",
        "REMOTE_IDENT",
        "REMOTE_PORT",
        "REMOTE_USER",
        "REQUEST_METHOD",
        "REQUEST_SCHEME",
        "REQUEST_URI",
        "SCRIPT_FILENAME",
        "SCRIPT_NAME",
        "SERVER_ADDR",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "SERVER_SOFTWARE",
        "SSL_CIPHER",
        "SSL_PROTOCOL",
        "SSL_TLS_SNI",
        "UNIQUE_ID",
        "WS_PROTOCOL",
    ];
    NAMES.contains(&name) || name.starts_with("HTTP_") || name.starts_with("SSL_CLIENT_")
}

fn to_text(part: Option<impl fmt::Display>) -> String {
    part.map(|part| part.to_string()).unwrap_or_default()
}

/// SERVER_NAME and SERVER_PORT (RFC 3875 §4.1.14, §4.1.15), neither of which may be empty: those of the
/// Host header, else the listener's, else what a URL without them means.
fn server(connection: &ConnectionInfo, host: Option<(&str, Option<u16>)>) -> (String, u16) {
    let (name, port) = host.unzip();
    let listener = || connection.local.ip().map(server_name);
    let name = name.map(str::to_owned).or_else(listener);
    // Behind a proxy the client knows no other port than the one that its URL leaves out.
    let own = || {
        connection
            .local
            .port()
            .filter(|_| connection.forwarded.is_none())
    };
    let port = port.flatten().or_else(own);
    let default_port = match connection.is_https() {
        true => HTTPS_PORT,
        false => HTTP_PORT,
    };
    (
        name.unwrap_or_else(|| "localhost".to_owned()),
        port.unwrap_or(default_port),
    )
}

/// RFC 3875 §4.1.14: an IPv6 address stands in brackets, as in the Host header.
fn server_name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The locale category of text, and UTF-8 by the name that every such system has without further packages.
const LC_CTYPE: (&str, &str) = match cfg!(target_os = "macos") {
    true => ("LC_CTYPE", "UTF-8"),
    false => ("LC_CTYPE", "C.UTF-8"),
};

/// Adds what tells a program that text is UTF-8, as messages are, if nothing says what it is (POSIX XBD 8.2: a
/// variable that is empty says nothing). Without it Ruby fails on the first accent, Java prints question marks, and
/// sed, awk and bash cut within characters.
pub fn declare_utf8(passed: &mut Vec<(OsString, OsString)>) {
    const LOCALE: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];
    let is_locale = |name: &OsString| LOCALE.iter().any(|other| name == other);
    if !passed
        .iter()
        .any(|(name, value)| is_locale(name) && !value.is_empty())
    {
        let (name, value) = LC_CTYPE;
        passed.retain(|(other, _)| other != name);
        passed.push((name.into(), value.into()));
    }
}

/// What tells of inherited sockets (sd_listen_fds(3)), which are the gateway's own.
const LISTEN_VARIABLES: [&str; 4] = [
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "LISTEN_PIDFDID",
];

/// The variables of the gateway's environment that a program gets.
pub fn inherit(names: &[String]) -> Vec<(OsString, OsString)> {
    names
        .iter()
        .filter(|name| !LISTEN_VARIABLES.contains(&name.as_str()))
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
        .collect()
}

/// `HTTP_*` for each header (RFC 3875 §4.1.18), but for those that have a variable of their own, for
/// `Proxy` (which would set what programs read as their own proxy, "httpoxy"), and for names whose
/// variable another header has too: only letters, digits and `-` are taken, so that `X_Foo` cannot
/// forge `X-Foo`.
fn http_variables(headers: &HeaderMap) -> impl Iterator<Item = (OsString, OsString)> {
    headers.keys().filter_map(|name| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !name.as_str().bytes().all(plain) {
            return None;
        }
        if name == "proxy" || name == header::CONTENT_TYPE || name == header::CONTENT_LENGTH {
            return None;
        }
        let variable = name.as_str().to_ascii_uppercase().replace('-', "_");
        Some((
            format!("HTTP_{variable}").into(),
            join_values(headers, name),
        ))
    })
}

/// All values of a header as one (RFC 9110 §5.2; cookies by RFC 6265 §5.4). What hyper accepts as a
/// value holds no NUL, CR or LF.
pub fn join_values(headers: &HeaderMap, name: &header::HeaderName) -> OsString {
    let separator: &[u8] = if name == header::COOKIE { b"; " } else { b", " };
    let values: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(|value| value.as_bytes())
        .collect();
    OsString::from_vec(values.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Endpoint, PeerCredentials};
    use hyper::header::HeaderValue;

    fn variables(headers: &HeaderMap, uri: &'static str) -> BTreeMap<String, String> {
        let ip = |text: &str| Endpoint::Ip(text.parse().expect("an address"));
        let connection = ConnectionInfo::new(ip("127.0.0.1:8080"), ip("10.0.0.1:5000"));
        variables_of(&connection, Some(("example.org", None)), headers, uri)
    }

    fn variables_of(
        connection: &ConnectionInfo,
        host: Option<(&str, Option<u16>)>,
        headers: &HeaderMap,
        uri: &'static str,
    ) -> BTreeMap<String, String> {
        let environ = Environ {
            passed: vec![
                ("PATH".into(), "/bin".into()),
                ("REMOTE_ADDR".into(), "forged".into()),
            ],
            static_root: Some("/srv/www".into()),
        };
        let request = RequestInfo {
            method: &Method::GET,
            uri: &Uri::from_static(uri),
            raw_target: None,
            version: Version::HTTP_11,
            headers,
            script_name: "",
            path_info: "/a b",
            host,
            user: ("", ""),
            granted: &[],
            subprotocol: Some("ex2"),
            id: "the-id",
        };
        environ
            .variables(connection, &request)
            .into_iter()
            .map(|(name, value)| {
                (
                    name.into_string().expect("text"),
                    value.into_string().expect("text"),
                )
            })
            .collect()
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn meta_variables_describe_the_request() {
        let found = variables(&HeaderMap::new(), "/a%20b?x=1&y=%20");
        for (name, value) in [
            ("REQUEST_URI", "/a%20b?x=1&y=%20"),
            ("QUERY_STRING", "x=1&y=%20"),
            ("SCRIPT_NAME", ""),
            ("PATH_INFO", "/a b"),
            ("PATH_TRANSLATED", "/srv/www/a b"),
            ("SERVER_NAME", "example.org"),
            ("SERVER_PORT", "8080"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REMOTE_PORT", "5000"),
            ("UNIQUE_ID", "the-id"),
            ("WS_PROTOCOL", "ex2"),
            ("AUTH_TYPE", ""),
            ("PATH", "/bin"),
        ] {
            assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
        }
    }

    #[test]
    fn meta_variables_override_what_is_passed_on() {
        let found = variables(&HeaderMap::new(), "/");
        assert_eq!(found["REMOTE_ADDR"], "10.0.0.1");
        assert_eq!(found["REMOTE_HOST"], "10.0.0.1");
    }

    #[test]
    fn client_of_a_unix_socket_has_no_address() {
        let peer = PeerCredentials {
            user: 0,
            process: None,
        };
        let remote = Endpoint::Unix(Some(peer));
        let connection = ConnectionInfo::new(Endpoint::Unix(None), remote);
        for (host, name, port) in [
            (Some(("example.org", Some(81))), "example.org", "81"),
            (Some(("example.org", None)), "example.org", "80"),
            (None, "localhost", "80"),
        ] {
            let found = variables_of(&connection, host, &HeaderMap::new(), "/");
            for empty in ["REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT"] {
                assert_eq!(found[empty], "", "{empty}");
            }
            assert_eq!(
                (&*found["SERVER_NAME"], &*found["SERVER_PORT"]),
                (name, port)
            );
        }
    }

    #[test]
    fn repeated_headers_are_join_values() {
        let found = variables(
            &headers(&[
                ("x-foo", "1"),
                ("x-foo", "2"),
                ("cookie", "a"),
                ("cookie", "b"),
            ]),
            "/",
        );
        assert_eq!(found["HTTP_X_FOO"], "1, 2");
        assert_eq!(found["HTTP_COOKIE"], "a; b");
    }

    #[test]
    fn headers_that_could_forge_are_dropped() {
        let found = variables(
            &headers(&[("proxy", "evil"), ("x_foo", "evil"), ("x.foo", "evil")]),
            "/",
        );
        assert!(
            !found.keys().any(|name| name.starts_with("HTTP_")),
            "{found:?}"
        );
    }

    #[test]
    fn headers_with_a_variable_of_their_own_have_no_second_one() {
        let found = variables(&headers(&[("content-type", "text/plain")]), "/");
        assert_eq!(found["CONTENT_TYPE"], "text/plain");
        assert!(!found.contains_key("HTTP_CONTENT_TYPE"));
    }
}
