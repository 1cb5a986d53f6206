//! The request handler: one request in, one response out ([`Handler`]).
//!
//! A request passes the list of [`checks`](super::checks), finds who answers, and is answered; for a WebSocket
//! the program is started before the 101 (200 by HTTP/2), so that a client sees why a start failed. The
//! session then runs in a task of its own.

use std::{borrow::Cow, sync::Arc};

use hyper::{
    Method, Request, Response, Version, body::Incoming, http::request::Parts, upgrade::OnUpgrade,
};
use tracing::warn;

use super::{
    access::{ConnectionPermit, Overload, keep_query_token},
    answer_fields::AnswerFields,
    answerer::{Answer, Answerer, Refused},
    asked::Asked,
    body::{Body, without_body},
    checks::{Checked, check},
    groups::start_kept,
    lifecycle::LifecycleTokens,
    options::Options,
    own_connection::OwnConnection,
    pages::{
        self, Destination, PlainAnswer, Scripts, WebSocketRoute,
        local_redirect::{self, MAX_REDIRECTS, redirect},
        redirect,
    },
    plain::{self, Owner, Wanted},
    pseudo_headers,
    refusal::Refusal,
    refusal_page::RefusalPage,
    request::ClientRequest,
    request_head::BadRequest,
    request_line::RequestLine,
    response_headers::forbid_sniffing,
    sessions::open_websocket,
    state::State,
    targets::{FoundTarget, find_target, shown_target, shown_uri},
    unread_body::{UnreadBody, announce_close},
    url_path::UrlPath,
};
use crate::{
    backend::{RecentStarts, Resources, Spawner},
    connection::{ConnectionInfo, Endpoint},
    masked::mask_tokens,
    recording::Recorder,
};

/// Answers requests. Sessions that it started run on when it is dropped.
#[derive(Debug)]
pub struct Handler {
    pub(super) options: Options,
    pub(super) state: State,
    /// Whether requests may name sessions that are told in events.
    has_plain_sessions: bool,
}

impl Handler {
    /// A handler that starts programs with `spawner`, for the server that `tokens` are of.
    pub fn new(options: Options, spawner: Spawner, tokens: LifecycleTokens) -> Self {
        let recorder = Recorder::default().with_directory(options.record.clone());
        let processes = options.processes.clone();
        let resources = Resources::new(spawner);
        let state = State {
            has_console: options.router.console,
            is_watching: options.watch.is_some(),
            ..State::new(resources, recorder, processes, tokens)
        };
        Handler::of(options, state)
    }

    fn of(options: Options, state: State) -> Self {
        Handler {
            has_plain_sessions: options.router.has_plain_sessions(),
            options,
            state,
        }
    }

    /// A handler with other options for the same server. What runs goes on, is waited for at a stop, and still
    /// holds its permit where the limit is the same.
    pub fn reconfigured(&self, mut options: Options) -> Self {
        options.processes.inherit_permits(&self.state.processes);
        options.router.inherit_permits(&self.options.router);
        let generation = self.state.groups.reconfigure(&options.router);
        let router = &options.router;
        let terms = |room: &str, is_binary| router.room_terms(room, is_binary);
        self.state.resources.rooms.reconfigure(terms);
        let state = State {
            has_console: options.router.console,
            is_watching: options.watch.is_some(),
            processes: options.processes.clone(),
            // What another configuration let in is asked anew.
            authorizations: Arc::default(),
            generation,
            recorder: self.state.recorder.with_directory(options.record.clone()),
            ..self.state.clone()
        };
        Handler::of(options, state)
    }

    /// Starts the shared programs that are there whoever comes, if they do not run.
    ///
    /// # Errors
    /// The path of the first that cannot be started, and why.
    pub async fn start_kept_programs(&self) -> Result<(), (String, Refusal)> {
        start_kept(&self.state, &self.options.router).await
    }

    /// Where starts of servers that targets may lead to are noted.
    pub fn recent_starts(&self) -> &RecentStarts {
        &self.state.resources.connect.recent_starts
    }

    /// Waits until what was recorded is written. Cancel safe: yes.
    pub async fn finish_recordings(&self) {
        self.state.recorder.finish().await;
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.state.registry.open_count()
    }

    /// Counts a connection in, for as long as the answer is kept; `None` if it had better be closed at
    /// once, for there are too many even to be told so.
    pub fn admit(&self, remote: &Endpoint) -> Option<ConnectionPermit> {
        let client = (!self.options.access.trust.includes(remote)).then_some(remote);
        let admitted = self
            .state
            .connections
            .admit(self.options.connections, client);
        let overload = match &admitted {
            Ok(admitted) => admitted.overload(),
            Err(overload) => Some(*overload),
        };
        // Counted here, for it may never get as far as to ask for something.
        if let Some(refusal) = overload.map(Refusal::from) {
            self.count_refusal(refusal.name());
            warn!(target: "access", %remote, reason = refusal.to_string(), "refused");
        }
        admitted.ok()
    }

    /// Counts a connection that was refused before it could ask for anything.
    pub fn count_refusal(&self, reason: &str) {
        self.state.metrics.count_refusal(reason);
    }

    /// Tells a client why its connection is refused.
    pub fn turn_away(&self, request: Request<Incoming>, overload: Overload) -> Response<Body> {
        let (mut request, unread) = UnreadBody::of(request);
        self.claim_feed(&mut request);
        let line = RequestLine::of(&request);
        let refusal = Refusal::from(overload);
        if let Some(feed) = &line.feed {
            feed.refuse(refusal.status(), refusal.name(), &refusal.explanation());
        }
        let page = line.wants_page.then(RefusalPage::default);
        self.send_away(refusal, line.version, page.as_ref(), unread)
    }

    /// Tells a client that speaks no TLS where it is spoken: at the address that it has asked for.
    pub fn send_to_tls(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<Body> {
        let (request, unread) = UnreadBody::of(request);
        let line = RequestLine::of(&request);
        let (parts, ()) = request.into_parts();
        let url = redirect::url_by_tls(&self.options.access, &parts, connection);
        let page = line
            .wants_page
            .then(|| RefusalPage::beside_tls(url.as_deref()));
        let refusal = Refusal::NeedsTls(url);
        self.send_away(refusal, line.version, page.as_ref(), unread)
    }

    /// A refusal behind which the connection ends, by whoever it is.
    fn send_away(
        &self,
        refusal: Refusal,
        version: Version,
        page: Option<&RefusalPage>,
        unread: UnreadBody,
    ) -> Response<Body> {
        let mut response = refusal.into_response(version, page);
        let code = response.status();
        self.state
            .metrics
            .count_request(Answerer::Nobody.name(), code.as_str());
        forbid_sniffing(response.headers_mut());
        self.options.headers.add_to(&mut response);
        if version != Version::HTTP_2 {
            announce_close(&mut response);
        }
        unread.discard_behind(&mut response, &self.state.tasks);
        response
    }

    /// Answers a request that stands for one whose head is not read on: it is the last of its connection.
    pub fn refuse_head(
        &self,
        request: Request<Incoming>,
        bad: &BadRequest,
        connection: &ConnectionInfo,
    ) -> Response<Body> {
        let (_, unread) = UnreadBody::of(request);
        let refusal = Refusal::from(bad.reason);
        self.count_refusal(refusal.name());
        let line = shown_target(&self.options.router, &bad.line);
        let (remote, line) = (connection.remote, mask_tokens(&line));
        let (status, reason) = (refusal.status().as_u16(), refusal.to_string());
        warn!(target: "access", %remote, line = &*line, status, reason, "refused");
        self.send_away(refusal, Version::HTTP_11, None, unread)
    }

    /// Answers one request.
    ///
    /// Cancel safe: yes, and cancelled when the client goes. A script is then ended; a session that was opened
    /// finds its client lost.
    pub async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
    ) -> Response<Body> {
        let (mut request, mut unread) = UnreadBody::of(request);
        let mut response = match self.resolve_client(&mut request, connection) {
            Ok(connection) => {
                self.claim_feed(&mut request);
                let line = RequestLine::of(&request);
                let mut fields = AnswerFields::default();
                let outcome = match self.count_request(&request, &connection) {
                    Ok(permit) => {
                        let upgrade = hyper::upgrade::on(&mut request);
                        let (mut parts, ()) = request.into_parts();
                        let asked = (&mut parts, permit, upgrade);
                        self.check_and_answer(asked, &mut unread, &connection, &mut fields)
                            .await
                    }
                    Err(refusal) => Err(refusal.into()),
                };
                self.finish(outcome, &fields, &line, &connection)
            }
            Err(refusal) => {
                let line = RequestLine::of(&request);
                let fields = AnswerFields::default();
                self.finish(Err(refusal.into()), &fields, &line, connection)
            }
        };
        unread.discard_behind(&mut response, &self.state.tasks);
        response
    }

    /// Sends a client on to another port.
    pub fn redirect(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionInfo,
        to: &Destination,
    ) -> Response<Body> {
        let (request, unread) = UnreadBody::of(request);
        let line = RequestLine::of(&request);
        let (parts, ()) = request.into_parts();
        let answer = redirect::answer(&self.options.access, &parts, connection, to);
        let (outcome, fields) = (Answerer::Redirect.answer(answer), AnswerFields::default());
        let mut response = self.finish(outcome, &fields, &line, connection);
        unread.discard_behind(&mut response, &self.state.tasks);
        response
    }

    /// The connection as trusted proxies tell of it, and the request as HTTP/1.1 would have it. Not within
    /// [`Handler::handle`], whose future would keep room for each step of it.
    fn resolve_client<'a>(
        &self,
        request: &mut Request<()>,
        connection: &'a ConnectionInfo,
    ) -> Result<Cow<'a, ConnectionInfo>, Refusal> {
        pseudo_headers::normalize_http2(request)?;
        if self.has_plain_sessions {
            plain::conceal(request);
        }
        let trust = &self.options.access.trust;
        if !trust.includes(&connection.remote) {
            // Who is no proxy may not say who it is.
            for name in &self.options.router.user_headers {
                request.headers_mut().remove(name);
            }
        }
        trust.resolve_client(request.headers(), connection)
    }

    /// Finds what a console is told of its attempt to connect, by the word in the request's target. Nobody else sees
    /// that word.
    fn claim_feed(&self, request: &mut Request<()>) {
        if self.options.router.console {
            self.state.feeds.claim_in(request);
        }
    }

    /// Counts a request of a client behind a trusted proxy: many clients share that connection, so each of their
    /// requests counts as one. And a WebSocket of a connection that can have many.
    fn count_request(
        &self,
        request: &Request<()>,
        connection: &ConnectionInfo,
    ) -> Result<Option<ConnectionPermit>, Refusal> {
        let (limits, connections) = (self.options.connections, &self.state.connections);
        let remote = &connection.remote;
        if connection.forwarded.is_some() {
            return Ok(connections.admit_request(limits, remote)?);
        }
        match request.extensions().get() {
            Some(first)
                if *request.method() == Method::CONNECT
                    && !self.options.access.trust.includes(remote) =>
            {
                Ok(connections.admit_websocket(limits, remote, first)?)
            }
            _ => Ok(None),
        }
    }

    /// Answers a request that passes the checks, and so does each that scripts make of it.
    async fn check_and_answer(
        &self,
        (parts, permit, upgrade): (&mut Parts, Option<ConnectionPermit>, OnUpgrade),
        body: &mut UnreadBody,
        connection: &ConnectionInfo,
        fields: &mut AnswerFields,
    ) -> Result<Answer, Refused> {
        let state = &self.state;
        for _ in 0..=MAX_REDIRECTS {
            let checked = check(&self.options, state, parts, connection, fields);
            let Checked {
                host,
                path,
                asked,
                client,
                withheld,
                grant,
            } = checked.await?;
            let request = ClientRequest {
                parts: withheld.as_ref().map_or(parts, |withheld| &withheld.shown),
                host: host.as_ref(),
                connection,
                client: client.as_ref(),
                grant: grant.as_deref(),
            };
            let answer = match asked {
                Asked::WebSocket(handshake, route) => {
                    let by = route.answerer();
                    // In a box, or every file's answer would have the room that a session's start takes.
                    let outcome = Box::pin(async {
                        let (found, uri) = self.find_session(request, &path, route).await?;
                        let opened =
                            open_websocket(state, request, found, uri, handshake, upgrade, permit);
                        opened.await
                    });
                    return by.answer(outcome.await);
                }
                Asked::NoProgram(..) => return Err(Answerer::Program.refuse(Refusal::NotFound)),
                Asked::Session(route, scripts) => {
                    let ran = pages::run_script(state, request, &path, body, &scripts).await;
                    match ran {
                        Some(answer) => answer?,
                        None => {
                            let asked = (route, scripts, permit);
                            let answer = self.answer_session(request, &path, body, asked, fields);
                            return Box::pin(answer).await;
                        }
                    }
                }
                Asked::Plain(route) => {
                    let answer = pages::answer(state, request, &path, body, route).await;
                    let rooms = || self.options.router.rooms_beneath(&path);
                    let methods = || self.options.router.session_methods(&path);
                    answer.map_err(|refused| {
                        let refused = refused.above_rooms(rooms());
                        refused.beside_sessions(methods())
                    })?
                }
            };
            match answer {
                PlainAnswer::Answer(answer) => return Ok(answer.with_guard(permit)),
                PlainAnswer::LocalRedirect(target) => {
                    keep_query_token(parts);
                    let redirected = redirect(parts, &target, &connection.prefix);
                    redirected.map_err(|refusal| Answerer::Cgi.refuse(refusal))?;
                }
            }
        }
        Err(Answerer::Cgi.refuse(local_redirect::too_many()))
    }

    /// Answers a request about a session without a WebSocket, which no script has answered.
    async fn answer_session(
        &self,
        request: ClientRequest<'_>,
        path: &UrlPath,
        body: &mut UnreadBody,
        (route, scripts, permit): (WebSocketRoute<'_>, Vec<&Scripts>, Option<ConnectionPermit>),
        fields: &mut AnswerFields,
    ) -> Result<Answer, Refused> {
        let (state, options, by) = (&self.state, route.options(), route.answerer());
        let access = self.options.router.access_at(path);
        let owner = Owner::of(request, path, &route, access);
        let outcome = async {
            if !scripts.is_empty() {
                path.check_for_programs()?;
                plain::check_origin_behind_scripts(&options.origins, request)?;
                plain::allow_reading(&options.origins, &request.parts.headers, fields);
            }
            let wanted = plain::wanted(request.parts)?;
            if let Some(connection) = OwnConnection::of(request.parts)
                && !matches!(wanted, Wanted::Input { .. })
            {
                connection.lasting.set(true);
            }
            let is_told_in_events = match wanted {
                Wanted::Conversation => false,
                Wanted::Events => true,
                Wanted::Resumption(position) => {
                    let has_body = !body.is_empty();
                    return plain::resume(state, request, &owner, options, (&position, has_body));
                }
                Wanted::Input { name, behind } => {
                    let handed_in = (name, behind);
                    return plain::hand_in(state, &owner, options, handed_in, body).await;
                }
            };
            plain::check_start(request)?;
            let permit = self.count_session(permit, request)?;
            let found = self.find_session(request, path, route).await?;
            match is_told_in_events {
                false => plain::converse(state, request, found, body, permit).await,
                true => {
                    let trust = &self.options.access.trust;
                    plain::listen(state, trust, request, owner, found, body, permit).await
                }
            }
        };
        by.answer(outcome.await)
    }

    /// Counts a session of a connection that can have many, as a WebSocket is counted there, if it is not counted yet.
    fn count_session(
        &self,
        permit: Option<ConnectionPermit>,
        request: ClientRequest<'_>,
    ) -> Result<Option<ConnectionPermit>, Refusal> {
        let (limits, remote) = (self.options.connections, &request.connection.remote);
        match (permit, request.parts.extensions.get()) {
            (None, Some(first)) if !self.options.access.trust.includes(remote) => {
                let connections = &self.state.connections;
                Ok(connections.admit_websocket(limits, remote, first)?)
            }
            (permit, _) => Ok(permit),
        }
    }

    /// Whom a session is joined to, and the request's target as the log shows it.
    async fn find_session<'a>(
        &self,
        request: ClientRequest<'_>,
        path: &UrlPath,
        route: WebSocketRoute<'a>,
    ) -> Result<(FoundTarget<'a>, String), Refusal> {
        let found = route.find(path).await?;
        let trust = &self.options.access.trust;
        let found = find_target(&self.state, trust, request, found).await?;
        let uri = shown_uri(&self.options.router, &self.state, &request.parts.uri);
        Ok((found, uri))
    }

    /// Makes a response of what came of a request, with the headers that all have; counts and logs it.
    fn finish(
        &self,
        outcome: Result<Answer, Refused>,
        fields: &AnswerFields,
        line: &RequestLine,
        connection: &ConnectionInfo,
    ) -> Response<Body> {
        let (mut response, by, reason) = match outcome {
            Ok(Answer { response, by }) => (response, by, None),
            Err(Refused { refusal, by }) => {
                let (response, reason) = self.refuse(refusal, line, connection);
                (response, by, reason)
            }
        };
        let is_session = by.opens_sessions() && reason.is_none();
        if !is_session {
            forbid_sniffing(response.headers_mut());
            if let Some(cors) = &self.options.cors
                && matches!(by, Answerer::File | Answerer::Cgi)
            {
                cors.add_to(line.origin.as_ref(), &mut response);
            }
            self.options.headers.add_to(&mut response);
        }
        fields.add_to(&mut response, is_session);
        if line.is_head_by_http2() {
            response = without_body(response);
        }
        let status = response.status();
        self.state.metrics.count_request(by.name(), status.as_str());
        // A session logs its own start and end, and what its console hears of it is no news.
        let is_news = by != Answerer::ConsoleFeed || reason.is_some();
        if !is_session && is_news {
            let uri = || shown_uri(&self.options.router, &self.state, &line.uri);
            line.log(uri, connection, status, reason);
        }
        response
    }

    /// What the operator, and who has a console, is told behind a refusal: where something answers. The client is not, for
    /// who may not come in does not learn where programs are.
    fn elsewhere(&self, refusal: &Refusal) -> String {
        let places = match refusal {
            Refusal::NotFound => self.options.router.places_of_sessions(),
            _ => None,
        };
        let words = |places| format!("; WebSockets are answered at {places}");
        places.map(words).unwrap_or_default()
    }

    /// The answer to a refusal, which is counted if it is news to the operator; and why it was, then.
    fn refuse(
        &self,
        refusal: Refusal,
        line: &RequestLine,
        connection: &ConnectionInfo,
    ) -> (Response<Body>, Option<String>) {
        let has_console = self.options.router.console;
        let page = line
            .wants_page
            .then(|| match has_console && refusal.asks_for_websocket() {
                true => RefusalPage::beside_console(&connection.prefix, &line.uri),
                false => RefusalPage::default(),
            });
        if refusal.is_usual() {
            return (refusal.into_response(line.version, page.as_ref()), None);
        }
        let refusal = match has_console {
            true => refusal.explained(),
            false => refusal,
        };
        self.state.metrics.count_refusal(refusal.name());
        let elsewhere = self.elsewhere(&refusal);
        if let Refusal::Connect(error) = &refusal {
            let failure = error.failure.name();
            self.state.metrics.count_target_failure(failure);
        }
        if let Some(feed) = &line.feed {
            let explanation = format!("{}{elsewhere}", refusal.explanation());
            feed.refuse(refusal.status(), refusal.name(), &explanation);
        }
        let reason = format!("{}{elsewhere}", refusal.detail());
        let response = refusal.into_response(line.version, page.as_ref());
        (response, Some(reason))
    }
}
