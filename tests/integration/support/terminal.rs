//! A command on a terminal of its own, which script(1) makes: keys are typed, and what is shown is read.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use rustix::process::Signal;

use super::{
    PATIENCE, forget_caller,
    process::{children_of, kill_group},
};

/// What ends a line's input, and what interrupts (termios(3): VEOF, VINTR).
pub(crate) const CTRL_D: &str = "\x04";
pub(crate) const CTRL_C: &str = "\x03";

/// A terminal, and the shell's command that has it; killed on drop.
pub(crate) struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    shown: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// Runs a line of the shell; `$WSD` in it is the binary under test.
    pub(crate) fn run(line: &str) -> Self {
        let mut command = Command::new("script");
        forget_caller(&mut command)
            .args([
                "--quiet",
                "--return",
                "--flush",
                "--command",
                line,
                "/dev/null",
            ])
            .env("WSD", super::WSD)
            .env("TERM", "dumb")
            .env("SHELL", "/bin/sh");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("script(1) is there");
        let mut output = child.stdout.take().expect("a pipe");
        let (sender, shown) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = output.read(&mut buffer)
                && count > 0
                && sender.send(buffer[..count].to_vec()).is_ok()
            {}
        });
        Terminal {
            keys: child.stdin.take(),
            child,
            shown,
            seen: String::new(),
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        let pipe = self.keys.as_mut().expect("open");
        pipe.write_all(keys.as_bytes()).expect("script reads");
    }

    /// Waits until something is shown, and returns all that came up to now; what was waited for before does not
    /// count again.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.contains(part) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{part:?} is not shown ({error}); {:?} is", self.seen),
            }
        }
        std::mem::take(&mut self.seen)
    }

    /// The exit status of the command, and what it showed that nobody has waited for.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        while let Ok(bytes) = self.shown.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        let status = self.child.wait().expect("a child").code();
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // script(1) hangs its terminal up when it ends, and for a server that is no reason to.
        if matches!(self.child.try_wait(), Ok(None)) {
            for command in children_of(self.child.id().cast_signed()) {
                kill_group(command, Signal::TERM);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
