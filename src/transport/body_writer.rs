//! What a session says, on its way into a body: [`BodyWriter`].
//!
//! # How it works
//! What is said at once goes in one piece: a burst of lines costs who writes the body one wake, and the wire one chunk
//! (RFC 9112 §7.1). A session flushes as soon as there is nothing more to say, so a first line waits for none that
//! is still to come.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::Sink;
use tokio_util::sync::CancellationToken;

use super::{
    answers::{Answer, AnswerSender},
    client::Outbound,
};
use crate::{
    message::{Close, Message},
    room,
};

/// Bytes of a piece that goes without a flush. Fewer cost more chunks and wakes; more are memory that each session of a
/// flood has, and have its first line wait for longer.
const PIECE: usize = 64 * 1024;

/// How messages lie in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carriage {
    /// A line each; those that come are this long at most, in bytes.
    Lines(usize),
    /// Bytes as they come.
    Bytes,
}

/// What a client is sent, as answers. It may be asked again when it has failed, and fails again.
pub(super) struct BodyWriter {
    answers: AnswerSender,
    carriage: Carriage,
    ends: Ends,
    has_spoken: bool,
    /// What was said behind the last piece.
    gathered: Vec<u8>,
}

/// How a session has ended, as both directions know it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends {
    /// It was said to the client.
    pub(super) said: CancellationToken,
    /// What the client has left with by itself.
    pub(super) client: Arc<OnceLock<Close>>,
    /// The first body is none that may be sent.
    pub(super) is_refused: Arc<AtomicBool>,
}

impl BodyWriter {
    pub(super) fn new(answers: AnswerSender, carriage: Carriage, ends: Ends) -> Self {
        BodyWriter {
            answers,
            carriage,
            ends,
            has_spoken: false,
            gathered: Vec::new(),
        }
    }

    /// Adds a message as it lies in a body: in a line of its own, in which a newline would begin another.
    fn gather(&mut self, message: &Message) -> io::Result<()> {
        if !self.has_spoken && self.ends.is_refused.load(Ordering::Relaxed) {
            // The refusal is the whole answer.
            return Ok(());
        }
        self.has_spoken = true;
        let bytes = match message {
            Message::Text(text) => text.as_str().as_bytes(),
            Message::Binary(bytes) => &bytes[..],
        };
        room::reserve(&mut self.gathered, bytes.len() + 1)?;
        let begin = self.gathered.len();
        self.gathered.extend_from_slice(bytes);
        if self.carriage == Carriage::Bytes {
            return Ok(());
        }
        for byte in &mut self.gathered[begin..] {
            if matches!(*byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.gathered.push(b'\n');
        Ok(())
    }

    /// Puts in what was gathered, whether or not there is room.
    fn put_gathered(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        // Nothing is kept while there is nothing to say.
        let piece = std::mem::take(&mut self.gathered);
        self.answers.put(Answer::Data(piece.into()))
    }

    fn end(&mut self, close: Close) -> io::Result<()> {
        self.put_gathered()?;
        self.ends.said.cancel();
        self.answers.put(Answer::End(close))
    }
}

impl Sink<Outbound> for BodyWriter {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.gathered.len() < PIECE {
            true => Poll::Ready(Ok(())),
            false => self.poll_flush(context),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outbound) -> io::Result<()> {
        match item {
            Outbound::Message(message) => self.gather(&message),
            Outbound::Shared(shared) => self.gather(shared.message()),
            // Nobody answers it; a body that nobody takes is noticed by who writes it.
            Outbound::Keepalive => Ok(()),
            Outbound::Close(close) => self.end(close),
        }
    }

    /// Ready when all is with who writes the body.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.gathered.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.answers.poll_room(context))?;
        Poll::Ready(self.put_gathered())
    }

    /// Waits for nothing: who writes the body needs no session for that.
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ends.said.is_cancelled() {
            return Poll::Ready(Ok(()));
        }
        // Nobody else says the end to who has left by itself.
        Poll::Ready(match self.ends.client.get().cloned() {
            Some(close) => self.end(close),
            None => self.put_gathered(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::answers::{Answers, queue};
    use bytes::Bytes;
    use futures_util::{FutureExt, SinkExt};

    fn writer(carriage: Carriage) -> (BodyWriter, Ends, Answers) {
        let (sender, answers) = queue();
        let ends = Ends::default();
        let writer = BodyWriter::new(sender, carriage, ends.clone());
        (writer, ends, answers)
    }

    fn text(text: &str) -> Outbound {
        Outbound::Message(Message::Text(text.into()))
    }

    fn data(text: &'static str) -> Option<Answer> {
        Some(Answer::Data(Bytes::from_static(text.as_bytes())))
    }

    #[tokio::test]
    async fn what_is_said_at_once_is_one_piece_and_newlines_within_are_spaces() {
        let (mut writer, _, mut answers) = writer(Carriage::Lines(8));
        for said in ["a\r\nb", "", "c"] {
            writer.feed(text(said)).await.expect("room");
        }
        assert!(answers.recv().now_or_never().is_none());
        writer.flush().await.expect("room");
        assert_eq!(answers.recv().await, data("a  b\n\nc\n"));
        assert_eq!(writer.gathered.capacity(), 0, "nothing is kept");
    }

    #[tokio::test]
    async fn bytes_go_as_they_are() {
        let (mut writer, _, mut answers) = writer(Carriage::Bytes);
        for said in ["a\r\n", "b"] {
            writer.feed(text(said)).await.expect("room");
        }
        writer.flush().await.expect("room");
        assert_eq!(answers.recv().await, data("a\r\nb"));
    }

    #[tokio::test]
    async fn who_does_not_take_has_others_wait_and_loses_nothing_at_the_end() {
        let (mut writer, _, mut answers) = writer(Carriage::Lines(8));
        let said: String = "x".repeat(1000);
        let mut lines = 0;
        while let Some(sent) = writer.feed(text(&said)).now_or_never() {
            sent.expect("somebody is there");
            lines += 1;
            assert!(lines < 1000, "there is a bound");
        }
        writer
            .start_send_unpin(Outbound::Close(Close::new(4003, "")))
            .expect("somebody is there");
        writer.close().await.expect("it waits for nothing");
        drop(writer);
        let mut bytes = 0;
        loop {
            match answers.recv().await.expect("an end") {
                Answer::Data(data) => bytes += data.len(),
                Answer::End(close) => {
                    assert_eq!((close.code, bytes), (4003, lines * 1001));
                    return;
                }
            }
        }
    }

    #[tokio::test]
    async fn who_leaves_by_itself_has_what_was_said_and_the_end_behind_it() {
        let (mut writer, ends, mut answers) = writer(Carriage::Lines(8));
        writer.feed(text("last")).await.expect("room");
        let close = Close::new(Close::NORMAL, "");
        ends.client.set(close.clone()).expect("once");
        for _ in 0..2 {
            writer.close().await.expect("it waits for nothing");
        }
        drop(writer);
        assert_eq!(answers.recv().await, data("last\n"));
        assert_eq!(answers.recv().await, Some(Answer::End(close)));
        assert_eq!(answers.recv().await, None);
    }

    #[tokio::test]
    async fn writer_that_has_failed_fails_again() {
        let (mut writer, _, answers) = writer(Carriage::Lines(8));
        drop(answers);
        for _ in 0..2 {
            assert!(writer.send(text("a")).await.is_err());
        }
        writer.start_send_unpin(text("b")).expect("it is gathered");
        assert!(writer.close().await.is_err());
        writer.close().await.expect("nothing is left");
    }
}
