//! What the client of a terminal says: bytes for its program, and texts for us.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Sink, SinkExt};
use rustix::termios::tcsetwinsize;

use super::{
    master::Master,
    protocol::ClientText,
    window::{NotSent, Window},
};
use crate::{
    backend::{
        error::BackendError,
        interface::{Inbound, Input},
    },
    message::{Close, Message},
    quantity::quantity,
};

/// A terminal's input as a sink of messages.
pub(super) struct TerminalInput {
    /// Where bytes go.
    pub(super) bytes: Input,
    pub(super) is_readonly: bool,
    pub(super) master: Master,
    pub(super) window: Window,
}

impl TerminalInput {
    fn obey(&self, text: &str) -> Result<(), String> {
        match ClientText::parse(text).map_err(|error| error.to_string())? {
            ClientText::Resize(size) => {
                // The kernel tells the program (SIGWINCH); one that has gone needs no size.
                let _ = tcsetwinsize(&self.master, size.to_winsize());
                Ok(())
            }
            ClientText::Acknowledge(drawn) => {
                let acknowledged = self.window.acknowledge(drawn);
                acknowledged.map_err(|NotSent { sent }| {
                    let drawn = quantity(drawn, "byte", "bytes");
                    format!("an acknowledgement of {drawn}, where {sent} were sent")
                })
            }
        }
    }
}

impl Sink<Inbound> for TerminalInput {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        let ready = self.bytes.poll_ready_unpin(context);
        self.window.set_unheard(ready.is_pending());
        ready
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        match item {
            Inbound::Message(Message::Binary(_)) if self.is_readonly => Ok(()),
            Inbound::Message(Message::Binary(_)) => self.bytes.start_send_unpin(item),
            Inbound::Message(Message::Text(text)) => self
                .obey(&text)
                .map_err(|reason| BackendError::Refused(Close::new(Close::POLICY, reason))),
            Inbound::Departed | Inbound::Stopping | Inbound::Close(_) => Ok(()),
        }
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        self.bytes.poll_flush_unpin(context)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        self.bytes.poll_close_unpin(context)
    }
}
