//! A request's body on its way to a script's stdin.
//!
//! With a length it is passed on as it comes. Without one (chunked) it is spooled first, since the
//! script is told the exact CONTENT_LENGTH: in memory while it is small, else in a file without a name.
//! So is the rest of a body that the script is slow to take, since many clients read no answer before
//! they have sent all, and since a client that has gone is seen only when its bytes are read.

use std::{io, pin::pin, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
    net::unix::pipe::Sender,
    task::spawn_blocking,
    time::timeout,
};

use super::{
    min_rate::{MinRate, TooSlow},
    script_timeout::{WaitingFor, WaitingForSender},
    scripts::CgiLimits,
};
use crate::http::{refusal::Refusal, unread_body::Rest};

/// What is spooled in memory, in bytes. Most forms fit; more would let a few clients take much memory.
const IN_MEMORY: usize = 64 * 1024;
/// What a script gets to take a piece of its input before the rest of the body is spooled. Shorter would
/// put the bodies of scripts that are merely busy on the disk; longer would hold up the clients that wait.
const STALL: Duration = Duration::from_secs(1);
/// What is read of a spooled file at once.
const READ: usize = 64 * 1024;

/// A request's body, and its exact length.
#[derive(Debug)]
pub(super) struct RequestBody {
    pub(super) length: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Client {
        incoming: Incoming,
        rate: MinRate,
        /// Not for a body without a limit, which may be more than a disk holds.
        may_spool: bool,
    },
    Spool(Spool),
}

/// A body, or the rest of one, that is here already.
#[derive(Debug)]
enum Spool {
    Memory(Bytes),
    File(File),
}

impl RequestBody {
    /// No body.
    pub(super) fn nothing() -> Self {
        RequestBody {
            length: 0,
            source: Source::Spool(Spool::Memory(Bytes::new())),
        }
    }

    /// Gets the body as far ready as its length has to be known.
    ///
    /// # Errors
    /// 413 for a body that is too large, 408 for one that comes too slowly, 400 for one that breaks off or
    /// is malformed, 507 and 500 for one that cannot be kept; with what is left of the body, where the client may
    /// still be sending it.
    pub(super) async fn prepare(
        mut incoming: Incoming,
        limits: &CgiLimits,
    ) -> Result<Self, (Refusal, Rest)> {
        if let Some(length) = incoming.size_hint().exact() {
            return match limits.max_body {
                Some(most) if length > most => {
                    Err((Refusal::BodyTooLarge(most), Rest::Whole(incoming)))
                }
                _ => Ok(RequestBody {
                    length,
                    source: Source::Client {
                        incoming,
                        rate: MinRate::new(limits.timeout),
                        may_spool: limits.max_body.is_some(),
                    },
                }),
            };
        }
        let mut rate = MinRate::new(limits.timeout);
        match spool(&mut incoming, &mut rate, limits.max_body).await {
            Ok((spool, length)) => Ok(RequestBody {
                length,
                source: Source::Spool(spool),
            }),
            Err(refusal) => Err((refusal, Rest::Part(incoming))),
        }
    }

    /// What the client still has to send, where nobody has read any of it.
    pub(super) fn into_rest(self) -> Rest {
        match self.source {
            Source::Client { incoming, .. } => Rest::Whole(incoming),
            Source::Spool(_) => Rest::None,
        }
    }

    /// Writes all of it to a script's stdin and closes that. What a script does not read is read from
    /// the client all the same, so that the answer is not lost in a reset connection. Says meanwhile who
    /// is waited for.
    ///
    /// # Errors
    /// As [`RequestBody::prepare`].
    pub(super) async fn feed(
        self,
        input: Sender,
        waiting: WaitingForSender,
    ) -> Result<(), (Refusal, Rest)> {
        let mut input = Input {
            pipe: Some(input),
            waiting,
        };
        let spool = match self.source {
            Source::Client {
                mut incoming,
                mut rate,
                may_spool,
            } => match pass_on(&mut incoming, &mut rate, &mut input, may_spool).await {
                Ok(spool) => spool,
                Err(refusal) => return Err((refusal, Rest::Part(incoming))),
            },
            Source::Spool(spool) => spool,
        };
        write_spooled(spool, &mut input)
            .await
            .map_err(|refusal| (refusal, Rest::None))
    }
}

/// Writes what is here already to a script's stdin.
async fn write_spooled(spool: Spool, input: &mut Input) -> Result<(), Refusal> {
    match spool {
        Spool::Memory(bytes) => input.write(&bytes).await,
        Spool::File(mut file) => {
            let mut buffer = BytesMut::with_capacity(READ);
            while input.pipe.is_some() && read(&mut file, &mut buffer).await? > 0 {
                input.write(&buffer).await;
                buffer.clear();
            }
        }
    }
    Ok(())
}

/// Passes a body on as it comes; returns what was spooled of it in the end.
async fn pass_on(
    incoming: &mut Incoming,
    rate: &mut MinRate,
    input: &mut Input,
    may_spool: bool,
) -> Result<Spool, Refusal> {
    let waiting = input.waiting.clone();
    loop {
        input.wait_for_client();
        let Some(data) = next(incoming, rate).await? else {
            break;
        };
        let mut writing = pin!(input.write(&data));
        if !may_spool {
            writing.await;
        } else if timeout(STALL, writing.as_mut()).await.is_err() {
            let spooling = spool(incoming, rate, None);
            let written = async {
                writing.await;
                // From here on it waits for the rest.
                waiting.send_replace(WaitingFor::Client);
                Ok(())
            };
            let (spooled, ()) = tokio::try_join!(spooling, written)?;
            waiting.send_replace(WaitingFor::Script);
            return Ok(spooled.0);
        }
    }
    Ok(Spool::Memory(Bytes::new()))
}

/// A script's stdin, until the script closes it.
struct Input {
    pipe: Option<Sender>,
    waiting: WaitingForSender,
}

impl Input {
    async fn write(&mut self, data: &[u8]) {
        self.waiting.send_replace(WaitingFor::Script);
        if let Some(pipe) = &mut self.pipe
            && pipe.write_all(data).await.is_err()
        {
            self.pipe = None;
        }
    }

    /// A script that has closed its stdin does not wait.
    fn wait_for_client(&self) {
        if self.pipe.is_some() {
            self.waiting.send_replace(WaitingFor::Client);
        }
    }
}

/// The next piece of a body; `None` at its end.
async fn next(incoming: &mut Incoming, rate: &mut MinRate) -> Result<Option<Bytes>, Refusal> {
    loop {
        let frame = rate.wait(incoming.frame()).await;
        let Some(frame) = frame.map_err(|TooSlow| Refusal::BodyTimeout)? else {
            return Ok(None);
        };
        let frame = frame.map_err(|error| {
            Refusal::BadRequest(format!("the request's body is broken: {error}"))
        })?;
        if let Ok(data) = frame.into_data() {
            rate.received(data.len());
            return Ok(Some(data));
        }
    }
}

/// Receives what is left of a body; returns its length too.
async fn spool(
    incoming: &mut Incoming,
    rate: &mut MinRate,
    max_body: Option<u64>,
) -> Result<(Spool, u64), Refusal> {
    let failed = Refusal::Spool;
    let mut memory = BytesMut::new();
    let mut file = None;
    let mut length = 0;
    while let Some(data) = next(incoming, rate).await? {
        length += data.len() as u64;
        if let Some(most) = max_body
            && length > most
        {
            return Err(Refusal::BodyTooLarge(most));
        }
        memory.extend_from_slice(&data);
        if memory.len() > IN_MEMORY {
            let file = match &mut file {
                Some(file) => file,
                none => none.insert(unnamed_file().await.map_err(failed)?),
            };
            file.write_all(&memory.split()).await.map_err(failed)?;
        }
    }
    let spool = match file {
        None => Spool::Memory(memory.freeze()),
        Some(mut file) => {
            file.write_all(&memory).await.map_err(failed)?;
            file.rewind().await.map_err(failed)?;
            Spool::File(file)
        }
    };
    Ok((spool, length))
}

async fn read(file: &mut File, buffer: &mut BytesMut) -> Result<usize, Refusal> {
    file.read_buf(buffer).await.map_err(Refusal::Spool)
}

async fn unnamed_file() -> io::Result<File> {
    let file = spawn_blocking(tempfile::tempfile).await;
    Ok(File::from_std(file.map_err(io::Error::other)??))
}
