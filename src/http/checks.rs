//! The checks that a request passes before anything is done for it: [`check`], one list for all of them.
//!
//! WebSockets, files, CGI scripts and pages pass the same checks in the same order, and the first that fails is
//! the answer. Each rule is a file of [`access`](super::access) or of the module that it is about; none
//! knows which come before it. What a script sends on to another path of this server passes the list anew.

use std::sync::Arc;

use hyper::{Method, http::request::Parts};

use super::{
    access::{
        AskedKind, Asking, Authenticated, Authentication, Authority, Cors, Withheld,
        check_foreign_page, is_embedded, is_of_foreign_origin, withhold,
    },
    admission::{Admitted, Candidate, admit},
    answer_fields::AnswerFields,
    answerer::{Answerer, Refused},
    asked::Asked,
    authorize::Grant,
    options::Options,
    pages::{Page, PlainRoute, Router, Scripts, WebSocketRoute},
    plain,
    refusal::Refusal,
    route_options::RouteOptions,
    state::State,
    url_path::UrlPath,
    websocket::{Handshake, handshake},
};
use crate::connection::ConnectionInfo;

/// A request that has passed all checks.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    /// The host that it is for; `None` only of HTTP/1.0.
    pub(super) host: Option<Authority>,
    pub(super) path: UrlPath,
    pub(super) asked: Asked<'a>,
    /// Who the client is, where that is asked.
    pub(super) client: Option<Authenticated>,
    /// The request as programs may see it, where there is something that they may not.
    pub(super) withheld: Option<Withheld>,
    /// What the request has beside, by leave of an authorizer, where one is asked.
    pub(super) grant: Option<Arc<Grant>>,
}

/// Who may answer a request, before its handshake is looked at.
enum Route<'a> {
    WebSocket(WebSocketRoute<'a>),
    NoProgram(&'a RouteOptions),
    Session(WebSocketRoute<'a>, Vec<&'a Scripts>),
    Plain(PlainRoute<'a>),
}

impl Route<'_> {
    /// Whether it answers anybody: what may be asked here, how to log out, and what is nobody's secret.
    fn is_open(&self) -> bool {
        let Route::Plain(PlainRoute::Page(page, _)) = self else {
            return false;
        };
        matches!(
            page,
            Page::Options(_)
                | Page::Preflight(_)
                | Page::SessionPreflight(_)
                | Page::Logout
                | Page::ClientScript(_)
                | Page::TerminalScript
        )
    }
}

/// Checks a request. How many connections and requests its client has is counted before; what follows needs a
/// disk or room: which file or program is there (404), the permits (503), the start (500, 503).
///
/// What the answer is to have beside what answers gives it, be it a refusal, is put into `fields`.
///
/// # Errors
/// 400, 401, 403, 404, 405, 426: the first check that fails.
///
/// Cancel safe: yes.
pub(super) async fn check<'a>(
    options: &'a Options,
    state: &State,
    request: &Parts,
    connection: &ConnectionInfo,
    fields: &mut AnswerFields,
) -> Result<Checked<'a>, Refused> {
    // 0. OPTIONS asks for nothing but what may be asked: it is answered before Origin and any password, as browsers
    //    and load balancers need, and to those that name no host; unless a script may answer, which is run for it.
    // 1. Host: 400 if it is malformed, 403 if this server does not go by it.
    // 2. Path: 400 for what no honest client sends, 404 where nothing can answer.
    let Found { host, path, route } = match find_options(options, request, connection)? {
        Some(found) => found,
        None => find(options, request, connection)?,
    };
    let refuse = |refusal| expected_answerer(request).refuse(refusal);
    let access = options.router.access_at(&path);
    let is_open = route.is_open();
    let authentication = access.authentication.as_deref().filter(|_| !is_open);
    let has_passwords = options.router.logins.has_passwords();
    let withheld = withhold(request, authentication, has_passwords);
    let shown = withheld.as_ref().map_or(request, |secret| &secret.shown);

    // 3. The opening handshake's form, where there is one: 400, 405, 426.
    let mut asked = check_form(route, shown).map_err(refuse)?;
    check_second_offer(&asked, withheld.as_ref()).map_err(refuse)?;

    // 4. Origin: 403 for pages of others.
    check_origin(&asked, request, host.as_ref()).map_err(refuse)?;
    if let Asked::Session(route, scripts) = &asked
        && scripts.is_empty()
    {
        // Refusals too, from here on.
        plain::allow_reading(&route.options().origins, &request.headers, fields);
    }

    // 5. Authentication: 401. Behind Origin, so that no page of another asks a user for a password; before a disk is
    //    asked what is there, so that names cannot be probed.
    let candidate = Candidate {
        sent: request,
        shown,
        connection,
        host: host.as_ref(),
        path: &path,
    };
    if withheld.as_ref().is_some_and(|secret| secret.had_in_url) {
        fields.set_token_in_url();
    }
    let client = identify(authentication, options, state, &asked, candidate, fields);
    let client = client.await.map_err(refuse)?;

    // 6. Authorization: 403, or what the authorizer says.
    let authorizer = access.authorizer.as_deref().filter(|_| !is_open);
    let admitting = admit(
        options, state, authorizer, candidate, &mut asked, client, fields,
    );
    let Admitted { client, grant } = admitting.await.map_err(refuse)?;

    Ok(Checked {
        host,
        path,
        asked,
        client,
        withheld,
        grant,
    })
}

/// Who the client is, where that is asked.
async fn identify(
    authentication: Option<&Authentication>,
    options: &Options,
    state: &State,
    asked: &Asked<'_>,
    candidate: Candidate<'_>,
    fields: &mut AnswerFields,
) -> Result<Option<Authenticated>, Refusal> {
    let Some(authentication) = authentication else {
        return Ok(None);
    };
    // In a box, or every connection would have room for it, also where nobody is asked.
    let authenticated = authenticate(authentication, options, state, asked, candidate, fields);
    Box::pin(authenticated).await
}

/// Who the client is, if it has to be somebody; and before that, whose page has it ask.
async fn authenticate(
    authentication: &Authentication,
    options: &Options,
    state: &State,
    asked: &Asked<'_>,
    candidate: Candidate<'_>,
    fields: &mut AnswerFields,
) -> Result<Option<Authenticated>, Refusal> {
    let request = candidate.sent;
    let is_named = asked.is_of_named_page(request) || is_named_by_cors(options, request);
    let mut asking = Asking {
        request,
        host: candidate.host,
        connection: candidate.connection,
        trust: &options.access.trust,
        cookie_key: options.access.cookie_key.as_ref(),
        is_embedded: is_embedded(&request.headers) && !is_named,
    };
    // Browsers that say nothing of sites (Fetch Metadata) still say which page it is.
    asking.is_embedded |= !is_named && is_of_foreign_origin(&asked.options().origins, &asking);
    if authentication.concerns(&asking) {
        fields.set_private();
        let kind = match asked {
            Asked::WebSocket(..) | Asked::NoProgram(..) => AskedKind::WebSocket,
            // Whose Origin was checked as that of a WebSocket.
            Asked::Session(_, scripts) if scripts.is_empty() => AskedKind::WebSocket,
            Asked::Session(..) | Asked::Plain(_) => AskedKind::Plain,
        };
        check_foreign_page(&asked.options().origins, &asking, kind)?;
    }
    authentication
        .authenticate(&state.logins, asking, fields)
        .await
}

/// Whether a page asks that `--cors` names, and so may send a password.
fn is_named_by_cors(options: &Options, request: &Parts) -> bool {
    let names = |cors: &Cors| cors.names_page_of(&request.headers);
    options.cors.as_ref().is_some_and(names)
}

/// A request and who may answer it, by its path.
struct Found<'a> {
    host: Option<Authority>,
    path: UrlPath,
    route: Route<'a>,
}

fn find<'a>(
    options: &'a Options,
    request: &Parts,
    connection: &ConnectionInfo,
) -> Result<Found<'a>, Refused> {
    let host = options.access.host(request, connection)?;
    let path = UrlPath::decode(request.uri.path()).map_err(Refusal::from)?;
    let route = find_route(&options.router, request, &path);
    let route = route.map_err(|refusal| expected_answerer(request).refuse(refusal))?;
    Ok(Found { host, path, route })
}

/// Who answers a request whose method is OPTIONS; `None` for another. A script is found for a host alone: HTTP/1.0
/// without one is what health checks send (HAProxy's `option httpchk`).
fn find_options<'a>(
    options: &'a Options,
    request: &Parts,
    connection: &ConnectionInfo,
) -> Result<Option<Found<'a>>, Refused> {
    if request.method != Method::OPTIONS || handshake::is_requested(request) {
        return Ok(None);
    }
    let host = options.access.host_of_options(request, connection)?;
    let found = |host, path, route| {
        let route = Route::Plain(route);
        Ok(Some(Found { host, path, route }))
    };
    if request.uri.path() == "*" {
        return found(host, UrlPath::top(), options.router.options_of_all());
    }
    let path = UrlPath::decode(request.uri.path()).map_err(Refusal::from)?;
    if Cors::is_preflight(request)
        && let Some(route) = options.router.plain_session(&path, &request.headers)
        && options.router.scripts_at(&path).is_empty()
        && let origins = &route.options().origins
        && plain::check_origin(origins, &request.headers, host.as_ref()).is_ok()
    {
        let page = Page::SessionPreflight(origins);
        let route = PlainRoute::Page(page, &options.router.page_options);
        return found(host, path, route);
    }
    if let Some(cors) = &options.cors
        && Cors::is_preflight(request)
        && options.router.has_resource_at(&path)
    {
        let page = Page::Preflight(cors);
        let route = PlainRoute::Page(page, &options.router.page_options);
        return found(host, path, route);
    }
    let route = options.router.options(&path).ok_or(Refusal::NoPage)?;
    let route = match (route, host.is_some()) {
        (PlainRoute::Scripts(_, Some(page), options), false) => PlainRoute::Page(page, options),
        (route, _) => route,
    };
    found(host, path, route)
}

/// Whom a request is counted for if it is refused now. Who answers a plain one is not known yet.
fn expected_answerer(request: &Parts) -> Answerer {
    match handshake::is_requested(request) {
        true => Answerer::Program,
        false => Answerer::Nobody,
    }
}

fn find_route<'a>(
    router: &'a Router,
    request: &Parts,
    path: &UrlPath,
) -> Result<Route<'a>, Refusal> {
    if !handshake::is_requested(request) {
        if plain::is_requested(request)
            && let Some(route) = router.plain_session(path, &request.headers)
        {
            let scripts = router.scripts_at(path);
            if scripts.is_empty() {
                path.check_for_programs()?;
            }
            return Ok(Route::Session(route, scripts));
        }
        let nothing = || match router.is_bare_at_top() {
            true => Refusal::NoPageButElsewhere,
            false => Refusal::NoPage,
        };
        let route = router.plain(path).ok_or_else(nothing)?;
        return Ok(Route::Plain(route.for_query(request.uri.query())));
    }
    let route = match router.websocket(path, &request.headers) {
        Some(route) => Route::WebSocket(route),
        // Who may not come in does not learn where programs are.
        None if router.access_at(path).has_login() && router.plain(path).is_some() => {
            Route::NoProgram(&router.page_options)
        }
        None => return Err(Refusal::NotFound),
    };
    path.check_for_programs()?;
    Ok(route)
}

fn check_handshake(request: &Parts, options: &RouteOptions) -> Result<Handshake, Refusal> {
    Handshake::check(request, &options.subprotocols, options.compression)
}

/// A plain request has no form beside that of its path, which scripts check for themselves.
fn check_form<'a>(route: Route<'a>, request: &Parts) -> Result<Asked<'a>, Refusal> {
    Ok(match route {
        Route::Plain(route) => Asked::Plain(route),
        Route::Session(route, scripts) => Asked::Session(route, scripts),
        Route::NoProgram(options) => Asked::NoProgram(check_handshake(request, options)?, options),
        Route::WebSocket(route) => {
            Asked::WebSocket(check_handshake(request, route.options())?, route)
        }
    })
}

/// A token is no subprotocol to select, and browsers fail a connection whose offers are all passed over.
fn check_second_offer(asked: &Asked<'_>, withheld: Option<&Withheld>) -> Result<(), Refusal> {
    match asked {
        Asked::WebSocket(handshake, _) | Asked::NoProgram(handshake, _)
            if handshake.subprotocol().is_none()
                && withheld.is_some_and(|withheld| withheld.has_offered) =>
        {
            let reason = "a token was offered as a subprotocol, and no other that is spoken here: \
                offer a second one beside it, for browsers fail a connection that selects none";
            Err(Refusal::BadRequest(reason.to_owned()))
        }
        _ => Ok(()),
    }
}

/// What a page of another origin asks for without a WebSocket, its browser keeps from it (CORS).
fn check_origin(
    asked: &Asked<'_>,
    request: &Parts,
    host: Option<&Authority>,
) -> Result<(), Refusal> {
    match asked {
        Asked::WebSocket(..) | Asked::NoProgram(..) => {
            asked.options().origins.check(&request.headers, host)
        }
        Asked::Session(_, scripts) if scripts.is_empty() => {
            plain::check_origin(&asked.options().origins, &request.headers, host)
        }
        // Of a session when no script has answered.
        Asked::Session(..) | Asked::Plain(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{MaxLine, Program, Resources, Spawner, StderrTo, StreamOptions, Target},
        connection::Endpoint,
        framing::{Framing, Newline},
        http::{access::ProcessLimit, lifecycle::LifecycleTokens, pages::Mount},
        recording::Recorder,
    };
    use hyper::Request;
    use std::net::SocketAddr;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    /// A program at `/a`, and nothing else.
    fn options() -> Options {
        let streams = StreamOptions {
            framing: Framing::Lines(Newline::Split),
            max_line: MaxLine {
                bytes: 1,
                set_by: "",
            },
            flush_after: None,
        };
        let mount = Mount {
            path: "/a".to_owned(),
            target: Target::Program(Program::default(), streams, StderrTo::Log).into(),
            options: RouteOptions::default(),
        };
        Options {
            router: Router {
                mounts: vec![mount],
                ..Router::default()
            },
            ..Options::default()
        }
    }

    /// What a client of the loopback address is refused with, and who would have answered.
    async fn refused(uri: &str, headers: &[(&str, &str)]) -> Option<(u16, Answerer)> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let loopback: SocketAddr = "127.0.0.1:80".parse().expect("an address");
        let endpoint = Endpoint::from(loopback);
        let connection = ConnectionInfo::new(endpoint, endpoint);
        let spawner = Spawner::start().expect("threads");
        let (resources, tokens) = (Resources::new(spawner), LifecycleTokens::default());
        let state = State::new(
            resources,
            Recorder::default(),
            ProcessLimit::default(),
            tokens,
        );
        let (options, mut fields) = (options(), AnswerFields::default());
        let checked = check(&options, &state, &parts, &connection, &mut fields).await;
        let refused = checked.err()?;
        Some((refused.refusal.status().as_u16(), refused.by))
    }

    #[tokio::test]
    async fn first_check_that_fails_is_the_answer() {
        let asking = [("connection", "upgrade"), ("upgrade", "websocket")];
        let key = ("sec-websocket-key", KEY);
        // Each row is right in one thing more than the row before.
        for (uri, host, version, origin, status, by) in [
            (
                "/%00",
                "evil",
                "8",
                "http://evil",
                Some(403),
                Answerer::Nobody,
            ),
            (
                "/%00",
                "localhost",
                "8",
                "http://evil",
                Some(400),
                Answerer::Nobody,
            ),
            (
                "/b",
                "localhost",
                "8",
                "http://evil",
                Some(404),
                Answerer::Program,
            ),
            (
                "/a/%0a",
                "localhost",
                "8",
                "http://evil",
                Some(400),
                Answerer::Program,
            ),
            (
                "/a",
                "localhost",
                "8",
                "http://evil",
                Some(426),
                Answerer::Program,
            ),
            (
                "/a",
                "localhost",
                "13",
                "http://evil",
                Some(403),
                Answerer::Program,
            ),
            (
                "/a",
                "localhost",
                "13",
                "http://localhost",
                None,
                Answerer::Program,
            ),
        ] {
            let headers = [
                asking[0],
                asking[1],
                key,
                ("host", host),
                ("sec-websocket-version", version),
                ("origin", origin),
            ];
            let expected = status.map(|status| (status, by));
            assert_eq!(refused(uri, &headers).await, expected, "{uri} {headers:?}");
        }
    }

    #[tokio::test]
    async fn plain_requests_pass_the_same_list() {
        for (uri, host, expected) in [
            ("/%00", "evil", Some((403, Answerer::Nobody))),
            ("/%00", "localhost", Some((400, Answerer::Nobody))),
            ("/b", "localhost", Some((404, Answerer::Nobody))),
            // What a program is there for is told by who answers, with 426.
            ("/a", "localhost", None),
        ] {
            let headers = [("host", host), ("origin", "http://evil")];
            assert_eq!(refused(uri, &headers).await, expected);
        }
    }
}
