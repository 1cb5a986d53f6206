//! A running script: its stdin, its output, its end.
//!
//! # How it works
//! One task a script, which outlives the request's own future: whatever becomes of the client, the
//! script is brought to its end in order. It feeds stdin and relays the output at the same time, so a
//! script that writes before it reads blocks nobody. The response's body is the far end of a channel;
//! that its receiver is gone is how the task sees the client go.

use std::{io, os::unix::process::ExitStatusExt, pin::pin, process::ExitStatus, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::future::maybe_done;
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::{Receiver, Sender},
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    body::Content,
    response::{BadBlock, Block, Dialect, Reply, parse},
    within,
};
use crate::{
    backend::{Patience, Process},
    http::{places::Place, refusal::Refusal},
};

/// What one read of a script's output takes at most: what a pipe holds.
const READ: usize = 64 * 1024;
/// What output is waited for when the script itself has ended, and a process that it left behind holds
/// its stdout.
const LINGER: Duration = Duration::from_millis(500);
/// What a client gets to send the rest of a body that nobody reads.
pub(super) const CLOSING_GRACE: Duration = Duration::from_secs(2);
/// What a script may still write that nobody sees, without `--cgi-timeout`.
const UNSEEN: Duration = Duration::from_secs(60);

/// A piece of a response's body. A channel that ends without [`Piece::End`] is a body that broke off.
#[derive(Debug)]
pub(super) enum Piece {
    Data(Bytes),
    End,
}

/// How long a script and its client may take.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Until the header is complete, then between two pieces of output.
    pub(super) script: Option<Duration>,
    /// Until the client takes a piece.
    pub(super) client: Option<Duration>,
    /// From the beginning of a drain until scripts are ended.
    pub(super) drain: Duration,
    /// What a process gets for each step of its end.
    pub(super) patience: Patience,
}

/// A script that was started, and where its answer goes.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) content: Content,
    pub(super) input: Sender,
    pub(super) output: Output,
    pub(super) dialect: Dialect,
    /// Whether the request is a HEAD.
    pub(super) is_head: bool,
    pub(super) times: Times,
    pub(super) drain: CancellationToken,
    pub(super) answer: oneshot::Sender<Result<Reply, Refusal>>,
    pub(super) pieces: mpsc::Sender<Piece>,
    pub(super) place: Place,
}

/// How the relaying of a script's output has ended.
#[derive(Debug)]
enum End {
    /// The client has, or will have, all that it gets.
    Delivered,
    /// Another path of ours is to answer instead.
    Elsewhere(String),
    /// There is nothing more to be had from the script, or nobody to have it.
    Broken,
}

impl Run {
    /// Runs until the script and its group are gone.
    pub(super) async fn run(self) {
        let mut feed = pin!(maybe_done(self.content.feed(self.input)));
        let watch = self.pieces.clone();
        let times = self.times.clone();
        let mut relay = Relay {
            output: self.output,
            dialect: self.dialect,
            is_head: self.is_head,
            times: self.times,
            answer: Some(self.answer),
            pieces: self.pieces,
            place: Some(self.place),
        };
        let mut stopped = pin!(async {
            self.drain.cancelled().await;
            sleep(times.drain).await;
        });
        let mut fed = false;
        let end = {
            let mut relaying = pin!(relay.run());
            loop {
                tokio::select! {
                    biased;
                    end = &mut relaying => break end,
                    () = &mut feed, if !fed => {
                        fed = true;
                        if feed.as_mut().output_mut().is_some_and(|fed| fed.is_err()) {
                            debug!("the client went before it had sent all of its body");
                            break End::Broken;
                        }
                    }
                    () = watch.closed() => {
                        debug!("the client went before it had the whole answer");
                        break End::Broken;
                    }
                    () = &mut stopped => {
                        warn!("the script is ended: the server is stopping");
                        break End::Broken;
                    }
                }
            }
        };
        drop(watch);
        let Relay {
            mut output,
            answer,
            pieces,
            place,
            ..
        } = relay;
        drop(pieces);
        if !matches!(end, End::Broken) {
            let unseen = output.discard(times.script.unwrap_or(UNSEEN));
            tokio::select! {
                () = unseen => {}
                () = stopped => {}
                () = async { feed.as_mut().await; std::future::pending().await } => {}
            }
        }
        let ending = async {
            output.end(&times.patience).await;
            drop(place);
            if let (End::Elsewhere(path), Some(answer)) = (end, answer) {
                let _ = answer.send(Ok(Reply::Elsewhere(path)));
            }
        };
        let _ = tokio::join!(ending, timeout(CLOSING_GRACE, feed));
    }
}

/// From a script's output to the client.
struct Relay {
    output: Output,
    dialect: Dialect,
    is_head: bool,
    times: Times,
    answer: Option<oneshot::Sender<Result<Reply, Refusal>>>,
    pieces: mpsc::Sender<Piece>,
    place: Option<Place>,
}

impl Relay {
    async fn run(&mut self) -> End {
        let head = within(
            self.times.script,
            self.output.head(self.dialect, &self.times.patience),
        );
        let (head, first) = match head.await {
            Some(Ok((Reply::Elsewhere(path), _))) => return End::Elsewhere(path),
            Some(Ok((Reply::Document(head), first))) => (head, first),
            Some(Err(reason)) => return self.refuse(Refusal::BadScript(reason)),
            None => {
                let limit = self.times.script.unwrap_or_default();
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
            data = match within(self.times.script, self.output.read()).await {
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

    fn refuse(&mut self, refusal: Refusal) -> End {
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

/// A script's output, and the process behind it.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) pipe: Receiver,
    pub(super) process: Process,
}

impl Output {
    /// The next piece; `None` at the end.
    async fn read(&mut self) -> io::Result<Option<Bytes>> {
        let mut data = BytesMut::with_capacity(READ);
        let read = {
            let mut reading = pin!(self.pipe.read_buf(&mut data));
            tokio::select! {
                biased;
                read = &mut reading => Some(read),
                _ = self.process.exit() => timeout(LINGER, reading).await.ok(),
            }
        };
        match read.unwrap_or(Ok(0))? {
            0 => Ok(None),
            _ => Ok(Some(data.freeze())),
        }
    }

    /// The header, and what came with it of the body.
    async fn head(
        &mut self,
        dialect: Dialect,
        patience: &Patience,
    ) -> Result<(Reply, Bytes), String> {
        let text = |error: BadBlock| error.to_string();
        let mut block = Block::default();
        loop {
            let read = self.read().await;
            let Some(data) = read.map_err(|error| format!("its output cannot be read: {error}"))?
            else {
                let what = match block.is_empty() {
                    true => "printed nothing",
                    false => "did not complete its header",
                };
                let exit = timeout(patience.eof, self.process.exit()).await;
                return Err(format!(
                    "it {what}, and {}",
                    exit.map_or("closed its stdout".to_owned(), told)
                ));
            };
            if let Some((head, rest)) = block.push(&data).map_err(text)? {
                return Ok((parse(&head, dialect).map_err(text)?, rest));
            }
        }
    }

    /// Reads what nobody is to see, so that the script can come to its end by itself.
    async fn discard(&mut self, time: Duration) {
        let all = async { while let Ok(Some(_)) = self.read().await {} };
        let _ = timeout(time, all).await;
    }

    async fn end(mut self, patience: &Patience) {
        drop(self.pipe);
        let status = self.process.end(patience).await;
        debug!("the script {}", told(status));
    }
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    }
}
