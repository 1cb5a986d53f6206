//! Terminals on which whoever comes may type: not where the network comes, unless that is said.

use super::{flag_error::FlagError, listeners, route::Route};
use crate::{
    args::{Args, ProgramArgs},
    http::access::AllowedOrigin,
    server::listener::{Address, UnixName, has_inherited},
};

/// Refuses a terminal that is writable, open to the network, and has no login.
///
/// # Errors
/// The first of them, with what opens it.
pub(super) fn check(args: &Args, routes: &[Route]) -> Result<(), FlagError> {
    let has_own = !args.program.command.is_empty() || args.pages.dir.is_some();
    let own = has_own.then_some(&args.program);
    let programs = own
        .into_iter()
        .chain(routes.iter().map(|route| &route.program));
    let is_unguarded = |program: &&ProgramArgs| {
        let terminals = &program.terminals;
        let may_type = terminals.terminal && !program.sharing.readonly && !terminals.writable;
        may_type && !has_login(args, program)
    };
    for program in programs.filter(is_unguarded) {
        if let Some(opening) = opening(args, program)? {
            let reason = format!(
                "gives whoever connects a terminal to type on, and {opening} opens it to others than this machine's \
                 user: put a login before it ({LOGINS}), let clients watch alone (--readonly), or say that this is \
                 meant (--writable)"
            );
            return Err(FlagError::about("--terminal", reason));
        }
    }
    Ok(())
}

/// What makes clients say who they are.
const LOGINS: &str = "--sslca";

/// Whether clients of a program have to say who they are.
fn has_login(args: &Args, _program: &ProgramArgs) -> bool {
    let tls = &args.tls;
    tls.sslca.is_some() && !tls.sslca_optional && !tls.ssl_optional
}

/// The first flag by which others than this machine's user come to a program, or have its user's browser come.
fn opening(args: &Args, program: &ProgramArgs) -> Result<Option<String>, FlagError> {
    let listen = &args.listen;
    let sockets = listeners::sockets(args)?;
    if let Some(tcp) = &sockets.tcp
        && !tcp.addresses.iter().all(is_loopback)
    {
        return Ok(Some(format!("--address={}", listen.address.join(","))));
    }
    let is_wide = |name: &UnixName, mode: u32| match name {
        // It has no file, and so no mode.
        UnixName::Abstract(_) | UnixName::Unnamed => true,
        UnixName::Path(_) => mode & 0o077 != 0,
    };
    let mut unix = sockets.unix.iter();
    if unix.any(|socket| is_wide(&socket.name, socket.permissions.mode)) {
        return Ok(Some(match &listen.unixsocket_mode {
            Some(mode) => format!("--unixsocket-mode={mode}"),
            None => "--unixsocket=@NAME".to_owned(),
        }));
    }
    let given = [
        ("--trust-proxy", !args.access.trust_proxy.is_empty()),
        ("--proxy-protocol", listen.proxy_protocol),
        ("--host", !listen.host.is_empty()),
        ("--inetd", listen.inetd),
        ("a socket that was inherited (LISTEN_FDS)", has_inherited()),
    ];
    if let Some((flag, _)) = given.iter().find(|(_, is_given)| *is_given) {
        return Ok(Some((*flag).to_owned()));
    }
    let is_for_anybody = |word: &&String| {
        let parsed: Result<AllowedOrigin, _> = word.parse();
        parsed.is_ok_and(|origin| origin.is_of_anybody())
    };
    let origin = program.origin.iter().find(is_for_anybody);
    Ok(origin.map(|word| format!("--origin={word}")))
}

fn is_loopback(address: &Address) -> bool {
    match address {
        Address::Localhost => true,
        Address::Ip(ip) => ip.to_canonical().is_loopback(),
        Address::LinkLocal(..) => false,
    }
}
