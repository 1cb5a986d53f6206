//! `--sub`: what is said in a room of a wsd that runs, a line each.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow};
use rustix::process::Signal;
use wsd::{
    config::LocalRoom,
    exit_status,
    framing::Newline,
    message::Message,
    server::rooms::{Dialled, Purpose},
};

use super::room::{fail, open};

/// Prints each message, until nobody listens to us any more, or wsd has gone.
pub(crate) fn run(room: &LocalRoom) -> ExitCode {
    match open(room, Purpose::Subscribe) {
        Ok(dialled) => match print(dialled, room.newline) {
            Ok(status) => status,
            Err(error) => fail(&error),
        },
        Err(status) => status,
    }
}

fn print(mut room: Dialled, newline: Newline) -> Result<ExitCode> {
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    // Not the standard library's own, which writes a long line in parts.
    let mut stdout = File::from(stdout.context("stdout cannot be written to")?);
    while let Some(message) = room.hear().context("the connection to wsd broke")? {
        let Some(line) = line_of(&message, newline) else {
            continue;
        };
        match stdout.write_all(&line) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                let signal = Signal::PIPE.as_raw();
                return Ok(ExitCode::from(exit_status::of_signal(signal)));
            }
            written => written.context("stdout cannot be written to")?,
        }
    }
    Err(anyhow!(
        "the wsd that has the room has gone, or this read too slowly for it"
    ))
}

/// A message as a line, or as lines; none for one that is left out.
fn line_of(message: &Message, newline: Newline) -> Option<Vec<u8>> {
    let bytes = match message {
        Message::Text(text) => text.as_str().as_bytes(),
        Message::Binary(bytes) => bytes,
    };
    let mut line = bytes.to_vec();
    match newline {
        Newline::Split => {}
        Newline::Reject if line.contains(&b'\n') => return None,
        Newline::Reject => {}
        Newline::Space => {
            let ends = line.iter_mut().filter(|byte| **byte == b'\n');
            ends.for_each(|byte| *byte = b' ');
        }
    }
    line.push(b'\n');
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newlines_are_kept_replaced_or_no_reason_to_print() {
        let message = Message::Text("a\nb".into());
        for (newline, line) in [
            (Newline::Split, Some("a\nb\n")),
            (Newline::Space, Some("a b\n")),
            (Newline::Reject, None),
        ] {
            let expected = line.map(|line| line.as_bytes().to_vec());
            assert_eq!(line_of(&message, newline), expected);
        }
    }
}
