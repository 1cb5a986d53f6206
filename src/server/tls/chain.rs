//! Certificate chains: from the certificates of a file, however they lie there, to what clients are sent ([`Chain`]).
//!
//! TLS 1.2 wants each certificate to be followed by its issuer's (RFC 5246 §7.4.2); TLS 1.3 wants the first to be the
//! server's own and clients to sort the rest (RFC 8446 §4.4.2), which many do, and not all. Files come in any order,
//! and with more than the chain: what can be sorted is sorted, and the operator is told.

use super::certificate::Certificate;

/// What is sent of a file's certificates, and in which order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// Places in the file: the one of the key, the path from there to the first root that the file has for it, then
    /// whatever else there is. Each certificate once.
    pub(super) order: Vec<usize>,
    /// What is odd about the file, for people.
    pub(super) remarks: Vec<String>,
}

impl Chain {
    /// The chain of the certificate at a place.
    pub(super) fn of(certificates: &[Certificate], leaf: usize) -> Self {
        let mut remarks = Vec::new();
        let mut distinct = Vec::new();
        for (place, certificate) in certificates.iter().enumerate() {
            let earlier = |other: &&usize| certificates[**other].is_same(certificate);
            match distinct.iter().find(earlier) {
                Some(earlier) => remarks.push(format!(
                    "certificate {} is number {} again, and is sent once",
                    place + 1,
                    earlier + 1
                )),
                None => distinct.push(place),
            }
        }
        let mut order = path(certificates, &distinct, leaf);
        if !order.is_sorted() || order.first() != distinct.first() {
            let places: Vec<_> = order.iter().map(|place| (place + 1).to_string()).collect();
            remarks.push(format!(
                "its certificates are not in order (the one of the key, its issuer's, and so on), and are sent as {}",
                places.join(", ")
            ));
        }
        let rest = distinct.iter().filter(|place| !order.contains(place));
        let rest: Vec<_> = rest.copied().collect();
        remarks.extend(rest.iter().map(|place| {
            let (subject, issuer) = (certificates[*place].subject(), certificates[*place].issuer());
            format!(
                "certificate {} ({subject}, issued by {issuer}) is not on the way from the one of the key to its \
                 root, and is sent behind the others",
                place + 1
            )
        }));
        order.extend(rest);
        remarks.extend(of_version_1(certificates, &order));
        Chain { order, remarks }
    }
}

/// From a certificate up, issuer by issuer: to the first root of the file that it leads to, else as far as it goes.
fn path(certificates: &[Certificate], distinct: &[usize], leaf: usize) -> Vec<usize> {
    let is_root = |place: &&usize| certificates[**place].is_issued_by(&certificates[**place]);
    let roots = distinct.iter().filter(is_root);
    let mut to_roots = roots.filter_map(|root| path_to(*root, certificates, distinct, leaf));
    to_roots.next().unwrap_or_else(|| {
        let mut path = vec![leaf];
        let issuer_of = |path: &[usize]| {
            let last = &certificates[*path.last()?];
            let mut others = distinct.iter().filter(|place| !path.contains(place));
            others
                .find(|place| last.is_issued_by(&certificates[**place]))
                .copied()
        };
        while let Some(issuer) = issuer_of(&path) {
            path.push(issuer);
        }
        path
    })
}

/// A path to a root, if there is one, the shortest: each certificate is looked at once, since those that vouch for one
/// another make circles.
fn path_to(
    root: usize,
    certificates: &[Certificate],
    distinct: &[usize],
    leaf: usize,
) -> Option<Vec<usize>> {
    let mut paths = vec![vec![leaf]];
    let mut visited = vec![leaf];
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        let last = *path.last()?;
        if last == root {
            return Some(path);
        }
        for place in distinct {
            if !visited.contains(place) && certificates[last].is_issued_by(&certificates[*place]) {
                visited.push(*place);
                paths.push([&path[..], &[*place]].concat());
            }
        }
    }
    None
}

/// A form of before 1996, without extensions: openssl(1) makes it where nothing else is asked for.
fn of_version_1(certificates: &[Certificate], order: &[usize]) -> Option<String> {
    let place = order
        .iter()
        .find(|place| certificates[**place].is_version_1())?;
    let subject = certificates[*place].subject();
    Some(format!(
        "certificate {} ({subject}) is of version 1, which has no room for names (subjectAltName): most clients \
         refuse it; openssl x509 -req makes one of version 3 with -extfile",
        place + 1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    /// A key and the name of its owner, who signs for others.
    struct Party {
        name: &'static str,
        key: KeyPair,
    }

    impl Party {
        fn new(name: &'static str) -> Self {
            let key = KeyPair::generate().expect("a key");
            Party { name, key }
        }

        fn params(&self) -> CertificateParams {
            let mut params = CertificateParams::default();
            params
                .distinguished_name
                .push(DnType::CommonName, self.name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.use_authority_key_identifier_extension = true;
            params
        }

        fn issue(&self, other: &Party) -> Certificate {
            let params = self.params();
            let issuer = Issuer::from_params(&params, &self.key);
            let issued = other.params().signed_by(&other.key, &issuer);
            Certificate::read(issued.expect("a certificate").der()).expect("it can be read")
        }

        fn issue_self(&self) -> Certificate {
            self.issue(self)
        }
    }

    /// The order in which a file is sent, and how many remarks there are.
    fn order(certificates: Vec<Certificate>, leaf: usize) -> (Vec<usize>, usize) {
        let chain = Chain::of(&certificates, leaf);
        (chain.order, chain.remarks.len())
    }

    #[test]
    fn chain_in_order_is_sent_as_it_is() {
        let (root, middle, leaf) = (Party::new("R"), Party::new("I"), Party::new("L"));
        let whole = vec![middle.issue(&leaf), root.issue(&middle), root.issue_self()];
        assert_eq!(order(whole, 0), (vec![0, 1, 2], 0));
        assert_eq!(order(vec![leaf.issue_self()], 0), (vec![0], 0));
        let without_root = vec![middle.issue(&leaf), root.issue(&middle)];
        assert_eq!(order(without_root, 0), (vec![0, 1], 0));
    }

    #[test]
    fn chain_is_sorted_from_the_leaf_up() {
        let (root, middle, leaf) = (Party::new("R"), Party::new("I"), Party::new("L"));
        let mixed = vec![root.issue_self(), middle.issue(&leaf), root.issue(&middle)];
        assert_eq!(order(mixed, 1), (vec![1, 2, 0], 1));
        let upside_down = vec![root.issue(&middle), middle.issue(&leaf)];
        assert_eq!(order(upside_down, 1), (vec![1, 0], 1));
    }

    #[test]
    fn what_is_there_twice_is_sent_once() {
        let (root, middle, leaf) = (Party::new("R"), Party::new("I"), Party::new("L"));
        let (own, above) = (middle.issue(&leaf), root.issue(&middle));
        let file = vec![own.clone(), own, above.clone(), above];
        assert_eq!(order(file, 0), (vec![0, 2], 2));
    }

    #[test]
    fn path_leads_to_the_first_root_that_is_there() {
        let (leaf, middle) = (Party::new("L"), Party::new("I"));
        let (first, second) = (Party::new("R"), Party::new("S"));
        let own = middle.issue(&leaf);
        // Cross-signed: neither root is there, so the file decides.
        let file = vec![own.clone(), first.issue(&middle), second.issue(&middle)];
        assert_eq!(order(file, 0), (vec![0, 1, 2], 1));
        // The second root is.
        let file = vec![
            own.clone(),
            first.issue(&middle),
            second.issue(&middle),
            second.issue_self(),
        ];
        assert_eq!(order(file, 0), (vec![0, 2, 3, 1], 1));
        let file = vec![own, Party::new("Z").issue_self(), first.issue(&middle)];
        assert_eq!(order(file, 0), (vec![0, 2, 1], 1));
    }

    #[test]
    fn authorities_that_vouch_for_one_another_end() {
        let (leaf, one, other) = (Party::new("L"), Party::new("A"), Party::new("B"));
        let file = vec![one.issue(&leaf), other.issue(&one), one.issue(&other)];
        assert_eq!(order(file, 0), (vec![0, 1, 2], 0));
    }
}
