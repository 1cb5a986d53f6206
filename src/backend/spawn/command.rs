//! What is started, and what comes of it.

use std::{ffi::CString, os::fd::OwnedFd, sync::Arc};

use super::streams::OurStreams;
use crate::backend::{
    process_attributes::ProcessAttributes,
    pty::{Pty, TerminalSize},
};

/// A program, ready for the kernel.
#[derive(Debug)]
pub(in crate::backend) struct Command {
    /// The file to execute.
    pub(in crate::backend) file: CString,
    /// All arguments, argv\[0\] first.
    pub(in crate::backend) arguments: Vec<CString>,
    /// `NAME=value` words: the whole environment.
    pub(in crate::backend) environment: Vec<CString>,
    /// Working directory, if not the gateway's.
    pub(in crate::backend) directory: Option<CString>,
    /// Working directory and file in their place, if they are known by more than their paths: a file that is
    /// beneath the directory, and is not executed if it has become a link.
    pub(in crate::backend) place: Option<(Arc<OwnedFd>, CString)>,
    /// As whom, and how much of the machine it may take.
    pub(in crate::backend) attributes: ProcessAttributes,
    /// Which of its standard streams are a pty, and of what size.
    pub(in crate::backend) pty: (Pty, TerminalSize),
}

/// A process that was started, as `P` names it, and our ends of its streams.
#[derive(Debug)]
pub(in crate::backend) struct Child<P> {
    pub(in crate::backend) process: P,
    pub(in crate::backend) streams: OurStreams,
    /// Of a program that is not executed yet: ends when it is, or gives the error number of why not.
    pub(super) exec_error: Option<OwnedFd>,
}

impl<P> Child<P> {
    /// The same process by another name.
    pub(super) fn map<Q>(self, rename: impl FnOnce(P) -> Q) -> Child<Q> {
        Child {
            process: rename(self.process),
            streams: self.streams,
            exec_error: self.exec_error,
        }
    }
}
