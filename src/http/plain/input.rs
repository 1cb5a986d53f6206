//! Input of a session that is told in events, by requests of its own: [`hand_in`].

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hyper::{Response, StatusCode};

use super::{
    carriage::refuse_body,
    head::dress_any,
    request_body::RequestBody,
    session_name::SessionName,
    table::{EventSession, Owner},
    wanted::Behind,
};
use crate::{
    http::{
        body::{Body, empty},
        refusal::Refusal,
        route_options::RouteOptions,
        state::State,
        unread_body::UnreadBody,
    },
    message::Close,
    room,
    timer::timeout,
    transport::{
        body::{self, Carriage},
        events::{Ended, InputRefused},
    },
};

/// How long a client may take for the next piece of a body. Shorter would refuse what comes over a slow line; longer
/// keeps memory for clients that have gone.
const PIECE: Duration = Duration::from_secs(60);
/// How long a program may take to make room. Shorter would refuse what comes for one that is merely busy; longer has
/// clients wait for one that does not read.
const ROOM: Duration = Duration::from_secs(5);
/// Bytes of a body that are taken at least, all of it together: it is kept until it is there as a whole. A shorter limit
/// of messages is one of lines, of which a body may have many.
const SMALLEST_LIMIT: usize = 64 * 1024;

/// Hands a body in for a session, all of it or nothing, and answers 204.
///
/// # Errors
/// 404 without such a session, for another's, or when it has ended; 503 while it does not take what waits; 400, 408
/// and 413 for a body that is no message.
pub(in crate::http) async fn hand_in(
    state: &State,
    owner: &Owner,
    options: &RouteOptions,
    (name, behind): (Option<SessionName>, Behind),
    unread: &mut UnreadBody,
) -> Result<Response<Body>, Refusal> {
    let session = state.event_sessions.find(name.as_ref(), owner)?;
    if behind == Behind::More && session.channel.is_input_over() {
        // A client that waits to be told sends nothing in vain.
        return Err(Refusal::NoEventSession);
    }
    let mut body = RequestBody::new(unread.take(), &state.tasks);
    let longest = options.websocket.max_message;
    let read = read(&mut body, session.carriage, longest).await;
    if read.is_err() {
        unread.put_back(body.into_rest());
    }
    let closed = |Ended| Refusal::NoEventSession;
    match behind {
        Behind::More => send(&session, read?).await?,
        Behind::Close(code) => {
            let read = read?;
            // Behind those that wait, as far as they can be waited for.
            let _turn = timeout(ROOM, session.turn.lock()).await;
            let close = Close::new(code, "");
            session.channel.close(read, close).map_err(closed)?;
        }
    }
    let mut response = Response::new(empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    dress_any(&mut response, options);
    Ok(response)
}

/// Hands a body in when there is room, each when it is its turn.
async fn send(session: &EventSession, body: Bytes) -> Result<(), Refusal> {
    let sending = async {
        let _turn = session.turn.lock().await;
        session
            .channel
            .ready()
            .await
            .map_err(|Ended| InputRefused::Ended)?;
        session.channel.send(body)
    };
    let sent = timeout(ROOM, sending).await;
    sent.map_err(|_| Refusal::InputFull)?.map_err(refused)
}

fn refused(refused: InputRefused) -> Refusal {
    match refused {
        InputRefused::Ended => Refusal::NoEventSession,
        InputRefused::Full => Refusal::InputFull,
    }
}

/// A body when all of it is there, and all of it are messages.
async fn read(
    mut body: impl Stream<Item = io::Result<Bytes>> + Unpin,
    carriage: Carriage,
    longest: Option<usize>,
) -> Result<Bytes, Refusal> {
    let limit = longest.map(|longest| longest.max(SMALLEST_LIMIT));
    // The newline of a line that is as long as it may be.
    let newline = match carriage {
        Carriage::Lines(_) => 1,
        Carriage::Bytes => 0,
    };
    let mut read = BytesMut::new();
    loop {
        let next = timeout(PIECE, body.next()).await;
        let Some(piece) = next.map_err(|_| Refusal::BodyTimeout)? else {
            break;
        };
        let cut_off = |_| Refusal::BadRequest("the request's body was cut off".to_owned());
        let piece = piece.map_err(cut_off)?;
        if let Some(limit) = limit.filter(|limit| read.len() + piece.len() > *limit + newline) {
            return Err(Refusal::InputTooLarge(limit));
        }
        room::reserve_bytes(&mut read, piece.len()).map_err(|_| Refusal::NoRoom)?;
        read.extend_from_slice(&piece);
    }
    let read = read.freeze();
    body::check(read.clone(), carriage).map_err(|close| not_a_message(&close, longest))?;
    Ok(read)
}

fn not_a_message(close: &Close, longest: Option<usize>) -> Refusal {
    match refuse_body(close, longest) {
        Err(refusal) => refusal,
        Ok(()) => Refusal::BadRequest(close.reason.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    const LINES: Carriage = Carriage::Lines(10);

    async fn refused(
        body: impl Stream<Item = io::Result<Bytes>> + Unpin,
        longest: Option<usize>,
    ) -> Option<u16> {
        let read = read(body, LINES, longest).await;
        read.err().map(|refusal| refusal.status().as_u16())
    }

    fn piece(piece: &'static [u8]) -> io::Result<Bytes> {
        Ok(Bytes::from_static(piece))
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_stops_is_refused_and_a_slow_one_is_not() {
        let stopped = stream::iter([piece(b"a")]).chain(stream::pending());
        assert_eq!(refused(stopped, None).await, Some(408));
        let slow = stream::iter([b"a", b"\n", b"b"]).then(async |part| {
            tokio::time::sleep(PIECE / 2).await;
            piece(part)
        });
        let read = read(Box::pin(slow), LINES, None).await;
        assert_eq!(read.expect("it comes"), "a\nb");
    }

    #[tokio::test]
    async fn longest_line_may_have_its_newline_and_bytes_may_not() {
        let longest = SMALLEST_LIMIT + 1;
        let body = |newline: &str| {
            let text = "x".repeat(longest) + newline;
            stream::iter([Ok(Bytes::from(text))])
        };
        let lines = Carriage::Lines(longest);
        assert!(read(body("\n"), lines, Some(longest)).await.is_ok());
        assert!(read(body("y\n"), lines, Some(longest)).await.is_err());
        let bytes = Carriage::Bytes;
        assert!(read(body(""), bytes, Some(longest)).await.is_ok());
        assert!(read(body("\n"), bytes, Some(longest)).await.is_err());
    }

    #[tokio::test]
    async fn body_that_is_cut_off_too_long_or_no_text_is_refused() {
        let cut_off = [piece(b"a\n"), Err(io::ErrorKind::UnexpectedEof.into())];
        assert_eq!(refused(stream::iter(cut_off), None).await, Some(400));
        let long: &[u8] = &[b'\n'; SMALLEST_LIMIT];
        let body = || Ok(Bytes::copy_from_slice(long));
        assert_eq!(refused(stream::iter([body()]), Some(10)).await, None);
        let more = || stream::iter([body(), piece(b"\n\n")]);
        assert_eq!(refused(more(), Some(10)).await, Some(413));
        assert_eq!(refused(more(), None).await, None);
        let line = stream::iter([piece(b"0123456789a")]);
        assert_eq!(refused(line, Some(10)).await, Some(413));
        assert_eq!(
            refused(stream::iter([piece(b"\xff")]), None).await,
            Some(400)
        );
    }
}
