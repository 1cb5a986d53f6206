//! What an authorizer's answer says, by its status and its header; pure.
//!
//! A program speaks as CGI scripts do, and as FastCGI's authorizers (Authorizer, FastCGI 1.0 §6.3); a server as those do
//! that reverse proxies ask. What each may say stands here.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, process::ExitStatus, sync::Arc};

use bytes::Bytes;
use hyper::{
    HeaderMap, StatusCode,
    ext::ReasonPhrase,
    header::{self, HeaderName, HeaderValue},
};

use super::{
    denial::Denial, failure::AuthorizerFailure, grant::Grant, variable::may_be_set,
    verdict::Verdict,
};
use crate::http::cgi_response::{Head, Reply, parse_strictly};

/// A status of nginx's by which the connection is closed without an answer.
const NO_ANSWER: u16 = 444;

/// What describes a body, which after 2xx is dropped.
const OF_BODIES: [HeaderName; 6] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
];

/// What of a server's answer goes to a client that is not let in.
const PASSED_ON: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::LOCATION,
    header::SET_COOKIE,
    header::WWW_AUTHENTICATE,
];

/// In which of its headers a server names the user.
const USER: [&str; 2] = ["remote-user", "x-auth-request-user"];

/// All that a program has said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Up to the empty line, if there is one.
    pub(super) header: Option<Bytes>,
    pub(super) body: Bytes,
}

/// The decision of a program that has ended.
///
/// # Errors
/// It has not decided.
pub(super) fn of_program(
    status: ExitStatus,
    said: Option<Said>,
) -> Result<Verdict, AuthorizerFailure> {
    let said = match (status.code(), said) {
        (Some(0), None) => return Ok(Verdict::Allow(Arc::default())),
        (Some(1), None) => return Ok(Verdict::Deny(None)),
        (Some(0), Some(said)) => said,
        (Some(1), Some(_)) => return Err(AuthorizerFailure::TwoAnswers(status)),
        _ => return Err(AuthorizerFailure::Exit(status)),
    };
    let block = said.header.ok_or(AuthorizerFailure::NoHeaderEnd)?;
    let head = match parse_strictly(&block)? {
        Reply::Document(head) => head,
        // Where scripts have another path of the server answer, this one has the client sent there.
        Reply::LocalRedirect(path) => redirect(&path)?,
    };
    let Head {
        status,
        reason,
        headers,
        ..
    } = head;
    if status.as_u16() == NO_ANSWER {
        return Ok(Verdict::HangUp);
    }
    let mut grant = Grant::default();
    for (name, value) in &headers {
        take_from_program(&mut grant, name, value)?;
    }
    match status.as_u16() {
        200..300 => {
            for name in OF_BODIES {
                grant.headers.remove(name);
            }
            Ok(Verdict::Allow(Arc::new(grant)))
        }
        300..600 => Ok(denial(status, reason, grant.headers, said.body)),
        _ => Err(AuthorizerFailure::BadStatus(status)),
    }
}

/// A Location without a status is a redirect (RFC 3875 §6.2.3), and lets nobody in.
fn redirect(path: &str) -> Result<Head, AuthorizerFailure> {
    let location = HeaderValue::from_str(path);
    let location =
        location.map_err(|_| AuthorizerFailure::ForbiddenHeader("Location".to_owned()))?;
    Ok(Head {
        status: StatusCode::FOUND,
        reason: None,
        headers: HeaderMap::from_iter([(header::LOCATION, location)]),
        length: None,
        dropped: Vec::new(),
    })
}

/// The decision of a server that has answered.
///
/// # Errors
/// It has not decided.
pub(super) fn of_server(
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Verdict, AuthorizerFailure> {
    match status.as_u16() {
        200..300 => {
            let mut grant = Grant::default();
            let mut users = headers
                .iter()
                .filter(|(name, _)| USER.contains(&name.as_str()));
            if let Some((name, value)) = users.next() {
                set_user(&mut grant, name, value)?;
                if let Some((other, _)) = users.find(|(_, other)| *other != value) {
                    return Err(AuthorizerFailure::Twice(other.to_string()));
                }
            }
            for (name, value) in headers {
                let is_ours = take(&mut grant, name, value)?;
                if !is_ours && name == header::SET_COOKIE {
                    grant.headers.append(name, value.clone());
                }
            }
            Ok(Verdict::Allow(Arc::new(grant)))
        }
        300..500 => {
            let passed = headers.iter().filter(|(name, _)| PASSED_ON.contains(name));
            let passed = passed.map(|(name, value)| (name.clone(), value.clone()));
            let mut headers = HeaderMap::new();
            headers.extend(passed);
            Ok(denial(status, None, headers, body))
        }
        _ => Err(AuthorizerFailure::ServerStatus(status)),
    }
}

fn denial(
    status: StatusCode,
    reason: Option<ReasonPhrase>,
    mut headers: HeaderMap,
    body: Bytes,
) -> Verdict {
    // Its body may have been cut.
    for name in [header::CONTENT_LENGTH, header::CONTENT_RANGE] {
        headers.remove(name);
    }
    Verdict::Deny(Some(Arc::new(Denial {
        status,
        reason,
        headers,
        body,
    })))
}

/// Takes a field of a program's header: what is not for us is for the client.
fn take_from_program(
    grant: &mut Grant,
    name: &HeaderName,
    value: &HeaderValue,
) -> Result<(), AuthorizerFailure> {
    if take(grant, name, value)? {
        return Ok(());
    }
    if name.as_str().starts_with("sec-websocket-") {
        return Err(AuthorizerFailure::ForbiddenHeader(name.to_string()));
    }
    grant.headers.append(name, value.clone());
    Ok(())
}

/// Takes a field that is for us; whether it is one.
fn take(
    grant: &mut Grant,
    name: &HeaderName,
    value: &HeaderValue,
) -> Result<bool, AuthorizerFailure> {
    match name.as_str() {
        "target" => {
            let address = to_text(name, value)?.parse();
            let address = address.map_err(AuthorizerFailure::BadTarget)?;
            set_once(&mut grant.target, name, address)?;
        }
        "sec-websocket-protocol" => {
            let subprotocol = to_text(name, value)?;
            set_once(&mut grant.subprotocol, name, subprotocol)?;
        }
        "variable-remote_user" => set_user(grant, name, value)?,
        "variable-auth_type" => {
            let auth_type = to_text(name, value)?;
            set_once(&mut grant.auth_type, name, auth_type)?;
        }
        text => match text.strip_prefix("variable-") {
            Some(variable) => set_variable(grant, variable, value)?,
            None => return Ok(false),
        },
    }
    Ok(true)
}

/// A server may name it in several headers, of which this is the one that says it best.
fn set_user(
    grant: &mut Grant,
    name: &HeaderName,
    value: &HeaderValue,
) -> Result<(), AuthorizerFailure> {
    let user = to_text(name, value)?;
    match &grant.user {
        Some(other) if *other != user => Err(AuthorizerFailure::Twice(name.to_string())),
        _ => {
            grant.user = Some(user);
            Ok(())
        }
    }
}

fn set_variable(
    grant: &mut Grant,
    name: &str,
    value: &HeaderValue,
) -> Result<(), AuthorizerFailure> {
    let name = name.to_ascii_uppercase();
    if !may_be_set(&name) {
        return Err(AuthorizerFailure::ForbiddenVariable(name));
    }
    if grant.variables.iter().any(|(other, _)| *other == name) {
        return Err(AuthorizerFailure::Twice(format!("the variable {name}")));
    }
    let value = OsString::from_vec(value.as_bytes().to_vec());
    grant.variables.push((name, value));
    Ok(())
}

fn set_once<T>(
    place: &mut Option<T>,
    name: &HeaderName,
    value: T,
) -> Result<(), AuthorizerFailure> {
    match place.replace(value) {
        Some(_) => Err(AuthorizerFailure::Twice(name.to_string())),
        None => Ok(()),
    }
}

fn to_text(name: &HeaderName, value: &HeaderValue) -> Result<String, AuthorizerFailure> {
    let text = std::str::from_utf8(value.as_bytes());
    let text = text.map_err(|_| AuthorizerFailure::NotText(name.to_string()))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
