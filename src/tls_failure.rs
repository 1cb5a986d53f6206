//! Failures of TLS with a server, in words: what is wrong, at which end, what helps, and whether trying again may.

use std::{
    error::Error as _,
    fmt, io,
    iter::successors,
    time::{Duration, SystemTime},
};

use httpdate::fmt_http_date;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error, OtherError, PeerIncompatible, pki_types::UnixTime,
};

use crate::{fingerprint::Fingerprint, printable::printable};

/// Why TLS did not come about, or broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFailure {
    reason: String,
    remedy: Option<TlsRemedy>,
    may_pass: bool,
}

/// What set otherwise would have avoided a failure, without a word of how it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsRemedy {
    /// Whose certificates are trusted.
    Authorities,
    /// Trust in this one certificate.
    Fingerprint,
    /// Where the server has a certificate from that is not the one expected.
    SelfSigned,
    /// The certificate that the server is shown.
    ClientCertificate,
    /// Whether TLS is spoken at all.
    WithoutTls,
}

/// The server shows another certificate than the one that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OtherCertificate {
    pub(crate) shown: Fingerprint,
    pub(crate) expected: Fingerprint,
}

impl fmt::Display for OtherCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OtherCertificate { shown, expected } = self;
        write!(
            formatter,
            "the server's certificate has the fingerprint {shown}, and only {expected} is trusted"
        )
    }
}

impl std::error::Error for OtherCertificate {}

impl TlsFailure {
    /// In words of one's own.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        TlsFailure {
            reason: reason.into(),
            remedy: None,
            may_pass: false,
        }
    }

    fn avoided_by(self, remedy: TlsRemedy) -> Self {
        TlsFailure {
            remedy: Some(remedy),
            ..self
        }
    }

    fn that_may_pass(self) -> Self {
        TlsFailure {
            may_pass: true,
            ..self
        }
    }

    /// A host that is no DNS name, and no address.
    pub(crate) fn of_name(host: &str) -> Self {
        TlsFailure::new(format!("'{host}' cannot be a name in a certificate"))
    }

    /// Why a handshake failed.
    pub(crate) fn in_handshake(error: &io::Error) -> Self {
        match tls_error(error) {
            Some(error) => TlsFailure::of(error),
            None => TlsFailure::new(format!(
                "the connection broke in the handshake ({}), as one with a server without TLS may",
                match error.kind() {
                    io::ErrorKind::UnexpectedEof => "it was closed".to_owned(),
                    _ => error.to_string(),
                }
            ))
            .avoided_by(TlsRemedy::WithoutTls)
            .that_may_pass(),
        }
    }

    /// Why a connection was lost behind the handshake, if that was for TLS.
    pub(crate) fn in_connection(error: &io::Error) -> Option<Self> {
        match tls_error(error) {
            Some(error) => Some(TlsFailure::of(error)),
            // What the library says then is where its documentation has more.
            None if error.kind() == io::ErrorKind::UnexpectedEof => Some(TlsFailure::new(
                "the server ended it without a word of TLS (close_notify)",
            )),
            None => None,
        }
    }

    /// Why HTTP came to no end, if that was for TLS: of its version 1.3 the client's handshake is over before
    /// the server has looked at the client's certificate (RFC 8446 §4.4.2.4).
    pub(crate) fn behind(error: &hyper::Error) -> Option<Self> {
        // Further down if the request had not begun to go out.
        let causes = successors(error.source(), |&cause| cause.source());
        let mut errors = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
        errors.find_map(tls_error).map(TlsFailure::of)
    }

    fn of(error: &Error) -> Self {
        match error {
            // Nothing of an answer is understood before there are keys.
            Error::InvalidMessage(_) => {
                TlsFailure::new("what answers speaks no TLS").avoided_by(TlsRemedy::WithoutTls)
            }
            // A server that echoes says what only clients do.
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                TlsFailure::new(
                    "what answers speaks no TLS, or not as a server does: it may be an echo",
                )
                .avoided_by(TlsRemedy::WithoutTls)
            }
            Error::InvalidCertificate(error) => of_certificate(error),
            Error::AlertReceived(alert) => of_alert(*alert),
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => of_alert(AlertDescription::ProtocolVersion),
            error => TlsFailure::new(error.to_string()),
        }
    }

    /// What set otherwise would have avoided it.
    pub fn remedy(&self) -> Option<TlsRemedy> {
        self.remedy
    }

    /// Whether the same may be well the next time.
    pub(crate) fn may_pass(&self) -> bool {
        self.may_pass
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What is wrong with the server's certificate.
fn of_certificate(error: &CertificateError) -> TlsFailure {
    use CertificateError::*;
    let failure = |reason: &str| TlsFailure::new(format!("the server's certificate {reason}"));
    match error {
        UnknownIssuer => {
            failure("was issued by no authority that is trusted").avoided_by(TlsRemedy::Authorities)
        }
        ExpiredContext { time, not_after } => {
            let (now, end) = (date(*time), date(*not_after));
            failure(&format!("has expired at {end}; here it is {now}"))
                .avoided_by(TlsRemedy::Fingerprint)
        }
        NotValidYetContext { time, not_before } => {
            let (now, start) = (date(*time), date(*not_before));
            let failure = failure(&format!("is not valid before {start}; here it is {now}"));
            // A machine without a clock of its own learns the time after its start.
            failure.that_may_pass()
        }
        NotValidForNameContext {
            expected,
            presented,
        } => {
            let (names, asked) = (names(presented), expected.to_str());
            failure(&format!("is for {names}, not for '{asked}'"))
                .avoided_by(TlsRemedy::Fingerprint)
        }
        InvalidPurposeContext { .. } => {
            failure("is not for servers (extendedKeyUsage)").avoided_by(TlsRemedy::Fingerprint)
        }
        BadSignature => TlsFailure::new(
            "a signature is wrong: the server's certificate is not of the authority that it names, or the server \
             does not hold its key",
        ),
        Other(error) => of_other(error),
        error => failure(&format!("is not valid: {error}")),
    }
}

/// What rustls has no word for.
fn of_other(OtherError(error): &OtherError) -> TlsFailure {
    if let Some(other) = error.downcast_ref::<OtherCertificate>() {
        return TlsFailure::new(other.to_string()).avoided_by(TlsRemedy::SelfSigned);
    }
    // Of webpki, whose errors say their names.
    match &*error.to_string() {
        "CaUsedAsEndEntity" => TlsFailure::new(
            "the server's certificate is marked as an authority's (CA:TRUE, as 'openssl req -x509' makes it); one \
             with basicConstraints=CA:FALSE is a server's",
        )
        .avoided_by(TlsRemedy::Fingerprint),
        "UnsupportedCertVersion" => TlsFailure::new(
            "the server's certificate is of version 1, and cannot say for whom it is; one with extensions is of \
             version 3",
        ),
        name => TlsFailure::new(format!("the server's certificate is not valid: {name}")),
    }
}

/// What the server says when it ends the handshake (RFC 8446 §6.2).
fn of_alert(alert: AlertDescription) -> TlsFailure {
    use AlertDescription::*;
    match alert {
        CertificateRequired => TlsFailure::new("the server asks for a certificate")
            .avoided_by(TlsRemedy::ClientCertificate),
        NoCertificate | BadCertificate | UnsupportedCertificate | CertificateRevoked
        | CertificateExpired | CertificateUnknown | UnknownCA | AccessDenied => {
            let reason = format!("the server does not take the certificate of this end ({alert:?})");
            TlsFailure::new(reason).avoided_by(TlsRemedy::ClientCertificate)
        }
        HandshakeFailure => TlsFailure::new(
            "the server has no cipher in common with this end, or asks for a certificate (HandshakeFailure)",
        )
        .avoided_by(TlsRemedy::ClientCertificate),
        ProtocolVersion => TlsFailure::new("the server speaks neither TLS 1.2 nor 1.3"),
        UnrecognisedName => TlsFailure::new("the server does not know the name that it was asked for"),
        alert => TlsFailure::new(format!("the server has ended the handshake ({alert:?})")),
    }
}

fn date(time: UnixTime) -> String {
    let after = Duration::from_secs(time.as_secs());
    SystemTime::UNIX_EPOCH
        .checked_add(after)
        .filter(|time| *time < SystemTime::UNIX_EPOCH + LAST_DATE)
        .map_or_else(|| format!("{} s", time.as_secs()), fmt_http_date)
}

/// 1 January 10000, where dates end (RFC 9110 §5.6.7 has four digits for a year).
const LAST_DATE: Duration = Duration::from_secs(253_402_300_800);

/// The names that webpki shows, as one would type them: `DnsName("a")`, `IpAddress(::1)`.
fn names(presented: &[String]) -> String {
    let name = |shown: &String| {
        let inner = shown
            .split_once('(')
            .and_then(|(_, rest)| rest.strip_suffix(')'));
        let name = inner.unwrap_or(shown).trim_matches('"');
        printable(name).into_owned()
    };
    let names: Vec<String> = presented.iter().map(name).collect();
    match &names[..] {
        [] => "no name (it has no subjectAltName)".to_owned(),
        names => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_rustls::rustls::{HandshakeType, pki_types::ServerName};

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn of(error: CertificateError) -> TlsFailure {
        let error = Error::InvalidCertificate(error);
        TlsFailure::in_handshake(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn certificate_that_begins_later_may_be_valid_later() {
        let failure = of(CertificateError::NotValidYetContext {
            time: at(0),
            not_before: at(1_000_000_000),
        });
        assert!(failure.may_pass());
        assert_eq!(
            failure.to_string(),
            "the server's certificate is not valid before Sun, 09 Sep 2001 01:46:40 GMT; here it is Thu, 01 Jan \
             1970 00:00:00 GMT"
        );
    }

    #[test]
    fn date_beyond_all_calendars_is_a_number() {
        let failure = of(CertificateError::ExpiredContext {
            time: at(u64::MAX),
            not_after: at(253_402_300_799),
        });
        assert!(!failure.may_pass());
        let text = failure.to_string();
        assert!(text.contains("31 Dec 9999 23:59:59 GMT"), "{text}");
        assert!(text.contains(&u64::MAX.to_string()), "{text}");
    }

    #[test]
    fn names_are_as_one_types_them_and_move_no_terminal() {
        for (presented, said) in [
            (
                &["DnsName(\"a.example\")", "IpAddress(::1)"][..],
                "a.example, ::1",
            ),
            (&["DnsName(\"\x1b]0;x\")"], "\\u{1b}]0;x"),
            (&["DirectoryName"], "DirectoryName"),
            (&[], "no name (it has no subjectAltName)"),
        ] {
            let failure = of(CertificateError::NotValidForNameContext {
                expected: ServerName::try_from("b.example").expect("a name"),
                presented: presented.iter().map(ToString::to_string).collect(),
            });
            let expected = format!("the server's certificate is for {said}, not for 'b.example'");
            assert_eq!(failure.to_string(), expected);
            assert_eq!(failure.remedy(), Some(TlsRemedy::Fingerprint));
        }
    }

    #[test]
    fn error_without_a_word_of_ours_is_said_by_its_name() {
        let other = OtherError(Arc::new(io::Error::other("TrailingData")));
        for (error, part) in [
            (CertificateError::Other(other), "not valid: TrailingData"),
            (CertificateError::UnhandledCriticalExtension, "not valid: "),
            (CertificateError::BadEncoding, "not valid: "),
        ] {
            let text = of(error).to_string();
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn connection_that_breaks_may_come_about_later() {
        let end = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        let failure = TlsFailure::in_handshake(&end);
        assert!(failure.to_string().contains("(it was closed)"), "{failure}");
        assert!(failure.may_pass());
        assert_eq!(failure.remedy(), Some(TlsRemedy::WithoutTls));
    }

    #[test]
    fn what_says_as_a_client_does_is_no_server() {
        let error = Error::InappropriateHandshakeMessage {
            expect_types: vec![HandshakeType::ServerHello],
            got_type: HandshakeType::ClientHello,
        };
        let failure = TlsFailure::in_handshake(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert!(!failure.to_string().contains("Hello"), "{failure}");
        assert_eq!(failure.remedy(), Some(TlsRemedy::WithoutTls));
    }

    #[test]
    fn connection_that_ends_without_a_word_is_told_without_the_librarys() {
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, "see https://docs.rs/rustls");
        let failure = TlsFailure::in_connection(&error).expect("for TLS");
        assert!(failure.to_string().contains("close_notify"), "{failure}");
        assert!(!failure.to_string().contains("docs.rs"), "{failure}");
        assert_eq!(
            TlsFailure::in_connection(&io::ErrorKind::ConnectionReset.into()),
            None
        );
    }

    #[test]
    fn server_that_ends_the_handshake_is_told_with_its_alert() {
        for (alert, part, option) in [
            (AlertDescription::CertificateRequired, "asks for", true),
            (AlertDescription::UnknownCA, "(UnknownCA)", true),
            (
                AlertDescription::HandshakeFailure,
                "(HandshakeFailure)",
                true,
            ),
            (AlertDescription::ProtocolVersion, "TLS 1.2", false),
            (AlertDescription::UnrecognisedName, "name", false),
            (AlertDescription::InternalError, "(InternalError)", false),
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, Error::AlertReceived(alert));
            let failure = TlsFailure::in_handshake(&error);
            assert!(failure.to_string().contains(part), "{failure}");
            assert_eq!(failure.remedy().is_some(), option, "{failure}");
        }
    }
}
