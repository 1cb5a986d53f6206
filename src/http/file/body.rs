//! A part of a file as a body, in as much memory as one read.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use crate::http::{Body, full};

/// Bytes read at once: large enough that a file costs few trips to the blocking threads, small enough
/// for a thousand downloads that nobody hurries.
const READ: u64 = 128 * 1024;

/// Exactly these bytes: what is appended meanwhile is left out, and a file that has shrunk breaks the
/// connection, which the client notices, rather than the length, which it would not.
///
/// Waits for the disk, with what fits into one read.
///
/// # Errors
/// lseek(2)'s.
pub(super) fn of(mut file: File, bytes: Range<u64>) -> io::Result<Body> {
    file.seek(SeekFrom::Start(bytes.start))?;
    let left = bytes.end.saturating_sub(bytes.start);
    if left <= READ
        && let Ok(piece) = read(&mut file, left)
    {
        return Ok(full(piece));
    }
    // A small file that could not be read whole has shrunk: unless it has grown again the stream will
    // find so too, and break.
    file.seek(SeekFrom::Start(bytes.start))?;
    let pieces = stream::try_unfold((file, left), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let piece = read(&mut file, left.min(READ))?;
            Ok::<_, io::Error>((piece, file))
        });
        let (piece, file) = reading.await.map_err(io::Error::other)??;
        let left = left.saturating_sub(piece.len() as u64);
        Ok::<_, io::Error>(Some((Frame::data(piece), (file, left))))
    });
    Ok(BodyExt::boxed_unsync(StreamBody::new(pieces)))
}

fn read(file: &mut File, length: u64) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    file.take(length).read_to_end(&mut piece)?;
    if (piece.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(piece.into())
}
