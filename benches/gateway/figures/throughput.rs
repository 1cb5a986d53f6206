//! How much goes through one connection.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::{Connection, Heard};
use crate::figures::Effort;
use crate::frames::Part;
use crate::outcome::{Failure, Measure, Outcome};
use crate::server::Server;
use crate::wire::{Batch, Echoes};

/// Bytes of a write: few system calls, and the socket's buffer still takes it.
const WRITE: usize = 64 * 1024;

/// Messages of a batch, however long they are.
const AT_LEAST: usize = 4;

/// Echoes of `SIZE` bytes.
pub(super) fn echoes<const SIZE: usize>(
    server: &Server,
    effort: &Effort,
) -> Result<Outcome, Failure> {
    echoes_of(server, effort, SIZE)
}

/// Echoes of `size` bytes: one thread writes for the whole span, another reads
/// until the last echo is there.
pub(crate) fn echoes_of(server: &Server, effort: &Effort, size: usize) -> Result<Outcome, Failure> {
    let batch = Batch::new(0, size, (WRITE / size).max(AT_LEAST));
    let mut connection = Connection::open_and_greet(server.port)?;
    let writer = connection.stream.try_clone()?;
    let total = AtomicU64::new(u64::MAX);
    let start = Instant::now();
    let (written, read) = thread::scope(|scope| {
        let writing = scope.spawn(|| write_for(effort.span, &writer, &batch, &total));
        let read = read_all(&mut connection, &batch, &total);
        if read.is_err() {
            // The writer may be waiting for a server that waits for this reader.
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        (writing.join().expect("the writer does not panic"), read)
    });
    let echoed = read? as f64;
    written?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Outcome::from(vec![
        Measure::more("echoes/s", echoed / seconds),
        Measure::more("MB/s", echoed * size as f64 / seconds / 1e6),
    ]))
}

/// Sends the batch again and again; sets `total` before the last of them goes
/// out, so that the reader knows in time when not to wait any more.
fn write_for(
    time: Duration,
    mut stream: &TcpStream,
    batch: &Batch,
    total: &AtomicU64,
) -> Result<(), Failure> {
    let end = Instant::now() + time;
    let mut sent = 0;
    loop {
        let is_last = Instant::now() >= end;
        sent += batch.count as u64;
        if is_last {
            total.store(sent, Ordering::Release);
        }
        let written = stream.write_all(&batch.frames);
        if let Err(error) = written {
            // Wakes the reader, which would wait for what was never sent.
            let _ = stream.shutdown(Shutdown::Both);
            return Err(error.into());
        }
        if is_last {
            return Ok(());
        }
    }
}

fn read_all(connection: &mut Connection, batch: &Batch, total: &AtomicU64) -> Result<u64, Failure> {
    let mut echoes = Echoes::default();
    while echoes.received < total.load(Ordering::Acquire) {
        if connection.listen(|piece, part| echoes.take(batch, piece, part))? == Heard::End {
            let received = echoes.received;
            return Err(Failure::Wrong(format!(
                "connection ended after {received} echoes"
            )));
        }
    }
    Ok(echoes.received)
}

/// The output of `seq 1 N` from the request on, its start included; every line
/// is checked.
pub(crate) fn lines(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let last: u64 = effort.lines.parse().expect("a number, written above");
    let mut numbers = Numbers::from_one();
    let start = Instant::now();
    let mut connection = Connection::open(server.port)?;
    let mut time = None;
    while connection.listen(|piece, part| numbers.take(piece, part))? != Heard::End {
        if numbers.received == last {
            time.get_or_insert_with(|| start.elapsed());
        }
        if connection.is_closed() {
            break;
        }
    }
    let (Some(time), true) = (time, numbers.received == last) else {
        return Err(Failure::Wrong(format!(
            "{} lines of {last}",
            numbers.received
        )));
    };
    let rate = last as f64 / time.as_secs_f64();
    Ok(Outcome::from(vec![Measure::more("lines/s", rate)]))
}

/// Expects the messages 1, 2, 3 …, in decimal.
pub(crate) struct Numbers {
    pub(crate) received: u64,
    next: Vec<u8>,
    offset: usize,
}

impl Numbers {
    pub(crate) fn from_one() -> Self {
        Self {
            received: 0,
            next: b"1".to_vec(),
            offset: 0,
        }
    }

    /// Takes the next piece of a message; a newline may end it.
    pub(crate) fn take(&mut self, piece: &[u8], part: Part) -> Result<(), Failure> {
        let expected = &self.next[self.offset..];
        let is_right = match part {
            Part::Last => piece.strip_suffix(b"\n").unwrap_or(piece) == expected,
            Part::Inner => expected.starts_with(piece),
        };
        if !is_right {
            let line = self.received + 1;
            let text = String::from_utf8_lossy(&piece[..piece.len().min(40)]);
            return Err(Failure::Wrong(format!("line {line} is {text:?}")));
        }
        if part == Part::Inner {
            self.offset += piece.len();
            return Ok(());
        }
        self.offset = 0;
        self.received += 1;
        self.count_up();
        Ok(())
    }

    fn count_up(&mut self) {
        for digit in self.next.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.next.insert(0, b'1');
    }
}
