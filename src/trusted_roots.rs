//! The authorities that this system trusts.

use tokio_rustls::rustls::RootCertStore;

/// All of them that can be read.
///
/// # Errors
/// When there are none.
pub(crate) fn of_system() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    match (roots.is_empty(), found.errors.first()) {
        (false, _) => Ok(roots),
        (true, Some(error)) => Err(format!("the system's authorities cannot be read: {error}")),
        (true, None) => Err("the system has no authorities".to_owned()),
    }
}
