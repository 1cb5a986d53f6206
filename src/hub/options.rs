//! Which broker, and how: [`HubOptions`].

use std::path::PathBuf;

use tokio_rustls::rustls::RootCertStore;

use super::{credentials::Credentials, name::Prefix, url::HubUrl};

/// Which broker, and how.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Where it is; its credentials are those of `credentials` where there are some.
    pub url: HubUrl,
    /// The first word of all names.
    pub prefix: Prefix,
    /// What it is shown.
    pub credentials: Option<Credentials>,
    /// Whom it may have its certificate from, `None` for whom the system trusts.
    pub authorities: Option<Authorities>,
}

/// The authorities in a file (PEM), and no other.
#[derive(Debug, Clone)]
pub struct Authorities {
    /// Where they stand.
    pub file: PathBuf,
    /// What stands there.
    pub roots: RootCertStore,
}
