//! A room of a wsd that runs on this machine, to speak or to listen in: `--pub` and `--sub`.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    flag_error::FlagError,
    program::newline,
    rooms::{VARIABLE, socket_path},
};
use crate::{
    args::{Args, CommandLine},
    framing::Newline,
    http::UrlPath,
};

/// A room, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRoom {
    /// The socket of the wsd that has it.
    pub socket: PathBuf,
    /// Its path.
    pub room: String,
    /// What becomes of newlines in what is printed.
    pub newline: Newline,
}

impl LocalRoom {
    /// What `--pub` names, if it was typed.
    pub(super) fn to_publish(
        command_line: &CommandLine,
        args: &Args,
    ) -> Result<Option<Self>, FlagError> {
        let named = args.invocation.publish.as_deref();
        let room = named.map(|room| Self::new("--pub", room, &[], command_line, args));
        room.transpose()
    }

    /// What `--sub` names, if it was typed.
    pub(super) fn to_subscribe(
        command_line: &CommandLine,
        args: &Args,
    ) -> Result<Option<Self>, FlagError> {
        let named = args.invocation.subscribe.as_deref();
        let room = named.map(|room| Self::new("--sub", room, &["newline"], command_line, args));
        room.transpose()
    }

    /// It serves nothing: no other flag goes with it.
    fn new(
        flag: &str,
        room: &str,
        own: &[&str],
        command_line: &CommandLine,
        args: &Args,
    ) -> Result<Self, FlagError> {
        let is_own = |name: &str| {
            name == "rooms-socket" || flag.strip_prefix("--") == Some(name) || own.contains(&name)
        };
        let other = command_line.names().find(|name| !is_own(name));
        let other = other.map(|name| format!("--{name}"));
        let command = (!args.program.command.is_empty()).then(|| "COMMAND".to_owned());
        if let Some(other) = other.or(command) {
            let reason = format!("and {other} exclude each other: that is for the wsd that serves");
            return Err(FlagError::about(flag, reason));
        }
        if UrlPath::decode(room).is_err() {
            let reason = "expected the path of a room, such as /chat/lobby";
            return Err(FlagError::new(flag, room, reason));
        }
        Ok(LocalRoom {
            socket: socket(flag, args)?,
            room: room.to_owned(),
            newline: match command_line.has("newline") {
                true => newline(&args.program.messages),
                false => Newline::Space,
            },
        })
    }
}

fn socket(flag: &str, args: &Args) -> Result<PathBuf, FlagError> {
    if let Some(path) = &args.rooms.rooms_socket {
        return socket_path(path);
    }
    match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => Ok(Path::new(&path).to_owned()),
        None => Err(FlagError::about(
            flag,
            "needs --rooms-socket, which says which wsd has the room: only programs of wsd find that in WSD_ROOMS",
        )),
    }
}
