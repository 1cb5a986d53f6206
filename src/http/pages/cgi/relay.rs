//! From a script's output to the client: first the head, then the body piece by piece.

use std::{fmt, os::unix::process::ExitStatusExt, pin::pin, time::Duration};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::{output::Output, response_body::BodyChunk, script_timeout::ScriptTimeout};
use crate::{
    backend::TerminationTimeouts,
    http::{
        access::{DescriptorBudget, ProcessPermit},
        cgi_response::{Dialect, Reply},
        refusal::{BreakOff, Refusal},
        unread_body::Rest,
    },
    quantity::quantity,
    timer::timeout,
};

/// How long a client, a drain and the end of a process may take.
#[derive(Debug, Clone)]
pub(super) struct RelayTimeouts {
    /// Until the client takes a piece.
    pub(super) client: Option<Duration>,
    /// From the beginning of a drain until scripts are ended.
    pub(super) drain: Duration,
    /// Where what stalled scripts hold is counted.
    pub(super) descriptors: Option<DescriptorBudget>,
    /// What a process gets for each step of its end.
    pub(super) patience: TerminationTimeouts,
}

/// How the relaying of a script's output has ended.
#[derive(Debug)]
pub(super) enum ScriptEnd {
    /// The client has, or will have, all that it gets.
    Delivered,
    /// Another path of ours is to answer instead.
    LocalRedirect(String),
    /// The script has not got the whole of the request's body, of which this is left.
    Unfed(Refusal, Rest),
    /// There is nothing more to be had from the script, or no client to have it.
    Broken,
}

/// What a script has answered, or why there is no answer, and what is left of the request's body.
pub(super) type ScriptAnswer = Result<Reply, (Refusal, Rest)>;

/// From a script's output to the client.
pub(super) struct OutputRelay {
    pub(super) output: Output,
    /// Until the header is complete, then between two pieces of output.
    pub(super) time_limit: ScriptTimeout,
    pub(super) dialect: Dialect,
    /// Whether the request is a HEAD.
    pub(super) is_head: bool,
    pub(super) times: RelayTimeouts,
    /// Where the head goes, once.
    pub(super) answer: Option<oneshot::Sender<ScriptAnswer>>,
    pub(super) chunks: mpsc::Sender<BodyChunk>,
    /// Given back before the client sees the end.
    pub(super) permit: Option<ProcessPermit>,
}

impl OutputRelay {
    pub(super) async fn run(&mut self) -> ScriptEnd {
        let head = self.output.head(self.dialect, &self.times.patience);
        let head = self.time_limit.within(head);
        let (head, first) = match head.await {
            Some(Ok((Reply::LocalRedirect(path), _))) => return ScriptEnd::LocalRedirect(path),
            Some(Ok((Reply::Document(head), first))) => (head, first),
            Some(Err(refusal)) => return self.refuse_unfed(refusal),
            None => {
                let limit = self.time_limit.limit.unwrap_or_default();
                return self.refuse_unfed(Refusal::ScriptTimeout(limit));
            }
        };
        let length = head.length;
        let has_body = head.has_body(self.is_head);
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(Ok(Reply::Document(head)));
        }
        match has_body {
            true => self.body(first, length).await,
            false => ScriptEnd::Delivered,
        }
    }

    /// Relays the body: as much as the script has announced, or until its output ends.
    async fn body(&mut self, mut data: Bytes, mut left: Option<u64>) -> ScriptEnd {
        loop {
            if let Some(left) = &mut left {
                data.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= data.len() as u64;
            }
            if !data.is_empty() && !self.send(BodyChunk::Data(data)).await {
                return ScriptEnd::Broken;
            }
            if left == Some(0) {
                break;
            }
            data = match self.time_limit.within(self.output.read()).await {
                Some(Ok(Some(data))) => data,
                Some(Ok(None)) => return self.finish(left).await,
                Some(Err(error)) => {
                    return log_broken(format!("its output cannot be read: {error}"));
                }
                None => return log_broken(BreakOff::SilentScript),
            };
        }
        self.send(BodyChunk::End).await;
        ScriptEnd::Delivered
    }

    /// At the end of the output: whether it was the whole.
    async fn finish(&mut self, left: Option<u64>) -> ScriptEnd {
        if let Some(missing) = left {
            return log_broken(format!(
                "its output lacks {} of its Content-Length",
                quantity(missing, "byte", "bytes")
            ));
        }
        let exit = timeout(self.times.patience.eof, self.output.process.exit()).await;
        if let Ok(status) = exit {
            if let Some(signal) = status.signal() {
                return log_broken(format!("it was ended by signal {signal}"));
            }
            // Before the client sees the end, and may ask for the next.
            self.permit = None;
        }
        self.send(BodyChunk::End).await;
        ScriptEnd::Delivered
    }

    /// Whether the client took it.
    async fn send(&mut self, piece: BodyChunk) -> bool {
        let mut sending = pin!(self.chunks.send(piece));
        let sent = async {
            match &self.times.descriptors {
                Some(budget) => budget.within(sending.as_mut()).await,
                None => Some(sending.as_mut().await),
            }
        };
        match within(self.times.client, sent).await.flatten() {
            Some(sent) => sent.is_ok(),
            None => {
                warn!("{}", BreakOff::StalledClient);
                false
            }
        }
    }

    /// Answers with a refusal while the request's body may still come; who feeds the script reads it on.
    fn refuse_unfed(&mut self, refusal: Refusal) -> ScriptEnd {
        let rest = match self.time_limit.is_fed() {
            true => Rest::None,
            false => Rest::BeingRead,
        };
        self.refuse(refusal, rest)
    }

    /// Answers with a refusal, if there is no answer yet.
    pub(super) fn refuse(&mut self, refusal: Refusal, rest: Rest) -> ScriptEnd {
        warn!("{refusal}");
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(Err((refusal, rest)));
        }
        ScriptEnd::Broken
    }
}

fn log_broken(reason: impl fmt::Display) -> ScriptEnd {
    warn!("the script's answer broke off: {reason}");
    ScriptEnd::Broken
}

/// What a future gives within a time, if there is one.
async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    match time {
        Some(time) => timeout(time, future).await.ok(),
        None => Some(future.await),
    }
}
