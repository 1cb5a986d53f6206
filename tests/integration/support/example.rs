//! Examples, started as their README files say.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use super::{Gateway, Server};

/// An example, started by the first command of its README.
pub(crate) fn started(example: &str) -> Server {
    started_with(example, &[])
}

/// The same with some of its words replaced, each by another.
pub(crate) fn started_with(example: &str, replaced: &[(&str, &str)]) -> Server {
    let mut words = command_of(example);
    for word in &mut words {
        for (from, to) in replaced {
            *word = word.replace(from, to);
        }
    }
    Gateway::new().args(words).start()
}

/// The first command of a README that stands in backticks: the words behind `wsd`, but for the port.
fn command_of(example: &str) -> Vec<String> {
    let file = format!("examples/{example}/README.md");
    let text = fs::read_to_string(&file).expect("a README");
    let mut code = text.split('`').skip(1).step_by(2);
    let command = code.find(|words| words.starts_with("wsd --port="));
    let command = command.unwrap_or_else(|| panic!("{file} has no command"));
    command.split(' ').skip(2).map(str::to_owned).collect()
}

/// A command that has said that it is ready, until it is no more needed.
pub(crate) struct Background(Child);

impl Background {
    pub(crate) fn start(command: &str) -> Self {
        let mut words = command.split_whitespace();
        let mut child = Command::new(words.next().expect("a command"))
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it is ready");
        Background(child)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
