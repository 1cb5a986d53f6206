//! A script's output, and the process behind it.

use std::{io, os::unix::process::ExitStatusExt, pin::pin, process::ExitStatus, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};
use tracing::{debug, warn};

use super::{
    header_block::{BadHeader, HeaderBlock},
    response::{Dialect, Reply, parse},
};
use crate::{
    backend::{Process, TerminationTimeouts},
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
    ) -> Result<(Reply, Bytes), String> {
        let text = |error: BadHeader| error.to_string();
        let mut block = HeaderBlock::default();
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
                    exit.map_or("closed its stdout".to_owned(), describe_exit)
                ));
            };
            if let Some((head, rest)) = block.push(&data).map_err(text)? {
                let reply = parse(&head, dialect).map_err(text)?;
                log_dropped(&reply);
                return Ok((reply, rest));
            }
        }
    }

    /// Reads what no client is to see, so that the script can come to its end by itself.
    pub(super) async fn discard(&mut self, time: Duration) {
        let all = async { while let Ok(Some(_)) = self.read().await {} };
        let _ = timeout(time, all).await;
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

fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
    }
}
