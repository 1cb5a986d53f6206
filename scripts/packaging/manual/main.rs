//! Writes the manual page and what `--completions` prints for bash, zsh and fish, on the machine that makes packages
//! for others, whose wsd it may not be able to run.
//!
//! `cargo run --example manual DIRECTORY [DATE]`; an example, so that what it takes to write the page is
//! no part of wsd.

mod page;

use std::{env, fs, io, path::PathBuf, process::ExitCode};

use wsd::args::{Shell, completions};

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let Some(directory) = words.next().map(PathBuf::from) else {
        eprintln!("usage: manual DIRECTORY [DATE]");
        return ExitCode::from(2);
    };
    let date = words.next().unwrap_or_default();
    match write(&directory, &date.to_string_lossy()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &PathBuf, date: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("wsd.1"), page::render(date)?)?;
    fs::write(directory.join("wsd.bash"), completions(Shell::Bash))?;
    fs::write(directory.join("_wsd"), completions(Shell::Zsh))?;
    fs::write(directory.join("wsd.fish"), completions(Shell::Fish))
}
