//! The files that a program is made of, and those that have changed: [`ProgramFiles`], [`ChangedFiles`].

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf, absolute},
};

use super::program::Program;

/// Extensions of what an interpreter runs: an argument that ends so is a program, and any other may be what a program
/// works on, and writes.
const SOURCES: [&str; 61] = [
    "awk", "bash", "bc", "cjs", "clj", "coffee", "dart", "dc", "el", "erl", "ex", "exp", "exs",
    "fish", "fs", "fsx", "go", "groovy", "hs", "jar", "java", "jl", "jq", "js", "jsx", "ksh",
    "kts", "lisp", "lua", "luau", "m4", "mjs", "ml", "mts", "nim", "php", "pl", "pm", "ps1", "py",
    "pyw", "pyz", "r", "raku", "rb", "rkt", "rs", "scala", "scm", "sed", "sh", "sql", "swift",
    "tcl", "tk", "ts", "tsx", "wasm", "wat", "zig", "zsh",
];

/// The files that a program is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramFiles(Vec<ProgramFile>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct ProgramFile {
    /// As the program's words name it, absolute.
    named: PathBuf,
    /// Where that leads to.
    real: PathBuf,
}

impl Program {
    /// The files that it is made of: its own, and those which its arguments name and that are programs too, such as the
    /// script of an interpreter. Looks at each.
    pub fn files(&self) -> ProgramFiles {
        let base = self.directory.as_deref().unwrap_or(Path::new(""));
        let arguments = self.arguments.iter().skip(1);
        let arguments =
            arguments.filter(|word| !word.is_empty() && !word.as_encoded_bytes().contains(&0));
        let scripts = arguments.map(|word| base.join(word));
        let scripts = scripts.filter(|file| is_program(file));
        let all = [base.join(&self.file)].into_iter().chain(scripts);
        let found = all.filter_map(|file| {
            let named = absolute(file).ok()?;
            let real = fs::canonicalize(&named).unwrap_or_else(|_| named.clone());
            Some(ProgramFile { named, real })
        });
        ProgramFiles(found.collect())
    }
}

impl ProgramFiles {
    /// Their paths, as they are named.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|file| file.named.as_path())
    }
}

/// Files and directories that have changed, by all names that they have.
#[derive(Debug, Clone)]
pub struct ChangedFiles {
    names: BTreeSet<PathBuf>,
    /// Every program is taken to be made of one of them.
    concern_all: bool,
}

impl ChangedFiles {
    /// These, where all programs are made of what lies at some paths too.
    pub fn new(changed: &BTreeSet<PathBuf>, of_all: &[PathBuf]) -> Self {
        let is_of_all = |file: &PathBuf| of_all.iter().any(|path| file.starts_with(path));
        let real = changed
            .iter()
            .filter_map(|file| fs::canonicalize(file).ok());
        ChangedFiles {
            concern_all: changed.iter().any(is_of_all),
            names: changed.iter().cloned().chain(real).collect(),
        }
    }

    /// Whether a program is made of one of them, or of what lies in one; a file that is not there does not count: there
    /// is nothing yet that could be run.
    pub fn concern(&self, program: &ProgramFiles) -> bool {
        let is_among = |path: &Path| path.ancestors().any(|path| self.names.contains(path));
        let mut files = program.0.iter();
        let is_changed = |file: &ProgramFile| {
            (is_among(&file.named) || is_among(&file.real)) && file.named.exists()
        };
        self.concern_all || files.any(is_changed)
    }
}

/// Whether a file is one that is run, be it by an interpreter: by its extension, its mode, or its first bytes.
pub fn is_program(file: &Path) -> bool {
    let Ok(found) = fs::metadata(file) else {
        return false;
    };
    let is_source = |extension: &OsStr| {
        SOURCES
            .iter()
            .any(|source| extension.eq_ignore_ascii_case(source))
    };
    let is_executable = found.permissions().mode() & 0o111 != 0;
    found.is_file() && (is_executable || file.extension().is_some_and(is_source) || is_script(file))
}

/// Whether its first line names an interpreter.
fn is_script(file: &Path) -> bool {
    let mut first = [0; 2];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && &first == b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn script_of_an_interpreter_belongs_to_the_program_and_its_data_do_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        for (name, text) in [
            ("game.py", "print()"),
            ("tool", "#!/bin/sh\n"),
            ("scores.json", "{}"),
            ("empty", ""),
        ] {
            fs::write(at(name), text).expect("a file");
        }
        let words = [
            "python3",
            "-u",
            "game.py",
            "",
            "tool",
            "scores.json",
            "empty",
            "none.py",
            ".",
        ];
        let program = Program {
            file: "/nowhere/python3".into(),
            arguments: words.map(Into::into).to_vec(),
            directory: Some(directory.path().to_owned()),
            ..Program::default()
        };
        let files = program.files();
        let expected = [PathBuf::from("/nowhere/python3"), at("game.py"), at("tool")];
        assert_eq!(files.paths().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn change_concerns_a_program_by_each_name_of_its_files_while_they_are_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(directory.path()).expect("it is there");
        fs::create_dir(root.join("src")).expect("a directory");
        fs::write(root.join("src/a"), "x").expect("a file");
        symlink(root.join("src/a"), root.join("a")).expect("a link");
        let program = Program {
            file: root.join("a"),
            ..Program::default()
        };
        let files = program.files();
        let concerns = |name: &str, of_all: &[PathBuf]| {
            ChangedFiles::new(&BTreeSet::from([root.join(name)]), of_all).concern(&files)
        };
        assert!(concerns("a", &[]) && concerns("src/a", &[]) && concerns("src", &[]));
        assert!(!concerns("b", &[]) && !concerns("src/a/b", &[]));
        assert!(concerns("lib/b", &[root.join("lib")]));
        fs::remove_file(root.join("src/a")).expect("it is there");
        assert!(!concerns("a", &[]));
    }
}
