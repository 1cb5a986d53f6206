//! Launching a backend for a request, be it a session's, a CGI script or an authorizer: permit, id, span, environment, start.
//!
//! These steps stand here once, in their order:
//! 1. [`check_not_draining`]: a server that stops starts nothing (503). A script that has to wait for a client's body
//!    first does this before, and the rest after it, so that slow clients hold no permits.
//! 2. [`Launch::prepare`]: a permit of the server and one of the route (503), an id, a span for the log.
//! 3. [`Launch::environment`]: the meta-variables, with the id among them.
//! 4. [`Launch::start`]: the start itself, or the connection to a target, under the span, timed (500, 503; 502, 504).

use std::future::Future;

use tokio::time::{Duration, Instant};
use tracing::{Instrument, Span, error_span};
use uuid::Uuid;

use super::{
    access::ProcessPermit, metrics::Metrics, refusal::Refusal, route_options::RouteOptions,
    state::State,
};
use crate::{
    backend::Environment,
    connection::ConnectionInfo,
    environ::{self, Environ},
    room,
};

/// What a program is launched for; the name of its span, and so of its lines in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A session, which lasts until either side ends it.
    Session,
    /// A session whose program is another's, and was started for all of its clients.
    Member,
    /// A program that many sessions have together.
    Group,
    /// One request, which a CGI script answers.
    Request,
    /// The question whether a request may go on.
    Authorizer,
}

/// A program that may be started.
#[derive(Debug)]
pub(super) struct Launch {
    id: Uuid,
    /// The same as text.
    name: String,
    span: Span,
    permit: ProcessPermit,
}

/// A program that was started.
#[derive(Debug)]
pub(super) struct Launched<T> {
    pub(super) id: Uuid,
    /// What its task is to run under.
    pub(super) span: Span,
    /// To be kept until it has ended.
    pub(super) permit: ProcessPermit,
    pub(super) started: T,
}

/// Whether the server still starts programs.
///
/// # Errors
/// 503 when it is stopping.
pub(super) fn check_not_draining(state: &State) -> Result<(), Refusal> {
    match state.drain.is_cancelled() {
        true => Err(Refusal::Draining),
        false => Ok(()),
    }
}

impl Launch {
    /// Takes a permit, and gives what is to be started an id.
    ///
    /// # Errors
    /// 503 when as many programs run as may, or there is no memory for one more.
    pub(super) fn prepare(
        state: &State,
        options: &RouteOptions,
        purpose: Purpose,
    ) -> Result<Self, Refusal> {
        room::check_for_program().map_err(|_| Refusal::NoRoom)?;
        let permit = match purpose {
            // The first starts nothing, and the others are counted elsewhere.
            Purpose::Member | Purpose::Authorizer => ProcessPermit::none(),
            _ => state.processes.acquire(&options.processes)?,
        };
        let id = Uuid::now_v7();
        let name = id.to_string();
        // Of the highest level, so that every line has its id whatever the log shows.
        let span = match purpose {
            Purpose::Session | Purpose::Member => error_span!("session", id = name),
            // Not within that of the session which came first.
            Purpose::Group => error_span!(parent: None, "group", id = name),
            Purpose::Request => error_span!("request", id = name),
            Purpose::Authorizer => error_span!("authorizer", id = name),
        };
        Ok(Launch {
            id,
            name,
            span,
            permit,
        })
    }

    /// What the program finds in its environment.
    pub(super) fn environment(
        &self,
        environ: &Environ,
        connection: &ConnectionInfo,
        request: environ::RequestInfo<'_>,
    ) -> Environment {
        let id = &self.name;
        environ.variables(connection, &environ::RequestInfo { id, ..request })
    }

    /// What the program's lines in the log are to be told apart by.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Joins a session to what was started before.
    pub(super) fn joined<T>(self, started: T) -> Launched<T> {
        Launched {
            id: self.id,
            span: self.span,
            permit: self.permit,
            started,
        }
    }

    /// Starts the program, or connects to the target, whichever way `starting` does that; how long that took is
    /// for `observe`.
    ///
    /// # Errors
    /// 503 if it may work later; else for a program 500, for a target 502 or 504.
    pub(super) async fn start<T, E: Into<Refusal>>(
        self,
        state: &State,
        observe: fn(&Metrics, Duration),
        starting: impl Future<Output = Result<T, E>>,
    ) -> Result<Launched<T>, Refusal> {
        let begun = Instant::now();
        let started = starting.instrument(self.span.clone()).await;
        observe(&state.metrics, begun.elapsed());
        Ok(self.joined(started.map_err(Into::into)?))
    }
}
