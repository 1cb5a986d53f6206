//! Bodies of files: a range of bytes, in as much memory as one read, or in none.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{Version, body::Frame, http::request::Parts};
use tokio::task::spawn_blocking;

use super::{
    representation::Representation,
    residency::{is_in_memory, learn, read_from_memory},
};
use crate::http::{
    body::{Body, body_from},
    own_connection::OwnConnection,
    pages::root::Reach,
    sendfile::{self, SendfileQueue},
};

/// Bytes read at once: large enough that a file costs few trips to the blocking threads, small enough
/// for a thousand downloads that nobody hurries.
const READ: u64 = 128 * 1024;
/// The same where one connection may have a thousand downloads: as much as a frame holds (RFC 9113 §6.5.2).
const READ_OF_MANY: u64 = 16 * 1024;

/// In which pieces a file goes to its client.
#[derive(Debug, Clone)]
pub(super) struct ReadPlan {
    /// Where the kernel can send it by itself.
    sendfile: Option<SendfileQueue>,
    /// Bytes read at once.
    read: u64,
}

impl ReadPlan {
    /// How a request's answer goes.
    pub(super) fn of(request: &Parts) -> Self {
        ReadPlan {
            sendfile: OwnConnection::of(request).and_then(|own| own.files.clone()),
            read: match request.version {
                Version::HTTP_2 => READ_OF_MANY,
                _ => READ,
            },
        }
    }
}

/// Exactly these bytes: what is appended meanwhile is left out, and a file that has shrunk breaks the
/// connection, which the client notices, rather than the length, which it would not. With an outlet, what
/// does not fit into one read is sent by the kernel itself as far as it has it in memory.
///
/// # Errors
/// `EAGAIN` if it fits into one read and is out of reach.
pub(super) fn of(
    found: &Representation,
    bytes: Range<u64>,
    reach: Reach,
    plan: ReadPlan,
) -> io::Result<Body> {
    if bytes.end.saturating_sub(bytes.start) <= plan.read {
        // A longer one is not asked about as a whole, which takes as long as it is.
        let whole = (found.length <= READ).then_some(found);
        match read(&found.file, &bytes, reach, whole) {
            Ok(piece) => return Ok(body_from(piece)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            // It has shrunk: unless it has grown again the stream will find so too, and break.
            Err(_) => {}
        }
    }
    let begun = (Arc::clone(&found.file), bytes, plan);
    let pieces = stream::try_unfold(begun, |(file, mut bytes, plan)| async move {
        if bytes.is_empty() {
            return Ok(None);
        }
        let piece = next(&file, &bytes, &plan).await?;
        bytes.start += piece.len() as u64;
        Ok::<_, io::Error>(Some((Frame::data(piece), (file, bytes, plan))))
    });
    Ok(BodyExt::boxed_unsync(StreamBody::new(pieces)))
}

/// The first of these bytes, or what stands for them.
async fn next(file: &Arc<File>, bytes: &Range<u64>, plan: &ReadPlan) -> io::Result<Bytes> {
    let first = |most| bytes.start..bytes.end.min(bytes.start.saturating_add(most));
    if let Some(sendfile) = &plan.sendfile {
        let piece = first(sendfile::PIECE);
        if is_in_memory(file, &piece) {
            return Ok(sendfile.enqueue(file, piece));
        }
    }
    let piece = first(plan.read);
    match read(file, &piece, Reach::Memory, None) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        read => return read,
    }
    let file = Arc::clone(file);
    let reading = spawn_blocking(move || read(&file, &piece, Reach::Disk, None));
    reading.await.map_err(io::Error::other)?
}

/// All of these bytes, or an error; `whole` is the file they are of, if it is short.
fn read(
    file: &Arc<File>,
    bytes: &Range<u64>,
    reach: Reach,
    whole: Option<&Representation>,
) -> io::Result<Bytes> {
    let length =
        usize::try_from(bytes.end.saturating_sub(bytes.start)).map_err(io::Error::other)?;
    let mut piece = vec![0; length];
    match reach {
        Reach::Disk => {
            file.read_exact_at(&mut piece, bytes.start)?;
            learn(file);
        }
        Reach::Memory => {
            let read = match whole {
                Some(Representation {
                    residency, length, ..
                }) => residency.read(file, &mut piece, bytes.start, *length),
                None => read_from_memory(file, &mut piece, bytes.start),
            };
            // Half of it would have to be read again.
            if !matches!(read, Ok(read) if read == length) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }
    Ok(piece.into())
}
