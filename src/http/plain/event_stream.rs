//! A session that is told in events: opened ([`listen`]), and gone on with ([`resume`]).

use std::sync::{Arc, OnceLock};

use futures_util::StreamExt;
use http_body_util::BodyExt;
use hyper::{Response, header::HeaderValue};
use parking_lot::Mutex;
use tracing::{Span, info};

use super::{
    carriage::{carriage, end_of_body, input_form},
    event_body::EventBody,
    head::dress,
    request_body::RequestBody,
    session_name::SessionName,
    table::{EventSession, Owner},
    wanted::{EVENT_STREAM, Position},
};
use crate::{
    http::{
        access::{ConnectionPermit, TrustedProxies},
        body::Body,
        refusal::Refusal,
        request::ClientRequest,
        route_options::RouteOptions,
        sessions::{Opening, SessionRequest, open},
        state::State,
        targets::FoundTarget,
        unread_body::UnreadBody,
    },
    transport::{
        body,
        events::{self, BadPosition, Events},
    },
};

/// Opens a session, and answers with its events. A body is its input; without one that is handed in by others.
///
/// # Errors
/// 406 where messages are more than lines or bytes; those of [`open`].
pub(in crate::http) async fn listen(
    state: &State,
    trust: &TrustedProxies,
    request: ClientRequest<'_>,
    owner: Owner,
    (found, uri): (FoundTarget<'_>, String),
    unread: &mut UnreadBody,
    permit: Option<ConnectionPermit>,
) -> Result<Response<Body>, Refusal> {
    let options = found.route.options;
    let (carriage, _) = carriage(&found.route.target, options)?;
    let end = end_of_body(&found.route.target, options);
    let has_body = !unread.is_empty();
    let body = unread.take().filter(|_| has_body);
    let body = body.map(|body| {
        let body = RequestBody::new(Some(body), &state.tasks);
        body::input(body, carriage, end).boxed()
    });
    let name = SessionName::new();
    let (client, events, channel) = events::open(events::Opening {
        name: name.to_text(),
        resume: options.plain_http.as_ref().and_then(|plain| plain.resume),
        carriage,
        form: input_form(&found.route.target),
        body,
        guard: state.event_sessions.guard(name.clone()),
    });
    let remote = &request.connection.remote;
    let counts_by_itself = permit
        .as_ref()
        .is_some_and(ConnectionPermit::outlives_connection);
    let session = Arc::new(EventSession {
        owner,
        channel,
        carriage,
        has_body,
        counted: (!counts_by_itself && !trust.includes(remote)).then_some(*remote),
        turn: Default::default(),
        waiting: Mutex::default(),
        span: OnceLock::new(),
    });
    let entered = Arc::clone(&session);
    let client = async move {
        // That of the session, whose task this is.
        let _ = entered.span.set(Span::current());
        client
    };
    state.event_sessions.enter(name, Arc::clone(&session));
    let asked = SessionRequest {
        request,
        found,
        uri,
        opening: Opening::Events,
        permit,
    };
    open(state, asked, client).await?;
    Ok(answer(state, session, events, options))
}

/// Goes on with the events of a session where its client has left them, in the place of who reads them now.
///
/// # Errors
/// 404 without such a session, or for another's; 410 when what followed is not kept any more; 400 for an event that was
/// never sent, and for a body where the first request had none. That of others is the same once more, as clients send it
/// that come again by themselves.
pub(in crate::http) fn resume(
    state: &State,
    request: ClientRequest<'_>,
    owner: &Owner,
    options: &RouteOptions,
    (position, has_body): (&Position, bool),
) -> Result<Response<Body>, Refusal> {
    let session = state.event_sessions.find(position.name.as_ref(), owner)?;
    if has_body && !session.has_body {
        return Err(Refusal::BadRequest(
            "what is said to a session comes by POST ?session=ID, and not with what asks for its events".to_owned(),
        ));
    }
    let events = session.channel.resume(position.last);
    let events = events.map_err(|events::Ended| Refusal::NoEventSession)?;
    let events = events.map_err(|bad| match bad {
        BadPosition::TooOld => Refusal::EventGone,
        BadPosition::Unknown => {
            Refusal::BadRequest("Last-Event-ID is of an event that was never sent".to_owned())
        }
    })?;
    let remote = request.connection.remote;
    if let Some(span) = session.span.get() {
        span.in_scope(|| info!(target: "access", %remote, "event stream resumed"));
    }
    Ok(answer(state, session, events, options))
}

fn answer(
    state: &State,
    session: Arc<EventSession>,
    events: Events,
    options: &RouteOptions,
) -> Response<Body> {
    let body = EventBody::new(events, session, &state.connections);
    let mut response = Response::new(body.boxed_unsync());
    dress(
        &mut response,
        HeaderValue::from_static(EVENT_STREAM),
        options,
    );
    response
}
