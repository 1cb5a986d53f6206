//! The file of a unix socket: made, put in the place of one that was left behind, and taken away.
//!
//! Nothing is ever removed but a socket that nobody listens on. Two gateways that start at once on one
//! path do not remove each other's: they take turns by a lock on the directory (flock(2)), which
//! leaves nothing behind. What remains is a program that knows nothing of the lock and binds the path
//! between our look at it and its removal.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, lchown},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, Mode, flock},
    process::umask,
};
use socket2::{Domain, SockAddr, Socket, Type};

use super::bind_error::PathError;

/// How long the turn of another gateway is waited for. It takes a few system calls; a lock that is held
/// longer is held for something else, and the start goes on without.
const TURN: Duration = Duration::from_secs(1);
/// How often it is tried meanwhile.
const TURN_POLL: Duration = Duration::from_millis(5);

/// Mode and owner of a socket's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// The nine bits of chmod(2); who may write may connect.
    pub mode: u32,
    /// The owner; `None` is the user that the gateway runs as.
    pub user: Option<u32>,
    /// The group; `None` is the one that the system chooses.
    pub group: Option<u32>,
}

/// A socket's file, removed on drop if it is still the one that was made.
#[derive(Debug)]
pub(in crate::server) struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode, which no two files share.
type Identity = (u64, u64);

impl SocketFile {
    /// Runs `bind`, which makes the file, where nothing or a stale socket is in its way, gives the file
    /// its permissions, and runs `listen`.
    ///
    /// # Errors
    /// What is in the way, or as bind(2) and chown(2) give them.
    pub(super) fn make(
        path: &Path,
        permissions: Permissions,
        bind: impl Fn() -> io::Result<()>,
        listen: impl Fn() -> io::Result<()>,
    ) -> io::Result<Self> {
        let _turn = turn(path);
        let bind = || with_mode(permissions.mode, &bind);
        match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path)?;
                bind()?;
            }
            bound => bound?,
        }
        let file = SocketFile {
            path: path.to_owned(),
            identity: identity(path)?,
        };
        // Nobody can connect before it listens, so nobody gets in by the group that it has until here.
        give(path, permissions)?;
        listen()?;
        Ok(file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).ok() == Some(self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn give(path: &Path, Permissions { user, group, .. }: Permissions) -> io::Result<()> {
    if user.or(group).is_none() {
        return Ok(());
    }
    lchown(path, user, group).map_err(|error| PathError::Owner(error).into())
}

/// Waits for our turn in the directory, until what is returned is dropped; `None` if there is none to be
/// had.
fn turn(path: &Path) -> Option<File> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = File::open(parent.unwrap_or(Path::new("."))).ok()?;
    let deadline = Instant::now() + TURN;
    while flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(TURN_POLL);
    }
    Some(directory)
}

/// Makes a file with exactly this mode: bind(2) takes away what the umask has, and a chmod(2) later could
/// be led astray by whoever swaps the file. Other threads that make files meanwhile are touched too,
/// which is why sockets are bound at the start.
fn with_mode(mode: u32, make: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let before = umask(Mode::from_raw_mode((!mode & 0o777) as _));
    let made = make();
    umask(before);
    made
}

/// Removes a socket that nobody listens on.
///
/// # Errors
/// When it is anything else.
fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        // It has gone this moment: whoever listened has stopped.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if !metadata.file_type().is_socket() {
        return Err(PathError::NotASocket.into());
    }
    match probe(path).map_err(|error| (error.kind(), error)) {
        Ok(()) | Err((io::ErrorKind::WouldBlock, _)) => Err(PathError::InUse.into()),
        Err((io::ErrorKind::ConnectionRefused, _)) => {
            if identity(path).ok() == Some((metadata.dev(), metadata.ino())) {
                fs::remove_file(path)?;
            }
            Ok(())
        }
        Err((io::ErrorKind::NotFound, _)) => Ok(()),
        Err((kind, error)) => Err(io::Error::new(
            kind,
            format!(
                "there is a socket, and whether it is in use cannot be found out: {error}; remove it if it is not"
            ),
        )),
    }
}

/// Connects, without waiting for a server that is slow to accept.
fn probe(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
