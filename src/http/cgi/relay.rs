//! From a script's output to the client: first the head, then the body piece by piece.

use std::{os::unix::process::ExitStatusExt, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::warn;

use super::{
    output::Output,
    pieces::Piece,
    response::{Dialect, Reply},
    turn::Clock,
    within,
};
use crate::{
    backend::TerminationTimeouts,
    http::{places::Place, refusal::Refusal},
};

/// How long a client, a drain and the end of a process may take.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Until the client takes a piece.
    pub(super) client: Option<Duration>,
    /// From the beginning of a drain until scripts are ended.
    pub(super) drain: Duration,
    /// What a process gets for each step of its end.
    pub(super) patience: TerminationTimeouts,
}

/// How the relaying of a script's output has ended.
#[derive(Debug)]
pub(super) enum End {
    /// The client has, or will have, all that it gets.
    Delivered,
    /// Another path of ours is to answer instead.
    Elsewhere(String),
    /// The script has not got the whole of the request's body.
    Unfed(Refusal),
    /// There is nothing more to be had from the script, or nobody to have it.
    Broken,
}

/// From a script's output to the client.
pub(super) struct Relay {
    pub(super) output: Output,
    /// Until the header is complete, then between two pieces of output.
    pub(super) clock: Clock,
    pub(super) dialect: Dialect,
    /// Whether the request is a HEAD.
    pub(super) is_head: bool,
    pub(super) times: Times,
    /// Where the head goes, once.
    pub(super) answer: Option<oneshot::Sender<Result<Reply, Refusal>>>,
    pub(super) pieces: mpsc::Sender<Piece>,
    /// Given back before the client sees the end.
    pub(super) place: Option<Place>,
}

impl Relay {
    pub(super) async fn run(&mut self) -> End {
        let head = self.output.head(self.dialect, &self.times.patience);
        let head = self.clock.within(head);
        let (head, first) = match head.await {
            Some(Ok((Reply::Elsewhere(path), _))) => return End::Elsewhere(path),
            Some(Ok((Reply::Document(head), first))) => (head, first),
            Some(Err(reason)) => return self.refuse(Refusal::BadScript(reason)),
            None => {
                let limit = self.clock.limit.unwrap_or_default();
                return self.refuse(Refusal::ScriptTimeout(limit.as_secs()));
            }
        };
        let length = head.length;
        let has_body = head.has_body(self.is_head);
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(Ok(Reply::Document(head)));
        }
        match has_body {
            true => self.body(first, length).await,
            false => End::Delivered,
        }
    }

    /// Relays the body: as much as the script has announced, or until its output ends.
    async fn body(&mut self, mut data: Bytes, mut left: Option<u64>) -> End {
        loop {
            if let Some(left) = &mut left {
                data.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= data.len() as u64;
            }
            if !data.is_empty() && !self.send(Piece::Data(data)).await {
                return End::Broken;
            }
            if left == Some(0) {
                break;
            }
            data = match self.clock.within(self.output.read()).await {
                Some(Ok(Some(data))) => data,
                Some(Ok(None)) => return self.finish(left).await,
                Some(Err(error)) => return broken(&format!("its output cannot be read: {error}")),
                None => return broken("it was silent for longer than --cgi-timeout allows"),
            };
        }
        self.send(Piece::End).await;
        End::Delivered
    }

    /// At the end of the output: whether it was the whole.
    async fn finish(&mut self, left: Option<u64>) -> End {
        if let Some(missing) = left {
            return broken(&format!(
                "its output lacks {missing} bytes of its Content-Length"
            ));
        }
        let exit = timeout(self.times.patience.eof, self.output.process.exit()).await;
        if let Ok(Some(signal)) = exit.map(|status| status.signal()) {
            return broken(&format!("it was ended by signal {signal}"));
        }
        // Before the client sees the end, and may ask for the next.
        self.place = None;
        self.send(Piece::End).await;
        End::Delivered
    }

    /// Whether the client took it.
    async fn send(&mut self, piece: Piece) -> bool {
        match within(self.times.client, self.pieces.send(piece)).await {
            Some(sent) => sent.is_ok(),
            None => {
                warn!("the client took nothing for longer than --write-timeout allows");
                false
            }
        }
    }

    /// Answers with a refusal, if there is no answer yet.
    pub(super) fn refuse(&mut self, refusal: Refusal) -> End {
        warn!("{refusal}");
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(Err(refusal));
        }
        End::Broken
    }
}

fn broken(reason: &str) -> End {
    warn!("the script's answer broke off: {reason}");
    End::Broken
}
