//! TLS of a client: whom it trusts, and what it shows.

use super::super::{flag_error::FlagError, tls::flag_error};
use crate::{
    args::Args,
    client::{ClientTls, Trust, Url},
    server::tls,
};

/// TLS for a URL that wants it.
pub(super) fn tls(args: &Args, url: &Url) -> Result<Option<ClientTls>, FlagError> {
    if !url.is_tls {
        return check_none_is_meant(args, url).map(|()| None);
    }
    let trust = match (&args.tls.sslca, args.client.fingerprint) {
        (Some(file), _) => Trust::Authorities(tls::authorities(file).map_err(flag_error)?),
        (None, Some(fingerprint)) => Trust::Certificate(fingerprint),
        (None, None) if args.client.insecure => Trust::Anybody,
        (None, None) => Trust::System,
    };
    let shown = match (&args.tls.sslcert[..], &args.tls.sslkey[..]) {
        ([], _) => None,
        ([certificate], [key]) => Some(tls::certified(certificate, key).map_err(flag_error)?),
        _ => {
            return Err(FlagError::about(
                "--sslcert",
                "and --sslkey are given more than once: a client has one certificate",
            ));
        }
    };
    let help = |reason| {
        FlagError::new(
            "--connect",
            url,
            format!("{reason}: give --sslca or --fingerprint"),
        )
    };
    ClientTls::new(trust, shown).map(Some).map_err(help)
}

fn check_none_is_meant(args: &Args, url: &Url) -> Result<(), FlagError> {
    let flag = match &args.tls {
        _ if args.client.insecure => "--insecure",
        _ if args.client.fingerprint.is_some() => "--fingerprint",
        tls if tls.sslca.is_some() => "--sslca",
        tls if !tls.sslcert.is_empty() => "--sslcert",
        _ => return Ok(()),
    };
    let reason = format!("is about TLS, which --connect={url} does not speak: wss:// does");
    Err(FlagError::about(flag, reason))
}
