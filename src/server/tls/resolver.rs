//! Certificate selection by server name (SNI, RFC 6066 §3): which identity a client is shown.

use std::{fmt, sync::Arc};

use tokio_rustls::rustls::{
    SignatureScheme,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::identity::Identity;
use crate::connection::certificate_covers;

/// The identities of a server, in the order in which they were given; at least one.
pub(super) struct Resolver {
    identities: Vec<(Vec<String>, Arc<CertifiedKey>)>,
}

impl Resolver {
    pub(super) fn new(identities: &[Arc<Identity>]) -> Self {
        let entry =
            |identity: &Arc<Identity>| (identity.names.clone(), Arc::clone(&identity.certified));
        Resolver {
            identities: identities.iter().map(entry).collect(),
        }
    }

    /// The first that is for the name itself, else the first whose wildcard covers it, else the first; among
    /// these one that can sign as the client asks, so that an ECDSA and an RSA certificate may stand side by
    /// side.
    fn choose(
        &self,
        name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<&Arc<CertifiedKey>> {
        let first_that = |is_wanted: &dyn Fn(&String) -> bool| {
            let mut named = self.identities.iter();
            named.find(|(names, key)| {
                names.iter().any(is_wanted) && key.key.choose_scheme(schemes).is_some()
            })
        };
        let named = name.and_then(|name| {
            first_that(&|own| own.eq_ignore_ascii_case(name))
                .or_else(|| first_that(&|own| certificate_covers(own, name)))
        });
        let any = || {
            let mut all = self.identities.iter();
            all.find(|(_, key)| key.key.choose_scheme(schemes).is_some())
        };
        named
            .or_else(any)
            .or(self.identities.first())
            .map(|(_, key)| key)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.identities.iter().map(|(names, _)| names);
        formatter.debug_list().entries(names).finish()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name(), hello.signature_schemes())
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::tls::{IdentitySource, identity::Identity};

    const SCHEMES: [SignatureScheme; 1] = [SignatureScheme::ECDSA_NISTP256_SHA256];

    fn resolver(names: &[&[&str]]) -> Resolver {
        let identity = |names: &&[&str]| {
            let names = names.iter().map(ToString::to_string).collect();
            let source = IdentitySource::SelfSigned { names };
            Arc::new(Identity::load(&source, &[]).expect("an identity"))
        };
        Resolver::new(&names.iter().map(identity).collect::<Vec<_>>())
    }

    fn place(resolver: &Resolver, name: Option<&str>) -> Option<usize> {
        let chosen = resolver.choose(name, &SCHEMES)?;
        let mut all = resolver.identities.iter();
        all.position(|(_, key)| Arc::ptr_eq(key, chosen))
    }

    #[test]
    fn own_name_goes_before_a_wildcard_and_a_wildcard_before_the_first() {
        let resolver = resolver(&[
            &["first.example"],
            &["*.example.org"],
            &["a.example.org", "b.example.org"],
        ]);
        for (name, chosen) in [
            (Some("first.example"), 0),
            (Some("a.example.org"), 2),
            (Some("B.Example.ORG"), 2),
            (Some("c.example.org"), 1),
            (Some("x.c.example.org"), 0),
            (Some("example.org"), 0),
            (Some("other.example"), 0),
            (None, 0),
        ] {
            assert_eq!(place(&resolver, name), Some(chosen), "{name:?}");
        }
    }

    #[test]
    fn client_that_signs_otherwise_still_gets_an_answer() {
        let resolver = resolver(&[&["first.example"]]);
        let schemes = [SignatureScheme::ED25519];
        assert!(resolver.choose(Some("first.example"), &schemes).is_some());
    }
}
