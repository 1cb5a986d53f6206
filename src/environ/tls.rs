//! The meta-variables of TLS, under the names that Apache's mod_ssl gives them.

use crate::connection::TlsInfo;

/// The variables, each with its value.
pub(super) fn variables(tls: &TlsInfo) -> Vec<(&'static str, &str)> {
    let mut variables = vec![("SSL_PROTOCOL", tls.protocol), ("SSL_CIPHER", tls.cipher)];
    variables.extend(tls.server_name.iter().map(|name| ("SSL_TLS_SNI", &**name)));
    let Some(client) = &tls.client else {
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
