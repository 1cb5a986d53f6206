//! The server's end of the rooms' socket: [`RoomsSocket`].

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt},
        net::{UnixListener as StdListener, UnixStream as StdUnixStream},
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

/// A socket that was made so long ago is listened at, or never will be. Shorter would take it from a wsd that starts on
/// a busy machine, longer would leave what lies about to the next start.
const STARTING: Duration = Duration::from_secs(60);

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
            true => {
                remove_dead(&options.path);
                options.path.parent().map(Directory::make).transpose()?
            }
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

/// Removes what those have left beside a private socket's directory who were killed: directories of our user with a name
/// that is made the same way, in which a socket lies that nobody listens at. What cannot be looked at stays.
fn remove_dead(path: &Path) {
    let Some((directory, file)) = path.parent().zip(path.file_name()) else {
        return;
    };
    let (Some(place), Some(own)) = (directory.parent(), directory.file_name()) else {
        return;
    };
    for other in fs::read_dir(place).into_iter().flatten().flatten() {
        if has_form_of(other.file_name().as_encoded_bytes(), own.as_encoded_bytes()) {
            let directory = other.path();
            if is_dead(&directory, &directory.join(file)).unwrap_or(false) {
                let _ = fs::remove_file(directory.join(file));
                let _ = fs::remove_dir(directory);
            }
        }
    }
}

/// Whether a name is made as another one: the same prefix, and behind its `-` as many hexadecimal digits.
fn has_form_of(name: &[u8], other: &[u8]) -> bool {
    let Some(dash) = other.iter().position(|byte| *byte == b'-') else {
        return false;
    };
    let (prefix, random) = other.split_at(dash + 1);
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == random.len() && rest.iter().all(u8::is_ascii_hexdigit))
}

/// Whether nobody listens at a socket in a directory of ours; not told of one that may yet be on its way to that.
fn is_dead(directory: &Path, socket: &Path) -> io::Result<bool> {
    let own = geteuid().as_raw();
    let (outer, inner) = (
        fs::symlink_metadata(directory)?,
        fs::symlink_metadata(socket)?,
    );
    let is_ours = outer.is_dir() && outer.uid() == own && inner.uid() == own;
    let age = inner.modified()?.elapsed().unwrap_or_default();
    if !is_ours || !inner.file_type().is_socket() || age < STARTING {
        return Ok(false);
    }
    let error = StdUnixStream::connect(socket).err();
    Ok(error.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
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

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD: &str = "wsd-0199a0000000700080000000000000aa";
    const ALIVE: &str = "wsd-0199a0000000700080000000000000bb";
    const YOUNG: &str = "wsd-0199a0000000700080000000000000cc";
    const STRANGE: &str = "wsd-of-somebody-else";
    const OWN: &str = "wsd-0199a0000000700080000000000000dd";

    #[test]
    fn what_was_left_by_the_dead_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().expect("a directory");
        let make = |name: &str| {
            let directory = place.path().join(name);
            fs::create_dir(&directory).expect("a directory");
            StdListener::bind(directory.join("rooms")).expect("a socket")
        };
        drop((make(DEAD), make(YOUNG), make(STRANGE)));
        let _alive = make(ALIVE);
        for name in [DEAD, ALIVE, STRANGE] {
            age(&place.path().join(name).join("rooms"));
        }
        remove_dead(&place.path().join(OWN).join("rooms"));
        let is_there = |name: &str| place.path().join(name).join("rooms").exists();
        assert_eq!(
            [DEAD, ALIVE, YOUNG, STRANGE].map(is_there),
            [false, true, true, true]
        );
        assert!(!place.path().join(DEAD).exists());
    }

    /// A socket cannot be opened, as the standard library would have it.
    fn age(path: &Path) {
        let status = std::process::Command::new("touch")
            .args(["-d", "2 minutes ago", "-c"])
            .arg(path)
            .status();
        assert!(status.is_ok_and(|status| status.success()));
    }
}
