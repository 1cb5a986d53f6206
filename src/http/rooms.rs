//! Rooms for who is no client: the list of all groups, and what is said in a room from outside of sessions.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{Response, StatusCode, body::Incoming};
use serde_json::{Value, json};

use super::{
    body::{Body, empty},
    handler::Handler,
    pages::FoundRoom,
    refusal::Refusal,
    state::State,
    unread_body::{Rest, UnreadBody},
};
use crate::{
    backend::{Output, Outside},
    message::Message,
    timer::timeout,
};

/// How long the next piece of a body is waited for.
const SILENCE: Duration = Duration::from_secs(10);

/// An object for each group that is there.
pub(super) fn list(state: &State) -> Value {
    let programs = state.groups.list();
    let rooms = state.resources.rooms.list();
    let object = |kind: &'static str| move |(group, members)| json!({ "group": group, "kind": kind, "members": members });
    let programs = programs.into_iter().map(object("program"));
    programs
        .chain(rooms.into_iter().map(object("room")))
        .collect()
}

impl Handler {
    /// The room of a path as it was typed.
    pub fn room(&self, path: &str) -> Option<FoundRoom> {
        self.options.router.room_named(path)
    }

    /// Says something in a room, all of it at once. Cancel safe: no; a part of it is said then.
    pub async fn say(
        &self,
        room: &FoundRoom,
        messages: impl IntoIterator<Item = Message, IntoIter: Send>,
    ) {
        let rooms = &self.state.resources.rooms;
        rooms.say(&room.name, messages).await;
    }

    /// Sets where else rooms have members; once, and before anybody joins.
    pub fn connect_rooms(&self, outside: Outside) {
        self.state.resources.rooms.connect(outside);
    }

    /// What is said in a room, from now on, and before as its terms say.
    pub fn listen(&self, room: &FoundRoom) -> Output {
        self.state.resources.rooms.listen(&room.name, &room.options)
    }
}

/// Says a request's body in the room of a path: as text, or as bytes where the room carries these.
///
/// # Errors
/// 404 if there is no such room, 413 for a body over the limit, 400 for one that is not UTF-8.
pub(super) async fn post(
    handler: &Handler,
    path: &str,
    unread: &mut UnreadBody,
) -> Result<Response<Body>, Refusal> {
    let room = handler.room(path).ok_or(Refusal::NotFound)?;
    let body = match unread.take() {
        None => Bytes::new(),
        Some(mut incoming) => {
            let read = read(&mut incoming, room.max_message).await;
            // What is left of it is not to cost the client its answer.
            unread.put_back(Rest::Part(incoming));
            read?
        }
    };
    let message = match room.options.is_binary {
        true => Message::Binary(body),
        false => Message::Text(body.try_into().map_err(|_| {
            Refusal::BadRequest("the message is not UTF-8, as text has to be".to_owned())
        })?),
    };
    handler.say(&room, [message]).await;
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A body of so many bytes at most.
async fn read(incoming: &mut Incoming, most: Option<usize>) -> Result<Bytes, Refusal> {
    let mut read = BytesMut::new();
    loop {
        let frame = timeout(SILENCE, incoming.frame()).await;
        let Some(frame) = frame.map_err(|_| Refusal::BodyTimeout)? else {
            return Ok(read.freeze());
        };
        let frame = frame.map_err(|error| Refusal::BadRequest(error.to_string()))?;
        let piece = frame.into_data().unwrap_or_default();
        if let Some(most) = most.filter(|most| piece.len() > most - read.len()) {
            return Err(Refusal::MessageTooLarge(most));
        }
        read.extend_from_slice(&piece);
    }
}
