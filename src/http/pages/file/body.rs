//! Bodies of files: a range of bytes, in as much memory as one read, or in none.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{Version, body::Frame, http::request::Parts};
use tokio::task::spawn_blocking;

use crate::http::{
    body::{Body, body_from},
    pages::root::Reach,
    sendfile::{self, SendfileQueue},
};

/// Bytes read at once: large enough that a file costs few trips to the blocking threads, small enough
/// for a thousand downloads that nobody hurries.
const READ: u64 = 128 * 1024;
/// The same where one connection may have a thousand downloads: as much as a frame holds (RFC 9113 §6.5.2).
const READ_OF_MANY: u64 = 16 * 1024;
/// Bytes of a file of which one is looked for to tell whether all are in memory. Linux reads ahead in pieces
/// of this size, and mostly forgets them so; each look is a system call.
const SAMPLE: usize = 128 * 1024;

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
            sendfile: request.extensions.get().cloned(),
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
    file: Arc<File>,
    bytes: Range<u64>,
    reach: Reach,
    plan: ReadPlan,
) -> io::Result<Body> {
    if bytes.end.saturating_sub(bytes.start) <= plan.read {
        match read(&file, &bytes, reach) {
            Ok(piece) => return Ok(body_from(piece)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            // It has shrunk: unless it has grown again the stream will find so too, and break.
            Err(_) => {}
        }
    }
    let begun = (file, bytes, plan);
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
    match read(file, &piece, Reach::Memory) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        read => return read,
    }
    let file = Arc::clone(file);
    let reading = spawn_blocking(move || read(&file, &piece, Reach::Disk));
    reading.await.map_err(io::Error::other)?
}

/// Whether these bytes can be read without waiting for the disk, by samples.
fn is_in_memory(file: &File, bytes: &Range<u64>) -> bool {
    let mut samples = bytes.clone().step_by(SAMPLE);
    samples.all(|offset| matches!(read_from_memory(file, &mut [0], offset), Ok(1)))
}

/// All of these bytes, or an error.
fn read(file: &File, bytes: &Range<u64>, reach: Reach) -> io::Result<Bytes> {
    let length =
        usize::try_from(bytes.end.saturating_sub(bytes.start)).map_err(io::Error::other)?;
    let mut piece = vec![0; length];
    match reach {
        Reach::Disk => file.read_exact_at(&mut piece, bytes.start)?,
        Reach::Memory => match read_from_memory(file, &mut piece, bytes.start) {
            Ok(read) if read == length => {}
            // Half of it would have to be read again; and a file system that cannot tell says `EOPNOTSUPP`.
            _ => return Err(io::ErrorKind::WouldBlock.into()),
        },
    }
    Ok(piece.into())
}

/// Reads what the kernel has in memory (preadv2(2), `RWF_NOWAIT`).
#[cfg(all(target_os = "linux", not(wsd_portable)))]
pub(super) fn read_from_memory(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let buffers = &mut [io::IoSliceMut::new(buffer)];
    Ok(preadv2(file, buffers, offset, ReadWriteFlags::NOWAIT)?)
}

#[cfg(any(not(target_os = "linux"), wsd_portable))]
pub(super) fn read_from_memory(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::WouldBlock.into())
}
