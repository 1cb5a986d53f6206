//! What is played, and how fast: `--replay`.

use std::path::PathBuf;

use super::flag_error::FlagError;
use crate::args::{Args, CommandLine};

/// What is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The recording.
    pub file: PathBuf,
    /// How many times as fast as it was; `None` is at once.
    pub speed: Option<f64>,
}

impl Replay {
    /// What `--replay` names, if it was typed. It is a program, and no server: nothing else goes with it.
    pub(super) fn new(command_line: &CommandLine, args: &Args) -> Result<Option<Self>, FlagError> {
        let Some(file) = &args.invocation.replay else {
            return Ok(None);
        };
        let is_own = |name: &str| matches!(name, "replay" | "replay-speed");
        let other = command_line.names().find(|name| !is_own(name));
        let refused = |what: &str| {
            let reason = format!(
                "is a program of its own, and {what} is for the wsd that serves it: wsd [OPTIONS] wsd --replay={}",
                shell_words::quote(&file.to_string_lossy())
            );
            Err(FlagError::about("--replay", reason))
        };
        match (other, args.program.command.is_empty()) {
            (Some(name), _) => refused(&format!("--{name}")),
            (None, false) => refused("COMMAND"),
            (None, true) => Ok(Some(Replay {
                file: file.clone(),
                speed: Some(args.invocation.replay_speed).filter(|speed| *speed > 0.0),
            })),
        }
    }
}
