//! TLS, as the flags say it: `--ssl` and what belongs to it.

use std::path::{Path, PathBuf};

use anyhow::{Error, Result, anyhow, bail};

use crate::{
    args::Args,
    server::tls::{
        ClientAuth, IdentitySource, LoadError, PemKind, TlsConfig, TlsOptions, WithoutTls,
    },
};

/// What `--ssl-selfsigned` is for, beside the names of `--host`.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The configuration of TLS, loaded; `None` without TLS.
pub(super) fn config(args: &Args) -> Result<Option<TlsConfig>> {
    if !is_on(args) {
        for (given, flag) in [
            (!args.tls.sslcert.is_empty(), "--sslcert"),
            (!args.tls.sslkey.is_empty(), "--sslkey"),
            (args.tls.sslca.is_some(), "--sslca"),
            (args.tls.ssl_optional, "--ssl-optional"),
        ] {
            if given {
                bail!("{flag} is about TLS: give --ssl too");
            }
        }
    }
    if args.tls.sslca_optional && args.tls.sslca.is_none() {
        bail!("--sslca-optional is about the certificates of --sslca: give that too");
    }
    if !is_on(args) {
        return Ok(None);
    }
    let options = TlsOptions {
        identities: identities(args)?,
        clients: args.tls.sslca.clone().map(|authorities| ClientAuth {
            authorities,
            required: !args.tls.sslca_optional,
        }),
        without_tls: match args.tls.ssl_optional {
            true => WithoutTls::Served,
            false => WithoutTls::Refused,
        },
    };
    TlsConfig::load(options).map(Some).map_err(located)
}

/// Whether clients without TLS may begin with HTTP/2.
pub(super) fn h2c(args: &Args) -> Result<bool> {
    if args.listen.h2c && is_on(args) && !args.tls.ssl_optional {
        bail!(
            "--h2c is about clients without TLS, which --ssl refuses: leave it out, since HTTP/2 is spoken by TLS \
             without it, or give --ssl-optional too"
        );
    }
    Ok(args.listen.h2c)
}

/// Whether TLS is spoken.
pub(super) fn is_on(args: &Args) -> bool {
    args.tls.ssl || args.tls.ssl_selfsigned
}

fn identities(args: &Args) -> Result<Vec<IdentitySource>> {
    let (certificates, keys) = (&args.tls.sslcert, &args.tls.sslkey);
    if args.tls.ssl_selfsigned {
        if let Some(file) = certificates.first().or(keys.first()) {
            bail!(
                "--ssl-selfsigned and the file '{}' exclude each other: it makes its own certificate",
                file.display()
            );
        }
        let loopback = LOOPBACK.map(str::to_owned).into_iter();
        let hosts = args.listen.host.iter().map(|host| bare(host).to_owned());
        return Ok(vec![IdentitySource::SelfSigned {
            names: loopback.chain(hosts).collect(),
        }]);
    }
    match (certificates.len(), keys.len()) {
        (0, 0) => bail!(
            "--ssl needs a certificate: give --sslcert and --sslkey, or --ssl-selfsigned for development"
        ),
        (0, _) => bail!("--sslkey needs the certificate of the key: give --sslcert too"),
        (_, 0) => bail!("--sslcert needs the certificate's private key: give --sslkey too"),
        (certificates, keys) if certificates != keys => bail!(
            "--sslcert is given {certificates} times and --sslkey {keys} times: each certificate has a key, in \
             the same order"
        ),
        _ => {}
    }
    let pair = |(certificates, key): (&PathBuf, &PathBuf)| IdentitySource::Files {
        certificates: certificates.clone(),
        key: key.clone(),
    };
    Ok(certificates.iter().zip(keys).map(pair).collect())
}

/// An IPv6 address of `--host` without its brackets.
fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

pub(super) fn located(error: LoadError) -> Error {
    let invalid = |flag: &str, file: &Path, reason: &str| {
        anyhow!("invalid value '{}' for '{flag}': {reason}", file.display())
    };
    match &error {
        LoadError::File { kind, file, reason } => match kind {
            PemKind::Certificate => invalid("--sslcert", file, reason),
            PemKind::Key => invalid("--sslkey", file, reason),
            PemKind::Authorities => invalid("--sslca", file, reason),
        },
        LoadError::SelfSigned(_) => anyhow!("--ssl-selfsigned: {error}"),
        LoadError::Library(_) => anyhow!("--ssl: {error}"),
    }
}
