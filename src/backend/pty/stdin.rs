//! What a program on a terminal is sent, and how it is told that no more comes.
//!
//! # How it works
//! A terminal has no end-of-file from outside: it is the line discipline that makes one of a character (VEOF), and only
//! of lines (ICANON). So that is turned on for a program that has left the modes as we made them; one that has its own
//! gets the byte. Who does not go by that is hung up.
//!
//! A read that is under way goes on by the mode in which it began, and swallows an end-of-file. So for a moment all are
//! stopped: a read that a stop breaks off begins anew, in the new mode.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use tokio::{
    io::AsyncWrite,
    time::{Sleep, sleep},
};

use super::{master::Master, mode::Pty};
use crate::backend::spawn::TerminalSession;

/// What a program gets to end by itself behind its end-of-file, before it is hung up. Shorter would cut off last words,
/// longer would hold up those who wait for it.
const FINISH: Duration = Duration::from_secs(1);

/// What a stop gets to break off a read. Less would be too short on a busy machine, where only the hang-up is left.
const PAUSE: Duration = Duration::from_millis(50);

/// The way into a terminal. Its shutdown is end-of-file, and the hang-up.
pub(super) struct PtyStdin {
    master: Master,
    session: TerminalSession,
    /// The modes as we made them.
    made: Option<Termios>,
    end: End,
}

/// How far its end has come.
enum End {
    /// It takes more.
    Open,
    /// All are stopped for so long, before the character.
    Pause(Pin<Box<Sleep>>, u8),
    /// This character is still to be written; whether all are stopped.
    Tell(u8, bool),
    /// The hang-up is due then.
    Finish(Pin<Box<Sleep>>),
    Over,
}

impl PtyStdin {
    pub(super) fn new(pty: Pty, master: Master, session: TerminalSession) -> Self {
        PtyStdin {
            // With a login's modes the hang-up takes the place of end-of-file.
            made: matches!(pty, Pty::Stdio)
                .then(|| tcgetattr(&master).ok())
                .flatten(),
            master,
            session,
            end: End::Open,
        }
    }

    /// What comes behind the last byte.
    fn first_step(&self) -> End {
        let (Some(made), Ok(mut modes)) = (&self.made, tcgetattr(&self.master)) else {
            self.session.hang_up();
            return End::Over;
        };
        let end_of_file = modes.special_codes[SpecialCodeIndex::VEOF];
        if is_same(made, &modes) {
            modes.local_modes |= LocalModes::ICANON;
            // It has no modes any more if its program has gone.
            let _ = tcsetattr(&self.master, OptionalActions::Now, &modes);
            self.session.pause();
            return End::Pause(Box::pin(sleep(PAUSE)), end_of_file);
        }
        End::Tell(end_of_file, false)
    }
}

fn is_same(one: &Termios, other: &Termios) -> bool {
    one.input_modes == other.input_modes
        && one.output_modes == other.output_modes
        && one.control_modes == other.control_modes
        && one.local_modes == other.local_modes
}

impl AsyncWrite for PtyStdin {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.master).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            this.end = match &mut this.end {
                End::Open => this.first_step(),
                End::Pause(timer, byte) => {
                    ready!(timer.as_mut().poll(context));
                    End::Tell(*byte, true)
                }
                End::Tell(byte, is_paused) => {
                    let written = Pin::new(&mut this.master).poll_write(context, &[*byte]);
                    if std::mem::replace(is_paused, false) {
                        this.session.resume();
                    }
                    // Who cannot be written to has gone.
                    let _ = ready!(written);
                    End::Finish(Box::pin(sleep(FINISH)))
                }
                End::Finish(timer) => {
                    ready!(timer.as_mut().poll(context));
                    this.session.hang_up();
                    End::Over
                }
                End::Over => return Poll::Ready(Ok(())),
            };
        }
    }
}
