//! TLS of a server, as the flags say it: `--ssl` and what belongs to it.

use std::{net::Ipv6Addr, path::PathBuf};

use super::flag_error::FlagError;
use crate::{
    args::{Args, TlsArgs},
    quantity::quantity,
    server::{
        listener::{Address, Sockets, has_inherited},
        tls::{ClientAuth, IdentitySource, LoadError, PemKind, TlsConfig, TlsOptions, WithoutTls},
    },
};

/// What `--ssl-selfsigned` is for, beside the names of `--host` and what others call the machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The configuration of TLS, loaded, for a server that listens there; `None` without TLS.
pub(super) fn config(args: &Args, sockets: &Sockets) -> Result<Option<TlsConfig>, FlagError> {
    let tls = &args.tls;
    if !is_on(tls) {
        return Ok(None);
    }
    let options = TlsOptions {
        identities: match tls.ssl_selfsigned {
            true => vec![self_signed(&args.listen.host)],
            false => files(tls)?,
        },
        clients: tls.sslca.clone().map(|authorities| ClientAuth {
            authorities,
            required: !tls.sslca_optional,
        }),
        without_tls: match tls.ssl_optional {
            true => WithoutTls::Served,
            false => WithoutTls::Refused,
        },
        listening: listening(args, sockets),
    };
    TlsConfig::load(options).map(Some).map_err(flag_error)
}

/// Whether clients without TLS may begin with HTTP/2.
pub(super) fn h2c(args: &Args) -> Result<bool, FlagError> {
    if args.listen.h2c && is_on(&args.tls) && !args.tls.ssl_optional {
        return Err(FlagError::about(
            "--h2c",
            "is about clients without TLS, which --ssl refuses: leave it out, since HTTP/2 is spoken by TLS without it, \
             or give --ssl-optional too",
        ));
    }
    Ok(args.listen.h2c)
}

/// Whether TLS is spoken.
pub(super) fn is_on(args: &TlsArgs) -> bool {
    args.ssl || args.ssl_selfsigned
}

fn self_signed(hosts: &[String]) -> IdentitySource {
    let loopback = LOOPBACK.map(str::to_owned).into_iter();
    let hosts = hosts.iter().map(|host| bare(host).to_owned());
    IdentitySource::SelfSigned {
        names: loopback.chain(hosts).collect(),
    }
}

/// Where clients come in. What was inherited may be open to all of them.
fn listening(args: &Args, sockets: &Sockets) -> Vec<Address> {
    let tcp = sockets.tcp.iter();
    let mut listening: Vec<_> = tcp.flat_map(|tcp| tcp.addresses.clone()).collect();
    if args.listen.inetd || has_inherited() {
        listening.push(Address::Ip(Ipv6Addr::UNSPECIFIED.into()));
    }
    listening
}

/// Pairs of certificate and key.
fn files(args: &TlsArgs) -> Result<Vec<IdentitySource>, FlagError> {
    let (certificates, keys) = (&args.sslcert, &args.sslkey);
    if certificates.is_empty() {
        return Err(FlagError::about(
            "--ssl",
            "needs a certificate: give --sslcert and --sslkey, or --ssl-selfsigned for development",
        ));
    }
    if certificates.len() != keys.len() {
        let reason = format!(
            "is given {} and --sslkey {}: each certificate has a key, in the same order",
            times(certificates.len()),
            times(keys.len())
        );
        return Err(FlagError::about("--sslcert", reason));
    }
    let pair = |(certificates, key): (&PathBuf, &PathBuf)| IdentitySource::Files {
        certificates: certificates.clone(),
        key: key.clone(),
    };
    Ok(certificates.iter().zip(keys).map(pair).collect())
}

fn times(number: usize) -> String {
    quantity(number as u64, "time", "times")
}

/// An IPv6 address of `--host` without its brackets.
fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

/// The flag that names a file which cannot be used, of a server or of a client.
pub(super) fn flag_error(error: LoadError) -> FlagError {
    flag_error_for("--sslca", error)
}

/// The same where another flag names the authorities.
pub(super) fn flag_error_for(authorities: &str, error: LoadError) -> FlagError {
    match &error {
        LoadError::File { kind, file, reason } => {
            let flag = match kind {
                PemKind::Certificate => "--sslcert",
                PemKind::Key => "--sslkey",
                PemKind::Authorities => authorities,
            };
            FlagError::new(flag, file.display(), reason)
        }
        LoadError::SelfSigned(_) => FlagError::about("--ssl-selfsigned", format!("fails: {error}")),
        LoadError::Library(_) => FlagError::about("--ssl", format!("fails: {error}")),
    }
}
