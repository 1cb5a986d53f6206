//! What a client of an event stream is sent: [`Events`].

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::Instant;

use super::{
    event::{self, COMMENT},
    state::{End, Reader, Shared, State, Wake, register},
};

/// The events of a session, from `open` on. Dropped before their end, they are lost; another may go on then, or take
/// their place before.
#[derive(Debug)]
pub struct Events {
    shared: Arc<Shared>,
    generation: u64,
    is_opened: bool,
}

impl Events {
    /// Those of who reads now.
    pub(super) fn new(shared: Arc<Shared>, generation: u64) -> Self {
        Events {
            shared,
            generation,
            is_opened: false,
        }
    }

    /// Whether nobody is to go on with them: all was sent, or somebody does already.
    pub fn is_over(&self) -> bool {
        let generation = self.generation;
        self.shared
            .look(|state| state.end == End::Sent || state.generation != generation)
    }

    fn poll_piece(
        &mut self,
        state: &mut State,
        context: &Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        if state.generation != self.generation {
            // Another reads on, and this one is told nothing of the end.
            return Poll::Ready(None);
        }
        let name = &self.shared.name;
        if !self.is_opened {
            self.is_opened = true;
            let (form, last) = (self.shared.form, state.ring.last_sent());
            return Poll::Ready(Some(Ok(event::open(name, form, last))));
        }
        if let Some(piece) = state.ring.take() {
            state.ring.trim(self.shared.kept());
            // What was said is a sign of life, too.
            state.is_comment_due = false;
            return Poll::Ready(Some(Ok(piece)));
        }
        match &state.end {
            End::None => {}
            End::Said(close) => {
                let last = event::close(close);
                state.end = End::Sent;
                return Poll::Ready(Some(Ok(last)));
            }
            End::Sent => return Poll::Ready(None),
            End::Gone => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
        }
        if std::mem::take(&mut state.is_comment_due) {
            return Poll::Ready(Some(Ok(Bytes::from_static(COMMENT))));
        }
        register(&mut state.wakers.reader, context);
        Poll::Pending
    }
}

impl Stream for Events {
    type Item = io::Result<Bytes>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        let this = self.get_mut();
        let shared = Arc::clone(&this.shared);
        shared.change(|state| {
            let piece = this.poll_piece(state, context);
            let wake = match &piece {
                // There may be room again, or nothing more to wait for.
                Poll::Ready(Some(Ok(_))) => Wake::OUTGOING,
                _ => Wake::NOBODY,
            };
            (piece, wake)
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let generation = self.generation;
        self.shared.change(|state| {
            if state.generation == generation && state.reader == Reader::Present {
                state.reader = Reader::Lost(Instant::now());
                state.is_comment_due = false;
            }
            ((), Wake::SESSION)
        });
    }
}
