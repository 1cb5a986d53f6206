//! Who decides about each request: a program or a server.

use std::{sync::Arc, time::Duration};

use hyper::{Uri, header::HeaderValue};

use super::{
    command,
    flag_error::FlagError,
    program::program,
    route::{Entry, Place, Route},
    target::BY_AUTHORIZER,
    zero::unless_zero,
};
use crate::{
    args::{Args, AuthorizeArgs, ProgramArgs},
    backend::{HostPort, SocketAddress},
    client::{ClientTls, ServerAddress, Trust, Url},
    http::authorize::{Authorizer, Hook, HookServer},
};

/// What a client waits for an answer without a flag: longer than a busy machine takes to start a program that asks a
/// database, shorter than people wait.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Who decides about the requests of a route, if somebody does.
///
/// # Errors
/// A command that cannot be executed, or a URL that is none.
pub(super) fn authorizer(args: &ProgramArgs) -> Result<Option<Arc<Authorizer>>, FlagError> {
    let flags = &args.authorize;
    let Some(word) = &flags.authorize else {
        return Ok(None);
    };
    let hook = match server(word) {
        Some(server) => {
            let invalid = |reason| FlagError::new("--authorize", word, reason);
            Hook::Server(server.map_err(invalid)?)
        }
        None => hook_program(word, args)?,
    };
    let timeout = flags.authorize_timeout.unwrap_or(TIMEOUT);
    let cache = flags.authorize_cache.and_then(unless_zero);
    Ok(Some(Arc::new(Authorizer::new(hook, timeout, cache))))
}

fn hook_program(word: &str, args: &ProgramArgs) -> Result<Hook, FlagError> {
    let invalid = |reason: &dyn ToString| FlagError::new("--authorize", word, reason.to_string());
    let words = command::split(word).map_err(|reason| invalid(&reason))?;
    let found = program(&words, &args.process).map_err(|error| match error.key() {
        "command" => invalid(&error),
        _ => error,
    })?;
    let program = found.ok_or_else(|| invalid(&"the command is missing"))?;
    Ok(Hook::Program(program))
}

/// The server that a word names; `None` for what is a command.
fn server(word: &str) -> Option<Result<HookServer, String>> {
    let (scheme, rest) = word.split_once(':')?;
    // RFC 3986 §3.1: in any case.
    let url = match scheme.to_ascii_lowercase().as_str() {
        "unix" => format!("ws+unix:{rest}"),
        "http" | "https" if rest.starts_with("//") => word.to_owned(),
        _ => return None,
    };
    if url.contains('#') {
        return Some(Err("a '#' is for browsers and never sent".to_owned()));
    }
    let parsed: Result<Url, _> = url.parse();
    Some(parsed.and_then(hook_server))
}

fn hook_server(url: Url) -> Result<HookServer, String> {
    if url.authorization.is_some() {
        return Err(
            "a name and a password in it would be in the place of the client's: leave them out"
                .to_owned(),
        );
    }
    let host = HeaderValue::try_from(url.host());
    let host = host.map_err(|_| "the host cannot stand in a request")?;
    let tls = match url.is_tls {
        // HTTP/1.1 is what is spoken inside, and what is agreed on.
        true => Some(ClientTls::new(Trust::System, None)?),
        false => None,
    };
    let address = match url.place {
        ServerAddress::Unix(path) => SocketAddress::Unix(path),
        ServerAddress::Host(host, port) => match url.is_tls {
            true => SocketAddress::Tls(HostPort { host, port }),
            false => SocketAddress::Tcp(HostPort { host, port }),
        },
    };
    let tls = tls.map(|tls| Arc::clone(tls.config()));
    Ok(HookServer::new(address, tls, Uri::from(url.target), host))
}

/// Refuses what could be for nobody: terms of an authorizer where there is none, and one of a route that is open.
///
/// # Errors
/// The first such flag; of a route, with its place.
pub(super) fn check_flags(args: &Args, routes: &[Route]) -> Result<(), (Option<usize>, FlagError)> {
    let top = &args.program.authorize;
    for (index, route) in routes.iter().enumerate() {
        let own = &route.program.authorize;
        if route.entry == Entry::Open && own.authorize != top.authorize {
            let reason =
                "and no-auth = true exclude each other: nobody is asked about an open route";
            return Err((Some(index), FlagError::about("--authorize", reason)));
        }
        if let (Entry::Open, Place::Target(word)) = (route.entry, &route.place)
            && word == BY_AUTHORIZER
        {
            let reason = "nobody is asked about a route with no-auth = true, who could name it";
            return Err((Some(index), FlagError::new("target", word, reason)));
        }
        // What is the same is the top's, and for another route.
        if own.authorize.is_none()
            && let Some(flag) = lone_flag(own, Some(top))
        {
            return Err((Some(index), without_authorizer(flag)));
        }
    }
    let mut all = routes.iter().map(|route| &route.program.authorize);
    match lone_flag(top, None) {
        Some(flag) if top.authorize.is_none() && all.all(|own| own.authorize.is_none()) => {
            Err((None, without_authorizer(flag)))
        }
        _ => Ok(()),
    }
}

/// A flag about an authorizer's answers, if there is one which is not another's too.
fn lone_flag(flags: &AuthorizeArgs, other: Option<&AuthorizeArgs>) -> Option<&'static str> {
    let is_own = |of: fn(&AuthorizeArgs) -> Option<Duration>| {
        of(flags).is_some() && other.is_none_or(|other| of(other) != of(flags))
    };
    match () {
        () if is_own(|flags| flags.authorize_timeout) => Some("--authorize-timeout"),
        () if is_own(|flags| flags.authorize_cache) => Some("--authorize-cache"),
        () => None,
    }
}

fn without_authorizer(flag: &str) -> FlagError {
    FlagError::about(flag, "is about the answers of --authorize: give that too")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_is_a_server_by_its_beginning_and_else_a_command() {
        for word in [
            "http://a/",
            "https://a:1/x?y",
            "unix:/run/a",
            "unix:/run/a:/x?y",
            "HTTP://a/",
            "Https://a/",
            "UNIX:/run/a",
        ] {
            assert!(server(word).expect(word).is_ok(), "{word}");
        }
        for word in [
            "./hook a",
            "hook http://a/",
            "http:x",
            "python3 -m a:b",
            "hook",
        ] {
            assert!(server(word).is_none(), "{word}");
        }
    }

    #[test]
    fn url_that_is_none_is_told_why() {
        for (word, part) in [
            ("http://", "URL"),
            ("http://a:0/", "port"),
            ("http://u:p@a/", "password"),
            ("https://a/#x", "#"),
            ("http://a/x y", "' '"),
            ("unix:relative", "begin"),
            ("unix:/a:b", "begin"),
        ] {
            let reason = server(word).expect(word).expect_err(word);
            assert!(reason.contains(part), "{word}: {reason}");
        }
    }
}
