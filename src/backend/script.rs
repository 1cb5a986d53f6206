//! Scripts: whether the first line of one names an interpreter that is there (execve(2)), which the kernel says in
//! words that make nobody wiser ("No such file or directory", of a file that is).

use std::{
    ffi::{OsStr, OsString},
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    process::ExitStatus,
};

use rustix::fs::{Access, OFlags, access};
use tokio::task::spawn_blocking;

/// What the kernel reads of a file to tell what it is (`BINPRM_BUF_SIZE`).
const HEAD: u64 = 256;

/// How many scripts may run each other, the first of them too, before there has to be a binary (execve(2), `ELOOP`).
const MOST_SCRIPTS: usize = 5;

/// Where env(1) looks without PATH (confstr(3)).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why a file is no script that can be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptFault {
    /// No byte at all.
    #[error("it is empty, and so names no interpreter")]
    Empty,
    /// Text without `#!`.
    #[error("it is a text whose first line names no interpreter")]
    NoInterpreterLine,
    /// A byte order mark before it.
    #[error("it begins with a byte order mark, so its first line names no interpreter")]
    ByteOrderMark,
    /// A carriage return, which becomes part of the interpreter's name or argument.
    #[error("its first line ends with a carriage return, as lines of Windows do")]
    CarriageReturn,
    /// An interpreter that is not there, or cannot be executed.
    #[error("its first line names the interpreter '{0}', which is not there")]
    NoInterpreter(String),
    /// An interpreter that is a script and has a fault of its own.
    #[error("its first line names the interpreter '{0}', which cannot be executed: {1}")]
    BadInterpreter(String, Box<ScriptFault>),
    /// Interpreters of interpreters without an end.
    #[error(
        "its first line names a script, which names another, more of them than the system follows"
    )]
    TooDeep,
    /// An interpreter's name that does not end where the kernel stops to read.
    #[error(
        "its first line is longer than the {HEAD} bytes that the system reads, and breaks off in the interpreter's name"
    )]
    TooLong,
    /// What `#!/usr/bin/env` is to look for.
    #[error("its first line has env look for '{0}', which is not in PATH")]
    NotInPath(String),
}

impl ScriptFault {
    /// How it is mended.
    pub fn remedy(&self, file: &Path) -> String {
        let file = file.display();
        match self {
            ScriptFault::Empty | ScriptFault::NoInterpreterLine => {
                "begin it with #!/bin/sh, #!/usr/bin/env python3 or whatever runs it".to_owned()
            }
            ScriptFault::ByteOrderMark => {
                format!("save it as UTF-8 without one, or: sed -i '1s/^\\xef\\xbb\\xbf//' {file}")
            }
            ScriptFault::CarriageReturn => {
                format!("save it with Unix line ends, or: sed -i 's/\\r$//' {file}")
            }
            ScriptFault::NoInterpreter(_) => "install it, or correct the line".to_owned(),
            ScriptFault::BadInterpreter(name, fault) => fault.remedy(Path::new(name)),
            ScriptFault::TooDeep => "name a program in it that is no script".to_owned(),
            ScriptFault::TooLong => {
                "give the interpreter a shorter path, by a link or by #!/usr/bin/env NAME"
                    .to_owned()
            }
            ScriptFault::NotInPath(name) if name.contains(' ') => {
                "env takes all of it for one name: say #!/usr/bin/env -S".to_owned()
            }
            ScriptFault::NotInPath(_) => {
                "install it, or give programs a PATH that leads to it".to_owned()
            }
        }
    }
}

/// Looks into a file that is to be executed in `directory`, with `path` as its PATH. A binary, and what cannot be
/// read, has no fault that could be seen.
pub fn examine(file: &Path, directory: Option<&Path>, path: Option<&OsStr>) -> Option<ScriptFault> {
    examine_at(0, file, directory, path)
}

/// The same for a file that is the interpreter of the one before, behind so many scripts.
fn examine_at(
    depth: usize,
    file: &Path,
    directory: Option<&Path>,
    path: Option<&OsStr>,
) -> Option<ScriptFault> {
    let head = head(&here(directory, file)).ok()?;
    let Some(line) = head.strip_prefix(b"#!") else {
        return without_interpreter(&head);
    };
    if depth >= MOST_SCRIPTS {
        return Some(ScriptFault::TooDeep);
    }
    let end = line.iter().position(|byte| *byte == b'\n');
    // Of a longer line the kernel takes what it has read, unless the interpreter's name may go on.
    let is_cut = end.is_none() && head.len() as u64 == HEAD;
    let line = &line[..end.unwrap_or(line.len())];
    if !is_cut && line.ends_with(b"\r") {
        return Some(ScriptFault::CarriageReturn);
    }
    if is_cut
        && !line.trim_ascii_start().contains(&b' ')
        && !line.trim_ascii_start().contains(&b'\t')
    {
        return Some(ScriptFault::TooLong);
    }
    let line = line.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace);
    let (interpreter, argument) = line.split_at(end.unwrap_or(line.len()));
    if interpreter.is_empty() {
        return Some(ScriptFault::NoInterpreterLine);
    }
    let interpreter = Path::new(OsStr::from_bytes(interpreter));
    if !is_executable(&here(directory, interpreter)) {
        let name = interpreter.display().to_string();
        return Some(ScriptFault::NoInterpreter(name));
    }
    if let Some(fault) = examine_at(depth + 1, interpreter, directory, path) {
        let name = interpreter.display().to_string();
        return Some(match fault {
            ScriptFault::TooDeep => fault,
            fault => ScriptFault::BadInterpreter(name, Box::new(fault)),
        });
    }
    match interpreter.file_name() {
        Some(name) if name == "env" && !is_cut => {
            missing_for_env(argument.trim_ascii(), directory, path)
        }
        _ => None,
    }
}

/// The binaries whose code runs where a file is executed: itself, or of a script its interpreter, and what that looks
/// for if it is env; each may be a script as well. The last is a script where those lead nowhere.
pub(super) fn executed_files(
    file: &Path,
    directory: Option<&Path>,
    path: Option<&OsStr>,
) -> Vec<PathBuf> {
    let (mut file, mut binaries) = (here(directory, file), Vec::new());
    for _ in 0..MOST_SCRIPTS {
        match interpreter_of(&file, directory, path) {
            None => break,
            Some((interpreter, None)) => file = interpreter,
            Some((env, Some(found))) => {
                binaries.push(env);
                file = found;
            }
        }
    }
    binaries.push(file);
    binaries
}

/// The interpreter of a script, and what that looks for if it is env.
fn interpreter_of(
    file: &Path,
    directory: Option<&Path>,
    path: Option<&OsStr>,
) -> Option<(PathBuf, Option<PathBuf>)> {
    let head = head(file).ok()?;
    let line = head.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or(line);
    let line = line.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace);
    let (interpreter, argument) = line.split_at(end.unwrap_or(line.len()));
    let interpreter = here(directory, Path::new(OsStr::from_bytes(interpreter)));
    let of_env = match interpreter.file_name() {
        Some(name) if name == "env" => name_for_env(argument.trim_ascii()),
        _ => None,
    };
    let found =
        of_env.and_then(|name| places_of(name, directory, path).find(|file| is_executable(file)));
    Some((interpreter, found))
}

/// The first bytes of a file. It may be under a lease, or a FIFO: nobody waits for that.
///
/// # Errors
/// open(2)'s and read(2)'s, and `InvalidInput` for what is no regular file.
fn head(file: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(file)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

fn here(directory: Option<&Path>, file: &Path) -> PathBuf {
    directory.map_or_else(|| file.to_owned(), |directory| directory.join(file))
}

/// A file without `#!`: a binary has a NUL among its first bytes, whatever its kind.
fn without_interpreter(head: &[u8]) -> Option<ScriptFault> {
    if head.is_empty() {
        return Some(ScriptFault::Empty);
    }
    if head.contains(&0) {
        return None;
    }
    Some(match head.starts_with(b"\xef\xbb\xbf#!") {
        true => ScriptFault::ByteOrderMark,
        false => ScriptFault::NoInterpreterLine,
    })
}

/// What env(1) will not find. The kernel gives it all that follows as one argument.
fn missing_for_env(
    argument: &[u8],
    directory: Option<&Path>,
    path: Option<&OsStr>,
) -> Option<ScriptFault> {
    let name = name_for_env(argument)?;
    let is_there = places_of(name, directory, path).any(|file| is_executable(&file));
    (!is_there).then(|| ScriptFault::NotInPath(name.to_string_lossy().into_owned()))
}

/// What env(1) looks for; options and variables of its own are its to judge.
fn name_for_env(argument: &[u8]) -> Option<&OsStr> {
    let name = match argument.strip_prefix(b"-S") {
        Some(words) => words.trim_ascii().split(u8::is_ascii_whitespace).next()?,
        None => argument,
    };
    if name.is_empty() || name.starts_with(b"-") || name.contains(&b'=') {
        return None;
    }
    Some(OsStr::from_bytes(name))
}

/// Where a program of that name may be.
fn places_of<'a>(
    name: &'a OsStr,
    directory: Option<&'a Path>,
    path: Option<&'a OsStr>,
) -> impl Iterator<Item = PathBuf> + 'a {
    let path = match name.as_bytes().contains(&b'/') {
        // Whatever PATH is.
        true => OsStr::new(""),
        false => path.unwrap_or(OsStr::new(DEFAULT_PATH)),
    };
    std::env::split_paths(path).map(move |place| here(directory, &place.join(name)))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

/// What env(1) exits with that finds no such program (POSIX, EXIT STATUS).
const NOT_FOUND: i32 = 127;

/// The first line of a script that is to be looked at when it has not started, or not as it should.
#[derive(Debug, Clone)]
pub struct FirstLine {
    /// The file.
    pub file: PathBuf,
    /// Its working directory.
    pub directory: Option<PathBuf>,
    /// The PATH that it is given.
    pub path: Option<OsString>,
}

impl FirstLine {
    /// What it has to do with an error of execve(2).
    pub(super) async fn fault_behind_error(self, number: i32) -> Option<ScriptError> {
        let looking = spawn_blocking(move || {
            let fault = examine(&self.file, self.directory.as_deref(), self.path.as_deref())?;
            Some(ScriptError {
                number,
                fault,
                file: self.file,
            })
        });
        looking.await.ok()?
    }

    /// Whether it keeps the script from running, before that is tried. It is logged, too.
    ///
    /// # Errors
    /// What is wrong with it, within the error of execve(2) that it would most often be.
    pub async fn check(self) -> io::Result<()> {
        let file = self.file.clone();
        let Some(error) = self.fault_behind_error(libc::ENOENT).await else {
            return Ok(());
        };
        error.log(&file);
        Err(io::Error::new(io::ErrorKind::NotFound, error))
    }

    /// What it has to do with the end of its process: to the kernel all was well with `#!/usr/bin/env`, which then
    /// found nothing to run. It is logged, too.
    pub async fn fault_behind_exit(&self, exit: Option<ExitStatus>) -> Option<ScriptError> {
        exit.filter(|exit| exit.code() == Some(NOT_FOUND))?;
        let error = self.clone().fault_behind_error(libc::ENOENT).await?;
        error.log(&self.file);
        Some(error)
    }
}

/// An error of execve(2), and what the script's first line has to do with it.
#[derive(Debug, thiserror::Error)]
#[error("{}", io::Error::from_raw_os_error(*.number))]
pub struct ScriptError {
    /// The error number.
    pub number: i32,
    /// What is wrong with the script.
    pub fault: ScriptFault,
    /// Which file it is.
    pub file: PathBuf,
}

impl ScriptError {
    /// The one behind a start that failed, if a script's first line is to blame.
    pub fn of(error: &io::Error) -> Option<&ScriptError> {
        error.get_ref()?.downcast_ref()
    }

    fn log(&self, file: &Path) {
        tracing::error!("{} cannot be started: {}", file.display(), self.words());
    }

    /// What is wrong and how it is mended, in one line.
    pub fn words(&self) -> String {
        format!("{}: {}", self.fault, self.fault.remedy(&self.file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt,
    };

    fn fault(text: &[u8]) -> Option<ScriptFault> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("script");
        fs::write(&file, text).expect("a file");
        examine(&file, None, Some(OsStr::new("/usr/bin:/bin")))
    }

    #[test]
    fn scripts_with_an_interpreter_and_binaries_have_no_fault() {
        for text in [
            &b"#!/bin/sh\necho\n"[..],
            b"#!/bin/sh",
            b"#! /bin/sh -e\n",
            b"#!/usr/bin/env sh\n",
            b"#!/usr/bin/env -S sh -e\n",
            b"#!/usr/bin/env -i sh\n",
            b"#!/usr/bin/env A=b sh\n",
            b"\x7fELF\x02\x01\x01\0",
        ] {
            assert_eq!(fault(text), None, "{}", text.escape_ascii());
        }
        let long = [b"#!/bin/sh ", &[b'x'; 300][..]].concat();
        assert_eq!(fault(&long), None, "the kernel leaves out the rest");
        assert_eq!(examine(Path::new("/nowhere/script"), None, None), None);
    }

    #[test]
    fn first_line_is_named_that_keeps_a_script_from_running() {
        let (none, path) = (ScriptFault::NoInterpreter, ScriptFault::NotInPath);
        for (text, found) in [
            (&b""[..], ScriptFault::Empty),
            (b"echo hi\n", ScriptFault::NoInterpreterLine),
            (b"#!\necho hi\n", ScriptFault::NoInterpreterLine),
            (b"\xef\xbb\xbf#!/bin/sh\n", ScriptFault::ByteOrderMark),
            (b"#!/bin/sh\r\necho hi\r\n", ScriptFault::CarriageReturn),
            (b"#!/usr/bin/env sh\r\n", ScriptFault::CarriageReturn),
            (b"#!/nowhere/sh\n", none("/nowhere/sh".to_owned())),
            (b"#!/usr\n", none("/usr".to_owned())),
            (b"#!/usr/bin/env no-such\n", path("no-such".to_owned())),
            (b"#!/usr/bin/env sh -e\n", path("sh -e".to_owned())),
            (
                b"#!/usr/bin/env -S no-such -e\n",
                path("no-such".to_owned()),
            ),
        ] {
            assert_eq!(fault(text), Some(found), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn line_that_breaks_off_in_the_interpreters_name_is_a_fault() {
        let long = [b"#!/bin/", &[b'x'; 300][..], b"\n"].concat();
        assert_eq!(fault(&long), Some(ScriptFault::TooLong));
    }

    #[test]
    fn interpreter_that_is_a_script_is_looked_into_as_well() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let file = directory.path().join(name);
            fs::write(&file, text).expect("a file");
            fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("its mode");
            file
        };
        let bad = write("bad", "echo hi\n");
        let outer = write("outer", &format!("#!{}\n", bad.display()));
        assert_eq!(
            examine(&outer, None, None),
            Some(ScriptFault::BadInterpreter(
                bad.display().to_string(),
                Box::new(ScriptFault::NoInterpreterLine)
            ))
        );
        let mut last = PathBuf::from("/bin/sh");
        for number in 1..=MOST_SCRIPTS + 1 {
            last = write(&number.to_string(), &format!("#!{}\n", last.display()));
            let fault = (number > MOST_SCRIPTS).then_some(ScriptFault::TooDeep);
            assert_eq!(examine(&last, None, None), fault, "{number} scripts");
        }
    }
}
