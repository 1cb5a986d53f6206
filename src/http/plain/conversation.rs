//! A session by one request: its body is what the session is sent, the answer's what it says ([`converse`]).

use std::borrow::Cow;

use futures_util::future::ready;
use http_body_util::BodyExt;
use hyper::{Response, header};

use super::{
    answer_body::{AnswerBody, Ending, TRAILERS},
    carriage::{carriage, end_of_body, refuse_body},
    head::dress,
    request_body::RequestBody,
};
use crate::{
    framing::Framing,
    http::{
        access::ConnectionPermit,
        body::Body,
        refusal::Refusal,
        request::ClientRequest,
        sessions::{Opening, SessionRequest, open},
        state::State,
        targets::FoundTarget,
        unread_body::{Rest, UnreadBody},
    },
    transport::body::{self, Answer},
};

/// Opens a session, and answers when it says something, or has ended.
///
/// # Errors
/// 406 where messages are more than lines or bytes; 400 and 413 for a body that is no message, before anything was
/// answered; those of [`open`].
pub(in crate::http) async fn converse(
    state: &State,
    request: ClientRequest<'_>,
    (mut found, uri): (FoundTarget<'_>, String),
    unread: &mut UnreadBody,
    permit: Option<ConnectionPermit>,
) -> Result<Response<Body>, Refusal> {
    let options = found.route.options;
    let target = &*found.route.target;
    let (carriage, content_type) = carriage(target, options)?;
    let end = end_of_body(target, options);
    // A body's text is bytes. What is shared speaks to all in the same way.
    if target.framing() == Framing::Text && options.share.is_none() {
        found.route.target = Cow::Owned(target.with_text_as_bytes());
    }
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
        let refused = refuse_body(close, options.websocket.max_message);
        // The session has it, and reads and throws away what still comes of it.
        refused.inspect_err(|_| unread.put_back(Rest::BeingRead))?;
    }
    let body = AnswerBody::new(first, answers, ending).boxed_unsync();
    let mut response = Response::new(body);
    if ending == Ending::Trailers {
        response.headers_mut().insert(header::TRAILER, TRAILERS);
    }
    dress(&mut response, content_type, options);
    Ok(response)
}
