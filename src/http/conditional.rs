//! Conditional requests: whether what a client knows is still so (RFC 9110 §13); pure.
//!
//! The crate `headers` would read the tags, which is a fifth of this, but not judge their order; and a date in
//! If-Range counts there if it is later than the file's, where it has to be the very same (§13.1.5).

use std::time::SystemTime;

use hyper::{
    HeaderMap,
    header::{self, HeaderName},
};

use super::entity_tag::Tag;

/// What tells one state of a file from another.
#[derive(Debug, Clone)]
pub(super) struct Validators {
    /// A strong entity tag, with its quotes.
    pub(super) etag: String,
    /// In whole seconds; `None` where the file's time cannot be said.
    pub(super) modified: Option<SystemTime>,
}

/// What the conditions of a request say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// 304: the client has it.
    NotModified,
    /// 412: the client wants another state than there is.
    Failed,
}

/// Judges in the order of RFC 9110 §13.2.2: a tag goes before a date, which it makes unseen.
pub(super) fn judge(headers: &HeaderMap, validators: &Validators) -> Verdict {
    let changed_since = |name| {
        let date = date(headers, name)?;
        Some(validators.modified? > date)
    };
    let holds = if headers.contains_key(header::IF_MATCH) {
        names(headers, header::IF_MATCH, |tag| {
            tag.is_strongly(&validators.etag)
        })
    } else {
        changed_since(header::IF_UNMODIFIED_SINCE) != Some(true)
    };
    if !holds {
        return Verdict::Failed;
    }
    let is_known = if headers.contains_key(header::IF_NONE_MATCH) {
        names(headers, header::IF_NONE_MATCH, |tag| {
            tag.is_weakly(&validators.etag)
        })
    } else {
        changed_since(header::IF_MODIFIED_SINCE) == Some(false)
    };
    match is_known {
        true => Verdict::NotModified,
        false => Verdict::Proceed,
    }
}

/// Whether a Range counts: without If-Range, or if that names this very state (RFC 9110 §13.1.5).
pub(super) fn range_counts(headers: &HeaderMap, validators: &Validators) -> bool {
    let mut values = headers.get_all(header::IF_RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return !headers.contains_key(header::IF_RANGE);
    };
    let mut text = value.as_bytes();
    match Tag::next(&mut text) {
        Some(tag) => text.is_empty() && tag.is_strongly(&validators.etag),
        // A date has to be the very same: an earlier or later one is of another state.
        None => {
            let date = date(headers, header::IF_RANGE);
            date.is_some() && date == validators.modified
        }
    }
}

/// The date of a header that stands there once; what is no date is ignored.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Whether a header is `*`, or has such a tag in its list.
fn names(headers: &HeaderMap, name: HeaderName, is_ours: impl Fn(Tag<'_>) -> bool) -> bool {
    headers.get_all(name).iter().any(|value| {
        let mut text = value.as_bytes();
        text.trim_ascii() == b"*" || std::iter::from_fn(|| Tag::next(&mut text)).any(&is_ours)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

    fn validators() -> Validators {
        Validators {
            etag: "\"a,b\"".to_owned(),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)),
        }
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn conditions_are_judged_in_order() {
        use Verdict::{Failed, NotModified, Proceed};
        let (inm, ims) = ("if-none-match", "if-modified-since");
        let (im, ius) = ("if-match", "if-unmodified-since");
        let table: &[(&[(&str, &str)], Verdict)] = &[
            (&[], Proceed),
            (&[(inm, "\"a,b\"")], NotModified),
            (&[(inm, "W/\"a,b\"")], NotModified),
            (&[(inm, "\"x\", W/\"y\" ,, \"a,b\"")], NotModified),
            (&[(inm, "\"x\""), (inm, "\"a,b\"")], NotModified),
            (&[(inm, "*")], NotModified),
            (&[(inm, " * ")], NotModified),
            (&[(inm, "\"x\"")], Proceed),
            (&[(inm, "a,b")], Proceed),
            (&[(inm, "\"a\", \"b\"")], Proceed),
            (&[(inm, "\"a,b")], Proceed),
            (&[(inm, "")], Proceed),
            (&[(inm, "w/\"a,b\"")], Proceed),
            (&[(ims, DATE)], NotModified),
            (&[(ims, AFTER)], NotModified),
            (&[(ims, "Sun Nov  6 08:49:37 1994")], NotModified),
            (&[(ims, BEFORE)], Proceed),
            (&[(ims, "yesterday")], Proceed),
            (&[(ims, DATE), (ims, DATE)], Proceed),
            (&[(inm, "\"x\""), (ims, DATE)], Proceed),
            (&[(inm, "\"a,b\""), (ims, BEFORE)], NotModified),
            (&[(im, "\"a,b\"")], Proceed),
            (&[(im, "*")], Proceed),
            (&[(im, "W/\"a,b\"")], Failed),
            (&[(im, "\"x\"")], Failed),
            (&[(im, "\"a,b\""), (inm, "\"a,b\"")], NotModified),
            (&[(im, "\"x\""), (inm, "\"a,b\"")], Failed),
            (&[(ius, DATE)], Proceed),
            (&[(ius, BEFORE)], Failed),
            (&[(ius, "yesterday")], Proceed),
            (&[(im, "\"a,b\""), (ius, BEFORE)], Proceed),
        ];
        for (lines, expected) in table {
            assert_eq!(
                judge(&headers(lines), &validators()),
                *expected,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn dates_are_ignored_for_a_file_without_one() {
        let none = Validators {
            modified: None,
            ..validators()
        };
        for name in ["if-modified-since", "if-unmodified-since"] {
            assert_eq!(judge(&headers(&[(name, DATE)]), &none), Verdict::Proceed);
        }
        assert!(!range_counts(&headers(&[("if-range", DATE)]), &none));
    }

    #[test]
    fn range_counts_for_the_very_same_state() {
        for (value, expected) in [
            ("\"a,b\"", true),
            (DATE, true),
            ("W/\"a,b\"", false),
            ("\"x\"", false),
            ("\"a,b\", \"x\"", false),
            ("*", false),
            ("", false),
            (BEFORE, false),
            (AFTER, false),
        ] {
            let headers = headers(&[("if-range", value)]);
            assert_eq!(range_counts(&headers, &validators()), expected, "{value}");
        }
        assert!(range_counts(&headers(&[]), &validators()));
        let twice = headers(&[("if-range", DATE), ("if-range", DATE)]);
        assert!(!range_counts(&twice, &validators()));
    }

    proptest! {
        #[test]
        fn tag_is_found_in_any_list(
            others in proptest::collection::vec("(W/)?\"[!#-~]{0,8}\"", 0..5),
            place in 0_usize..6,
            separator in "[ \t]{0,2},[ ,\t]{0,3}",
        ) {
            let mut list = others.clone();
            list.insert(place.min(others.len()), "W/\"a,b\"".to_owned());
            let value = list.join(&separator);
            let headers = headers(&[("if-none-match", &value)]);
            prop_assert_eq!(judge(&headers, &validators()), Verdict::NotModified);
        }

        #[test]
        fn anything_is_read(value in "[ -~]{0,40}") {
            for name in ["if-none-match", "if-match", "if-range", "if-modified-since"] {
                let headers = headers(&[(name, &value)]);
                judge(&headers, &validators());
                range_counts(&headers, &validators());
            }
        }
    }
}
