//! Which flag helps, behind a complaint of a module that knows no flag.

use wsd::{
    client::RelatedOption,
    server::listener::{BindFailure, InheritedError},
};

/// The flags by which an option of a client is set.
pub(super) fn of_option(option: RelatedOption) -> &'static str {
    match option {
        RelatedOption::Linger => "--linger=never stays, to listen only",
        RelatedOption::Binary => ": --binary takes it, and so does --framing=length",
        RelatedOption::MaxMessage => " (--maxframesize)",
        RelatedOption::Newline => " (--newline)",
        RelatedOption::Subprotocols => " (--subprotocol)",
        RelatedOption::Compression => " (--compress)",
        RelatedOption::Authorities => {
            ": --sslca=FILE trusts the authorities in a file (PEM), --fingerprint=SHA256 one certificate, \
             such as that of --ssl-selfsigned"
        }
        RelatedOption::Fingerprint => ": --fingerprint=SHA256 trusts it all the same",
        RelatedOption::SelfSigned => "; --ssl-selfsigned makes another one at each start",
        RelatedOption::ClientCertificate => ": --sslcert and --sslkey show one",
        RelatedOption::Scheme => "; the URL of a server without TLS begins with ws://",
    }
}

/// The flags by which a server may listen all the same.
pub(super) fn of_bind_failure(failure: BindFailure) -> &'static str {
    match failure {
        BindFailure::PortInUse => "; another --port may be free, --port=0 takes one that is",
        BindFailure::PortPrivileged => "; a --port over 1023 needs no privilege",
        BindFailure::ForeignAddress => "; --address takes one of this machine's own",
        BindFailure::PathInUse => "; stop it, or give --unixsocket another path",
        BindFailure::PathTaken => "; give --unixsocket another path",
        BindFailure::Owner => " (--unixsocket-owner)",
        BindFailure::Other => "",
    }
}

/// The flag for what was passed and is no socket that listens.
pub(super) fn of_inherited(error: &InheritedError) -> &'static str {
    match error {
        InheritedError::NotListening(_) => {
            "; for a connection use --inetd and StandardInput=socket"
        }
        InheritedError::Variable(..) | InheritedError::Descriptor { .. } => "",
    }
}
