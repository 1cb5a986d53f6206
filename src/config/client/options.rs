//! A client's options, ready but for what starts its program: [`Client`].

use std::{io, time::Duration};

use super::{
    super::{
        config_error::ConfigError,
        flag_error::FlagError,
        log::LogOptions,
        program::{streams, target},
        route::Route,
        session::{timeouts, websocket},
        terminal,
        variables::environ,
    },
    handshake::handshake,
    tls::tls,
};
use crate::{
    args::{Args, LimitArgs},
    backend::{
        Environment, Linger, Resources, StderrTo, StreamOptions, Target, TerminationTimeouts,
    },
    client::{ClientTls, HandshakeOptions, LocalEnd, Options, Url},
    session::SessionTimeouts,
    transport,
};

/// What COMMAND gets to end by itself when the server has closed. It is the user's own, and may be about
/// to write down what came; a server's program has a client that waits.
const COMMAND_EOF: Duration = Duration::from_secs(10);
/// What our own stdout gets to take what came: as long as it takes.
const STDOUT_EOF: Duration = Duration::MAX;
/// What COMMAND gets to say its last when we were told to stop, before the server is told.
const DRAIN: Duration = Duration::from_secs(1);

/// A client, ready to connect but for what starts its program.
#[derive(Debug)]
pub struct Client {
    url: Url,
    tls: Option<ClientTls>,
    handshake: HandshakeOptions,
    end: End,
    websocket: transport::websocket::Options,
    timeouts: SessionTimeouts,
    reconnect: bool,
    /// What is logged.
    pub log: LogOptions,
}

/// Who is at this end.
#[derive(Debug)]
enum End {
    Stdio(StreamOptions, Option<Linger>),
    Program(Target, Environment),
}

impl Client {
    /// Checks everything that can be checked before anything is started.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(url: &str, args: &Args, routes: &[Route]) -> Result<Self, ConfigError> {
        let invalid = |reason: String| FlagError::new("--connect", url, reason);
        let url: Url = url.parse().map_err(invalid)?;
        if !routes.is_empty() {
            let reason = "and --connect exclude each other: --route is for a server";
            return Err(ConfigError::Route(0, FlagError::about("--route", reason)));
        }
        let end = end(args)?;
        let limits = &args.program.limits;
        let timeouts = client_timeouts(limits, args.operation.drain_timeout, &end);
        Ok(Client {
            tls: tls(args, &url)?,
            handshake: handshake(args)?,
            end,
            websocket: websocket(limits, &timeouts),
            timeouts,
            reconnect: args.client.reconnect,
            url,
            log: LogOptions::new(args),
        })
    }

    /// The options of a client; `start` starts what starts a program, if there is one.
    ///
    /// # Errors
    /// Those of `start`.
    pub fn options(self, start: impl FnOnce() -> io::Result<Resources>) -> io::Result<Options> {
        Ok(Options {
            local_end: match self.end {
                End::Stdio(streams, linger) => LocalEnd::Stdio(streams, linger),
                End::Program(target, environment) => {
                    LocalEnd::Program(target, environment, Box::new(start()?))
                }
            },
            websocket: self.websocket,
            timeouts: self.timeouts,
            reconnect: self.reconnect,
            url: self.url,
            tls: self.tls,
            handshake: self.handshake,
        })
    }
}

fn end(args: &Args) -> Result<End, FlagError> {
    let mut environment = environ(&args.program.process, None)?.passed;
    terminal::add_variables(&args.program, &mut environment);
    Ok(match target(&args.program)? {
        Some(Target::Program(program, streams, stderr)) => {
            let target = Target::Program(program, streams, inherit_stderr(stderr));
            End::Program(target, environment)
        }
        Some(target @ (Target::Socket(_) | Target::Room(_))) => End::Program(target, environment),
        None => End::Stdio(streams(&args.program)?, args.client.linger),
    })
}

/// Our stderr is the user's, and so is the program's.
fn inherit_stderr(stderr: StderrTo) -> StderrTo {
    match stderr {
        StderrTo::Log => StderrTo::Inherit,
        stderr => stderr,
    }
}

fn client_timeouts(args: &LimitArgs, drain_timeout: Duration, end: &End) -> SessionTimeouts {
    let timeouts = timeouts(args, drain_timeout);
    let eof = match end {
        End::Stdio(..) => STDOUT_EOF,
        End::Program(..) => COMMAND_EOF + args.closems,
    };
    SessionTimeouts {
        termination: TerminationTimeouts {
            eof,
            finish: timeouts.termination.finish.map(|finish| finish.max(eof)),
            ..timeouts.termination
        },
        drain: DRAIN,
        ..timeouts
    }
}
