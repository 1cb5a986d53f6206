//! A part of a file as a body, in as much memory as one read.

use std::{
    fs::File,
    io::{self, IoSliceMut},
    ops::Range,
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use rustix::io::{ReadWriteFlags, preadv2};
use tokio::task::spawn_blocking;

use crate::http::{Body, full, path::Reach};

/// Bytes read at once: large enough that a file costs few trips to the blocking threads, small enough
/// for a thousand downloads that nobody hurries.
const READ: u64 = 128 * 1024;

/// Exactly these bytes: what is appended meanwhile is left out, and a file that has shrunk breaks the
/// connection, which the client notices, rather than the length, which it would not.
///
/// # Errors
/// `EAGAIN` if it fits into one read and is out of reach.
pub(super) fn of(file: File, bytes: Range<u64>, reach: Reach) -> io::Result<Body> {
    if bytes.end.saturating_sub(bytes.start) <= READ {
        match read(&file, &bytes, reach) {
            Ok(piece) => return Ok(full(piece)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            // It has shrunk: unless it has grown again the stream will find so too, and break.
            Err(_) => {}
        }
    }
    let pieces = stream::try_unfold((Arc::new(file), bytes), |(file, mut bytes)| async move {
        if bytes.is_empty() {
            return Ok(None);
        }
        let piece = next(&file, &bytes).await?;
        bytes.start += piece.len() as u64;
        Ok::<_, io::Error>(Some((Frame::data(piece), (file, bytes))))
    });
    Ok(BodyExt::boxed_unsync(StreamBody::new(pieces)))
}

/// The first of these bytes, as many as one read takes.
async fn next(file: &Arc<File>, bytes: &Range<u64>) -> io::Result<Bytes> {
    let piece = bytes.start..bytes.end.min(bytes.start.saturating_add(READ));
    match read(file, &piece, Reach::Memory) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        read => return read,
    }
    let file = Arc::clone(file);
    let reading = spawn_blocking(move || read(&file, &piece, Reach::Disk));
    reading.await.map_err(io::Error::other)?
}

/// All of these bytes, or an error.
fn read(file: &File, bytes: &Range<u64>, reach: Reach) -> io::Result<Bytes> {
    let length =
        usize::try_from(bytes.end.saturating_sub(bytes.start)).map_err(io::Error::other)?;
    let mut piece = vec![0; length];
    match reach {
        Reach::Disk => file.read_exact_at(&mut piece, bytes.start)?,
        Reach::Memory => {
            let buffer = &mut [IoSliceMut::new(&mut piece)];
            // A file system that cannot tell says EOPNOTSUPP, and one read after the other is not worth it
            // where a part of them waits.
            match preadv2(file, buffer, bytes.start, ReadWriteFlags::NOWAIT) {
                Ok(read) if read == length => {}
                _ => return Err(io::ErrorKind::WouldBlock.into()),
            }
        }
    }
    Ok(piece.into())
}
