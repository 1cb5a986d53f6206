//! Identities: who a client has shown to be, and by what ([`Identity`]).

/// Who a client is, as far as that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name, for REMOTE_USER.
    pub user: String,
    /// What has shown it, for AUTH_TYPE.
    pub kind: AuthKind,
}

/// What has shown who a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthKind {
    /// A password, or the cookie that stands for it (RFC 7617).
    Basic,
    /// A token (RFC 6750).
    Bearer,
    /// A header of a trusted proxy.
    Header,
    /// A certificate.
    Certificate,
    /// What decides about requests says so, by a word of its own.
    Named(String),
}

impl AuthKind {
    /// The value of AUTH_TYPE (RFC 3875 §4.1.1).
    pub fn name(&self) -> &str {
        match self {
            AuthKind::Basic => "Basic",
            AuthKind::Bearer => "Bearer",
            AuthKind::Header => "Header",
            AuthKind::Certificate => "Certificate",
            AuthKind::Named(name) => name,
        }
    }
}
