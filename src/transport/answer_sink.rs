//! What is to be said in a body, on its way to who writes that: [`AnswerSink`].

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{Sink, SinkExt};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

/// A bounded channel as a sink that takes one more at any time: what waits for room when a session ends is not lost with
/// the wait, but said in its order.
pub(super) struct AnswerSink<T> {
    sender: PollSender<T>,
    /// What was taken without room for it.
    waiting: VecDeque<T>,
}

impl<T: Send + 'static> AnswerSink<T> {
    pub(super) fn new(sender: mpsc::Sender<T>) -> Self {
        AnswerSink {
            sender: PollSender::new(sender),
            waiting: VecDeque::new(),
        }
    }
}

impl<T> Unpin for AnswerSink<T> {}

impl<T: Send + 'static> Sink<T> for AnswerSink<T> {
    type Error = io::Error;

    /// Ready when nothing waits: then what comes next may.
    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let room = ready!(self.sender.poll_reserve(context));
            room.map_err(|_| gone())?;
            if let Some(next) = self.waiting.pop_front() {
                self.sender.send_item(next).map_err(|_| gone())?;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> io::Result<()> {
        self.waiting.push_back(item);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_ready(context))?;
        self.sender.poll_close_unpin(context).map_err(|_| gone())
    }
}

/// Nobody writes it any more.
fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future};

    #[tokio::test]
    async fn what_waits_without_room_is_said_in_its_order() {
        let (sender, mut answers) = mpsc::channel(1);
        let mut sink = AnswerSink::new(sender);
        sink.send(1).await.expect("room");
        for number in [2, 3] {
            sink.start_send_unpin(number).expect("it is taken");
        }
        let ready = future::poll_fn(|context| sink.poll_ready_unpin(context));
        assert!(ready.now_or_never().is_none());
        let (closed, ()) = future::join(sink.close(), async {
            for number in [1, 2, 3] {
                assert_eq!(answers.recv().await, Some(number));
            }
            assert_eq!(answers.recv().await, None);
        })
        .await;
        closed.expect("all is said");
    }

    #[tokio::test]
    async fn nothing_is_said_to_nobody() {
        let (sender, answers) = mpsc::channel(1);
        drop(answers);
        let mut sink = AnswerSink::new(sender);
        let error = sink.send(1).await.expect_err("nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
