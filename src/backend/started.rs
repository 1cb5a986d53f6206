//! A process that was started, and what is made of its streams.

use std::{io, os::fd::OwnedFd};

use tokio::{io::AsyncRead, net::unix::pipe};

use super::{
    interface::Output,
    output::{self, framed_output},
    process::Process,
    pty::{Master, Pty},
    spawn::OurStreams,
    stderr::{self, Logged, StderrCopy},
    stdin::Stdin,
    stream_options::StreamOptions,
};

/// Where a program's stderr goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StderrTo {
    /// To the log, line by line.
    Log,
    /// To the client, both streams' lines as `{"stream":"stdout"|"stderr","data":"…"}`; and to the log.
    Client,
    /// To our own, as it is: one reader has both.
    Inherit,
}

/// A process that was started, with its pipes as they are.
#[derive(Debug)]
pub struct PipedProcess {
    /// Its stdin; dropping it gives end-of-file.
    pub input: pipe::Sender,
    /// Its stdout.
    pub output: pipe::Receiver,
    /// The process itself.
    pub process: Process,
}

/// A process whose output carries messages, and whose stdin is a pipe.
pub(super) struct FramedProcess {
    pub(super) output: Output,
    pub(super) stdin: Stdin,
    pub(super) process: Process,
}

/// A process that was started, and our ends of its streams.
pub(super) struct Started {
    pub(super) process: Process,
    pub(super) streams: OurStreams,
}

impl Started {
    /// With its pipes as they are; its stderr goes to the log.
    pub(super) fn into_piped(mut self) -> io::Result<PipedProcess> {
        let (input, output, errors) = piped(self.streams)?;
        self.process.set_stderr_task(stderr::log(errors, None));
        Ok(PipedProcess {
            input,
            output: pipe::Receiver::from_owned_fd(output)?,
            process: self.process,
        })
    }

    /// Joined to nobody: stdout and stderr go to the log.
    pub(super) fn into_logged(mut self) -> io::Result<Process> {
        let (_, output, errors) = piped(self.streams)?;
        let output = pipe::Receiver::from_owned_fd(output)?;
        self.process
            .set_stderr_task(stderr::log_both(output, errors));
        Ok(self.process)
    }

    /// With messages on stdout, which may be a pty.
    pub(super) fn into_framed(
        mut self,
        pty: Pty,
        streams: &StreamOptions,
        (stderr_to, stderr_copy): (StderrTo, Option<StderrCopy>),
    ) -> io::Result<FramedProcess> {
        let (input, output, errors) = piped(self.streams)?;
        let process = &mut self.process;
        let errors = match stderr_to {
            StderrTo::Log => {
                process.set_stderr_task(stderr::log(errors, stderr_copy));
                None
            }
            StderrTo::Inherit => {
                process.set_stderr_task(stderr::pass_on(errors));
                None
            }
            StderrTo::Client => Some(Logged::new(errors)),
        };
        let output = match pty {
            Pty::None => framed(pipe::Receiver::from_owned_fd(output)?, errors, streams),
            _ => framed(Master::new(output)?, errors, streams),
        };
        let stdin = Stdin::new(input);
        process.set_intake(stdin.intake().clone());
        Ok(FramedProcess {
            output,
            stdin,
            process: self.process,
        })
    }
}

/// stdin, stdout and stderr of a process that has no terminal.
fn piped(streams: OurStreams) -> io::Result<(pipe::Sender, OwnedFd, pipe::Receiver)> {
    let (Some(stdin), Some(stderr)) = (streams.stdin, streams.stderr) else {
        return Err(io::Error::other("a terminal in the place of pipes"));
    };
    Ok((
        pipe::Sender::from_owned_fd(stdin)?,
        streams.stdout,
        pipe::Receiver::from_owned_fd(stderr)?,
    ))
}

/// The messages of stdout, and of stderr where the client has them too.
fn framed<R>(stdout: R, stderr: Option<Logged>, streams: &StreamOptions) -> Output
where
    R: AsyncRead + Send + Unpin + 'static,
{
    match stderr {
        None => framed_output(stdout, streams),
        Some(stderr) => output::wrapped(stdout, stderr, streams),
    }
}
