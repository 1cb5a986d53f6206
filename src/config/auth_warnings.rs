//! What is no error about logins, but hardly what was meant.

use super::{
    access, auth,
    flag_error::FlagError,
    listeners,
    route::{Entry, Route},
    secret_files, tls,
};
use crate::{
    args::{Args, ProgramArgs},
    server::listener::Address,
};

/// What is to be said of logins at the start.
///
/// # Errors
/// The first flag that is wrong.
pub(super) fn warnings(args: &Args, routes: &[Route]) -> Result<Vec<String>, FlagError> {
    let of_routes = routes.iter().filter(|route| route.entry == Entry::Checked);
    let programs: Vec<&ProgramArgs> = [&args.program]
        .into_iter()
        .chain(of_routes.map(|route| &route.program))
        .collect();
    let any = |is_so: fn(&ProgramArgs) -> bool| programs.iter().any(|program| is_so(program));
    let mut warnings = Vec::new();
    if let Some(origin) = programs
        .iter()
        .find_map(|program| open_origin(args, program))
    {
        warnings.push(format!(
            "--origin={origin} beside --basic-auth or --sslca: browsers send passwords and certificates that they know \
             along with what any page asks, and it acts as their user"
        ));
    }
    if any(|program| program.auth.auth_header.is_some()) && access::trusts_loopback(&args.access)? {
        warnings.push(
            "--auth-header and a --trust-proxy of this machine: every process here can be anyone; \
             a unix socket that only the proxy may open is better"
                .to_owned(),
        );
    }
    let has_secrets = |program: &ProgramArgs| {
        program.auth.basic_auth.is_some() || program.auth.bearer_tokens.is_some()
    };
    if any(has_secrets) && is_in_clear(args)? {
        warnings.push(
            "passwords and tokens come in clear here, and whoever is in between has them: give --ssl, or \
             --trust-proxy=ADDRESS of a proxy that speaks TLS"
                .to_owned(),
        );
    }
    warnings.extend(secret_files::warnings(args, routes));
    Ok(warnings)
}

/// An origin that anybody's page has, where browsers send along who their user is.
fn open_origin<'a>(args: &Args, program: &'a ProgramArgs) -> Option<&'a String> {
    let sends_along = program.auth.basic_auth.is_some()
        || args.tls.sslca.is_some() && auth::has_login(args, program);
    let mut origins = program.origin.iter();
    origins.find(|origin| sends_along && matches!(origin.as_str(), "*" | "null"))
}

/// Whether clients come without TLS from other machines, and by no proxy.
fn is_in_clear(args: &Args) -> Result<bool, FlagError> {
    let is_plain = !tls::is_on(&args.tls) || args.tls.ssl_optional;
    if !is_plain || !args.access.trust_proxy.is_empty() || args.listen.inetd {
        return Ok(false);
    }
    let is_near = |address: &Address| match address {
        Address::Localhost => true,
        Address::Ip(ip) => ip.is_loopback(),
        Address::LinkLocal(..) => false,
    };
    let tcp = listeners::sockets(args)?.tcp;
    Ok(tcp.is_some_and(|tcp| !tcp.addresses.iter().all(is_near)))
}
