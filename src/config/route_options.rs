//! The options of a route: who may open it, what its program finds, what it may take.

use std::{sync::Arc, time::Duration};

use super::{
    flag_error::FlagError,
    headers::added_headers,
    session::{compression, timeouts, websocket},
    share::share,
    terminal,
    variables::environ,
    zero::unless_zero,
};
use crate::{
    args::{Args, MessageArgs, ProgramArgs},
    http::{
        PlainHttpOptions, RouteOptions,
        access::{AllowedOrigin, Origins, ProcessLimit},
        fields::is_token,
        pages::Root,
        websocket::Subprotocols,
    },
    session::SessionTimeouts,
};

/// Time between two comments of an event stream on which nothing is said (HTML Standard §9.2.7). Longer, and proxies take
/// it for dead; shorter wakes clients for nothing.
const COMMENTS: Duration = Duration::from_secs(15);

/// The options of a route of a server; `processes` are its own.
pub(super) fn route_options(
    server: &Args,
    program: &ProgramArgs,
    files: Option<&Root>,
    processes: ProcessLimit,
) -> Result<RouteOptions, FlagError> {
    let timeouts = timeouts(&program.limits, server.operation.drain_timeout);
    let mut environ = environ(&program.process, files.map(Root::path))?;
    terminal::add_variables(program, &mut environ.passed);
    Ok(RouteOptions {
        origins: origins(program)?,
        subprotocols: subprotocols(&program.messages)?,
        headers: added_headers(&[
            ("--header", &server.pages.header),
            ("--header-ws", &program.header_ws),
        ])?,
        environ,
        websocket: websocket(&program.limits, &timeouts),
        compression: compression(program),
        plain_http: plain_http(program, &timeouts),
        timeouts: Arc::new(timeouts),
        processes,
        share: share(program, server.operation.drain_timeout)?,
        terminal: None,
    })
}

/// How sessions are opened without a WebSocket, if they are.
fn plain_http(program: &ProgramArgs, timeouts: &SessionTimeouts) -> Option<PlainHttpOptions> {
    let messages = &program.messages;
    let keepalive = timeouts.keepalive.map(|period| period.min(COMMENTS));
    messages.plain_http.then(|| PlainHttpOptions {
        resume: unless_zero(messages.plain_http_resume),
        event_timeouts: Arc::new(SessionTimeouts {
            keepalive,
            ..timeouts.clone()
        }),
    })
}

fn origins(program: &ProgramArgs) -> Result<Origins, FlagError> {
    let parse = |word: &String| -> Result<AllowedOrigin, FlagError> {
        word.parse()
            .map_err(|reason: String| FlagError::new("--origin", word, reason))
    };
    Ok(Origins {
        allowed: program.origin.iter().map(parse).collect::<Result<_, _>>()?,
        required: program.sameorigin,
    })
}

/// What the opening handshake selects, or asks for.
pub(super) fn subprotocols(args: &MessageArgs) -> Result<Subprotocols, FlagError> {
    let invalid = |value: &str, reason| Err(FlagError::new("--subprotocol", value, reason));
    match &args.subprotocol[..] {
        [] => Ok(Subprotocols::Offered),
        [none] if none == "none" => Ok(Subprotocols::Off),
        names if names.iter().any(|name| name == "none") => {
            invalid(&names.join(","), "'none' stands alone")
        }
        names => match names.iter().find(|name| !is_token(name)) {
            Some(name) => invalid(
                name,
                "a subprotocol is a token, letters and digits (RFC 6455 §4.1)",
            ),
            None => Ok(Subprotocols::Listed(names.to_vec())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_streams_have_comments_as_often_as_pings_and_more() {
        let plain = |words: &[&str]| {
            let words = words.iter().copied().map(Into::into);
            let args = Args::parse_from_words(words).expect("flags");
            let timeouts = timeouts(&args.program.limits, Duration::ZERO);
            plain_http(&args.program, &timeouts)
        };
        for (flag, keepalive) in [
            ("--pingms=30000", Some(COMMENTS)),
            ("--pingms=1000", Some(Duration::from_secs(1))),
            ("--pingms=0", None),
        ] {
            let options = plain(&["--plain-http", flag, "cat"]).expect("it is on");
            assert_eq!(options.event_timeouts.keepalive, keepalive, "{flag}");
            assert_eq!(options.resume, Some(Duration::from_secs(15)));
        }
        let words = ["--plain-http", "--plain-http-resume=0", "cat"];
        assert_eq!(plain(&words).expect("it is on").resume, None);
        assert!(plain(&["cat"]).is_none());
    }
}
