//! What TLS says of a connection, under the names that Apache's mod_ssl gives it.

/// The TLS of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `TLSv1.2` or `TLSv1.3`.
    pub protocol: &'static str,
    /// The cipher suite, by OpenSSL's name.
    pub cipher: &'static str,
    /// The name that the client asked for (SNI, RFC 6066 §3), if it asked for one.
    pub server_name: Option<String>,
    /// The client's certificate, if it showed one; it was issued by an authority that the server trusts.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The subject, as RFC 2253 writes it.
    pub subject: String,
    /// The subject's common name.
    pub subject_common_name: Option<String>,
    /// The issuer, as RFC 2253 writes it.
    pub issuer: String,
    /// The issuer's common name.
    pub issuer_common_name: Option<String>,
    /// The serial number in hexadecimal digits.
    pub serial: String,
    /// When it began to be valid, as OpenSSL writes it: `Nov  1 12:00:00 2026 GMT`.
    pub not_before: String,
    /// When it ends to be valid.
    pub not_after: String,
    /// The SHA-256 of its DER in hexadecimal digits.
    pub fingerprint: String,
}

impl Tls {
    /// The variables, each with its value.
    pub(super) fn variables(&self) -> Vec<(&'static str, &str)> {
        let mut variables = vec![("SSL_PROTOCOL", self.protocol), ("SSL_CIPHER", self.cipher)];
        variables.extend(self.server_name.iter().map(|name| ("SSL_TLS_SNI", &**name)));
        let Some(client) = &self.client else {
            variables.push(("SSL_CLIENT_VERIFY", "NONE"));
            return variables;
        };
        variables.extend([
            ("SSL_CLIENT_VERIFY", "SUCCESS"),
            ("SSL_CLIENT_S_DN", &client.subject),
            ("SSL_CLIENT_I_DN", &client.issuer),
            ("SSL_CLIENT_M_SERIAL", &client.serial),
            ("SSL_CLIENT_V_START", &client.not_before),
            ("SSL_CLIENT_V_END", &client.not_after),
            // mod_ssl has none; the name is the one that rules in Apache's and nginx's way would look for.
            ("SSL_CLIENT_FINGERPRINT", &client.fingerprint),
        ]);
        for (variable, name) in [
            ("SSL_CLIENT_S_DN_CN", &client.subject_common_name),
            ("SSL_CLIENT_I_DN_CN", &client.issuer_common_name),
        ] {
            variables.extend(name.iter().map(|name| (variable, &**name)));
        }
        variables
    }
}
