//! The way to a room of a wsd that runs.

use std::process::ExitCode;

use anyhow::anyhow;
use wsd::{
    config::LocalRoom,
    exit_status,
    server::rooms::{DialError, Dialled, Purpose, dial},
};

use super::message::{complain, refuse};

/// Connects to a room, or says why not, with the exit status that this has.
pub(super) fn open(room: &LocalRoom, purpose: Purpose) -> Result<Dialled, ExitCode> {
    dial(&room.socket, purpose, &room.room).map_err(|error| {
        let said = anyhow!("{}: {error}", room.socket.display());
        match error {
            DialError::NoRoom(_) => refuse(&said),
            DialError::Stranger | DialError::Io(_) => fail(&said),
        }
    })
}

/// Says why it does not go on.
pub(super) fn fail(error: &anyhow::Error) -> ExitCode {
    complain(error);
    ExitCode::from(exit_status::FAILURE)
}
