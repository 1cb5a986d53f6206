//! What a terminal shows, as messages of up to 64 KiB.

use std::{
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use super::{master::Master, window::Window};
use crate::{
    backend::{error::BackendError, output::READ},
    message::Message,
};

/// How long is read on for one message. The line discipline gives 4 KiB at a time, and a message for each would cost
/// several times as much; longer would be seen.
const GATHER: Duration = Duration::from_millis(2);

/// A terminal's output as a stream of messages.
pub(super) struct TerminalOutput {
    /// What is said before.
    greeting: std::vec::IntoIter<Message>,
    /// `None` once it has ended.
    master: Option<Master>,
    window: Window,
}

impl TerminalOutput {
    pub(super) fn new(greeting: Vec<Message>, master: Master, window: Window) -> Self {
        TerminalOutput {
            greeting: greeting.into_iter(),
            master: Some(master),
            window,
        }
    }

    /// Reads until nothing more waits, the message is full or its time is over.
    fn poll_read(
        &mut self,
        read: &mut ReadBuf<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        let mut since = None;
        while let Some(master) = &mut self.master {
            let before = read.filled().len();
            match Pin::new(master).poll_read(context, read) {
                Poll::Ready(Ok(())) if read.filled().len() > before => {}
                Poll::Ready(ended) => {
                    self.master = None;
                    ended?;
                }
                Poll::Pending if before == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
            let since = since.get_or_insert_with(Instant::now);
            if read.remaining() == 0 || since.elapsed() >= GATHER {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Stream for TerminalOutput {
    type Item = Result<Message, BackendError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = self.greeting.next() {
            return Poll::Ready(Some(Ok(message)));
        }
        ready!(self.window.poll_open(context));
        let mut scratch = [MaybeUninit::uninit(); READ];
        let mut read = ReadBuf::uninit(&mut scratch);
        if let Err(error) = ready!(self.poll_read(&mut read, context)) {
            return Poll::Ready(Some(Err(error)));
        }
        match read.filled() {
            [] => Poll::Ready(None),
            bytes => {
                self.window.count_sent(bytes.len());
                let message = Message::Binary(Bytes::copy_from_slice(bytes));
                Poll::Ready(Some(Ok(message)))
            }
        }
    }
}
