//! What requests about an event stream may do: hand something in, close, read on: [`Channel`].

use std::{future::poll_fn, sync::Arc, task::Poll};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    input::InputRefused,
    ring::BadPosition,
    state::{End, Reader, Shared, Wake, register},
    stream::Events,
};
use crate::message::Close;

/// An event stream, as others than its reader and its session see it. Clones are the same.
#[derive(Debug, Clone)]
pub struct Channel(Arc<Shared>);

/// Why a stream does not go on: the session has ended, or nobody may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended;

impl Channel {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Channel(shared)
    }

    /// Waits until something would be taken; only one may.
    ///
    /// Cancel safe: yes.
    ///
    /// # Errors
    /// The session, or its input, has ended.
    pub async fn ready(&self) -> Result<(), Ended> {
        poll_fn(|context| {
            self.0.look(|state| match state.check_input() {
                Ok(()) => Poll::Ready(Ok(())),
                Err(InputRefused::Ended) => Poll::Ready(Err(Ended)),
                Err(InputRefused::Full) => {
                    register(&mut state.wakers.room, context);
                    Poll::Pending
                }
            })
        })
        .await
    }

    /// Whether nothing more may be handed in.
    pub fn is_input_over(&self) -> bool {
        self.0.look(|state| state.check_input()) == Err(InputRefused::Ended)
    }

    /// Hands in a body, all of which are messages ([`check`](crate::transport::body::check)).
    ///
    /// # Errors
    /// Nothing of it is taken.
    pub fn send(&self, body: Bytes) -> Result<(), InputRefused> {
        self.0.change(|state| {
            let is_taken = state.check_input();
            if is_taken.is_ok() {
                state.input.push(body);
            }
            (is_taken, Wake::SESSION)
        })
    }

    /// Hands in a body, whatever waits, and closes behind it as the client.
    ///
    /// # Errors
    /// The session has ended.
    pub fn close(&self, body: Bytes, close: Close) -> Result<(), Ended> {
        self.0.change(|state| {
            if state.is_over() {
                return (Err(Ended), Wake::NOBODY);
            }
            if !state.input.is_over() {
                state.input.push(body);
            }
            state.input.close(close.clone());
            state.client_close = Some(close);
            (Ok(()), Wake::ALL)
        })
    }

    /// Whether a client that was lost may come again.
    pub fn is_resumable(&self) -> bool {
        self.0.resume.is_some()
    }

    /// The events behind that of this number, in place of who reads them now, if somebody does; without a number all
    /// that are kept.
    ///
    /// # Errors
    /// Nobody may read on, or not from there.
    pub fn resume(&self, last: Option<u64>) -> Result<Result<Events, BadPosition>, Ended> {
        if self.0.resume.is_none() {
            return Err(Ended);
        }
        self.0.change(|state| {
            let deadline = self.0.deadline(state);
            let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            if is_late || matches!(state.end, End::Sent | End::Gone) {
                return (Err(Ended), Wake::NOBODY);
            }
            if let Err(bad) = state.ring.rewind(last) {
                return (Ok(Err(bad)), Wake::NOBODY);
            }
            state.generation += 1;
            state.reader = Reader::Present;
            state.is_comment_due = false;
            let events = Events::new(Arc::clone(&self.0), state.generation);
            (Ok(Ok(events)), Wake::ALL)
        })
    }
}
