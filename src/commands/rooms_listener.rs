//! The rooms' socket of a server: made when there are rooms for the first time, and kept as long as it runs.

use anyhow::{Result, anyhow};
use tokio::task::JoinSet;
use tracing::{error, warn};
use wsd::server::{
    Server,
    rooms::{RoomsSocket, SocketOptions},
};

/// Serves who connects to it, until this is dropped.
#[derive(Debug, Default)]
pub(super) struct RoomsListener {
    options: Option<SocketOptions>,
    task: JoinSet<()>,
}

impl RoomsListener {
    /// Makes the socket, if there is to be one and is none.
    ///
    /// # Errors
    /// One that was asked for by its path cannot be made. Without the other kind all goes on but what would use it.
    pub(super) fn open(&mut self, options: Option<&SocketOptions>, server: &Server) -> Result<()> {
        let Some(options) = options else {
            return Ok(());
        };
        if let Some(open) = &self.options {
            if open != options {
                warn!("--rooms-socket stays as it is until a restart");
            }
            return Ok(());
        }
        let path = options.path.display();
        let socket = match RoomsSocket::bind(options) {
            Ok(socket) => socket,
            Err(error) if options.is_private => {
                warn!("programs have no --pub and --sub: no socket can be made at {path}: {error}");
                return Ok(());
            }
            Err(error) => return Err(anyhow!("--rooms-socket={path}: {error}")),
        };
        let server = server.clone();
        self.task.spawn(async move {
            if let Err(error) = socket.run(server).await {
                error!("the rooms' socket: {error}");
            }
        });
        self.options = Some(options.clone());
        Ok(())
    }
}
