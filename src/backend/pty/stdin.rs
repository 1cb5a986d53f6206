//! What a program on a terminal is sent, and how it is told that no more comes.
//!
//! # How it works
//! A terminal has no end-of-file from outside: it is the line discipline that makes one of a character (VEOF), and only
//! of lines (ICANON). So that is turned on for a program that has left the modes as we made them; one that has its own
//! gets the byte. Who does not go by that is hung up.
//!
//! What the program has not read by then would be taken for a line: cut at 4,095 bytes, and edited by what is in it. So
//! ICANON waits until all is read, of which no event tells. A read that is under way goes on by the mode in which it
//! began, and swallows an end-of-file. So for a moment all are stopped: a read that a stop breaks off begins anew, in
//! the new mode; and whoever was about to read has, so that it is looked once more.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use super::{ends::open_slave, master::Master, mode::Pty};
use crate::backend::{looks::Looks, spawn::TerminalSession};

/// What a program gets to end by itself behind its end-of-file, before it is hung up. Shorter would cut off last words,
/// longer would hold up those who wait for it.
const FINISH: Duration = Duration::from_secs(1);

/// What a stop gets to break off a read. Less would be too short on a busy machine, where only the hang-up is left.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether the end of the input comes from a server that stops, or a session whose time is over.
pub(super) type IsStopping = Arc<AtomicBool>;

/// The way into a terminal. Its shutdown is end-of-file, and the hang-up.
pub(super) struct PtyStdin {
    master: Master,
    session: TerminalSession,
    /// The modes as we made them.
    made: Option<Termios>,
    is_stopping: IsStopping,
    /// What brings the end about, once it is to come.
    end: Option<End>,
    /// It has come.
    is_over: bool,
}

/// What brings the end of a terminal's input about.
type End = Pin<Box<dyn Future<Output = ()> + Send>>;

impl PtyStdin {
    pub(super) fn new(
        pty: Pty,
        master: Master,
        session: TerminalSession,
        is_stopping: IsStopping,
    ) -> Self {
        PtyStdin {
            // With a login's modes the hang-up takes the place of end-of-file.
            made: matches!(pty, Pty::Stdio)
                .then(|| tcgetattr(&master).ok())
                .flatten(),
            master,
            session,
            is_stopping,
            end: None,
            is_over: false,
        }
    }

    /// What comes behind the last byte.
    fn end(&mut self) -> impl Future<Output = ()> + Send + 'static {
        let (made, session) = (self.made.take(), self.session.clone());
        let (master, is_stopping) = (self.master.clone(), Arc::clone(&self.is_stopping));
        async move {
            if let Some(made) = made {
                tell_end(&master, &session, &made).await;
                // A program that works on what it was sent has yet to see the end; a stop does not wait for that.
                if !is_stopping.load(Ordering::Relaxed) {
                    let mut looks = Looks::default();
                    while !is_all_taken(&master) {
                        next(&mut looks).await;
                    }
                }
                sleep(FINISH).await;
            }
            session.hang_up().await;
        }
    }
}

/// Has the line discipline say end-of-file behind all that was written before.
async fn tell_end(master: &Master, session: &TerminalSession, made: &Termios) {
    let mut looks = Looks::default();
    loop {
        // Whoever cannot be asked has gone.
        let Ok(mut modes) = tcgetattr(master) else {
            return;
        };
        let end_of_file = modes.special_codes[SpecialCodeIndex::VEOF];
        if !is_same(made, &modes) {
            let _ = master.clone().write_all(&[end_of_file]).await;
            return;
        }
        if is_all_taken(master) {
            session.pause().await;
            sleep(PAUSE).await;
            let is_told = is_all_taken(master);
            if is_told {
                modes.local_modes |= LocalModes::ICANON;
                let _ = tcsetattr(master, OptionalActions::Now, &modes);
                let _ = master.clone().write_all(&[end_of_file]).await;
            }
            session.resume().await;
            if is_told {
                return;
            }
        }
        next(&mut looks).await;
    }
}

/// Waits for the time of the next look.
async fn next(looks: &mut Looks) {
    poll_fn(|context| looks.poll_next(context)).await;
}

/// Whether the program has read all that was written, as its end of the terminal tells (poll(2), which also waits for
/// the kernel to bring there what is on its way).
fn is_all_taken(master: &Master) -> bool {
    let slave = match open_slave(master) {
        Ok(slave) => slave,
        // There is no descriptor left, for the moment; else there is no terminal any more.
        Err(error) => return !matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)),
    };
    let mut fds = [PollFd::new(&slave, PollFlags::IN)];
    let looked = poll(&mut fds, Some(&Timespec::default()));
    looked.is_ok() && !fds[0].revents().intersects(PollFlags::IN)
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
        if self.is_over {
            return Poll::Ready(Ok(()));
        }
        let mut end = match self.end.take() {
            Some(end) => end,
            None => Box::pin(self.end()),
        };
        match end.as_mut().poll(context) {
            Poll::Ready(()) => self.is_over = true,
            Poll::Pending => self.end = Some(end),
        }
        match self.is_over {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }
}
