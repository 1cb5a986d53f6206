//! The cookie that stands for a password: browsers that send none with a WebSocket send this.
//!
//! It is signed: the kind of login, the file, the name, when it ends, and the user's line are in the signature, so it is
//! void for any other file, and when the line changes. Only name and end are in the cookie.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use data_encoding::BASE64URL_NOPAD;
use hyper::header::HeaderValue;
use ring::hmac;

use super::{
    asking::Asking,
    cookie_key::CookieKey,
    password_file::{PasswordFile, User},
};
use crate::{
    connection::ConnectionInfo,
    http::{access::host::Authority, fields::cookies},
};

/// How long one is good. A page that is open longer has its session ended, and asks its user again.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// The same without TLS, where whoever listens has it too.
const LIFETIME_IN_CLEAR: Duration = Duration::from_secs(60 * 60);
/// Cookies of the name that are looked at. Another port of the host may have set some; more are not a browser's.
const LOOKED_AT: usize = 4;

/// What of a request's cookies is ours.
pub(super) enum Cookie {
    Missing,
    /// It stands for the user of this name.
    Valid {
        name: String,
        user: Arc<User>,
        expires: SystemTime,
    },
    /// It has expired, or was signed for something else or by somebody else.
    Void,
}

/// A user's line in its file, for which a cookie stands.
#[derive(Clone, Copy)]
struct Line<'a> {
    path: &'a Path,
    name: &'a str,
    user: &'a User,
}

/// What is signed: each part ends where it cannot go on.
fn message(line: Line<'_>, expires: u64) -> Vec<u8> {
    let path = line.path.as_os_str().as_encoded_bytes();
    let expires = expires.to_string();
    let parts: [&[u8]; 5] = [
        b"wsd cookie 1, Basic",
        path,
        line.name.as_bytes(),
        expires.as_bytes(),
        &line.user.digest,
    ];
    parts.join(&0)
}

/// Finds the cookie of a request.
pub(super) fn find(asking: &Asking<'_>, key: &CookieKey, file: &PasswordFile) -> Cookie {
    let mut found = Cookie::Missing;
    for value in cookies(
        &asking.request.headers,
        &cookie_name(asking.connection, asking.host),
    )
    .take(LOOKED_AT)
    {
        match verified(&value, key, file) {
            Some(valid) => return valid,
            None => found = Cookie::Void,
        }
    }
    found
}

fn verified(value: &str, key: &CookieKey, file: &PasswordFile) -> Option<Cookie> {
    let (expires, rest) = value.split_once('.')?;
    let (name, signature) = rest.split_once('.')?;
    let seconds: u64 = expires.parse().ok()?;
    let name = String::from_utf8(BASE64URL_NOPAD.decode(name.as_bytes()).ok()?).ok()?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
    let user = Arc::clone(file.content().find(&name)?);
    let line = Line {
        path: file.path(),
        name: &name,
        user: &user,
    };
    // In constant time.
    hmac::verify(key.inner(), &message(line, seconds), &signature).ok()?;
    let expires = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    (expires > SystemTime::now()).then_some(Cookie::Valid {
        name,
        user,
        expires,
    })
}

/// A cookie for a user whose password was right, and when it ends.
pub(super) fn issue(
    asking: &Asking<'_>,
    key: &CookieKey,
    file: &PasswordFile,
    (name, user): (&str, &User),
) -> Option<HeaderValue> {
    let lifetime = match asking.connection.is_https() {
        true => LIFETIME,
        false => LIFETIME_IN_CLEAR,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let expires = (now + lifetime).as_secs();
    let line = Line {
        path: file.path(),
        name,
        user,
    };
    let signature = hmac::sign(key.inner(), &message(line, expires));
    let value = format!(
        "{expires}.{}.{}",
        BASE64URL_NOPAD.encode(name.as_bytes()),
        BASE64URL_NOPAD.encode(signature.as_ref())
    );
    set_cookie(asking.connection, asking.host, &value, "")
}

/// What takes the cookie from a browser.
pub(in crate::http) fn clear_cookie(
    connection: &ConnectionInfo,
    host: Option<&Authority>,
) -> Option<HeaderValue> {
    set_cookie(connection, host, "", "; Max-Age=0")
}

fn set_cookie(
    connection: &ConnectionInfo,
    host: Option<&Authority>,
    value: &str,
    more: &str,
) -> Option<HeaderValue> {
    let secure = match connection.is_https() {
        true => "; Secure",
        false => "",
    };
    let name = cookie_name(connection, host);
    let cookie = format!("{name}={value}; Path=/{more}; HttpOnly; SameSite=Strict{secure}");
    let mut value = HeaderValue::try_from(cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Its name has the port, since cookies reach all ports of a host. By TLS browsers see to it that nobody but the host
/// itself, and by TLS, has set one of this prefix (RFC 6265bis §4.1.3).
fn cookie_name(connection: &ConnectionInfo, host: Option<&Authority>) -> String {
    let (prefix, default) = match connection.is_https() {
        true => ("__Host-", 443),
        false => ("", 80),
    };
    let of_host = || host.and_then(|host| host.port);
    let port = connection.local.port().or_else(of_host).unwrap_or(default);
    format!("{prefix}wsd-{port}")
}

/// Whether a cookie is one of these, of whatever port.
pub(super) fn is_own_name(name: &str) -> bool {
    let port = name
        .strip_prefix("__Host-")
        .unwrap_or(name)
        .strip_prefix("wsd-");
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}
