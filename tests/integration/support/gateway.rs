//! How a wsd of a test is started.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{Server, forget_caller};

/// The binary under test.
pub(crate) const WSD: &str = env!("CARGO_BIN_EXE_wsd");

/// Closes what the caller of the tests holds open (a lock, the pipes of make, an editor's sockets), so that a
/// limit of descriptors means the same everywhere. Only bash takes a descriptor of more than one digit.
const CLOSE_INHERITED: &str = "for fd in /proc/self/fd/*; do \
    fd=${fd##*/}; [ \"$fd\" -le 2 ] || eval \"exec $fd>&-\"; done; ";

/// How a wsd is to be started: by default on a free port, with neither stdin nor stdout.
#[must_use]
pub(crate) struct Gateway {
    binary: OsString,
    words: Vec<OsString>,
    program: Option<String>,
    variables: Vec<(String, OsString)>,
    directory: Option<PathBuf>,
    /// What a shell does before it becomes the gateway.
    shell: Option<String>,
    /// A command that runs the words behind it, and its own options.
    wrapper: Vec<String>,
    stdin: Stdio,
    stdout: Stdio,
    /// Where the configuration file lies.
    file: Option<TempDir>,
}

impl Gateway {
    /// Words of the command line: flags, and behind them a program if it needs no quotes. They are split
    /// at spaces.
    pub(crate) fn with(words: &str) -> Self {
        Self::new().args(words.split_whitespace())
    }

    pub(crate) fn new() -> Self {
        Self::started_by(WSD).args(["--port=0"])
    }

    /// One that listens where its words say, and nowhere else.
    pub(crate) fn without_port() -> Self {
        Self::started_by(WSD)
    }

    /// A program that becomes or starts a wsd, and lets its log through.
    pub(crate) fn started_by(program: &str) -> Self {
        Gateway {
            binary: program.into(),
            words: Vec::new(),
            program: None,
            variables: Vec::new(),
            directory: None,
            shell: None,
            wrapper: Vec::new(),
            stdin: Stdio::null(),
            stdout: Stdio::null(),
            file: None,
        }
    }

    /// Further words, as they are.
    pub(crate) fn args<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter();
        self.words
            .extend(words.map(|word| word.as_ref().to_owned()));
        self
    }

    /// `sh -c SCRIPT` is the program; stands behind all other words.
    pub(crate) fn program(mut self, script: &str) -> Self {
        self.program = Some(script.to_owned());
        self
    }

    /// `--config` with a file of this text, in a directory that lasts as long as the server and is called
    /// DIR in it.
    pub(crate) fn file(mut self, text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wsd.toml");
        let text = text.replace("DIR", &directory.path().display().to_string());
        fs::write(&path, text).expect("a file");
        self.file = Some(directory);
        self.args([format!("--config={}", path.display())])
    }

    /// Where its configuration file lies.
    pub(crate) fn directory(&self) -> &Path {
        self.file.as_ref().expect("it has a file").path()
    }

    /// A variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref().to_owned();
        self.variables.push((name.to_owned(), value));
        self
    }

    /// Where it runs.
    pub(crate) fn current_dir(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// It is started by a shell (bash) without any descriptor but 0 to 2, that does this first.
    pub(crate) fn shell(mut self, text: &str) -> Self {
        self.shell = Some(text.to_owned());
        self
    }

    /// It is started by a command that is given the gateway's own as further words.
    pub(crate) fn under(mut self, words: &[&str]) -> Self {
        self.wrapper = words.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = stdin.into();
        self
    }

    pub(crate) fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = stdout.into();
        self
    }

    /// Starts it, and waits until it says where it listens.
    pub(crate) fn start(self) -> Server {
        let mut server = self.spawn();
        server.listens();
        server
    }

    /// Starts it only.
    pub(crate) fn spawn(mut self) -> Server {
        let file = self.file.take();
        let mut command = self.command();
        let child = command.stderr(Stdio::piped()).spawn();
        Server::of(child.expect("wsd starts"), file)
    }

    /// Runs it to its end, for command lines that start nothing.
    pub(crate) fn output(mut self) -> Output {
        let _file = self.file.take();
        let mut command = self.command();
        let output = command.stdout(Stdio::piped()).output().expect("wsd runs");
        let code = output.status.code();
        Output {
            code: code.or(output.status.signal().map(|signal| -signal)),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    fn command(self) -> Command {
        let mut words: Vec<OsString> = self.wrapper.iter().map(OsString::from).collect();
        if let Some(text) = self.shell {
            let script = format!("{CLOSE_INHERITED}{text}; exec \"$0\" \"$@\"");
            words.extend(["bash".into(), "-c".into(), script.into()]);
        }
        words.push(self.binary);
        words.extend(self.words);
        if let Some(script) = self.program {
            words.extend(["sh".into(), "-c".into(), script.into()]);
        }
        let mut command = Command::new(&words[0]);
        forget_caller(&mut command)
            .args(&words[1..])
            // Where one that is killed leaves what it would have taken away.
            .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
            .envs(self.variables);
        if let Some(directory) = self.directory {
            command.current_dir(directory);
        }
        command.stdin(self.stdin).stdout(self.stdout);
        command
    }
}

/// What a command printed, and how it ended: its exit status, or a signal as a negative number.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Expects `wsd WORDS` to be refused as wrong usage, with all these parts in the first line that says why.
pub(crate) fn assert_refused(words: &str, parts: &[&str]) {
    let output = run(&words.split_whitespace().collect::<Vec<_>>());
    let first = output.stderr.lines().next().unwrap_or_default();
    assert_eq!(output.code, Some(2), "{words}: {first}");
    assert!(
        parts.iter().all(|part| first.contains(part)),
        "{words}: {first}"
    );
}

/// Runs `wsd WORDS` to its end.
pub(crate) fn run(words: &[&str]) -> Output {
    Gateway::without_port().args(words).output()
}
