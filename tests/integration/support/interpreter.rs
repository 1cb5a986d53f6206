//! Runs a client script to its end, which must come in time, be a success and leave nothing behind.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{PATIENCE, Signal, eventually, forget_caller, installed::skip, kill};

/// Shorter, and a browser on a machine that does much else fails; longer, and a script that hangs
/// keeps one waiting.
const TIME_LIMIT: Duration = Duration::from_secs(180);

pub(crate) fn node(script: &str, arguments: &[&str]) {
    node_output(script, arguments);
}

/// The same, and what the script has printed.
pub(crate) fn node_output(script: &str, arguments: &[&str]) -> String {
    let modules = clients().join("node_modules");
    assert!(
        modules.is_dir(),
        "{modules:?} is missing: scripts/test installs it, or (cd tests/clients; npm ci)"
    );
    run(Path::new("node"), script, arguments)
}

pub(crate) fn python(script: &str, arguments: &[&str]) {
    let python = clients().join("venv/bin/python");
    assert!(
        python.exists(),
        "{python:?} is missing: scripts/test installs it, from tests/clients/requirements.txt"
    );
    run(&python, script, arguments);
}

/// A program that tests/clients/requirements.txt installs; `None` where it is missing, with a line that says so.
pub(crate) fn python_program(name: &str) -> Option<PathBuf> {
    let program = clients().join("venv/bin").join(name);
    if !program.exists() {
        skip(&format!("{program:?} is missing, scripts/test installs it"));
        return None;
    }
    Some(program)
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn run(interpreter: &Path, script: &str, arguments: &[&str]) -> String {
    let mut running = Running::start(interpreter, script, arguments);
    let status = running.wait();
    let output = running.output();
    match status {
        Some(status) => assert!(
            status.success(),
            "{script} {arguments:?}: {status}\n{output}"
        ),
        None => panic!("{script} {arguments:?} has not ended within {TIME_LIMIT:?}\n{output}"),
    }
    eventually("all that the script started has ended", || {
        running.processes().is_empty()
    });
    output
}

/// A script with a directory of its own for temporary files, by whose name its processes are known.
struct Running {
    child: Child,
    directory: TempDir,
}

impl Running {
    fn start(interpreter: &Path, script: &str, arguments: &[&str]) -> Self {
        let directory = TempDir::with_prefix("wsd-").expect("a directory");
        let output = File::create(directory.path().join("output")).expect("a file");
        let child = forget_caller(&mut Command::new(interpreter))
            .arg(clients().join(script))
            .args(arguments)
            .env("TMPDIR", directory.path())
            // Held open: a script sees by its end that the test is gone.
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("a descriptor"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{interpreter:?}: {error}; scripts/test installs what is missing")
            });
        Running { child, directory }
    }

    /// How it ended, `None` if it did not in time.
    fn wait(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + TIME_LIMIT;
        while Instant::now() < deadline {
            // Not `wait`, which closes its stdin.
            if let Some(status) = self.child.try_wait().expect("a child") {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn output(&self) -> String {
        fs::read(self.directory.path().join("output"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .expect("its output")
    }

    /// What it started and what that started, in whatever session: all have the directory in their
    /// environment or their arguments.
    fn processes(&self) -> Vec<i32> {
        let directory = self.directory.path().to_str().expect("text").as_bytes();
        let names_it = |path: PathBuf| {
            fs::read(path)
                .is_ok_and(|bytes| bytes.windows(directory.len()).any(|part| part == directory))
        };
        fs::read_dir("/proc")
            .expect("proc")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let process = PathBuf::from(format!("/proc/{pid}"));
                names_it(process.join("environ")) || names_it(process.join("cmdline"))
            })
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Before the directory goes, for they write to it.
        let deadline = Instant::now() + PATIENCE;
        while let Some(&pid) = self.processes().first()
            && Instant::now() < deadline
        {
            kill(pid, Signal::KILL);
        }
    }
}
