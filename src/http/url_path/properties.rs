//! What holds for every path that is decoded, and for every one that is not.

use std::path::Component;

use super::UrlPath;

/// All of it, of the path of a request's target.
pub(crate) fn path(raw: &str) {
    let decoded = UrlPath::decode(raw).ok();
    let text = decoded.as_ref().map(UrlPath::as_str);
    assert_eq!(text, by_segments(raw).as_deref(), "{raw:?}");
    if let Some(path) = decoded {
        stays_beneath(&path);
        is_decoded_once(&path);
        is_split_at_slashes(&path);
        programs_get_no_line_ends(&path);
    }
}

/// The same in another way: cut first, then decoded segment by segment.
fn by_segments(raw: &str) -> Option<String> {
    let segments = raw.strip_prefix('/')?.split('/').map(|segment| {
        let segment = String::from_utf8(unescaped(segment.as_bytes())?).ok()?;
        let is_refused =
            matches!(segment.as_str(), "." | "..") || segment.contains(['/', '\\', '\0']);
        (!is_refused).then(|| format!("/{segment}"))
    });
    segments.collect()
}

fn unescaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = bytes.split(|byte| *byte == b'%');
    let mut decoded = pieces.next()?.to_vec();
    for piece in pieces {
        let (digits, behind) = piece.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        decoded.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
        decoded.extend(behind);
    }
    Some(decoded)
}

/// No file's name that is made of it leads up, or to the system's root.
fn stays_beneath(path: &UrlPath) {
    let Some(relative) = path.relative() else {
        return;
    };
    let is_beneath = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    assert!(relative.components().all(is_beneath), "{path:?}");
    assert!(!relative.as_os_str().is_empty(), "{path:?}");
    let is_root = relative.as_os_str() == ".";
    assert!(is_root || path.as_str()[1..] == *relative, "{path:?}");
}

/// It is what any way of writing it is decoded to, with all of it escaped too.
fn is_decoded_once(path: &UrlPath) {
    let escaped = |byte| match byte {
        b'/' => "/".to_owned(),
        byte if byte % 2 == 0 => format!("%{byte:02x}"),
        byte => format!("%{byte:02X}"),
    };
    let raw: String = path.as_str().bytes().map(escaped).collect();
    assert_eq!(UrlPath::decode(&raw).as_ref(), Ok(path));
}

/// A prefix is whole segments, and what is beneath it all that follows.
fn is_split_at_slashes(path: &UrlPath) {
    let text = path.as_str();
    for (end, _) in text.char_indices().chain([(text.len(), ' ')]) {
        let (prefix, rest) = text.split_at(end);
        let expected = match rest {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        };
        let beneath = path.beneath(prefix);
        assert_eq!(
            beneath.as_ref().map(UrlPath::as_str),
            expected,
            "{prefix:?}"
        );
        if let Some(beneath) = beneath {
            assert_eq!(
                path.is_hidden(),
                beneath.is_hidden() || super::is_hidden(prefix)
            );
        }
    }
}

fn programs_get_no_line_ends(path: &UrlPath) {
    let has_one = path
        .as_str()
        .bytes()
        .any(|byte| matches!(byte, b'\r' | b'\n'));
    assert_eq!(path.check_for_programs().is_err(), has_one, "{path:?}");
}
