//! `--pub`: the lines of stdin, said in a room of a wsd that runs.

use std::{
    io::{self, BufRead},
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use wsd::{
    config::LocalRoom,
    exit_status,
    message::{Message, text},
    quantity::quantity,
    server::rooms::{Dialled, Purpose, Terms},
};

use super::{
    message::complain,
    room::{fail, open},
};

/// Bytes of stdin that are read at once. What has been read is sent before more is waited for.
const READ: usize = 64 * 1024;

/// Says each line, until there are no more and all were taken.
pub(crate) fn run(room: &LocalRoom) -> ExitCode {
    let dialled = match open(room, Purpose::Publish) {
        Ok(dialled) => dialled,
        Err(status) => return status,
    };
    match publish(dialled) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(dropped) => {
            complain(&anyhow!(
                "left out {}, longer than --maxframesize of that wsd allows",
                quantity(dropped as u64, "line", "lines")
            ));
            ExitCode::from(exit_status::FAILURE)
        }
        Err(error) => fail(&error),
    }
}

/// How many lines were left out since they are too long.
fn publish(mut room: Dialled) -> anyhow::Result<usize> {
    let lost = "the wsd that has the room has gone";
    let mut lines = Lines::new(io::BufReader::with_capacity(READ, io::stdin()), room.terms);
    while let Some(line) = lines.next().context("stdin cannot be read")? {
        if let Some(line) = line {
            room.say(line).context(lost)?;
        }
        if lines.is_drained() {
            room.flush().context(lost)?;
        }
    }
    room.finish().context(lost)?;
    Ok(lines.too_long)
}

/// The lines of a reader as messages, in no more memory than the longest may take.
struct Lines<R> {
    reader: io::BufReader<R>,
    terms: Terms,
    too_long: usize,
}

impl<R: io::Read> Lines<R> {
    fn new(reader: io::BufReader<R>, terms: Terms) -> Self {
        Lines {
            reader,
            terms,
            too_long: 0,
        }
    }

    /// Whether the next line would have to be waited for.
    fn is_drained(&self) -> bool {
        memchr::memchr(b'\n', self.reader.buffer()).is_none()
    }

    /// The next line; one that is too long is counted, and none.
    fn next(&mut self) -> io::Result<Option<Option<Message>>> {
        // A line's end is no part of the message.
        let limit = self.terms.max_message.unwrap_or(usize::MAX);
        let most = limit.saturating_add(2);
        let mut line = Vec::new();
        let mut is_too_long = false;
        loop {
            let read = self.reader.fill_buf()?;
            if read.is_empty() {
                if line.is_empty() && !is_too_long {
                    return Ok(None);
                }
                break;
            }
            let end = memchr::memchr(b'\n', read);
            let length = end.map_or(read.len(), |end| end + 1);
            is_too_long |= line.len() + length > most;
            if !is_too_long {
                line.extend_from_slice(&read[..length]);
            }
            self.reader.consume(length);
            if end.is_some() {
                break;
            }
        }
        let message = (!is_too_long).then(|| self.message(line));
        let message = message.filter(|message| message.len() <= limit);
        self.too_long += usize::from(message.is_none());
        Ok(Some(message))
    }

    fn message(&self, mut line: Vec<u8>) -> Message {
        if line.pop_if(|last| *last == b'\n').is_some() {
            line.pop_if(|last| *last == b'\r');
        }
        match self.terms.is_binary {
            true => Message::Binary(line.into()),
            false => text(line.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of some bytes, read so many at once; `!` is a line that is left out.
    fn lines(bytes: &[u8], max_message: Option<usize>, capacity: usize) -> Vec<String> {
        let terms = Terms {
            is_binary: false,
            max_message,
        };
        let mut lines = Lines::new(io::BufReader::with_capacity(capacity, bytes), terms);
        let mut found = Vec::new();
        while let Some(line) = lines.next().expect("bytes can be read") {
            found.push(match line {
                Some(Message::Text(text)) => text.as_str().to_owned(),
                Some(Message::Binary(_)) => panic!("it is text"),
                None => "!".to_owned(),
            });
        }
        found
    }

    #[test]
    fn line_is_a_message_however_it_comes_and_ends() {
        for capacity in [1, 2, 3, 100] {
            let found = lines(b"one\r\n\ntwo\xff\nlast", None, capacity);
            assert_eq!(found, ["one", "", "two\u{fffd}", "last"]);
        }
        assert_eq!(lines(b"", None, 8), [""; 0]);
    }

    #[test]
    fn line_over_the_limit_is_left_out_and_the_next_is_not() {
        for capacity in [1, 2, 100] {
            let found = lines(b"abc\nabcd\nab\r\nabcdefgh\nabc", Some(3), capacity);
            assert_eq!(found, ["abc", "!", "ab", "!", "abc"]);
        }
        // What stands for a byte that is none is longer than that.
        assert_eq!(lines(b"\xff", Some(2), 8), ["!"]);
    }
}
