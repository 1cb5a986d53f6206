//! What a client has handed in and its session has yet to take: [`Input`].

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};

use crate::{
    message::{Close, Message},
    transport::{
        Disconnect, Incoming,
        body::{Carriage, messages},
    },
};

/// Bytes that wait from which on nothing more is taken. Fewer refuse what a busy program would have read a moment
/// later, more are memory that a client can have held for a program that does not read.
const CAPACITY: usize = 64 * 1024;

/// Why something is not handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputRefused {
    /// The session, or its input, has ended.
    Ended,
    /// The session does not take what waits for it.
    Full,
}

/// Bodies in the order in which they came, and the end behind them. They are cut into messages as these are taken: a
/// thousand lines of one byte take a thousand bytes.
pub(super) struct Input {
    carriage: Carriage,
    bodies: VecDeque<Bytes>,
    /// The messages of the first of them, and its bytes that are not taken.
    first: Option<(Incoming, usize)>,
    /// Bytes that wait.
    waiting: usize,
    /// The client's Close, until it is taken.
    close: Option<Close>,
    /// Nothing more is taken in: the input of another kind has ended, or that was the Close.
    is_over: bool,
}

impl Input {
    pub(super) fn new(carriage: Carriage) -> Self {
        Input {
            carriage,
            bodies: VecDeque::new(),
            first: None,
            waiting: 0,
            close: None,
            is_over: false,
        }
    }

    /// Whether nothing more may be handed in.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether so much waits that nothing more is to be handed in for now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting >= CAPACITY
    }

    /// Whether the client has closed, and what it sent before waits.
    pub(super) fn is_closing(&self) -> bool {
        self.close.is_some()
    }

    /// Hands in a body, of which it was seen that all of it are messages.
    pub(super) fn push(&mut self, body: Bytes) {
        if !body.is_empty() {
            self.waiting += body.len();
            self.bodies.push_back(body);
        }
    }

    /// Hands in the last of all.
    pub(super) fn close(&mut self, close: Close) {
        self.close = Some(close);
        self.is_over = true;
    }

    /// Takes nothing more in.
    pub(super) fn end(&mut self) {
        self.is_over = true;
    }

    /// The next of what was handed in.
    pub(super) fn take(&mut self) -> Option<Result<Message, Disconnect>> {
        loop {
            if let Some((messages, left)) = &mut self.first {
                // It is all there, so nothing is waited for.
                if let Some(Some(next)) = messages.next().now_or_never() {
                    let length = next.as_ref().map_or(0, Message::len).min(*left);
                    *left -= length;
                    self.waiting -= length;
                    return Some(next);
                }
                self.waiting -= *left;
                self.first = None;
            }
            let Some(body) = self.bodies.pop_front() else {
                // An idle stream keeps nothing.
                self.bodies = VecDeque::new();
                return self
                    .close
                    .take()
                    .map(|close| Err(Disconnect::Closed(close)));
            };
            let left = body.len();
            let messages = messages(stream::iter([Ok(body)]), self.carriage);
            self.first = Some((messages.boxed(), left));
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Input");
        shown
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}
