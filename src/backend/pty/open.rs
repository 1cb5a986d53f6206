//! From a process that was started on a pty to a backend.

use std::{ffi::OsStr, io, os::fd::OwnedFd};

use super::{
    master::Master,
    mode::Pty,
    protocol::{farewell, greeting},
    stdin::{IsStopping, PtyStdin},
    stdio_input::StdioInput,
    terminal_input::TerminalInput,
    terminal_output::TerminalOutput,
    window::Window,
};
use crate::{
    backend::{
        input::framed_input,
        interface::{AfterOutput, Backend},
        output::{framed_output, to_one},
        process::Process,
        spawn::TerminalSession,
        stream_options::StreamOptions,
    },
    framing::Framing,
};

/// A process whose standard streams are one pty, its controlling terminal.
pub(in crate::backend) struct OnTerminal<'a> {
    pub(in crate::backend) process: Process,
    pub(in crate::backend) session: TerminalSession,
    pub(in crate::backend) master: OwnedFd,
    /// The program's file without its directory.
    pub(in crate::backend) name: Option<&'a OsStr>,
}

/// Joins its streams. The session ends with the master, when all else has.
///
/// # Errors
/// When the runtime can watch no more descriptors.
pub(in crate::backend) fn open(
    pty: Pty,
    started: OnTerminal<'_>,
    streams: &StreamOptions,
) -> io::Result<Backend> {
    let OnTerminal {
        mut process,
        session,
        master,
        name,
    } = started;
    let master = Master::new(master)?;
    let is_stopping = IsStopping::default();
    let stdin = PtyStdin::new(pty, master.clone(), session, is_stopping.clone());
    let Pty::Terminal { is_readonly } = pty else {
        return Ok(Backend {
            output: framed_output(master, streams),
            input: Box::pin(StdioInput {
                bytes: framed_input(stdin, streams),
                is_stopping,
            }),
            process: Some(process),
            farewell: None,
            attach: None,
            after_output: AfterOutput::EndInput,
            connection: None,
            cut: None,
            member: None,
        });
    };
    let window = Window::default();
    process.set_window(window.clone());
    let bytes = StreamOptions {
        framing: Framing::Chunks,
        ..*streams
    };
    let output = TerminalOutput::new(greeting(name, is_readonly), master.clone(), window.clone());
    Ok(Backend {
        output: to_one(output),
        input: Box::pin(TerminalInput {
            bytes: framed_input(stdin, &bytes),
            is_readonly,
            master,
            window,
        }),
        process: Some(process),
        farewell: Some(farewell),
        attach: None,
        after_output: AfterOutput::EndInput,
        connection: None,
        cut: None,
        member: None,
    })
}
