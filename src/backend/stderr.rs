//! A program's stderr, line by line to the log, or as it is to our own; and what else of a program is logged.
//!
//! In a task of its own, so that neither a busy session nor a silent one ever makes the program wait
//! to complain; but where the client has it too, who reads for the client reads for the log ([`Logged`]).
//! A line of any length is taken; its first [`SHOWN`] bytes are logged.

use std::{
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    os::fd::AsFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use memchr::memchr;
use tokio::{
    fs::File,
    io::{AsyncRead, ReadBuf},
    net::unix::pipe::Receiver,
    task::JoinHandle,
};
use tracing::{Instrument, Span, info, warn};

/// How much of one line is logged, in bytes.
const SHOWN: usize = 8 * 1024;
/// What one read takes at most: a longer line comes in pieces, which bounds the memory.
const READ: usize = 4 * 1024;
/// What a Linux pipe holds (pipe(7)).
const PIPE: usize = 64 * 1024;

/// Who else gets each line of a program's stderr, as the log has it.
#[derive(Clone)]
pub struct StderrCopy(Arc<dyn Fn(&str) + Send + Sync>);

impl StderrCopy {
    /// For whoever takes a line without waiting: the program would wait too.
    pub fn new(take: impl Fn(&str) + Send + Sync + 'static) -> Self {
        StderrCopy(Arc::new(take))
    }
}

impl std::fmt::Debug for StderrCopy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("StderrCopy")
    }
}

/// Logs lines until the pipe ends, under the span that is current now. The process awaits the task,
/// see `Process::end`.
pub(super) fn log(pipe: Receiver, copy: Option<StderrCopy>) -> JoinHandle<()> {
    let each = move |line: &str| {
        write(line);
        if let Some(StderrCopy(take)) = &copy {
            take(line);
        }
    };
    tokio::spawn(log_lines(pipe, each).instrument(Span::current()))
}

/// The same for a program whose stdout is nobody's: both until both have ended.
pub(super) fn log_both(stdout: Receiver, stderr: Receiver) -> JoinHandle<()> {
    let both = async {
        tokio::join!(log_lines(stdout, report), log_lines(stderr, write));
    };
    tokio::spawn(both.instrument(Span::current()))
}

/// Copies what comes to our own stderr until either ends, byte by byte as it is. The process awaits the
/// task, see `Process::end`.
pub(super) fn pass_on(mut pipe: Receiver) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Ok(own) = io::stderr().as_fd().try_clone_to_owned() {
            let _ = tokio::io::copy(&mut pipe, &mut File::from_std(own.into())).await;
        }
    })
}

#[expect(
    clippy::manual_async_fn,
    reason = "an async fn keeps what it was given a second time, in every idle session"
)]
fn log_lines(mut pipe: Receiver, each: impl Fn(&str)) -> impl Future<Output = ()> {
    async move {
        let mut lines = Lines::default();
        poll_fn(|context| poll_lines(&mut pipe, &mut lines, &each, context)).await;
        lines.finish(each);
    }
}

/// Reads what there is, until nothing more will come. On the stack: nothing is held while the program is silent, which
/// is most of the time.
fn poll_lines(
    pipe: &mut Receiver,
    lines: &mut Lines,
    each: &impl Fn(&str),
    context: &mut Context<'_>,
) -> Poll<()> {
    loop {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut read = ReadBuf::uninit(&mut room);
        match ready!(Pin::new(&mut *pipe).poll_read(context, &mut read)) {
            Ok(()) if !read.filled().is_empty() => lines.push(read.filled(), each),
            _ => return Poll::Ready(()),
        }
    }
}

/// A stderr that is read for somebody else; the log has its lines all the same, under the span that is current when
/// they are read.
#[derive(Debug)]
pub(super) struct Logged {
    pipe: Receiver,
    lines: Lines,
}

impl Logged {
    pub(super) fn new(pipe: Receiver) -> Self {
        Logged {
            pipe,
            lines: Lines::default(),
        }
    }
}

impl AsyncRead for Logged {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.pipe).poll_read(context, buffer);
        this.lines.push(&buffer.filled()[before..], write);
        read
    }
}

impl Drop for Logged {
    /// A session does not end before its program, but it may end before all is read that this has said.
    fn drop(&mut self) {
        let mut read = [0; READ];
        // Who is still there and writes on is not waited for.
        for _ in 0..PIPE / READ {
            match rustix::io::read(&self.pipe, &mut read) {
                Ok(0) | Err(_) => break,
                Ok(length) => self.lines.push(&read[..length], write),
            }
        }
        std::mem::take(&mut self.lines).finish(write);
    }
}

fn write(line: &str) {
    warn!(target: "stderr", "{line}");
}

fn report(line: &str) {
    info!(target: "stdout", "{line}");
}

/// Cuts what comes into lines of bounded length.
#[derive(Debug, Default)]
struct Lines {
    line: Vec<u8>,
    /// Bytes of the line beyond [`SHOWN`].
    cut: usize,
}

impl Lines {
    fn push(&mut self, mut rest: &[u8], mut each: impl FnMut(&str)) {
        while let Some(end) = memchr(b'\n', rest) {
            self.extend(&rest[..end]);
            self.emit(&mut each);
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    fn finish(mut self, mut each: impl FnMut(&str)) {
        if !self.line.is_empty() {
            self.emit(&mut each);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let shown = bytes.len().min(SHOWN - self.line.len());
        self.line.extend_from_slice(&bytes[..shown]);
        self.cut += bytes.len() - shown;
    }

    fn emit(&mut self, each: &mut impl FnMut(&str)) {
        let line = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.cut);
        let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line));
        if cut == 0 {
            each(&text);
        } else {
            each(&format!("{text}… ({cut} more bytes)"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = Lines::default();
        for piece in pieces {
            lines.push(piece, |line| found.push(line.to_owned()));
        }
        lines.finish(|line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn lines_are_joined_across_reads() {
        assert_eq!(lines(&[b"a", b"b\nc\r\n\nd"]), ["ab", "c", "", "d"]);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let long = vec![b'x'; SHOWN + 7];
        let found = lines(&[&long, b"\nnext\n"]);
        assert!(
            found[0].ends_with("x… (7 more bytes)"),
            "{}",
            &found[0][SHOWN - 5..]
        );
        assert_eq!(found[1], "next");
    }
}
