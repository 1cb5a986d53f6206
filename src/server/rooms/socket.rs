//! The server's end of the rooms' socket: [`RoomsSocket`].

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt},
        net::UnixListener as StdListener,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::geteuid;
use tokio::{net::UnixListener, task::JoinSet, time::sleep};
use tracing::{debug, warn};

use super::{connection::serve, peer};
use crate::server::{
    listener::{Permissions, SocketFile, UnixName, UnixSocket, bind_unix},
    state::Server,
};

/// How long the accept loop waits when no descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where the socket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOptions {
    /// Its file.
    pub path: PathBuf,
    /// Whether that is alone in a directory that is made for it, and goes with it.
    pub is_private: bool,
}

/// A socket that listens. Its file goes with it.
#[derive(Debug)]
pub struct RoomsSocket {
    listener: StdListener,
    // Fields are dropped in this order.
    _file: Option<SocketFile>,
    _directory: Option<Directory>,
}

/// A directory that goes with its owner, if it is empty.
#[derive(Debug)]
struct Directory(PathBuf);

impl RoomsSocket {
    /// Makes the socket, which its user alone may connect to; a dead one of the same user is replaced.
    ///
    /// # Errors
    /// What is in the way, or why it cannot be made.
    pub fn bind(options: &SocketOptions) -> io::Result<Self> {
        let directory = match options.is_private {
            true => options.path.parent().map(Directory::make).transpose()?,
            false => None,
        };
        check_is_own(&options.path)?;
        let (listener, file) = bind_unix(&UnixSocket {
            name: UnixName::Path(options.path.clone()),
            permissions: Permissions {
                mode: 0o600,
                user: None,
                group: None,
            },
        })?;
        listener.set_nonblocking(true)?;
        Ok(RoomsSocket {
            listener,
            _file: file,
            _directory: directory,
        })
    }

    /// Serves who connects, until this is dropped, and all connections with it.
    ///
    /// # Errors
    /// When the runtime does not take the socket.
    pub async fn run(&self, server: Server) -> io::Result<()> {
        let listener = UnixListener::from_std(self.listener.try_clone()?)?;
        let mut connections = JoinSet::new();
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(_) => {
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            if !peer::is_own(&stream).unwrap_or(false) {
                warn!(
                    "a process of another user has connected to the rooms' socket: it is refused"
                );
                continue;
            }
            let server = server.clone();
            connections.spawn(async move {
                if let Err(error) = serve(stream, server).await {
                    debug!("the rooms' socket: {error}");
                }
            });
        }
    }
}

impl Directory {
    fn make(path: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(path)?;
        Ok(Directory(path.to_owned()))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Whether what is at a path, if there is something, belongs to our user.
fn check_is_own(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.uid() != geteuid().as_raw() => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "what is there belongs to another user",
        )),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
