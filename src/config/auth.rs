//! Who may ask: how clients show who they are.

use std::{path::Path, sync::Arc};

use hyper::header::{self, HeaderName};

use super::{
    access::trusts_everybody, authorize::authorizer, flag_error::FlagError, route::Entry,
    secret_files,
};
use crate::{
    args::{Args, AuthArgs, ProgramArgs},
    http::{
        access::{Authentication, Certificates, RouteAccess},
        pages::Router,
    },
};

/// Whether a program has a login of its own, or of the server's.
pub(super) fn has_login(server: &Args, program: &ProgramArgs) -> bool {
    has_kinds(&program.auth) || server.tls.sslca.is_some() || program.authorize.authorize.is_some()
}

/// Whether clients show who they are by something else than a certificate.
fn has_kinds(auth: &AuthArgs) -> bool {
    auth.basic_auth.is_some() || auth.bearer_tokens.is_some() || auth.auth_header.is_some()
}

/// Has a router ask who its clients are beneath a path.
///
/// # Errors
/// The first flag that is wrong; a reason where another route of the same path says something else.
pub(super) fn add_route_access(
    router: &mut Router,
    path: &str,
    server: &Args,
    program: &ProgramArgs,
    entry: Entry,
) -> Result<Result<(), &'static str>, FlagError> {
    let access = route_access(router, path, server, program, entry)?;
    let differs = |other: &RouteAccess| other.path == access.path && !other.is_like(&access);
    if router.route_access.iter().any(differs) {
        return Ok(Err(
            "another route of this path lets in others: clients of one path show who they are in one way",
        ));
    }
    router.route_access.push(access);
    Ok(Ok(()))
}

/// Who may ask beneath a path.
///
/// # Errors
/// The first flag that is wrong.
pub(super) fn route_access(
    router: &mut Router,
    path: &str,
    server: &Args,
    program: &ProgramArgs,
    entry: Entry,
) -> Result<RouteAccess, FlagError> {
    let shows_itself = has_kinds(&program.auth) || server.tls.sslca.is_some();
    let authentication = match entry == Entry::Checked && shows_itself {
        true => Some(Arc::new(authentication(router, server, &program.auth)?)),
        false => None,
    };
    Ok(RouteAccess {
        path: path.to_owned(),
        authentication,
        authorizer: match entry {
            Entry::Checked => authorizer(program)?,
            Entry::Open => None,
        },
    })
}

fn authentication(
    router: &mut Router,
    server: &Args,
    auth: &AuthArgs,
) -> Result<Authentication, FlagError> {
    let in_file = |flag, path: &Path, reason: String| secret_files::error(flag, path, &reason);
    let passwords = auth.basic_auth.as_deref().map(|path| {
        let file = router.logins.passwords(path);
        file.map_err(|reason| in_file("--basic-auth", path, reason))
    });
    let passwords = passwords.transpose()?;
    let tokens = auth.bearer_tokens.as_deref().map(|path| {
        let file = router.logins.tokens(path);
        file.map_err(|reason| in_file("--bearer-tokens", path, reason))
    });
    let tokens = tokens.transpose()?;
    let header = auth.auth_header.as_deref().map(user_header).transpose()?;
    router.user_headers.extend(header.clone());
    let is_login = server.tls.sslca_optional || !has_kinds(auth);
    Ok(Authentication {
        certificates: match server.tls.sslca.is_some() && is_login {
            true => Certificates::Login,
            false => Certificates::Ignored,
        },
        header,
        passwords,
        tokens,
    })
}

/// Headers that say something else, to wsd or by HTTP itself, and what others begin with that do.
const OTHER_HEADERS: [HeaderName; 15] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::COOKIE,
    header::EXPECT,
    header::FORWARDED,
    header::HOST,
    header::ORIGIN,
    header::RANGE,
    header::REFERER,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
    header::VIA,
];
const OTHER_PREFIXES: [&str; 7] = [
    "accept-",
    "access-control-",
    "content-",
    "if-",
    "keep-alive",
    "proxy-",
    "sec-",
];
/// What proxies say of a client beside its user.
const OF_PROXIES: [&str; 13] = [
    "x-forwarded-by",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-uri",
    "x-real-ip",
];

/// A header that names a user, and is not there for something else.
fn user_header(word: &str) -> Result<HeaderName, FlagError> {
    let invalid = |reason| FlagError::new("--auth-header", word, reason);
    let name = HeaderName::try_from(word)
        .map_err(|_| invalid("expected the name of a header, such as X-Forwarded-User"))?;
    let text = name.as_str();
    let is_other = OTHER_HEADERS.contains(&name)
        || OF_PROXIES.contains(&text)
        || OTHER_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
    match is_other {
        true => Err(invalid(
            "this header says something else; expected one that a proxy sets, such as X-Forwarded-User",
        )),
        false => Ok(name),
    }
}

/// Checks what is about the server as a whole, and finds what is hardly meant.
///
/// # Errors
/// The first flag that is wrong.
pub(super) fn check(args: &Args, router: &Router) -> Result<(), FlagError> {
    if args.access.cookie_key.is_some() && !router.logins.has_passwords() {
        return Err(FlagError::about(
            "--cookie-key",
            "is about the cookies of --basic-auth: give that too",
        ));
    }
    if router.user_headers.is_empty() {
        return Ok(());
    }
    let proxies = &args.access.trust_proxy;
    if proxies.is_empty() {
        return Err(FlagError::about(
            "--auth-header",
            "is believed of proxies alone: give --trust-proxy=ADDRESS of the proxy too",
        ));
    }
    match trusts_everybody(&args.access)? {
        true => Err(FlagError::new(
            "--trust-proxy",
            proxies.join(","),
            "it trusts everybody, and with --auth-header anybody could be anyone: list the proxies alone",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_that_says_something_else_names_no_user() {
        for name in [
            "X-Forwarded-User",
            "Remote-User",
            "X-User",
            "X-Auth-Request-Email",
        ] {
            assert!(user_header(name).is_ok(), "{name}");
        }
        for name in [
            "Authorization",
            "x-forwarded-for",
            "X-Forwarded-Proto",
            "X-Real-IP",
            "Forwarded",
            "Host",
            "Content-Length",
            "Transfer-Encoding",
            "Sec-WebSocket-Key",
            "Sec-Fetch-Site",
            "Cookie",
            "Origin",
            "Referer",
            "User-Agent",
            "Accept-Language",
            "If-None-Match",
            "",
            "a b",
        ] {
            let error = user_header(name).expect_err(name).to_string();
            assert!(error.contains("X-Forwarded-User"), "{error}");
        }
    }
}
