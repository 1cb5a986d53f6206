//! From a request that has passed all checks to a running session: a program, a task, an answer.

use std::{
    borrow::Cow, future::Future, os::unix::process::ExitStatusExt, pin::Pin, sync::Arc,
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info};

use super::{
    member::join,
    recorded::{header_of, record},
    session_request::{Opened, SessionRequest},
};
use crate::{
    backend::{
        Backend, FirstLine, Membership, ProgramFiles, Resources, StderrCopy, Target, TerminalSize,
        target_lost,
    },
    http::{
        access::{ConnectionPermit, ProcessPermit},
        buffering_hint::BufferingHint,
        console_feed::{self, Feed},
        launch::{self, Launch, Launched, Purpose},
        metrics::Metrics,
        refusal::Refusal,
        registry::{GroupMember, OpenSession, RegistryGuard},
        route_options::RouteOptions,
        state::State,
    },
    message::Close,
    recording::Recording,
    session::{self, Handle, SessionTimeouts, Summary},
    timer::sleep,
    transport::{Client, LingeringClose},
};

/// What a client whose session is over gets to read the rest while the server is stopping. Longer would hold up the
/// stop; what the kernel has taken for a client reaches it after that too, unless it says something.
const DRAINING_GRACE: Duration = Duration::from_millis(500);

/// Starts the program and the session's task. The client is joined to the program as soon as it is ready: when it
/// has the answer that it waits for.
///
/// # Errors
/// 503 when the server is full or stopping, or the start may work later; 500 when it will not. 502 and 504 when a
/// target cannot be reached.
pub(in crate::http) async fn open(
    state: &State,
    asked: SessionRequest<'_>,
    client: impl Future<Output = Client> + Send + 'static,
) -> Result<(), Refusal> {
    let options = asked.found.route.options;
    let connection = asked.request.connection;
    launch::check_not_draining(state)?;
    let target = &*asked.found.route.target;
    let launched = match (&options.share, target) {
        (Some(share), Target::Program(program, streams, _)) => {
            join(state, &asked, share, program, streams).await?
        }
        _ => start(state, &asked).await?,
    };
    let Opened {
        backend,
        first_line,
        member,
        membership,
    } = launched.started;
    let address = match target {
        Target::Program(..) | Target::Room(_) => None,
        Target::Socket(socket) => Some(socket.address.to_string()),
    };
    let feed = asked.feed();
    if let Some(feed) = &feed {
        feed.open(&console_feed::Opened { target, options });
    }
    let recording = launched.span.in_scope(|| {
        asked.log_start(&backend, address.as_deref(), member.as_deref());
        let header = || header_of(launched.id, &asked.uri, target);
        state.recorder.begin(header).map(Arc::new)
    });
    state.metrics.count_session(asked.opening.transport());
    let task = Task {
        guard: state.registry.enter(OpenSession {
            id: launched.id,
            remote: connection.remote,
            transport: asked.opening.transport(),
            uri: asked.uri,
            subprotocol: asked.opening.subprotocol().map(str::to_owned),
            pid: backend.process.as_ref().map(|process| process.id()),
            target: address,
            member,
            program: watched_files(state, options, target),
            user: asked.request.identity().map(|client| client.user.clone()),
            login: asked.request.client.and_then(|client| client.login.clone()),
            begun: Instant::now(),
            handle: Handle::new(&state.drain),
        }),
        backend: Box::new(backend),
        first_line: first_line.map(Box::new),
        membership,
        client: match &recording {
            None => Box::pin(client),
            Some(recording) => Box::pin(record(client, Arc::clone(recording))),
        },
        recording,
        timeouts: Arc::clone(asked.opening.timeouts(options)),
        buffering_hint: target
            .may_hold_back_output()
            .then(|| state.buffering_hint.clone()),
        metrics: Arc::clone(&state.metrics),
        permits: (launched.permit, asked.permit),
        feed,
        drain: state.drain.clone(),
    };
    state.tasks.spawn(task.run().instrument(launched.span));
    Ok(())
}

/// What the program of a session of its own is made of, where that is watched.
fn watched_files(
    state: &State,
    options: &RouteOptions,
    target: &Target,
) -> Option<Box<ProgramFiles>> {
    match target {
        // One that is shared has its group to end it.
        Target::Program(program, ..) if state.is_watching && options.share.is_none() => {
            Some(Box::new(program.files()))
        }
        _ => None,
    }
}

/// Starts the program of this session alone, connects to the target, or joins the room.
async fn start(state: &State, asked: &SessionRequest<'_>) -> Result<Launched<Opened>, Refusal> {
    let options = asked.found.route.options;
    let connection = asked.request.connection;
    let target = &*asked.found.route.target;
    let purpose = match target {
        Target::Room(_) => Purpose::Member,
        Target::Program(..) | Target::Socket(_) => Purpose::Session,
    };
    let launch = Launch::prepare(state, options, purpose)?;
    let (variables, observe): (_, fn(&Metrics, Duration)) = match target {
        Target::Program(..) => (
            launch.environment(&options.environ, connection, asked.to_environ()),
            Metrics::observe_spawn,
        ),
        Target::Socket(_) => (Vec::new(), Metrics::observe_connect),
        // Nothing is waited for.
        Target::Room(_) => (Vec::new(), |_, _| {}),
    };
    if state.has_console
        && let Some(line) = target.unexamined_line(&variables)
    {
        // Once env(1) runs, the client has its 101.
        line.check().await.map_err(Refusal::Start)?;
    }
    let opening = async {
        let backend = match sized(target, asked) {
            Ok(target) => {
                let resources = resources(state, asked);
                let opening = target.open(&resources, &variables, connection);
                opening.await
            }
            Err(close) => Ok(Backend::closed(close)),
        };
        backend.map(|backend| Opened {
            first_line: target.unexamined_line(&variables),
            member: member_of(target, &backend),
            membership: None,
            backend,
        })
    };
    launch.start(state, observe, opening).await
}

/// The target, where it has a terminal with the size that the client asks for.
fn sized<'a>(target: &'a Target, asked: &SessionRequest<'_>) -> Result<Cow<'a, Target>, Close> {
    if !target.pty().is_controlling() {
        return Ok(Cow::Borrowed(target));
    }
    let query = asked.request.parts.uri.query().unwrap_or_default();
    match TerminalSize::of_query(query) {
        Ok(size) => Ok(Cow::Owned(target.with_size(size))),
        Err(error) => Err(Close::new(Close::POLICY, error.to_string())),
    }
}

/// What opening takes, with a copy of stderr for the console of the session, if it has one that may see it.
fn resources<'a>(state: &'a State, asked: &SessionRequest<'_>) -> Cow<'a, Resources> {
    match asked.feed().filter(|feed| feed.is_developers()) {
        Some(feed) => Cow::Owned(Resources {
            stderr_copy: Some(StderrCopy::new(move |line| feed.say(line))),
            ..state.resources.clone()
        }),
        None => Cow::Borrowed(&state.resources),
    }
}

/// What is known of a member of a room.
fn member_of(target: &Target, backend: &Backend) -> Option<Box<GroupMember>> {
    let Target::Room(room) = target else {
        return None;
    };
    Some(Box::new(GroupMember {
        group: room.name.clone(),
        id: backend.member?,
    }))
}

/// A session's task: awaited by the server, through the tracker, when it stops.
struct Task {
    guard: RegistryGuard,
    /// Boxed until it runs, for what is moved out of a task keeps its room there.
    backend: Box<Backend>,
    /// What may be the reason if the program ends at once.
    first_line: Option<Box<FirstLine>>,
    /// What makes it a member of a group, where it is one.
    membership: Option<Box<Membership>>,
    /// Boxed, so that an idle session keeps nothing of it.
    client: Pin<Box<dyn Future<Output = Client> + Send>>,
    recording: Option<Arc<Recording>>,
    timeouts: Arc<SessionTimeouts>,
    /// Where the program's output could be had earlier.
    buffering_hint: Option<BufferingHint>,
    metrics: Arc<Metrics>,
    permits: (ProcessPermit, Option<ConnectionPermit>),
    /// What its console is told, if its client is one.
    feed: Option<Arc<Feed>>,
    /// Cancelled when the server stops.
    drain: CancellationToken,
}

impl Task {
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps what it was given a second time, in every idle session"
    )]
    fn run(self) -> impl Future<Output = ()> {
        async move {
            let open = &self.guard.session;
            let client = self.client.await;
            let backend = taken_out(self.backend);
            let session = session::run(client, backend, &self.timeouts, &open.handle);
            let (summary, lingering) = session.await;
            let duration = open.begun.elapsed();
            if let Some(membership) = self.membership {
                membership.leave(summary.ended.close());
            }
            if let Some(recording) = self.recording {
                recording.close(summary.ended.close());
            }
            self.metrics.observe_session(&summary, duration);
            if open.target.is_some() && *summary.ended.close() == target_lost() {
                self.metrics.count_target_failure(Some("reset"));
            }
            if let Some(line) = self.first_line {
                line.fault_behind_exit(summary.exit).await;
            }
            log_end(&summary, open, duration);
            if let Some(feed) = self.feed {
                feed.end(console_feed::Ended {
                    exit: summary.exit,
                    came_at_end: summary.came_at_end,
                });
            }
            if let (true, Some(hint)) = (summary.came_at_end, self.buffering_hint) {
                hint.say();
            }
            // What the session counted as is free when its end has been counted and logged.
            drop(self.permits);
            drop(self.guard);
            if let Some(lingering) = lingering {
                // In a box, or each session would have the room that this takes.
                Box::pin(finish(lingering, &self.drain)).await;
            }
        }
    }
}

/// What is in a box, which is freed at once. A box that `*` takes something out of stays as long as its variable, in a
/// session's task until the session has ended.
#[expect(clippy::boxed_local, reason = "it is about the box")]
fn taken_out<T>(boxed: Box<T>) -> T {
    *boxed
}

/// Closes the connection when its client has read all; a stop hurries.
async fn finish(lingering: LingeringClose, drain: &CancellationToken) {
    let hurry = async {
        drain.cancelled().await;
        sleep(DRAINING_GRACE).await;
    };
    tokio::select! {
        () = lingering.finish() => {}
        () = hurry => {}
    }
}

fn log_end(summary: &Summary, open: &OpenSession, duration: Duration) {
    let handle = &open.handle;
    let (received, sent) = handle.traffic();
    let close = summary.ended.close();
    let by = match (summary.ended.side(), &open.target) {
        ("program", Some(_)) => "target",
        (side, _) => side,
    };
    info!(
        target: "access",
        user = open.user,
        duration_ms = duration.as_millis() as u64,
        messages_in = received.messages,
        bytes_in = received.bytes,
        messages_out = sent.messages,
        bytes_out = sent.bytes,
        exit_status = summary.exit.and_then(|status| status.code()),
        signal = summary.exit.and_then(|status| status.signal()),
        code = close.code,
        reason = close.reason.as_str(),
        by,
        "session ended"
    );
}
