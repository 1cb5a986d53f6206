//! A script's output, and the process behind it.

use std::{io, pin::pin, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};
use tracing::{debug, warn};

use crate::{
    backend::{FirstLine, Process, TerminationTimeouts, describe_exit},
    http::{
        cgi_response::{BadHeader, Dialect, HeaderBlock, Reply, parse},
        refusal::Refusal,
    },
    timer::timeout,
};

/// What one read of a script's output takes at most: what a pipe holds.
const READ: usize = 64 * 1024;
/// What output is waited for when the script itself has ended, and a process that it left behind holds
/// its stdout.
const LINGER: Duration = Duration::from_millis(500);
/// A script's output, and the process behind it.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) pipe: Receiver,
    pub(super) process: Process,
    /// What may be the reason if it ends before it has said anything.
    pub(super) first_line: Option<FirstLine>,
}

impl Output {
    /// The next piece; `None` at the end.
    pub(super) async fn read(&mut self) -> io::Result<Option<Bytes>> {
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
    pub(super) async fn head(
        &mut self,
        dialect: Dialect,
        patience: &TerminationTimeouts,
    ) -> Result<(Reply, Bytes), Refusal> {
        let bad = |error: BadHeader| Refusal::BadScript(error.to_string());
        let unread = |error| Refusal::BadScript(format!("its output cannot be read: {error}"));
        let mut block = HeaderBlock::default();
        loop {
            let Some(data) = self.read().await.map_err(unread)? else {
                return Err(self.without_head(block.is_empty(), patience).await);
            };
            if let Some((head, rest)) = block.push(&data).map_err(bad)? {
                let reply = parse(&head, dialect).map_err(bad)?;
                log_dropped(&reply);
                return Ok((reply, rest));
            }
        }
    }

    /// Why its output has ended before its header was complete.
    async fn without_head(&mut self, is_silent: bool, patience: &TerminationTimeouts) -> Refusal {
        let exit = timeout(patience.eof, self.process.exit()).await.ok();
        if let Some(line) = self.first_line.as_ref().filter(|_| is_silent)
            && let Some(error) = line.fault_behind_exit(exit).await
        {
            return Refusal::Start(io::Error::other(error));
        }
        let what = match is_silent {
            true => "printed nothing",
            false => "did not complete its header",
        };
        Refusal::BadScript(format!(
            "it {what}, and {}",
            exit.map_or("closed its stdout".to_owned(), describe_exit)
        ))
    }

    /// Waits until the script has come to its end by itself, and reads what no client is to see. It may have closed
    /// its stdout, and work on.
    pub(super) async fn wait_ended(&mut self) {
        while let Ok(Some(_)) = self.read().await {}
        self.process.exit().await;
    }

    pub(super) async fn end(mut self, patience: &TerminationTimeouts) {
        drop(self.pipe);
        let status = self.process.end(patience).await;
        debug!("the script {}", describe_exit(status));
    }
}

fn log_dropped(reply: &Reply) {
    if let Reply::Document(head) = reply
        && !head.dropped.is_empty()
    {
        let lines = &head.dropped;
        warn!(
            ?lines,
            "these lines of the script's header are no header fields, and are left out"
        );
    }
}
