//! The standard streams of a process that is to be started: pipes, or a pty for some of them or all.

use std::{io, os::fd::OwnedFd};

use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};

use super::pipe::pipe;
use crate::backend::{
    process_attributes::Credentials,
    pty::{Pty, PtyEnds, TerminalSize, open_pty},
};

/// Our ends, close-on-exec.
#[derive(Debug)]
pub(in crate::backend) struct OurStreams {
    /// `None` where it is written to the master of a pty, which is `stdout`.
    pub(in crate::backend) stdin: Option<OwnedFd>,
    /// A pipe, or the master of a pty.
    pub(in crate::backend) stdout: OwnedFd,
    /// `None` where it is the same as stdout.
    pub(in crate::backend) stderr: Option<OwnedFd>,
}

/// The program's ends, close-on-exec.
#[derive(Debug)]
pub(super) enum ProgramStreams {
    /// stdin, stdout and stderr, of which stdout may be a pty's slave.
    Each([OwnedFd; 3]),
    /// A pty's slave is all of them.
    Same(OwnedFd),
}

impl ProgramStreams {
    /// Opens both ends of all streams.
    ///
    /// # Errors
    /// Those of pipe(2), and of [`open_pty`].
    pub(super) fn open((pty, size): (Pty, TerminalSize)) -> io::Result<(OurStreams, Self)> {
        if pty.is_controlling() {
            let PtyEnds { master, slave } = open_pty(pty, size)?;
            let ours = OurStreams {
                stdin: None,
                stdout: master,
                stderr: None,
            };
            return Ok((ours, ProgramStreams::Same(slave)));
        }
        let (stdin, our_stdin) = pipe()?;
        let (our_stdout, stdout) = match pty {
            Pty::None => pipe()?,
            _ => {
                let PtyEnds { master, slave } = open_pty(pty, size)?;
                (master, slave)
            }
        };
        let (our_stderr, stderr) = pipe()?;
        let ours = OurStreams {
            stdin: Some(our_stdin),
            stdout: our_stdout,
            stderr: Some(our_stderr),
        };
        Ok((ours, ProgramStreams::Each([stdin, stdout, stderr])))
    }

    /// What becomes descriptor 0, 1 and 2.
    pub(super) fn ends(&self) -> [&OwnedFd; 3] {
        match self {
            ProgramStreams::Each(ends) => ends.each_ref(),
            ProgramStreams::Same(slave) => [slave; 3],
        }
    }

    /// Gives them to a program's user: what /dev/stdin, /dev/stdout and /dev/stderr lead to is opened anew by whoever
    /// names them, with the rights of a file that has an owner (proc_pid_fd(5)), and so is a terminal. That has the
    /// group and the mode by which others may write a message there (tty(4)), if it is such a group.
    ///
    /// # Errors
    /// Those of fchown(2) and fchmod(2).
    pub(super) fn give(&self, pty: Pty, credentials: &Credentials) -> io::Result<()> {
        let user = Some(Uid::from_raw(credentials.user));
        let group = Some(Gid::from_raw(credentials.group));
        let terminal = Mode::RUSR | Mode::WUSR | Mode::WGRP;
        for (number, end) in self.ends().into_iter().enumerate() {
            match pty {
                Pty::Output if number == 1 => fchown(end, user, None)?,
                Pty::Stdio | Pty::Terminal { .. } => fchown(end, user, None)?,
                // Elsewhere that is no file with an owner, and who opens it by a name gets a copy of the descriptor (fd(4)).
                Pty::None | Pty::Output if !cfg!(all(target_os = "linux", not(wsd_portable))) => {
                    continue;
                }
                Pty::None | Pty::Output => {
                    fchown(end, user, group)?;
                    continue;
                }
            }
            fchmod(end, terminal)?;
        }
        Ok(())
    }
}
