//! A member of a group as a session sees it: a backend without a process, whose output is a queue and whose input goes
//! into the group.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Sink, stream};
use tokio_util::codec::Encoder;

use super::{
    grammar::MemberId,
    options::GroupOptions,
    rate::RateLimit,
    state::{Entered, Group, NotJoined},
};
use crate::{
    backend::{
        error::BackendError,
        interface::{AfterOutput, Backend, Inbound, Said},
    },
    framing::{Codec, FramingError},
    message::{Close, Message},
};

/// Keeps somebody a member until it is dropped, or leaves.
#[derive(Debug)]
pub struct Membership {
    group: Arc<Group>,
    id: MemberId,
    /// How it ends; a session that was cut off is lost.
    close: Close,
}

impl Group {
    /// Lets somebody join, on these terms; of the variables a tagged program is told.
    ///
    /// # Errors
    /// The group is full, or coming to its end.
    pub fn join(
        self: &Arc<Self>,
        options: &Arc<GroupOptions>,
        variables: &[(String, String)],
    ) -> Result<(Backend, Membership), NotJoined> {
        let Entered { id, queue, intake } = self.enter(options, variables)?;
        let (watched, written) = (Arc::clone(&queue), Arc::clone(&queue));
        let output = stream::poll_fn(move |context| {
            let next = ready!(queue.poll_next(context));
            Poll::Ready(next.map(|item| item.map(Said::Shared)))
        });
        let input = MemberInput {
            group: Arc::clone(self),
            id,
            codec: Codec::new(self.framing(), usize::MAX),
            rate: options.member.max_rate.map(RateLimit::new),
            is_readonly: options.member.is_readonly,
            close: None,
        };
        let backend = Backend {
            output: Box::pin(output),
            input: Box::pin(input),
            after_output: AfterOutput::EndInput,
            farewell: None,
            process: None,
            connection: Some(intake),
            cut: Some(Box::pin(poll_fn(move |context| {
                watched.poll_evicted(context)
            }))),
            attach: Some(Box::new(move |wire| written.attach(wire))),
            member: Some(id),
        };
        let membership = Membership {
            group: Arc::clone(self),
            id,
            close: Close::new(Close::ABNORMAL, "the session was cut off"),
        };
        Ok((backend, membership))
    }
}

impl Membership {
    /// Its number.
    pub fn id(&self) -> MemberId {
        self.id
    }

    /// Its session has ended, with this.
    pub fn leave(mut self, close: &Close) {
        self.close = close.clone();
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.group.leave(self.id, &self.close);
    }
}

/// What a member says, on its way into the group.
struct MemberInput {
    group: Arc<Group>,
    id: MemberId,
    codec: Codec,
    rate: Option<RateLimit>,
    is_readonly: bool,
    /// How the client has gone.
    close: Option<Close>,
}

impl MemberInput {
    /// The message as the program is told it.
    fn encode(&mut self, message: Message) -> Result<Bytes, FramingError> {
        match self.group.tagging {
            Some(tagging) => tagging.message(self.id, &message),
            None => {
                let mut bytes = BytesMut::new();
                self.codec.encode(message, &mut bytes)?;
                Ok(bytes.freeze())
            }
        }
    }
}

impl Sink<Inbound> for MemberInput {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        if let Some(rate) = &mut self.rate {
            ready!(rate.poll_ready(context));
        }
        ready!(self.group.turns.lock().poll_room(self.id, context));
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        let message = match item {
            Inbound::Message(message) => message,
            Inbound::Stopping => return Ok(()),
            Inbound::Departed => {
                self.group.depart(self.id);
                return Ok(());
            }
            Inbound::Close(close) => {
                self.close = Some(close);
                self.group.depart(self.id);
                return Ok(());
            }
        };
        if let Some(rate) = &mut self.rate {
            rate.count();
        }
        if self.is_readonly {
            self.group.figures().dropped.readonly.add(1);
            return Ok(());
        }
        let said = self.encode(message)?;
        let mut turns = self.group.turns.lock();
        let was_empty = turns.is_empty();
        turns.push(self.id, said);
        drop(turns);
        if was_empty {
            self.group.changed.notify_one();
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), BackendError>> {
        Poll::Ready(Ok(()))
    }

    /// Ready when the program was told all. That the server stops is no end of a member: its group goes on until the
    /// program has said its last.
    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        if let Some(close) = self.close.take() {
            self.group.end(self.id, &close);
        }
        if !self.group.drain.is_cancelled() {
            self.group.silence(self.id);
        }
        ready!(self.group.turns.lock().poll_told(self.id, context));
        Poll::Ready(Ok(()))
    }
}
