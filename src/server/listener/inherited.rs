//! Socket activation (sd_listen_fds(3)): sockets that systemd, or another parent, has opened: descriptors from 3
//! on, named in `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`.
//!
//! sd-notify's `listen_fds_with_names` reads the same variables, but knows no process 1 that has passed them
//! on, stops at a list of names that is shorter than that of descriptors, and says neither which descriptor is
//! not open nor which value is no number.
#![allow(
    unsafe_code,
    reason = "a descriptor that only an environment variable tells of has no owner yet"
)]

use std::{
    env,
    ffi::OsString,
    io,
    net::TcpListener,
    os::{
        fd::{FromRawFd, OwnedFd, RawFd},
        unix::net::UnixListener,
    },
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::process::{Pid, getpid, getppid};
use socket2::{Domain, SockRef, Type};

use super::bound::{Handover, Listener, is_listening};

/// The first descriptor (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;
/// More than anybody passes; a number that is larger is a slip.
const MOST: RawFd = 1024;

/// Sockets that were inherited: any number, none too.
#[derive(Debug, Default)]
pub struct Inherited(Vec<Passed>);

#[derive(Debug)]
struct Passed {
    socket: Socket,
    /// For messages: `descriptor 3 ('wsd.socket')`.
    title: String,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What was passed and cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// A variable that is no number, or too large a one.
    #[error("invalid value '{1}' for the variable {0}: expected a number of descriptors")]
    Variable(&'static str, String),
    /// A descriptor that is not what it should be.
    #[error("LISTEN_FDS: {title} {reason}")]
    Descriptor {
        /// Which.
        title: String,
        /// What it is instead.
        reason: String,
    },
    /// A descriptor that may be a connection.
    #[error(
        "LISTEN_FDS: {0} does not listen, as a connection that is accepted already does not (Accept=yes)"
    )]
    NotListening(String),
}

/// Why a descriptor is no socket that listens.
#[derive(Debug)]
enum Unfit {
    NotListening,
    Other(&'static str),
}

impl Inherited {
    /// Takes the sockets over and makes them close-on-exec; none when the variables are not there or are
    /// meant for another process. To be called before anything opens a descriptor; a second call finds
    /// nothing.
    ///
    /// # Errors
    /// When the variables or the descriptors are not what they should be.
    pub fn take() -> Result<Self, InheritedError> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let number = |name| number(name, env::var_os(name));
        let (Some(count), Some(process)) = (number("LISTEN_FDS")?, number("LISTEN_PID")?) else {
            return Ok(Self::default());
        };
        if !is_ours(process, getpid(), getppid()) || TAKEN.swap(true, Ordering::Relaxed) {
            return Ok(Self::default());
        }
        if count > MOST {
            return Err(InheritedError::Variable("LISTEN_FDS", count.to_string()));
        }
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':').filter(|name| !name.is_empty());
        let passed = (FIRST..FIRST + count).map(|descriptor| {
            let title = match names.next() {
                Some(name) => format!("descriptor {descriptor} ('{name}')"),
                None => format!("descriptor {descriptor}"),
            };
            let socket = adopt(descriptor).and_then(listening);
            match socket {
                Ok(socket) => Ok(Passed { socket, title }),
                Err(Unfit::NotListening) => Err(InheritedError::NotListening(title)),
                Err(Unfit::Other(reason)) => Err(InheritedError::Descriptor {
                    title,
                    reason: reason.to_owned(),
                }),
            }
        });
        Ok(Inherited(passed.collect::<Result<_, _>>()?))
    }

    /// Makes listeners of them. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When the runtime cannot watch one.
    pub fn listeners(self) -> Result<Vec<Listener>, InheritedError> {
        let listener = |Passed { socket, title }| {
            let listener: io::Result<Listener> = match socket {
                Socket::Tcp(socket) => socket.try_into(),
                Socket::Unix(socket) => socket.try_into(),
            };
            let mut listener = listener.map_err(|error| InheritedError::Descriptor {
                title,
                reason: format!("cannot be used: {error}"),
            })?;
            listener.handover = Handover::SameSocket;
            Ok(listener)
        };
        self.0.into_iter().map(listener).collect()
    }
}

/// Whether there are such sockets for this process, taken over or not.
pub fn has_inherited() -> bool {
    let number = |name| number(name, env::var_os(name)).ok().flatten();
    let is_for_us = |process| is_ours(process, getpid(), getppid());
    number("LISTEN_FDS").is_some_and(|count| count > 0)
        && number("LISTEN_PID").is_some_and(is_for_us)
}

fn number(name: &'static str, value: Option<OsString>) -> Result<Option<i32>, InheritedError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let number = value.to_str().and_then(|text| text.parse::<u32>().ok());
    let number = number.and_then(|number| i32::try_from(number).ok());
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(InheritedError::Variable(
            name,
            value.to_string_lossy().into_owned(),
        )),
    }
}

/// Whether `LISTEN_PID` means this process. Process 1, which runs the gateway as a child, has passed on
/// what was meant for it.
fn is_ours(meant: i32, own: Pid, parent: Option<Pid>) -> bool {
    let is = |pid: Pid| pid.as_raw_nonzero().get() == meant;
    is(own) || parent.is_some_and(|parent| parent.is_init() && is(parent))
}

/// Makes a descriptor ours, and close-on-exec.
fn adopt(descriptor: RawFd) -> Result<OwnedFd, Unfit> {
    // SAFETY: plain integers; a descriptor that is not open is an error.
    let set = unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    if set < 0 {
        return Err(Unfit::Other("is not open"));
    }
    // SAFETY: it is open, whoever started us has left it to us, and `take` runs once, before anything of
    // ours opens a descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn listening(descriptor: OwnedFd) -> Result<Socket, Unfit> {
    let socket = SockRef::from(&descriptor);
    let Ok(kind) = socket.r#type() else {
        return Err(Unfit::Other("is no socket"));
    };
    if kind != Type::STREAM {
        return Err(Unfit::Other("is no stream socket: ListenStream= makes one"));
    }
    if !is_listening(&descriptor) {
        return Err(Unfit::NotListening);
    }
    match socket.local_addr().map(|address| address.domain()) {
        Ok(Domain::IPV4 | Domain::IPV6) => Ok(Socket::Tcp(descriptor.into())),
        Ok(Domain::UNIX) => Ok(Socket::Unix(descriptor.into())),
        _ => Err(Unfit::Other("is neither a TCP nor a unix socket")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_for_the_process_that_is_named() {
        let pid = |number| Pid::from_raw(number).expect("a number");
        for (meant, own, parent, is) in [
            (5, 5, 4, true),
            (4, 5, 4, false),
            (6, 5, 4, false),
            (1, 5, 1, true),
            (1, 5, 4, false),
            (0, 5, 1, false),
        ] {
            assert_eq!(
                is_ours(meant, pid(own), Some(pid(parent))),
                is,
                "{meant} {own} {parent}"
            );
        }
    }

    #[test]
    fn numbers_that_are_none_are_named() {
        assert!(matches!(number("LISTEN_FDS", None), Ok(None)));
        assert!(matches!(
            number("LISTEN_FDS", Some("2".into())),
            Ok(Some(2))
        ));
        for wrong in ["", "x", "-1", "99999999999"] {
            let error = number("LISTEN_FDS", Some(wrong.into())).expect_err(wrong);
            assert!(error.to_string().contains("LISTEN_FDS"), "{error}");
        }
    }

    #[test]
    fn descriptors_that_do_not_listen_are_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stream = std::net::TcpStream::connect(address).expect("it listens");
        let datagram = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        assert!(matches!(listening(listener.into()), Ok(Socket::Tcp(_))));
        assert!(matches!(listening(stream.into()), Err(Unfit::NotListening)));
        for (descriptor, part) in [
            (OwnedFd::from(datagram), "no stream"),
            (tempfile::tempfile().expect("a file").into(), "no socket"),
        ] {
            let error = listening(descriptor).expect_err(part);
            let Unfit::Other(reason) = error else {
                panic!("{part}");
            };
            assert!(reason.contains(part), "{reason}");
        }
    }
}
