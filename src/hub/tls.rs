//! TLS to a broker whose library leaves it to us.

use std::sync::Arc;

use tokio_rustls::rustls::{
    ClientConfig,
    crypto::ring,
    version::{TLS12, TLS13},
};

use super::options::Authorities;
use crate::trusted_roots;

/// TLS that trusts these authorities, or else those of the system.
///
/// # Errors
/// When nobody would be trusted.
pub(super) fn config(authorities: Option<&Authorities>) -> Result<ClientConfig, String> {
    let roots = match authorities {
        Some(authorities) => authorities.roots.clone(),
        None => trusted_roots::of_system()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
