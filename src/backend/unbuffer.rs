//! What keeps a program from holding back its output, as far as its environment can: C programs by coreutils'
//! libstdbuf.so, as stdbuf(1) does, and Python by a variable of its own. Children inherit it.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::{interface::Environment, loader::Loader, script::executed_files};

/// Where coreutils keep it. Distributions differ.
const DIRECTORIES: [&str; 4] = [
    "/usr/libexec/coreutils",
    "/usr/lib/coreutils",
    "/usr/local/libexec/coreutils",
    "/usr/lib64/coreutils",
];

/// Names what is loaded before all other libraries (ld.so(8)).
const PRELOAD: &str = "LD_PRELOAD";

/// When a program's C library writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteAt {
    /// At the end of a line.
    LineEnd,
    /// At once.
    Once,
}

/// What is put into a program's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbuffer {
    write_at: WriteAt,
    /// What is loaded into it before all others, if that is possible.
    library: Option<PathBuf>,
}

impl Unbuffer {
    /// For a program: the library is there, and the program's loader is that of the same C library and machine. Another
    /// would not start with it (musl's), or complain of it at each start. It reads a few files.
    pub fn new(
        write_at: WriteAt,
        file: &Path,
        directory: Option<&Path>,
        path: Option<&OsStr>,
    ) -> Self {
        let library = library().filter(|library| {
            let own = Loader::of(library);
            let files = executed_files(file, directory, path);
            own.is_some()
                && files
                    .iter()
                    .all(|file| is_loaded_by_glibc(file, own.as_ref()))
        });
        Unbuffer { write_at, library }
    }

    /// Adds its variables to those of a program. What is there already stays, and is loaded before ours.
    pub(super) fn add_to(&self, environment: &mut Environment) {
        let mut add = |name: &str, value: &OsStr| {
            let present = environment.iter_mut().find(|(other, _)| other == name);
            match present {
                Some((_, present)) if name == PRELOAD => {
                    present.push(":");
                    present.push(value);
                }
                Some(_) => {}
                None => environment.push((name.into(), value.to_owned())),
            }
        };
        add("PYTHONUNBUFFERED", OsStr::new("1"));
        let Some(library) = &self.library else {
            return;
        };
        let mode = match self.write_at {
            WriteAt::LineEnd => "L",
            WriteAt::Once => "0",
        };
        add("_STDBUF_O", OsStr::new(mode));
        add(PRELOAD, library.as_os_str());
    }
}

/// A program without a loader has no C library that could be told.
fn is_loaded_by_glibc(file: &Path, library: Option<&Loader>) -> bool {
    let loader = Loader::of(file);
    loader.is_some_and(|loader| {
        loader.is_glibc() && library.is_some_and(|library| library.is_same_machine(&loader))
    })
}

/// coreutils' library: in one of its usual places, or beside the stdbuf(1) that is in our PATH.
fn library() -> Option<PathBuf> {
    let path: OsString = env::var_os("PATH").unwrap_or_default();
    let beside_stdbuf = env::split_paths(&path).find_map(|directory| {
        let stdbuf = directory.join("stdbuf").canonicalize().ok()?;
        let prefix = stdbuf.parent()?.parent()?;
        Some(prefix.join("libexec/coreutils"))
    });
    let places = DIRECTORIES
        .map(PathBuf::from)
        .into_iter()
        .chain(beside_stdbuf);
    let mut libraries = places.map(|place| place.join("libstdbuf.so"));
    libraries.find(|library| library.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(unbuffer: &Unbuffer, given: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut environment: Environment = given
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        unbuffer.add_to(&mut environment);
        let text = |word: OsString| word.into_string().expect("UTF-8");
        environment
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn library_is_loaded_behind_what_was_given() {
        let unbuffer = Unbuffer {
            write_at: WriteAt::LineEnd,
            library: Some("/x/libstdbuf.so".into()),
        };
        assert_eq!(
            variables(&unbuffer, &[("LD_PRELOAD", "/y/z.so"), ("_STDBUF_O", "0")]),
            [
                pair("LD_PRELOAD", "/y/z.so:/x/libstdbuf.so"),
                pair("_STDBUF_O", "0"),
                pair("PYTHONUNBUFFERED", "1"),
            ]
        );
    }

    #[test]
    fn without_a_library_python_is_told_alone() {
        let unbuffer = Unbuffer {
            write_at: WriteAt::Once,
            library: None,
        };
        let expected = [pair("PYTHONUNBUFFERED", "1")];
        assert_eq!(variables(&unbuffer, &[]), expected);
        let unbuffer = Unbuffer {
            library: Some("/l.so".into()),
            ..unbuffer
        };
        let expected = [
            pair("PYTHONUNBUFFERED", ""),
            pair("_STDBUF_O", "0"),
            pair("LD_PRELOAD", "/l.so"),
        ];
        assert_eq!(variables(&unbuffer, &[("PYTHONUNBUFFERED", "")]), expected);
    }
}
