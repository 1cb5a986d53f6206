//! Leases on files (fcntl(2), `F_SETLEASE`): whoever opens or executes such a file waits, as for a disk that is gone.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
};

/// FILE [USER]: holds it until stdin ends, whatever the kernel asks for.
const HOLD: &str = "
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, lambda *_: os.write(1, b'asked'))
if len(sys.argv) > 2:
    os.setuid(int(sys.argv[2]))
file = open(sys.argv[1])
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()
";

/// A lease that lasts until this is dropped, 45 s at most when somebody waits.
pub(crate) struct Lease(Child);

impl Lease {
    pub(crate) fn take(file: &Path) -> Self {
        Self::held_by(file, None)
    }

    /// That of another user, whom the file belongs to; only root can start him.
    pub(crate) fn take_as(user: u32, file: &Path) -> Self {
        Self::held_by(file, Some(user))
    }

    fn held_by(file: &Path, user: Option<u32>) -> Self {
        let holder = Command::new("python3")
            .args(["-c", HOLD])
            .arg(file)
            .args(user.map(|user| user.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there");
        let mut lease = Lease(holder);
        lease.wait_for("held\n");
        lease
    }

    /// Waits until somebody wants the file.
    pub(crate) fn wait_asked(&mut self) {
        self.wait_for("asked");
    }

    fn wait_for(&mut self, word: &str) {
        let mut said = vec![0; word.len()];
        let stdout = self.0.stdout.as_mut().expect("a pipe");
        stdout.read_exact(&mut said).expect("it runs");
        assert_eq!(said, word.as_bytes());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
