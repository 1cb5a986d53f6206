//! How a session's messages lie in bodies: [`carriage`].

use std::time::Duration;

use hyper::header::HeaderValue;

use crate::{
    backend::Target,
    framing::{Framing, Newline},
    http::{refusal::Refusal, route_options::RouteOptions},
    message::Close,
    transport::{
        body::{BodyEnd, Carriage},
        events::InputForm,
    },
};

/// What is said to a member of a group so long after the end of its body is in its answer. Shorter would answer before
/// others have heard it on a busy machine; longer keeps `curl` waiting.
const LISTENING: Duration = Duration::from_millis(100);

/// How messages lie in bodies where a session is joined to `target`, and what the answer's is.
///
/// # Errors
/// 406 where messages are more than lines or bytes.
pub(super) fn carriage(
    target: &Target,
    options: &RouteOptions,
) -> Result<(Carriage, HeaderValue), Refusal> {
    if options.terminal.is_some() {
        return Err(Refusal::NotByPlainHttp("terminal"));
    }
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    let bytes = HeaderValue::from_static("application/octet-stream");
    let lines = Carriage::Lines(options.websocket.max_message.unwrap_or(usize::MAX));
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

/// The same as who hands something in is told it.
pub(super) fn input_form(target: &Target) -> InputForm {
    let (framing, newline) = match target {
        Target::Room(room) if room.options.is_binary => (Framing::Chunks.name(), None),
        Target::Room(_) => ("lines", Some(Newline::Split)),
        target => {
            let framing = target.framing();
            let newline = match framing {
                Framing::Lines(newline) => Some(newline),
                _ => None,
            };
            (framing.name(), newline)
        }
    };
    InputForm {
        framing,
        newline: newline.map(Newline::name),
    }
}

/// What the end of a body means where a session is joined to `target`.
pub(super) fn end_of_body(target: &Target, options: &RouteOptions) -> BodyEnd {
    match options.share.is_some() || matches!(target, Target::Room(_)) {
        true => BodyEnd::Departure(LISTENING),
        false => BodyEnd::Input,
    }
}

/// Refuses a body that was no message, as long as nothing was answered.
///
/// # Errors
/// 400, 413.
pub(super) fn refuse_body(close: &Close, longest: Option<usize>) -> Result<(), Refusal> {
    match (close.code, longest) {
        (Close::INVALID_DATA, _) => Err(Refusal::BadRequest(
            "the request's body is not UTF-8".to_owned(),
        )),
        (Close::TOO_BIG, Some(longest)) => Err(Refusal::MessageTooLarge(longest)),
        _ => Ok(()),
    }
}
