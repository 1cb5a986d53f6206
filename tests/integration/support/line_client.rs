//! wsd at the other end: `wsd --connect`, which is given lines and gives lines.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use rustix::process::Signal;

use super::{WSD, forget_caller, kill};

/// `wsd WORDS` with no proxy in its environment.
pub(crate) fn wsd(words: &[&str]) -> Command {
    let mut command = Command::new(WSD);
    forget_caller(&mut command).args(words);
    command
}

/// `wsd --connect=URL WORDS`.
pub(crate) fn connect(url: &str, words: &[&str]) -> Command {
    let flag = format!("--connect={url}");
    let mut command = wsd(&[&flag]);
    command.args(words);
    command
}

/// One that is talked to; killed on drop.
pub(crate) struct LineClient {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: BufReader<ChildStdout>,
}

impl LineClient {
    pub(crate) fn connect(url: &str, words: &[&str]) -> Self {
        let mut command = connect(url, words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("wsd starts");
        LineClient {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    pub(crate) fn send(&mut self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(bytes).expect("wsd reads");
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        line.trim_end_matches('\n').to_owned()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Its exit status, which it has while its input is open.
    pub(crate) fn status(&mut self) -> Option<i32> {
        let stdin = self.stdin.take();
        let status = self.child.wait().expect("a child").code();
        self.stdin = stdin;
        status
    }

    /// Ends its input; its exit status and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        drop(self.stdin.take());
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        (self.child.wait().expect("a child").code(), stderr)
    }
}

impl Drop for LineClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
