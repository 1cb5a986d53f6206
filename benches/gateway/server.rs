//! A server under test: how it is started, watched from outside and stopped.

use std::env;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::kernel::{self, CpuClock};
use crate::outcome::Failure;

/// From start to listening: generous, as a debug build on a busy machine is slow.
const START: Duration = Duration::from_secs(10);

/// From SIGTERM to SIGKILL: its sessions are gone by then, so it has little to do.
const STOP: Duration = Duration::from_secs(3);

/// How much of what a server said is shown when it fails.
const COMPLAINTS: usize = 2000;

/// How a server is to carry messages, where it can do so in several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A text message a line.
    Lines,
    /// The same with room for lines of 16 MiB.
    LongLines,
    /// A binary message a read.
    Chunks,
    /// Each with its length before it.
    Length,
    /// At `/bench` one program for all, also by event streams; a program each elsewhere, as with the two that follow.
    /// `{shared}` is a configuration file.
    Share,
    /// Rooms beneath `/bench`.
    Rooms,
    /// At `/bench` a socket, whose port is `{target}`.
    Target,
}

/// A server's flags for a mode.
pub(crate) type Modes = &'static [(Mode, &'static str)];

/// A server's name in the report and the words that start it. A word may hold
/// `{port}`, `{program}`, or the parts of the latter: `{command}`, its first
/// word, and `{arguments}`, the others; `{mode}` are its flags for the mode. A
/// word that is nothing but a list becomes as many words as the list has.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) words: Vec<String>,
    /// What it can do; one without a list has no more than lines.
    pub(crate) modes: Modes,
    /// Whether it speaks TLS.
    pub(crate) is_tls: bool,
}

impl Template {
    pub(crate) fn new(name: &str, command: &str, modes: Modes) -> Self {
        Self {
            name: name.into(),
            words: command.split_whitespace().map(String::from).collect(),
            modes,
            is_tls: false,
        }
    }

    /// The words for a port, a program and a mode.
    pub(crate) fn fill(
        &self,
        port: u16,
        program: &[&str],
        mode: Mode,
    ) -> Result<Vec<String>, Failure> {
        let (command, arguments) = program.split_at(1);
        let mut filled = Vec::new();
        for word in &self.words {
            match word.as_str() {
                "{program}" => filled.extend(program.iter().map(ToString::to_string)),
                "{arguments}" => filled.extend(arguments.iter().map(ToString::to_string)),
                "{mode}" => filled.extend(self.flags(mode)?.split_whitespace().map(String::from)),
                _ => filled.push(
                    word.replace("{port}", &port.to_string())
                        .replace("{program}", &program.join(" "))
                        .replace("{command}", command[0])
                        .replace("{arguments}", &arguments.join(" ")),
                ),
            }
        }
        match self.can(mode) {
            true => Ok(filled),
            false => Err(Failure::Cannot("has no {mode}".into())),
        }
    }

    /// Whether it does that.
    pub(crate) fn can(&self, mode: Mode) -> bool {
        match self.words.iter().any(|word| word == "{mode}") {
            true => self.flags(mode).is_ok(),
            false => matches!(mode, Mode::Lines | Mode::LongLines),
        }
    }

    fn flags(&self, mode: Mode) -> Result<&'static str, Failure> {
        let mut known = self.modes.iter().filter(|(known, _)| *known == mode);
        match known.next() {
            Some((_, flags)) => Ok(flags),
            None => Err(Failure::Cannot("does not do this".into())),
        }
    }
}

/// A running server, stopped with all its programs when dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// Whether it is to be spoken to by TLS.
    pub(crate) is_tls: bool,
    child: Child,
    clock: CpuClock,
    said: File,
}

impl Server {
    /// Starts the server, with the words that `words` gives for a port, and waits
    /// until it accepts connections.
    pub(crate) fn start(
        words: impl FnOnce(u16) -> Result<Vec<String>, Failure>,
    ) -> Result<Self, Failure> {
        let port = free_port()?;
        let words = words(port)?;
        let said = unnamed_file()?;
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said.try_clone()?);
        kernel::tie_to_this_thread(&mut command);
        let child = command
            .spawn()
            .map_err(|error| Failure::Cannot(format!("{}: {error}", words[0])))?;
        let clock = CpuClock::of(child.id())?;
        let mut server = Self {
            port,
            is_tls: false,
            child,
            clock,
            said,
        };
        server
            .wait_until_it_accepts()
            .map_err(|failure| failure.and(&server.complaints()))?;
        Ok(server)
    }

    fn wait_until_it_accepts(&mut self) -> Result<(), Failure> {
        let start = Instant::now();
        while start.elapsed() < START {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Failure::Cannot(format!("ended at its start with {status}")));
            }
            // Short beside the time that any server takes to start, which is a figure too.
            sleep(Duration::from_micros(200));
        }
        Err(Failure::Cannot(format!(
            "accepts no connection within {START:?}"
        )))
    }

    /// The end of what it wrote to stderr, to be put behind a reason.
    pub(crate) fn complaints(&self) -> String {
        let length = self.said.metadata().map_or(0, |data| data.len());
        let mut tail = vec![0; COMPLAINTS.min(usize::try_from(length).unwrap_or(COMPLAINTS))];
        let start = length - tail.len() as u64;
        if tail.is_empty() || self.said.read_exact_at(&mut tail, start).is_err() {
            return String::new();
        }
        let text = String::from_utf8_lossy(&tail);
        format!(
            "; it said:\n      {}",
            text.trim_end().replace('\n', "\n      ")
        )
    }

    /// CPU time of the gateway alone, without its children.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        self.clock.read().map_err(|_| self.gone())
    }

    /// The same with its children, which are the workers of some servers.
    pub(crate) fn cpu_with_workers(&self) -> Result<Duration, Failure> {
        let workers = kernel::children_of(self.child.id());
        let workers = workers
            .into_iter()
            .filter_map(|worker| CpuClock::of(worker).ok());
        // One that ends meanwhile was no worker, but a script.
        let workers: Duration = workers.filter_map(|clock| clock.read().ok()).sum();
        Ok(self.cpu()? + workers)
    }

    /// CPU time of the gateway alone, as soon as it has nothing left to do: a cycle is not over for
    /// the gateway when it is for the client.
    pub(crate) fn cpu_when_quiet(&self) -> Result<Duration, Failure> {
        let mut before = self.cpu()?;
        for _ in 0..50 {
            sleep(Duration::from_millis(20));
            let now = self.cpu()?;
            if now - before < Duration::from_micros(100) {
                return Ok(now);
            }
            before = now;
        }
        Ok(before)
    }

    /// Bytes of memory that are the gateway's alone and cannot be dropped: of
    /// shared pages, the part that falls to it would shrink with each program
    /// that uses the same library.
    pub(crate) fn memory(&self) -> Result<f64, Failure> {
        private_memory(self.child.id()).map_err(|_| self.gone())
    }

    /// The same of all processes that it has started for sessions, too.
    pub(crate) fn memory_of_all(&self) -> Result<f64, Failure> {
        let processes = self.descendants().into_iter();
        // One that ends meanwhile has none.
        let memory: f64 = processes.filter_map(|id| private_memory(id).ok()).sum();
        Ok(self.memory()? + memory)
    }

    /// Number of open descriptors of all these processes.
    pub(crate) fn descriptors_of_all(&self) -> Result<usize, Failure> {
        let processes = self.descendants().into_iter();
        let count = |id| fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count);
        Ok(self.descriptors()? + processes.map(count).sum::<usize>())
    }

    fn descendants(&self) -> Vec<u32> {
        let mut found = kernel::children_of(self.child.id());
        let mut next = 0;
        while let Some(&process) = found.get(next) {
            found.extend(kernel::children_of(process));
            next += 1;
        }
        found
    }

    /// CPU time of the processes that it has started and that have ended (`cutime`, `cstime` of proc_pid_stat(5)).
    pub(crate) fn cpu_of_reaped(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(self.proc("stat")).map_err(|_| self.gone())?;
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let times = fields.split_whitespace().skip(13).take(2);
        let ticks: u64 = times.filter_map(|time| time.parse::<u64>().ok()).sum();
        // A tick is a hundredth of a second on all that Linux runs on (USER_HZ).
        Ok(Duration::from_millis(10 * ticks))
    }

    /// Number of open descriptors.
    pub(crate) fn descriptors(&self) -> Result<usize, Failure> {
        Ok(fs::read_dir(self.proc("fd"))
            .map_err(|_| self.gone())?
            .count())
    }

    fn proc(&self, entry: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{entry}", self.child.id()))
    }

    fn gone(&self) -> Failure {
        Failure::Wrong("the server is gone".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kernel::signal_group(self.child.id(), libc::SIGTERM);
        let start = Instant::now();
        while start.elapsed() < STOP {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            sleep(Duration::from_millis(5));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            kernel::signal_group(self.child.id(), libc::SIGKILL);
        }
        // Reaps the server as well, if it had to be killed.
        kernel::end_children();
    }
}

/// Bytes of memory that are a process's alone.
fn private_memory(process: u32) -> io::Result<f64> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| {
        let number = line.strip_prefix("Private_Dirty:")?.trim();
        number.strip_suffix(" kB")?.parse::<f64>().ok()
    });
    let missing = || io::Error::other("no Private_Dirty in smaps_rollup");
    Ok(line.ok_or_else(missing)? * 1024.0)
}

fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// A file that goes away with its last descriptor.
fn unnamed_file() -> io::Result<File> {
    let path = env::temp_dir().join(format!("bench-gateway-{}", std::process::id()));
    let mut options = File::options();
    let file = options
        .read(true)
        .append(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}
