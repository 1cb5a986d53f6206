//! Accept-Encoding: which content coding a client likes best (RFC 9110 §12.5.3); pure.

use std::cmp::Reverse;

use hyper::{HeaderMap, header};

use super::fields::{Weight, weighted_elements};

/// How a file is packed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// RFC 7932
    Brotli,
    /// RFC 8878
    Zstandard,
    /// RFC 1952
    Gzip,
    /// Not at all.
    Identity,
}

impl Coding {
    /// All, the one first that is mostly the smallest.
    const ALL: [Coding; 4] = [
        Coding::Brotli,
        Coding::Zstandard,
        Coding::Gzip,
        Coding::Identity,
    ];

    /// Its name in Content-Encoding; unpacked has none.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Coding::Brotli => Some("br"),
            Coding::Zstandard => Some("zstd"),
            Coding::Gzip => Some("gzip"),
            Coding::Identity => None,
        }
    }

    /// What a file so packed has behind its name.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Coding::Brotli => ".br",
            Coding::Zstandard => ".zst",
            Coding::Gzip => ".gz",
            Coding::Identity => "",
        }
    }

    fn is_called(self, name: &str) -> bool {
        let is = |ours: &str| name.eq_ignore_ascii_case(ours);
        match self {
            // RFC 9110 §8.4.1.3: the old name is to be taken as the same.
            Coding::Gzip => is("gzip") || is("x-gzip"),
            coding => is(coding.name().unwrap_or("identity")),
        }
    }
}

/// Unpacked without being named: acceptable, but less so than anything that is named.
const UNNAMED: Weight = 1;

/// The codings that a client takes, the one first that it likes best; of two that it likes alike, the smaller.
pub(super) fn preferred_codings(headers: &HeaderMap) -> impl Iterator<Item = Coding> + Clone {
    let preferred_codings = match parse_accept_encoding(headers) {
        // Anything would do, but who says nothing may well know nothing.
        None => [Some(Coding::Identity), None, None, None],
        Some(listed) => {
            let weigh = |coding: &Coding| weight(*coding, &listed);
            let mut codings = Coding::ALL;
            codings.sort_by_key(|coding| Reverse(weigh(coding)));
            codings.map(|coding| (weigh(&coding) > 0).then_some(coding))
        }
    };
    preferred_codings.into_iter().flatten()
}

fn weight(coding: Coding, listed: &[(&str, Weight)]) -> Weight {
    let find = |is: &dyn Fn(&str) -> bool| {
        let mut found = listed.iter().filter(|(name, _)| is(name));
        found.next().map(|(_, weight)| *weight)
    };
    let named = find(&|name| coding.is_called(name));
    named
        .or_else(|| find(&|name| name == "*"))
        .unwrap_or(match coding {
            Coding::Identity => UNNAMED,
            _ => 0,
        })
}

/// The codings that a request names; `None` without the header.
fn parse_accept_encoding(headers: &HeaderMap) -> Option<Vec<(&str, Weight)>> {
    let header = header::ACCEPT_ENCODING;
    let is_there = headers.contains_key(&header);
    is_there.then(|| weighted_elements(headers, &header).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coding::{Brotli, Gzip, Identity, Zstandard};
    use proptest::prelude::*;

    fn chosen(value: Option<&str>, available: &[Coding]) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::ACCEPT_ENCODING, value.parse().expect("a value"));
        }
        let mut preferred_codings = preferred_codings(&headers);
        preferred_codings.find(|coding| available.contains(coding))
    }

    #[test]
    fn best_of_all_codings_is_chosen() {
        let all = [Brotli, Zstandard, Gzip, Identity];
        for (value, expected) in [
            (None, Some(Identity)),
            (Some(""), Some(Identity)),
            (Some("gzip, deflate, br, zstd"), Some(Brotli)),
            (Some("gzip, zstd"), Some(Zstandard)),
            (Some("GZIP"), Some(Gzip)),
            (Some("x-gzip"), Some(Gzip)),
            (Some("deflate"), Some(Identity)),
            (Some("br;q=0.5, gzip"), Some(Gzip)),
            (Some("br; q=0.5 , gzip ;Q=0.501"), Some(Gzip)),
            (Some("br;q=0, gzip;q=0.001"), Some(Gzip)),
            (Some("gzip;q=0.5, identity"), Some(Identity)),
            (Some("gzip, identity"), Some(Gzip)),
            (Some("*"), Some(Brotli)),
            (Some("br;q=0, *;q=0.1"), Some(Zstandard)),
            (Some("*;q=0"), None),
            (Some("*;q=0, identity;q=0.1"), Some(Identity)),
            (Some("identity;q=0"), None),
            (Some("identity;q=0.000, *"), Some(Brotli)),
            (Some("br;q=2, gzip;q=0.5"), Some(Gzip)),
            (Some("br;q=0.1234, gzip;q=0.5"), Some(Gzip)),
            (Some("br;q=, gzip"), Some(Gzip)),
            (Some(";q=1,,gzip"), Some(Gzip)),
        ] {
            assert_eq!(chosen(value, &all), expected, "{value:?}");
        }
    }

    #[test]
    fn only_what_is_there_is_chosen() {
        for (value, expected) in [
            (None, Some(Identity)),
            (Some("br, gzip"), Some(Gzip)),
            (Some("br"), Some(Identity)),
            (Some("br, identity;q=0"), None),
            (Some("br, *;q=0"), None),
        ] {
            assert_eq!(chosen(value, &[Gzip, Identity]), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn unpacked_is_sent_unless_it_is_excluded(value in "[a-z;=,. *0-9]{0,40}") {
            let excluded = value.contains('*') || value.contains("identity");
            prop_assert!(excluded || chosen(Some(&value), &[Identity]) == Some(Identity));
        }
    }
}
