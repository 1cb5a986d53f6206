//! The input of a program on a terminal whose client speaks no protocol of its own: [`StdioInput`].

use std::{
    pin::Pin,
    sync::atomic::Ordering,
    task::{Context, Poll},
};

use futures_util::{Sink, SinkExt};

use super::stdin::IsStopping;
use crate::backend::{
    error::BackendError,
    interface::{Inbound, Input},
};

/// Passes on what comes, and notes for the end why that comes.
pub(super) struct StdioInput {
    pub(super) bytes: Input,
    pub(super) is_stopping: IsStopping,
}

impl Sink<Inbound> for StdioInput {
    type Error = BackendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), BackendError>> {
        self.bytes.poll_ready_unpin(context)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
        if item == Inbound::Stopping {
            self.is_stopping.store(true, Ordering::Relaxed);
        }
        self.bytes.start_send_unpin(item)
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
