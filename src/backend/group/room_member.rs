//! A member of a room as a session sees it: a backend without a process, which hears all that is said, and says what it
//! is told to all.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::{Sink, stream};

use super::{
    options::RoomOptions,
    rate::RateLimit,
    room::Admission,
    room_table::{Rooms, Seat},
    state::NotJoined,
    touched::Touched,
};
use crate::{
    backend::{
        error::BackendError,
        interface::{AfterOutput, Backend, Inbound, Output, Said},
    },
    message::{Close, Message},
};

/// Deliveries that a member makes before others get the processor: some milliseconds' worth. More would keep other tasks
/// waiting where a room has thousands of members, less would write to those for every message.
const TURN: usize = 64 * 1024;

impl Rooms {
    /// Lets a client join the room of a path, on these terms; it leaves when the backend is dropped.
    ///
    /// # Errors
    /// The room is full.
    pub fn join(
        self: &Arc<Self>,
        name: &str,
        options: &Arc<RoomOptions>,
    ) -> Result<Backend, NotJoined> {
        let seat = Arc::new(self.sit_down(name, options, Admission::Limited)?);
        let id = seat.id;
        let (watched, written) = (Arc::clone(&seat.queue), Arc::clone(&seat.queue));
        let input = RoomInput {
            seat: Arc::clone(&seat),
            rate: options.member.max_rate.map(RateLimit::new),
            is_readonly: options.member.is_readonly,
            deliveries: 0,
            has_yielded: false,
            touched: Touched::default(),
        };
        let backend = Backend {
            output: output(seat),
            input: Box::pin(input),
            after_output: AfterOutput::EndInput,
            farewell: None,
            process: None,
            connection: None,
            cut: Some(Box::pin(poll_fn(move |context| {
                watched.poll_evicted(context)
            }))),
            attach: Some(Box::new(move |wire| written.attach(wire))),
            member: Some(id),
        };
        Ok(backend)
    }

    /// What is said in the room of a path, from now on and, as the terms say, before, for a process of our own user;
    /// it leaves when this is dropped. One that is too slow ends with what a client would be told.
    pub fn listen(self: &Arc<Self>, name: &str, options: &Arc<RoomOptions>) -> Output {
        match self.sit_down(name, options, Admission::Unlimited) {
            Ok(seat) => {
                let watched = Arc::clone(&seat.queue);
                let mut heard = output(Arc::new(seat));
                Box::pin(stream::poll_fn(move |context| {
                    match watched.poll_evicted(context) {
                        Poll::Ready(close) => Poll::Ready(Some(Err(BackendError::Failed(close)))),
                        Poll::Pending => heard.as_mut().poll_next(context),
                    }
                }))
            }
            // There is no limit for it.
            Err(_) => Box::pin(stream::empty()),
        }
    }
}

fn output(seat: Arc<Seat>) -> Output {
    Box::pin(stream::poll_fn(move |context| {
        let next = ready!(seat.queue.poll_next(context));
        Poll::Ready(next.map(|item| item.map(Said::Shared)))
    }))
}

/// What a member says, on its way to all.
struct RoomInput {
    seat: Arc<Seat>,
    rate: Option<RateLimit>,
    is_readonly: bool,
    /// Made since others had the processor.
    deliveries: usize,
    /// Others have had it since something was said.
    has_yielded: bool,
    /// Those who have yet to be written to.
    touched: Touched,
}

impl RoomInput {
    /// Ready when those have been written to who were sent something. Who speaks in the same moment is let do so before:
    /// then each member is sent all of it with one system call.
    fn poll_end_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let is_early = self.deliveries > 0 && !self.has_yielded;
        self.has_yielded = is_early;
        if !is_early && (self.deliveries > 0 || self.seat.room.is_turn_full()) {
            self.deliveries = 0;
            self.touched = self.seat.room.end_turn();
        }
        match is_early || self.touched.write_to_some() {
            true => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            false => Poll::Ready(()),
        }
    }
}

impl Sink<Inbound> for RoomInput {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        let is_full = self.deliveries >= TURN || self.seat.room.is_turn_full();
        if is_full || !self.touched.is_empty() {
            // It has had the processor for long enough, or others have said much.
            self.has_yielded = true;
            ready!(self.poll_end_turn(context));
        }
        let ready = match &mut self.rate {
            Some(rate) => rate.poll_ready(context),
            None => Poll::Ready(()),
        };
        if ready.is_pending() {
            let _ = self.poll_end_turn(context);
        }
        ready.map(Ok)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        let Inbound::Message(message) = item else {
            return Ok(());
        };
        if let Some(rate) = &mut self.rate {
            rate.count();
        }
        let room = &self.seat.room;
        if self.is_readonly {
            room.figures.dropped.readonly.add(1);
            return Ok(());
        }
        if matches!(message, Message::Binary(_)) && !room.is_binary {
            let reason = "this room takes text messages only";
            return Err(BackendError::Refused(Close::new(
                Close::UNSUPPORTED,
                reason,
            )));
        }
        let members = room.say(message);
        self.deliveries += members;
        Ok(())
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        self.poll_end_turn(context).map(Ok)
    }

    /// It says nothing more, and hears no more than what waits for it.
    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        ready!(self.poll_end_turn(context));
        self.seat.room.silence(self.seat.id);
        Poll::Ready(Ok(()))
    }
}
