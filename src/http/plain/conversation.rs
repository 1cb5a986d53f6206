//! A session by one request: its body is what the session is sent, the answer's what it says ([`converse`]).

use std::time::Duration;

use futures_util::future::ready;
use http_body_util::BodyExt;
use hyper::{
    Method, Response,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};

use super::{
    answer_body::{AnswerBody, Ending, TRAILERS},
    origin::allow_reading,
    request_body::RequestBody,
};
use crate::{
    backend::Target,
    framing::Framing,
    http::{
        access::ConnectionPermit,
        body::Body,
        refusal::Refusal,
        request::ClientRequest,
        response_headers::forbid_sniffing,
        sessions::{Opening, SessionRequest, open},
        state::State,
        targets::FoundTarget,
        unread_body::UnreadBody,
    },
    message::Close,
    transport::body::{self, Answer, BodyEnd, Carriage},
};

/// What is said to a member of a group so long after the end of its body is in its answer. Shorter would answer before
/// others have heard it on a busy machine; longer keeps `curl` waiting.
const LISTENING: Duration = Duration::from_millis(100);

/// Keeps a proxy (nginx) from gathering what is said at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whether a request that asks for no WebSocket asks for a session.
pub(in crate::http) fn is_requested(request: &Parts) -> bool {
    matches!(request.method, Method::POST | Method::PUT)
}

/// Opens a session, and answers when it says something, or has ended.
///
/// # Errors
/// 406 where messages are more than lines or bytes; 400 and 413 for a body that is no message, before anything was
/// answered; those of [`open`].
pub(in crate::http) async fn converse(
    state: &State,
    request: ClientRequest<'_>,
    found: FoundTarget<'_>,
    uri: String,
    unread: &mut UnreadBody,
    permit: Option<ConnectionPermit>,
) -> Result<Response<Body>, Refusal> {
    let options = found.route.options;
    let target = &*found.route.target;
    let longest = options.websocket.max_message;
    if options.terminal.is_some() {
        return Err(Refusal::NotByPlainHttp("terminal"));
    }
    let (carriage, content_type) = carriage(target, longest)?;
    let is_member = options.share.is_some() || matches!(target, Target::Room(_));
    let end = match is_member {
        true => BodyEnd::Departure(LISTENING),
        false => BodyEnd::Input,
    };
    let ending = Ending::of(request.parts);
    let body = RequestBody::new(unread.take(), &state.tasks);
    let (client, mut answers) = body::open(body, carriage, end);
    let asked = SessionRequest {
        request,
        found,
        uri,
        opening: Opening::Post,
        permit,
    };
    open(state, asked, ready(client)).await?;
    let first = answers.recv().await;
    if let Some(Answer::End(close)) = &first {
        refuse_body(close, longest)?;
    }
    let body = AnswerBody::new(first, answers, ending).boxed_unsync();
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    if ending == Ending::Trailers {
        headers.insert(header::TRAILER, TRAILERS);
    }
    forbid_sniffing(&mut response);
    allow_reading(&options.origins, &request.parts.headers, &mut response);
    options.headers.add_to(&mut response);
    Ok(response)
}

/// How messages lie in bodies, and what the answer's is.
fn carriage(target: &Target, longest: Option<usize>) -> Result<(Carriage, HeaderValue), Refusal> {
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    let bytes = HeaderValue::from_static("application/octet-stream");
    let lines = Carriage::Lines(longest.unwrap_or(usize::MAX));
    if let Target::Room(room) = target {
        return Ok(match room.options.is_binary {
            true => (Carriage::Bytes, bytes),
            false => (lines, text),
        });
    }
    match target.framing() {
        Framing::Lines(_) | Framing::Headers => Ok((lines, text)),
        Framing::Chunks => Ok((Carriage::Bytes, bytes)),
        Framing::Text => Ok((Carriage::Bytes, text)),
        framing @ (Framing::Length | Framing::Control) => {
            Err(Refusal::NotByPlainHttp(framing.name()))
        }
    }
}

/// Refuses a body that was no message, as long as nothing was answered.
fn refuse_body(close: &Close, longest: Option<usize>) -> Result<(), Refusal> {
    match (close.code, longest) {
        (Close::INVALID_DATA, _) => Err(Refusal::BadRequest(
            "the request's body is not UTF-8".to_owned(),
        )),
        (Close::TOO_BIG, Some(longest)) => Err(Refusal::MessageTooLarge(longest)),
        _ => Ok(()),
    }
}
