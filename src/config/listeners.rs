//! Where to listen: addresses, unix sockets, or the one connection on stdin.

use std::path::Path;

use nix::unistd::Gid;

use super::{account, flag_error::FlagError, tls};
use crate::{
    args::{Args, ListenArgs},
    server::{
        RedirectOptions,
        listener::{self, Address, AddressError, Permissions, Sockets, Tcp, UnixName, UnixSocket},
    },
};

/// The ports without `--port`: they need no rights, and look like those that do.
const PORT: u16 = 8080;
const TLS_PORT: u16 = 8443;
/// The mode of a socket's file: whoever may connect runs the program, so only its user may.
const MODE: u32 = 0o600;

/// What is listened on, besides what is inherited.
///
/// # Errors
/// The first flag that is wrong.
pub(super) fn sockets(args: &Args) -> Result<Sockets, FlagError> {
    let listen = &args.listen;
    let tcp_is_wanted = listen.port.is_some() || !listen.address.is_empty();
    let has_tcp = !listen.inetd && (tcp_is_wanted || listen.unixsocket.is_empty());
    if listen.reuseport && !has_tcp {
        return Err(FlagError::about(
            "--reuseport",
            "is about --port: give that too",
        ));
    }
    Ok(Sockets {
        tcp: has_tcp.then(|| tcp(args)).transpose()?,
        tcp_is_wanted,
        unix: unix(listen)?,
    })
}

/// The port that only sends on, on the same addresses.
///
/// # Errors
/// When there is nothing to send to.
pub(super) fn redirect(args: &Args) -> Result<Option<RedirectOptions>, FlagError> {
    let Some(word) = &args.listen.redirport else {
        return Ok(None);
    };
    let (port, public) = redirect_ports(word)?;
    if sockets(args)?.tcp.is_none() {
        return Err(FlagError::about(
            "--redirport",
            "sends clients on to --port: give that too",
        ));
    }
    let site = tcp(args)?;
    if port == site.port && port != 0 {
        return Err(FlagError::new(
            "--redirport",
            word,
            "this is the port to send clients to; give another one",
        ));
    }
    let at = Tcp { port, ..site };
    Ok(Some(RedirectOptions { at, public }))
}

/// `PORT`, or `PORT:PUBLIC`.
fn redirect_ports(word: &str) -> Result<(u16, Option<u16>), FlagError> {
    let invalid = || {
        let reason =
            "expected a port, or PORT:PUBLIC where clients reach --port as PUBLIC, as in 8080:443";
        FlagError::new("--redirport", word, reason)
    };
    let (port, public) = match word.split_once(':') {
        Some((port, public)) => (port, Some(public)),
        None => (word, None),
    };
    let port = port.parse().map_err(|_| invalid())?;
    let public = public.map(|public| match public.parse() {
        Ok(0) | Err(_) => Err(invalid()),
        Ok(public) => Ok(public),
    });
    Ok((port, public.transpose()?))
}

fn tcp(args: &Args) -> Result<Tcp, FlagError> {
    let default_port = if tls::is_on(&args.tls) {
        TLS_PORT
    } else {
        PORT
    };
    let mut addresses = Vec::new();
    if args.listen.address.is_empty() {
        addresses.push(Address::Localhost);
    }
    for word in &args.listen.address {
        let found = listener::resolve(word).map_err(|error| address_error(word, error))?;
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    Ok(Tcp {
        addresses,
        port: args.listen.port.unwrap_or(default_port),
        reuse_port: args.listen.reuseport,
    })
}

fn address_error(word: &str, error: AddressError) -> FlagError {
    let remedy = match error {
        AddressError::WithPort => "; the port goes to --port",
        _ => "",
    };
    FlagError::new("--address", word, format!("{error}{remedy}"))
}

/// Where operators ask: `ADDRESS:PORT`, or `unix:PATH`.
///
/// # Errors
/// What is neither.
pub(super) fn admin(args: &Args) -> Result<Option<Sockets>, FlagError> {
    let Some(word) = &args.operation.admin else {
        return Ok(None);
    };
    let invalid = |reason: &str| FlagError::new("--admin", word, reason);
    let nothing = Sockets {
        tcp: None,
        tcp_is_wanted: false,
        unix: Vec::new(),
    };
    if let Some(path) = word.strip_prefix("unix:") {
        let name = UnixName::parse(Path::new(path)).map_err(|reason| invalid(&reason))?;
        let permissions = Permissions {
            mode: MODE,
            user: None,
            group: None,
        };
        return Ok(Some(Sockets {
            unix: vec![UnixSocket { name, permissions }],
            ..nothing
        }));
    }
    let (address, port) = word
        .rsplit_once(':')
        .ok_or_else(|| invalid("expected ADDRESS:PORT or unix:PATH"))?;
    let port = port
        .parse()
        .map_err(|_| invalid("expected a port after the address"))?;
    let addresses = listener::resolve(address).map_err(|error| invalid(&error.to_string()))?;
    Ok(Some(Sockets {
        tcp: Some(Tcp {
            addresses,
            port,
            reuse_port: args.listen.reuseport,
        }),
        tcp_is_wanted: true,
        ..nothing
    }))
}

fn unix(args: &ListenArgs) -> Result<Vec<UnixSocket>, FlagError> {
    let mut sockets: Vec<UnixSocket> = Vec::new();
    let permissions = permissions(args)?;
    for path in &args.unixsocket {
        let name = UnixName::parse(path)
            .map_err(|reason| FlagError::new("--unixsocket", path.display(), reason))?;
        if !sockets.iter().any(|socket| socket.name == name) {
            sockets.push(UnixSocket { name, permissions });
        }
    }
    let is_file = |socket: &UnixSocket| matches!(socket.name, UnixName::Path(_));
    let flag = match (&args.unixsocket_mode, &args.unixsocket_owner) {
        (Some(_), _) => "--unixsocket-mode",
        (None, Some(_)) => "--unixsocket-owner",
        (None, None) => return Ok(sockets),
    };
    match sockets.iter().any(is_file) {
        true => Ok(sockets),
        false => Err(FlagError::about(
            flag,
            "is about the file of --unixsocket: give that too, with a path",
        )),
    }
}

fn permissions(args: &ListenArgs) -> Result<Permissions, FlagError> {
    let (user, group) = match &args.unixsocket_owner {
        Some(word) => {
            owner(word).map_err(|reason| FlagError::new("--unixsocket-owner", word, reason))?
        }
        None => (None, None),
    };
    let mode = match &args.unixsocket_mode {
        Some(word) => mode(word).ok_or_else(|| {
            FlagError::new(
                "--unixsocket-mode",
                word,
                "expected three octal digits, such as 660",
            )
        })?,
        None => MODE,
    };
    Ok(Permissions { mode, user, group })
}

fn mode(word: &str) -> Option<u32> {
    let is_octal = word.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = u32::from_str_radix(word, 8).ok().filter(|_| is_octal)?;
    (mode <= 0o777).then_some(mode)
}

/// A user, a group, or both, as chown(1) takes them.
fn owner(word: &str) -> Result<(Option<u32>, Option<u32>), String> {
    let (user, group) = word.split_once(':').unwrap_or((word, ""));
    if user.is_empty() && group.is_empty() {
        return Err("expected USER, :GROUP or USER:GROUP".to_owned());
    }
    let user = (!user.is_empty()).then(|| account::user(user));
    let group = (!group.is_empty()).then(|| account::group(group));
    Ok((
        user.transpose()?.map(|user| user.id.as_raw()),
        group.transpose()?.map(Gid::as_raw),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        for (word, expected) in [
            ("660", Some(0o660)),
            ("0660", Some(0o660)),
            ("0", Some(0)),
            ("1777", None),
            ("668", None),
            ("+660", None),
            ("rw", None),
            ("", None),
        ] {
            assert_eq!(mode(word), expected, "{word}");
        }
    }

    #[test]
    fn owners_are_names_or_numbers() {
        for (word, expected) in [
            ("root", (Some(0), None)),
            ("root:", (Some(0), None)),
            (":12345", (None, Some(12345))),
            ("4711:12345", (Some(4711), Some(12345))),
        ] {
            assert_eq!(owner(word).expect(word), expected);
        }
        for wrong in ["", ":", "no such user", "root:no such group", "-1"] {
            assert!(owner(wrong).is_err(), "{wrong}");
        }
    }
}
