//! What is to be said in a body, on its way to who writes that: [`AnswerSender`] puts it in, [`Answers`] has it.
//!
//! # How it works
//! The queue takes whatever it is given: what a session says as it ends is with who writes the body then, and is not lost
//! with the session. Its bound are permits: an answer has one with it until it is taken, and who says more waits for the
//! next.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::PollSemaphore;

use crate::message::Close;

/// What is said that nobody has taken yet, in answers: one is being written while the next is made.
const WAITING: usize = 2;

/// What is to be said in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// So many bytes.
    Data(Bytes),
    /// The session's end, and that of the body.
    End(Close),
}

type Queued = (Answer, Option<OwnedSemaphorePermit>);

/// A queue of answers.
pub(super) fn queue() -> (AnswerSender, Answers) {
    let (sender, queue) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(WAITING));
    let sender = AnswerSender {
        queue: sender,
        room: PollSemaphore::new(Arc::clone(&room)),
        permit: None,
    };
    (sender, Answers { queue, room })
}

/// What is to be said, in its order; dropped by who says nothing more, which the session takes for the client's end.
#[derive(Debug)]
pub struct Answers {
    queue: mpsc::UnboundedReceiver<Queued>,
    room: Arc<Semaphore>,
}

impl Answers {
    /// The next one; `None` behind the last.
    ///
    /// Cancel safe: yes.
    pub async fn recv(&mut self) -> Option<Answer> {
        let (answer, _) = self.queue.recv().await?;
        Some(answer)
    }

    /// The same, polled.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        let next = self.queue.poll_recv(context);
        next.map(|next| next.map(|(answer, _)| answer))
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // Who waits for room waits in vain.
        self.room.close();
    }
}

/// The end of the queue at which answers are put in.
pub(super) struct AnswerSender {
    queue: mpsc::UnboundedSender<Queued>,
    room: PollSemaphore,
    /// Of the answer that is next.
    permit: Option<OwnedSemaphorePermit>,
}

impl AnswerSender {
    /// Ready when there is room for an answer.
    ///
    /// # Errors
    /// Nobody takes any.
    pub(super) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.permit.is_none() {
            self.permit = ready!(self.room.poll_acquire(context));
        }
        Poll::Ready(match self.permit {
            Some(_) => Ok(()),
            None => Err(gone()),
        })
    }

    /// Puts one in, whether or not there is room for it.
    ///
    /// # Errors
    /// Nobody takes any.
    pub(super) fn put(&mut self, answer: Answer) -> io::Result<()> {
        let queued = (answer, self.permit.take());
        self.queue.send(queued).map_err(|_| gone())
    }

    /// Who takes them.
    pub(super) fn taker(&self) -> Taker {
        Taker(self.queue.clone())
    }
}

/// Whoever takes answers, as far as others know of him.
#[derive(Debug, Clone)]
pub(super) struct Taker(mpsc::UnboundedSender<Queued>);

impl Taker {
    /// Whether nobody takes any more.
    pub(super) fn is_gone(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until nobody takes any more. Cancel safe: yes.
    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// Nobody writes it any more.
fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::poll_fn};

    fn data(text: &'static str) -> Answer {
        Answer::Data(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn who_says_more_waits_for_room_and_what_is_put_in_without_keeps_its_place() {
        let (mut sender, mut answers) = queue();
        for text in ["a", "b"] {
            poll_fn(|context| sender.poll_room(context))
                .await
                .expect("room");
            sender.put(data(text)).expect("somebody is there");
        }
        let room = poll_fn(|context| sender.poll_room(context)).now_or_never();
        assert!(room.is_none());
        sender.put(data("c")).expect("somebody is there");
        assert_eq!(answers.recv().await, Some(data("a")));
        poll_fn(|context| sender.poll_room(context))
            .await
            .expect("room again");
        drop(sender);
        for text in ["b", "c"] {
            assert_eq!(answers.recv().await, Some(data(text)));
        }
        assert_eq!(answers.recv().await, None);
    }

    #[tokio::test]
    async fn nothing_is_said_to_nobody_however_often_it_is_tried() {
        let (mut sender, answers) = queue();
        let taker = sender.taker();
        for _ in 0..WAITING {
            poll_fn(|context| sender.poll_room(context))
                .await
                .expect("room");
            sender.put(data("a")).expect("somebody is there");
        }
        // It waits when he goes.
        let room = poll_fn(|context| sender.poll_room(context));
        let gone = async {
            tokio::task::yield_now().await;
            drop(answers);
        };
        let (room, ()) = futures_util::future::join(room, gone).await;
        assert_eq!(
            room.expect_err("nobody is there").kind(),
            io::ErrorKind::BrokenPipe
        );
        for _ in 0..2 {
            let room = poll_fn(|context| sender.poll_room(context)).await;
            assert!(room.is_err() && sender.put(data("b")).is_err());
        }
        taker.gone().await;
        assert!(taker.is_gone());
    }
}
