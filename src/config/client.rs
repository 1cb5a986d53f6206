//! `--connect`, and what goes with it: the options of a client.

use std::time::Duration;

use anyhow::{Error, Result, anyhow, bail};
use hyper::header::{HeaderMap, HeaderValue, ORIGIN};

use super::{
    LogOptions, Route,
    program::{streams, target},
    service::{PATIENCE, compression, environ, limits, subprotocols, websocket},
    tls::located,
};
use crate::{
    args::Args,
    backend::{Resources, StderrTo, StreamOptions, Target, TerminationTimeouts},
    client::{ClientTls, HandshakeOptions, LocalEnd, Options, Trust, Url},
    http::{response_headers, websocket::Subprotocols},
    server::tls,
    session::SessionTimeouts,
};

/// What nothing may have come for after the end of stdin: an answer takes no longer to come from the
/// other end of the world, and a shell that waits for this one does not wait long.
const LINGER: Duration = Duration::from_secs(1);
/// What COMMAND gets to end by itself when the server has closed. It is the user's own, and may be about
/// to write down what came; a server's program has a client that waits.
const COMMAND_EOF: Duration = Duration::from_secs(10);
/// What our own stdout gets to take what came: as long as it takes.
const STDOUT_EOF: Duration = Duration::MAX;
/// What COMMAND gets to say its last when we were told to stop, before the server is told.
const DRAIN: Duration = Duration::from_secs(1);

/// Headers that the handshake sets, beside those that no message may have.
const RESERVED: [&str; 3] = [
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
];

/// A client, ready to connect but for what starts its program.
#[derive(Debug)]
pub struct Client {
    url: Url,
    tls: Option<ClientTls>,
    offer: HandshakeOptions,
    near: Side,
    limits: SessionTimeouts,
    /// What is logged.
    pub log: LogOptions,
    args: Args,
}

/// Who is at this end.
#[derive(Debug)]
enum Side {
    Stdio(StreamOptions, Duration),
    Program(Target),
}

/// Checks that a server was not given what only a client has.
pub(super) fn check_is_server(args: &Args) -> Result<()> {
    let given = [
        ("--linger", args.client.linger.is_some()),
        ("--reconnect", args.client.reconnect),
        ("--insecure", args.client.insecure),
    ];
    match first(&given) {
        Some(flag) => bail!("{flag} is for a client: give --connect too"),
        None => Ok(()),
    }
}

impl Client {
    /// Checks everything that can be checked before anything is started.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(args: &Args, routes: &[Route]) -> Result<Self> {
        let word = args.client.connect.as_deref().unwrap_or_default();
        let wrong = |reason: String| anyhow!("invalid value '{word}' for '--connect': {reason}");
        let url: Url = word.parse().map_err(wrong)?;
        check_is_client(args, routes)?;
        check_near_end(args)?;
        let near = match target(args)? {
            Some(Target::Program(program, streams, stderr)) => {
                Side::Program(Target::Program(program, streams, own_stderr(stderr)))
            }
            None => {
                let linger = args.client.linger.map_or(LINGER, Duration::from_millis);
                Side::Stdio(streams(args)?, linger)
            }
        };
        environ(args, None)?;
        Ok(Client {
            tls: tls(args, &url)?,
            offer: offer(args)?,
            limits: client_limits(args, &near),
            near,
            url,
            log: LogOptions::new(args),
            args: args.clone(),
        })
    }

    /// The options of a client; `start` starts what starts a program, if there is one.
    ///
    /// # Errors
    /// Those of `start`.
    pub fn options(self, start: impl FnOnce() -> Result<Resources>) -> Result<Options> {
        let args = &self.args;
        let near = match self.near {
            Side::Stdio(streams, linger) => LocalEnd::Stdio(streams, linger),
            Side::Program(target) => {
                LocalEnd::Program(target, environ(args, None)?.passed, start()?)
            }
        };
        Ok(Options {
            local_end: near,
            websocket: websocket(args, &self.limits),
            limits: self.limits,
            reconnect: args.client.reconnect,
            url: self.url,
            tls: self.tls,
            handshake: self.offer,
        })
    }
}

/// Our stderr is the user's, and so is the program's.
fn own_stderr(stderr: StderrTo) -> StderrTo {
    match stderr {
        StderrTo::Log => StderrTo::Inherit,
        stderr => stderr,
    }
}

fn client_limits(args: &Args, near: &Side) -> SessionTimeouts {
    let limits = limits(args, PATIENCE);
    let eof = match near {
        Side::Stdio(..) => STDOUT_EOF,
        Side::Program(_) => COMMAND_EOF + Duration::from_millis(args.program.limits.closems),
    };
    SessionTimeouts {
        termination: TerminationTimeouts {
            eof,
            ..limits.termination
        },
        drain: DRAIN,
        ..limits
    }
}

/// The first flag that is given.
fn first(flags: &[(&'static str, bool)]) -> Option<&'static str> {
    let mut given = flags.iter().filter(|(_, given)| *given);
    given.next().map(|(flag, _)| *flag)
}

/// Refuses what only a server has.
fn check_is_client(args: &Args, routes: &[Route]) -> Result<()> {
    // What a number is without its flag.
    let plain = Args::parse_from_words(Vec::new())?;
    let given = [
        ("--port", args.listen.port.is_some()),
        ("--address", !args.listen.address.is_empty()),
        ("--host", !args.listen.host.is_empty()),
        ("--unixsocket", !args.listen.unixsocket.is_empty()),
        ("--unixsocket-mode", args.listen.unixsocket_mode.is_some()),
        ("--unixsocket-owner", args.listen.unixsocket_owner.is_some()),
        ("--reuseport", args.listen.reuseport),
        ("--proxy-protocol", args.listen.proxy_protocol),
        ("--h2c", args.listen.h2c),
        ("--inetd", args.listen.inetd),
        ("--redirport", args.listen.redirport.is_some()),
        ("--ssl", args.tls.ssl),
        ("--sslca-optional", args.tls.sslca_optional),
        ("--ssl-optional", args.tls.ssl_optional),
        ("--ssl-selfsigned", args.tls.ssl_selfsigned),
        ("--sameorigin", args.program.sameorigin),
        (
            "--maxforks",
            args.program.maxforks != plain.program.maxforks,
        ),
        ("--max-connections", args.access.max_connections != 0),
        (
            "--max-connections-per-ip",
            args.access.max_connections_per_ip != 0,
        ),
        ("--trust-proxy", !args.access.trust_proxy.is_empty()),
        (
            "--drain-timeout",
            args.operation.drain_timeout != plain.operation.drain_timeout,
        ),
        ("--drain-delay", args.operation.drain_delay != 0),
        (
            "--cgi-timeout",
            args.program.limits.cgi_timeout != plain.program.limits.cgi_timeout,
        ),
        (
            "--cgi-maxbody",
            args.program.limits.cgi_maxbody != plain.program.limits.cgi_maxbody,
        ),
        ("--reverselookup", args.access.reverselookup),
        ("--dir", args.pages.dir.is_some()),
        (
            "--route",
            !args.pages.route.is_empty() || !routes.is_empty(),
        ),
        ("--staticdir", args.pages.staticdir.is_some()),
        ("--listing", args.pages.listing),
        ("--spa", args.pages.spa),
        ("--cgidir", args.pages.cgidir.is_some()),
        ("--devconsole", args.pages.devconsole),
        ("--header-ws", !args.program.header_ws.is_empty()),
        ("--header-http", !args.pages.header_http.is_empty()),
        ("--admin", args.operation.admin.is_some()),
        ("--workers", args.operation.workers.is_some()),
        ("--doctor", args.invocation.doctor),
    ];
    match first(&given) {
        Some(flag) => bail!("{flag} and --connect exclude each other: {flag} is for a server"),
        None => Ok(()),
    }
}

/// Refuses what only a program has where there is none, and what only stdin has where there is one.
fn check_near_end(args: &Args) -> Result<()> {
    if !args.program.command.is_empty() {
        if args.client.linger.is_some() {
            bail!(
                "--linger is about stdin, and with a COMMAND there is none: leave one of them out"
            );
        }
        return Ok(());
    }
    let given = [
        ("--passenv", args.program.process.passenv.is_some()),
        ("--env", !args.program.process.env.is_empty()),
        ("--workdir", args.program.process.workdir.is_some()),
        ("--user", args.program.process.user.is_some()),
        ("--group", args.program.process.group.is_some()),
        ("--limits", !args.program.process.limits.is_empty()),
        ("--closems", args.program.limits.closems != 0),
        ("--passstderr", args.program.messages.passstderr),
    ];
    match first(&given) {
        Some(flag) => bail!("{flag} is about a program: give a COMMAND too"),
        None => Ok(()),
    }
}

fn offer(args: &Args) -> Result<HandshakeOptions> {
    let mut all = HeaderMap::new();
    for word in &args.pages.header {
        let wrong = |reason| anyhow!("invalid value {word:?} for '--header': {reason}");
        let (name, value) = response_headers::parse(word).map_err(wrong)?;
        if RESERVED.contains(&name.as_str()) {
            return Err(wrong(format!("'{name}' is set by wsd itself")));
        }
        all.append(name, value);
    }
    match &args.program.origin[..] {
        [] => {}
        [origin] => {
            let value = HeaderValue::from_str(origin).map_err(|_| {
                anyhow!("invalid value {origin:?} for '--origin': no header has it")
            })?;
            all.insert(ORIGIN, value);
        }
        several => bail!(
            "invalid value '{}' for '--origin': a client has one",
            several.join(",")
        ),
    }
    let subprotocols = match subprotocols(args)? {
        Subprotocols::Listed(names) => names,
        Subprotocols::Offered | Subprotocols::Off => Vec::new(),
    };
    Ok(HandshakeOptions {
        subprotocols,
        headers: all,
        compression: compression(args),
    })
}

fn tls(args: &Args, url: &Url) -> Result<Option<ClientTls>> {
    if !url.is_tls {
        let given = [
            ("--insecure", args.client.insecure),
            ("--sslca", args.tls.sslca.is_some()),
            ("--sslcert", !args.tls.sslcert.is_empty()),
            ("--sslkey", !args.tls.sslkey.is_empty()),
        ];
        return match first(&given) {
            Some(flag) => {
                bail!("{flag} is about TLS, which --connect={url} does not speak: wss:// does")
            }
            None => Ok(None),
        };
    }
    let trust = match (&args.tls.sslca, args.client.insecure) {
        (Some(_), true) => {
            bail!("--sslca and --insecure exclude each other: --insecure trusts anybody")
        }
        (Some(file), false) => Trust::Authorities(tls::authorities(file).map_err(located)?),
        (None, true) => Trust::Anybody,
        (None, false) => Trust::System,
    };
    let shown = match (&args.tls.sslcert[..], &args.tls.sslkey[..]) {
        ([], []) => None,
        ([certificate], [key]) => Some(tls::certified(certificate, key).map_err(located)?),
        ([_], []) => bail!("--sslcert needs the certificate's private key: give --sslkey too"),
        ([], [_]) => bail!("--sslkey needs the certificate of the key: give --sslcert too"),
        _ => bail!("--sslcert and --sslkey are given more than once: a client has one certificate"),
    };
    let help = |reason| -> Error { anyhow!("--connect={url}: {reason}: give --sslca") };
    ClientTls::new(trust, shown).map(Some).map_err(help)
}
