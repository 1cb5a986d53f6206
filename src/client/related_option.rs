//! What the end of a client may depend on, without a word of how it is set.

use crate::tls_failure::TlsRemedy;

/// What the end of a client may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelatedOption {
    /// What becomes of the connection after the end of stdin.
    Linger,
    /// Whether binary messages are taken.
    Binary,
    /// The longest message of the server.
    MaxMessage,
    /// What becomes of a newline within a message.
    Newline,
    /// The subprotocols that are offered.
    Subprotocols,
    /// Whether compression is offered.
    Compression,
    /// Whose certificates are trusted.
    Authorities,
    /// The one certificate that is trusted.
    Fingerprint,
    /// Where the server has a certificate from that is not the one expected.
    SelfSigned,
    /// The certificate that a server is shown.
    ClientCertificate,
    /// Whether TLS is spoken.
    Scheme,
}

impl From<TlsRemedy> for RelatedOption {
    fn from(remedy: TlsRemedy) -> Self {
        match remedy {
            TlsRemedy::Authorities => RelatedOption::Authorities,
            TlsRemedy::Fingerprint => RelatedOption::Fingerprint,
            TlsRemedy::SelfSigned => RelatedOption::SelfSigned,
            TlsRemedy::ClientCertificate => RelatedOption::ClientCertificate,
            TlsRemedy::WithoutTls => RelatedOption::Scheme,
        }
    }
}
