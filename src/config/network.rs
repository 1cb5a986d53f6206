//! What is for this machine's user, and not for whoever comes where the network comes: terminals to type on, and what
//! open pages are told of files that are watched.

use nix::unistd::geteuid;

use super::{
    auth,
    config_error::ConfigError,
    flag_error::FlagError,
    listeners,
    route::{Entry, Route},
};

use crate::{
    args::{Args, ListenArgs, ProgramArgs},
    http::access::AllowedOrigin,
    server::listener::{Address, Permissions, UnixName, UnixSocket, has_inherited},
};

/// Refuses a terminal that is writable, open to the network, and has no login.
///
/// # Errors
/// The first of them, with what opens it.
pub(super) fn check(args: &Args, routes: &[Route]) -> Result<(), ConfigError> {
    let has_own = !args.program.command.is_empty() || args.pages.dir.is_some();
    let own = has_own.then_some((None, &args.program));
    let routes = routes.iter().enumerate();
    let routes = routes.map(|(index, route)| (Some((index, route)), &route.program));
    for (route, program) in own.into_iter().chain(routes) {
        let terminals = &program.terminals;
        let may_type = terminals.terminal && !program.sharing.readonly && !terminals.writable;
        if !may_type || has_login(args, program, route.map(|(_, route)| route)) {
            continue;
        }
        let Some(opening) = opening(args, program)? else {
            continue;
        };
        let reason = format!(
            "gives whoever connects a terminal to type on, and {opening} opens it to others than this machine's \
             user: put a login before it ({LOGINS}), let clients watch alone (--readonly), or say that this is \
             meant (--writable)"
        );
        let error = FlagError::about("--terminal", reason);
        return Err(match route {
            Some((index, _)) => ConfigError::Route(index, error),
            None => error.into(),
        });
    }
    Ok(())
}

/// Refuses to watch files for pages of a server that is open to the network and has no login.
///
/// # Errors
/// What opens it.
pub(super) fn check_watch(args: &Args) -> Result<(), FlagError> {
    if has_login(args, &args.program, None) {
        return Ok(());
    }
    let Some(opening) = opening_of_server(args)? else {
        return Ok(());
    };
    let reason = format!(
        "is for development: it tells whoever has a page open that files have changed, and {opening} opens it to others \
         than this machine's user: put a login before it ({LOGINS}), or leave one of them out"
    );
    Err(FlagError::about("--watch", reason))
}

/// What makes clients say who they are.
const LOGINS: &str = "--basic-auth, --bearer-tokens, --authorize, --auth-header, --sslca";

/// Whether all clients of a program have to say who they are.
fn has_login(args: &Args, program: &ProgramArgs, route: Option<&Route>) -> bool {
    if route.is_some_and(|route| matches!(route.entry, Entry::Open)) {
        return false;
    }
    let mut args = args.clone();
    if args.tls.sslca_optional || args.tls.ssl_optional {
        // A certificate that need not be shown is none.
        args.tls.sslca = None;
    }
    auth::has_login(&args, program)
}

/// The first flag by which others than this machine's user come to a program, or have its user's browser come.
fn opening(args: &Args, program: &ProgramArgs) -> Result<Option<String>, FlagError> {
    if let Some(opening) = opening_of_server(args)? {
        return Ok(Some(opening));
    }
    let is_for_anybody = |word: &&String| {
        let parsed: Result<AllowedOrigin, _> = word.parse();
        parsed.is_ok_and(|origin| origin.is_of_anybody())
    };
    let origin = program.origin.iter().find(is_for_anybody);
    Ok(origin.map(|word| format!("--origin={word}")))
}

/// The first flag by which others than this machine's user come to a server.
fn opening_of_server(args: &Args) -> Result<Option<String>, FlagError> {
    let listen = &args.listen;
    let sockets = listeners::sockets(args)?;
    if let Some(tcp) = &sockets.tcp
        && !tcp.addresses.iter().all(is_loopback)
    {
        return Ok(Some(format!("--address={}", listen.address.join(","))));
    }
    if let Some(wide) = sockets.unix.iter().find_map(|socket| wide(socket, listen)) {
        return Ok(Some(wide));
    }
    let given = [
        ("--trust-proxy", !args.access.trust_proxy.is_empty()),
        ("--proxy-protocol", listen.proxy_protocol),
        ("--host", !listen.host.is_empty()),
        ("--inetd", listen.inetd),
        ("a socket that was inherited (LISTEN_FDS)", has_inherited()),
    ];
    let opening = given.iter().find(|(_, is_given)| *is_given);
    Ok(opening.map(|(flag, _)| (*flag).to_owned()))
}

/// By which flag a unix socket is open to others than wsd's user.
fn wide(socket: &UnixSocket, args: &ListenArgs) -> Option<String> {
    let Permissions { mode, user, .. } = socket.permissions;
    let flag = |name: &str, value: &Option<String>| match value {
        Some(value) => format!("{name}={value}"),
        None => name.to_owned(),
    };
    match socket.name {
        // It has no file, and so no mode.
        UnixName::Abstract(_) | UnixName::Unnamed => Some("--unixsocket=@NAME".to_owned()),
        UnixName::Path(_) if mode & 0o077 != 0 => {
            Some(flag("--unixsocket-mode", &args.unixsocket_mode))
        }
        UnixName::Path(_) if user.is_some_and(|user| user != geteuid().as_raw()) => {
            Some(flag("--unixsocket-owner", &args.unixsocket_owner))
        }
        UnixName::Path(_) => None,
    }
}

fn is_loopback(address: &Address) -> bool {
    match address {
        Address::Localhost => true,
        Address::Ip(ip) => ip.to_canonical().is_loopback(),
        Address::LinkLocal(..) => false,
    }
}
