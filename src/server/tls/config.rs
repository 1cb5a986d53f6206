//! TLS server configuration: identities, versions, resumption, client authentication: [`TlsConfig`].

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use tracing::{Level, event, warn};

use super::{
    identity::{Identity, IdentitySource},
    pem::{self, LoadError, PemKind},
    resolver::Resolver,
};
use crate::file_stamp::Stamp;
use crate::server::{io::HTTP_2, listener::Address};

/// What is spoken inside (RFC 7301), the first before the others. A new protocol is added here, and
/// its handler in `connection`.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];

/// What a [`TlsConfig`] is loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// Who the server is, chosen by the name that a client asks for; the first is for all others.
    pub identities: Vec<IdentitySource>,
    /// By which certificates clients are authenticated, if they are.
    pub clients: Option<ClientAuth>,
    /// What becomes of a client that speaks no TLS.
    pub without_tls: WithoutTls,
    /// Where the server listens: a certificate that is made at start is for what others call that.
    pub listening: Vec<Address>,
}

/// Authentication of clients by their certificates (RFC 8446 §4.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuth {
    /// PEM with the authorities that issue them.
    pub authorities: PathBuf,
    /// Whether a client without a certificate is refused. One with a certificate of another authority is
    /// refused in any case.
    pub required: bool,
}

/// What becomes of a client that speaks no TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutTls {
    /// It is told to.
    Refused,
    /// It is served all the same, on the same port.
    Served,
}

/// What TLS is spoken with, loaded and checked.
#[derive(Debug)]
pub struct TlsConfig {
    pub(super) options: TlsOptions,
    identities: Vec<Arc<Identity>>,
    /// What is odd about the file of authorities, for people.
    remarks: Vec<String>,
    pub(super) rustls: Arc<ServerConfig>,
    /// The files as they were before they were read.
    pub(super) stamps: Vec<Stamp>,
}

impl TlsConfig {
    /// Loads all that the options name.
    ///
    /// # Errors
    /// [`LoadError`] names the first file that cannot be used.
    pub fn load(options: TlsOptions) -> Result<Self, LoadError> {
        Self::load_after(options, &[])
    }

    /// Loads the files again. What was made at start stays, since clients have been told to trust it.
    pub(super) fn reload(&self) -> Result<Self, LoadError> {
        Self::load_after(self.options.clone(), &self.identities)
    }

    /// The same, with what `earlier` has made at start in place of what this one has made.
    pub(super) fn keeping(self, earlier: &Self) -> Self {
        let is_made =
            |identity: &Arc<Identity>| matches!(identity.source, IdentitySource::SelfSigned { .. });
        match self.identities.iter().any(is_made) {
            true => Self::load_after(self.options.clone(), &earlier.identities).unwrap_or(self),
            false => self,
        }
    }

    fn load_after(options: TlsOptions, earlier: &[Arc<Identity>]) -> Result<Self, LoadError> {
        let stamps = options.stamps();
        let identity = |source: &IdentitySource| {
            let is_same = |identity: &&Arc<Identity>| identity.source == *source;
            match (source, earlier.iter().find(is_same)) {
                (IdentitySource::SelfSigned { .. }, Some(made)) => Ok(Arc::clone(made)),
                _ => Identity::load(source, &options.listening).map(Arc::new),
            }
        };
        let identities: Vec<_> = options
            .identities
            .iter()
            .map(identity)
            .collect::<Result<_, _>>()?;
        let trusted = options.clients.as_ref();
        let trusted = trusted.map(|clients| load_authorities(&clients.authorities));
        let (roots, remarks) = trusted.transpose()?.unzip();
        Ok(TlsConfig {
            rustls: Arc::new(rustls_config(&options, roots, &identities)?),
            options,
            identities,
            remarks: remarks.unwrap_or_default(),
            stamps,
        })
    }

    /// The names that the certificates are for, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.identities.iter().flat_map(|identity| &identity.names);
        names.map(String::as_str)
    }

    /// Logs what an operator who starts a server with this configuration should know.
    pub fn report(&self) {
        if let Some(clients) = &self.options.clients {
            warn_of(&clients.authorities, &self.remarks);
        }
        for identity in &self.identities {
            let certificate = &identity.certificate;
            match &identity.source {
                IdentitySource::Files { certificates, .. } => {
                    warn_of(certificates, &identity.remarks);
                    if let Some(reason) = certificate.is_invalid_at(SystemTime::now()) {
                        warn!("the certificate '{}' {reason}", certificates.display());
                    }
                }
                IdentitySource::SelfSigned { .. } => event!(
                    target: "listening",
                    Level::INFO,
                    "generated a self-signed certificate for {}; its SHA-256 fingerprint is {}",
                    identity.names.join(", "),
                    certificate.fingerprint()
                ),
            }
        }
    }
}

fn warn_of(file: &Path, remarks: &[String]) {
    for remark in remarks {
        warn!("the file '{}': {remark}", file.display());
    }
}

impl TlsOptions {
    /// The files as they are now.
    pub(super) fn stamps(&self) -> Vec<Stamp> {
        self.files().map(Stamp::of).collect()
    }

    /// All files, in one order.
    fn files(&self) -> impl Iterator<Item = &Path> {
        let authorities = self.clients.iter().map(|clients| &*clients.authorities);
        let sources = self.identities.iter();
        sources.flat_map(IdentitySource::files).chain(authorities)
    }
}

fn rustls_config(
    options: &TlsOptions,
    roots: Option<RootCertStore>,
    identities: &[Arc<Identity>],
) -> Result<ServerConfig, LoadError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])?;
    let builder = match options.clients.as_ref().zip(roots) {
        Some((clients, roots)) => {
            builder.with_client_cert_verifier(verifier(clients, roots, provider)?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Resolver::new(identities)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // Sessions are resumed from tickets that clients keep (RFC 5077, RFC 8446 §2.2): that takes no memory
    // here, however many clients there are. The keys change with the configuration, so nobody resumes what an
    // authority that is no longer trusted let in.
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn verifier(
    clients: &ClientAuth,
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, LoadError> {
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    if !clients.required {
        builder = builder.allow_unauthenticated();
    }
    let built = builder.build();
    built.map_err(|error| {
        LoadError::file(
            PemKind::Authorities,
            &clients.authorities,
            error.to_string(),
        )
    })
}

/// The authorities of a file (PEM).
///
/// # Errors
/// [`LoadError`] names the file.
pub fn authorities(file: &Path) -> Result<RootCertStore, LoadError> {
    load_authorities(file).map(|(roots, _)| roots)
}

/// The same, and what is odd about the file.
fn load_authorities(file: &Path) -> Result<(RootCertStore, Vec<String>), LoadError> {
    let fail = |reason: String| LoadError::file(PemKind::Authorities, file, reason);
    let (certificates, remarks) = pem::certificates(PemKind::Authorities, file)?;
    let mut roots = RootCertStore::empty();
    for (place, certificate) in certificates.into_iter().enumerate() {
        roots
            .add(certificate)
            .map_err(|error| fail(format!("certificate {} cannot be used: {error}", place + 1)))?;
    }
    Ok((roots, remarks))
}
