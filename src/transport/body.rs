//! A client by two bodies (RFC 9110 §6.4): what one body says is what comes, what goes is for another to say.
//!
//! Guaranteed: each line is a message, the last one even without a newline; the end of the first body is the end of
//! the input and not of the session, which only ends when nobody takes the other body any more. Who writes that body
//! has [`Answers`]; a message waits until there is room for it there. If the first body is refused before anything was
//! said, nothing is: the end is the only answer.

use std::{io, pin::pin, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::{self, Either},
    stream,
};
use tokio::time::sleep;
use tokio_util::{
    codec::{FramedRead, LinesCodec, LinesCodecError},
    io::StreamReader,
};

use super::{
    answers::{self, Taker},
    body_writer::{BodyWriter, Ends},
    client::{Client, Disconnect, Incoming},
    presence::{Connectedness, ConnectionState, Presence},
};
pub use super::{
    answers::{Answer, Answers},
    body_writer::Carriage,
};
use crate::{
    message::{Close, Message},
    quantity::in_bytes,
};

/// What the end of the first body means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// It is the end of the input.
    Input,
    /// The client leaves so much later: what it was answered meanwhile reaches it.
    Departure(Duration),
}

/// The client that sends `body`, and what it is to be answered.
pub fn open(
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    carriage: Carriage,
    end: BodyEnd,
) -> (Client, Answers) {
    let (sender, answers) = answers::queue();
    let (taker, ends) = (sender.taker(), Ends::default());
    let watched = taker.clone();
    let look = move || ConnectionState {
        connectedness: match watched.is_gone() {
            true => Connectedness::Lost,
            false => Connectedness::Connected,
        },
        untaken: 0,
    };
    let client = Client {
        incoming: incoming(body, carriage, end, taker, ends.clone()),
        outgoing: Box::pin(BodyWriter::new(sender, carriage, ends)),
        presence: Presence::new(look),
        wire: None,
    };
    (client, answers)
}

/// What a body says, and then its own end, or what ends the session before.
fn incoming(
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    carriage: Carriage,
    end: BodyEnd,
    taker: Taker,
    ends: Ends,
) -> Incoming {
    let (client, is_refused) = (ends.client, ends.is_refused);
    let input = input(body, carriage, end).inspect(move |next| match next {
        Err(Disconnect::Closed(close)) => {
            let _ = client.set(close.clone());
        }
        Err(Disconnect::Violation(_)) => is_refused.store(true, Ordering::Relaxed),
        _ => {}
    });
    let end = async move {
        // Its own end first: behind it nobody takes anything, either.
        match future::select(pin!(ends.said.cancelled()), pin!(taker.gone())).await {
            Either::Left(_) => Disconnect::Closed(Close::new(Close::NORMAL, "")),
            Either::Right(_) => Disconnect::Lost(io::ErrorKind::ConnectionReset.into()),
        }
    };
    let end = stream::once(end).map(Err);
    Box::pin(stream::select_with_strategy(
        Box::pin(end),
        Box::pin(input.chain(stream::pending())),
        |_: &mut ()| stream::PollNext::Left,
    ))
}

/// The messages of a body, and then what its end means.
pub fn input(
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    carriage: Carriage,
    end: BodyEnd,
) -> impl Stream<Item = Result<Message, Disconnect>> + Send + 'static {
    let behind = stream::once(async move {
        Err(match end {
            BodyEnd::Input => Disconnect::InputEnded,
            BodyEnd::Departure(grace) => {
                sleep(grace).await;
                Disconnect::Closed(Close::new(Close::NORMAL, ""))
            }
        })
    });
    messages(body, carriage).chain(behind)
}

/// The messages of a body, or why there are no more.
pub fn messages(
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    carriage: Carriage,
) -> impl Stream<Item = Result<Message, Disconnect>> + Send + 'static {
    match carriage {
        Carriage::Bytes => Either::Left(body.map(|read| match read {
            Ok(bytes) => Ok(Message::Binary(bytes)),
            Err(error) => Err(Disconnect::Lost(error)),
        })),
        Carriage::Lines(longest) => {
            let codec = LinesCodec::new_with_max_length(longest);
            let lines = FramedRead::new(StreamReader::new(Box::pin(body)), codec);
            Either::Right(lines.map(move |line| match line {
                Ok(line) => Ok(Message::Text(line.into())),
                Err(error) => Err(refusal(error, longest)),
            }))
        }
    }
}

/// Whether all of a body are messages.
///
/// # Errors
/// What is to be said of what is none.
pub fn check(body: Bytes, carriage: Carriage) -> Result<(), Close> {
    let mut messages = pin!(messages(stream::iter([Ok(body)]), carriage));
    // It is all there, so nothing is waited for.
    while let Some(Some(next)) = messages.next().now_or_never() {
        if let Err(Disconnect::Violation(close)) = next {
            return Err(close);
        }
    }
    Ok(())
}

/// What a line that is none comes to.
fn refusal(error: LinesCodecError, longest: usize) -> Disconnect {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            let reason = format!("a line over {} (maxframesize)", in_bytes(longest));
            Disconnect::Violation(Close::new(Close::TOO_BIG, reason))
        }
        LinesCodecError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            Disconnect::Violation(Close::new(Close::INVALID_DATA, "a line is not UTF-8"))
        }
        LinesCodecError::Io(error) => Disconnect::Lost(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::client::Outbound;
    use futures_util::SinkExt;

    const LINES: Carriage = Carriage::Lines(8);

    fn body(
        pieces: &[&'static str],
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from(*piece))).collect();
        stream::iter(pieces)
    }

    /// What comes of a body until it says why there is no more.
    async fn received(client: &mut Client) -> (Vec<String>, Disconnect) {
        let mut lines = Vec::new();
        loop {
            match client.incoming.next().await.expect("an end") {
                Ok(Message::Text(text)) => lines.push(text.as_str().to_owned()),
                Ok(Message::Binary(bytes)) => panic!("{bytes:?}"),
                Err(disconnect) => return (lines, disconnect),
            }
        }
    }

    #[tokio::test]
    async fn last_line_needs_no_newline_and_is_the_end_of_the_input_alone() {
        let (mut client, answers) = open(body(&["a\nb", "c\r\n\n", "d"]), LINES, BodyEnd::Input);
        let (lines, end) = received(&mut client).await;
        assert_eq!(lines, ["a", "bc", "", "d"]);
        assert!(matches!(end, Disconnect::InputEnded), "{end:?}");
        drop(answers);
        let (_, end) = received(&mut client).await;
        assert!(matches!(end, Disconnect::Lost(_)), "{end:?}");
    }

    #[tokio::test]
    async fn line_that_is_none_is_a_violation() {
        for (pieces, code) in [
            (&["123456789\n"][..], Close::TOO_BIG),
            (&["12345", "6789"], Close::TOO_BIG),
        ] {
            let (mut client, _answers) = open(body(pieces), LINES, BodyEnd::Input);
            match received(&mut client).await.1 {
                Disconnect::Violation(close) => assert_eq!(close.code, code),
                other => panic!("{other:?}"),
            }
        }
        let latin1 = stream::iter([Ok(Bytes::from_static(b"\xe9\n"))]);
        let (mut client, _answers) = open(latin1, LINES, BodyEnd::Input);
        let (_, end) = received(&mut client).await;
        assert!(
            matches!(&end, Disconnect::Violation(close) if close.code == Close::INVALID_DATA),
            "{end:?}"
        );
    }

    #[tokio::test]
    async fn body_that_is_refused_is_answered_by_that_alone_if_nothing_was_said_before() {
        let text = |text: &str| Outbound::Message(Message::Text(text.into()));
        let close = Close::new(Close::TOO_BIG, "");
        for said_before in [&[][..], &["a"]] {
            let pieces = body(&["123456789\n"]);
            let (mut client, mut answers) = open(pieces, LINES, BodyEnd::Input);
            for said in said_before {
                client.outgoing.send(text(said)).await.expect("room");
            }
            received(&mut client).await;
            client.outgoing.send(text("b")).await.expect("room");
            let end = Outbound::Close(close.clone());
            client.outgoing.send(end).await.expect("room");
            let mut said = Vec::new();
            while let Some(Answer::Data(data)) = answers.recv().await {
                said.extend(data);
            }
            let expected: &[u8] = if said_before.is_empty() {
                b""
            } else {
                b"a\nb\n"
            };
            assert_eq!(said, expected);
        }
    }

    #[tokio::test]
    async fn end_that_was_said_is_that_of_what_comes() {
        let (mut client, mut answers) = open(stream::pending(), LINES, BodyEnd::Input);
        let close = Close::new(4003, "");
        client
            .outgoing
            .send(Outbound::Close(close.clone()))
            .await
            .expect("room");
        assert_eq!(answers.recv().await, Some(Answer::End(close)));
        let (_, end) = received(&mut client).await;
        assert!(matches!(end, Disconnect::Closed(_)), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn client_of_a_group_leaves_a_moment_after_its_body() {
        let end = BodyEnd::Departure(Duration::from_millis(100));
        let (mut client, mut answers) = open(body(&["hi"]), LINES, end);
        let start = tokio::time::Instant::now();
        let (lines, end) = received(&mut client).await;
        assert_eq!(lines, ["hi"]);
        assert!(matches!(end, Disconnect::Closed(_)), "{end:?}");
        // The clock's steps are milliseconds.
        let expected = Duration::from_millis(100)..Duration::from_millis(110);
        assert!(expected.contains(&start.elapsed()));
        client.outgoing.close().await.expect("somebody is there");
        let end = Answer::End(Close::new(Close::NORMAL, ""));
        assert_eq!(answers.recv().await, Some(end));
    }
}
