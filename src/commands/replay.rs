//! `--replay`: the other side of a recorded session, once more.
//!
//! It is a program like any other that wsd runs: it says what the recorded one said, when it said it, and reads its stdin
//! to no end.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::fd::AsFd,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Error, Result, anyhow};
use bytes::BytesMut;
use rustix::process::Signal;
use tokio_util::codec::Encoder;

use wsd::{
    config::Replay,
    exit_status,
    framing::{Codec, Framing},
    message::{Close, Message},
    recording::{Direction, Entry, Playback, TERMINAL},
};

use super::message::{complain, refuse};

/// Plays the recording to stdout.
///
/// # Errors
/// When there is no stdout to play it to, or no thread to read stdin.
pub(crate) fn run(replay: &Replay) -> Result<ExitCode> {
    let name = replay.file.display();
    let refused = |error: &dyn std::fmt::Display| Ok(refuse(&anyhow!("--replay: {name}: {error}")));
    let text = match fs::read(&replay.file) {
        Ok(text) => text,
        Err(error) => return refused(&error),
    };
    let playback = match Playback::read(&text) {
        Ok(playback) => playback,
        Err(malformed) => return refused(&malformed),
    };
    let is_terminal = playback.header.framing == TERMINAL;
    let named = Framing::named(&playback.header.framing);
    let Some(framing) = named.or(is_terminal.then_some(Framing::Chunks)) else {
        return refused(&format!(
            "line 1: there is no framing '{}'",
            playback.header.framing
        ));
    };
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(read_to_no_end)
        .context("cannot start a thread")?;
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    let mut player = Player {
        // Not the standard library's own, which cuts a message at its last newline.
        stdout: stdout.context("stdout cannot be written to")?.into(),
        codec: Codec::new(framing, usize::MAX),
        is_terminal,
        speed: replay.speed,
        begun: Instant::now(),
    };
    Ok(match player.play(&playback) {
        Ok(status) => ExitCode::from(status),
        Err(error) if is_broken_pipe(&error) => {
            ExitCode::from(exit_status::of_signal(Signal::PIPE.as_raw()))
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(exit_status::FAILURE)
        }
    })
}

/// Who writes to us must not wait for us.
fn read_to_no_end() {
    let mut scratch = [0; 8192];
    let mut stdin = io::stdin().lock();
    while stdin.read(&mut scratch).is_ok_and(|length| length > 0) {}
}

fn is_broken_pipe(error: &Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

struct Player {
    stdout: File,
    codec: Codec,
    is_terminal: bool,
    speed: Option<f64>,
    begun: Instant,
}

impl Player {
    /// Plays all of it; the exit status that the recorded Close says.
    fn play(&mut self, playback: &Playback<'_>) -> Result<u8> {
        for entry in playback.entries() {
            self.wait_for(entry.time());
            match entry {
                Entry::Message(_, Direction::In, _) => {}
                // What is said about it was no output of its program.
                Entry::Message(_, _, Message::Text(_)) if self.is_terminal => {}
                Entry::Message(_, Direction::Out, message) => {
                    let mut bytes = BytesMut::new();
                    self.codec.encode(message, &mut bytes)?;
                    self.stdout.write_all(&bytes)?;
                }
                Entry::Close(_, close) => return self.close(&close),
            }
        }
        complain(&anyhow!(
            "the recording has no Close: it ends where that is"
        ));
        Ok(0)
    }

    /// Sleeps until it is time for what happened so long after the start.
    fn wait_for(&self, time: Duration) {
        let Some(speed) = self.speed else {
            return;
        };
        let seconds = time.as_secs_f64() / speed;
        // Some hundred years are as good as for ever.
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        thread::sleep(due.saturating_sub(self.begun.elapsed()));
    }

    /// Says a Close where the framing can, and no exit status can.
    fn close(&mut self, close: &Close) -> Result<u8> {
        let status = exit_status_of(close);
        if status.is_none() && close.is_sendable() {
            let mut bytes = BytesMut::new();
            self.codec.encode_close(close, &mut bytes)?;
            self.stdout.write_all(&bytes)?;
        }
        Ok(status.unwrap_or_default())
    }
}

/// The exit status by which a program's session ends with this; `None` if there is none.
fn exit_status_of(close: &Close) -> Option<u8> {
    match close.code {
        Close::NORMAL => Some(0),
        code => u8::try_from(code.checked_sub(Close::PROGRAM)?)
            .ok()
            .filter(|status| *status > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_status_is_the_one_that_gives_the_code() {
        for (code, status) in [
            (1000, Some(0)),
            (4001, Some(1)),
            (4255, Some(255)),
            (4256, None),
            (4000, None),
            (1001, None),
            (1006, None),
            (3000, None),
        ] {
            assert_eq!(exit_status_of(&Close::new(code, "")), status, "{code}");
        }
    }
}
