//! `Forwarded` (RFC 7239).
//!
//! It is read to the letter, since a client may have written the beginning of a line whose end is a
//! proxy's: what is lenient about the one makes something else of the other.

use hyper::{HeaderMap, header};

use super::hop::{Hop, node};
use crate::http::fields::is_token;

/// The hops of all lines, the nearest last; `None` if one cannot be read.
pub(super) fn hops(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let mut hops = Vec::new();
    for line in headers.get_all(header::FORWARDED) {
        let mut rest = line.to_str().ok()?.trim();
        while !rest.is_empty() {
            let (hop, after) = element(rest)?;
            hops.push(hop);
            rest = after;
        }
    }
    Some(hops)
}

/// The parameters that tell of a hop (RFC 7239 §5).
const PARAMETERS: [&str; 3] = ["for", "proto", "host"];

/// `for=192.0.2.60;proto=https` up to the next comma, and what follows it.
fn element(mut rest: &str) -> Option<(Hop, &str)> {
    let mut told = [const { None }; PARAMETERS.len()];
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(';') {
            rest = after;
            continue;
        }
        if rest.is_empty() || rest.starts_with(',') {
            return Some((hop(told), rest.trim_start_matches([',', ' ', '\t'])));
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_end();
        // Were a name anything else, `garbage, for` would be one, and hide the client that follows the comma.
        if !is_token(name) {
            return None;
        }
        let (value, after) = value(after)?;
        let mut known = PARAMETERS.iter();
        if let Some(index) = known.position(|known| known.eq_ignore_ascii_case(name))
            && told[index].replace(value).is_some()
        {
            // RFC 7239 §4: each at most once.
            return None;
        }
        rest = after.trim_start();
        if !(rest.is_empty() || rest.starts_with([',', ';'])) {
            return None;
        }
    }
}

fn hop([client, proto, host]: [Option<String>; PARAMETERS.len()]) -> Hop {
    Hop {
        client: client.and_then(|client| node(&client)),
        proto,
        host,
    }
}

/// A token or a quoted string (RFC 9110 §5.6.4), and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', ' ', '\t', '"']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[index + 1..])),
            '\\' => value.push(characters.next()?.1),
            character => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    fn read(line: &str) -> Option<Vec<Hop>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::FORWARDED, HeaderValue::from_str(line).ok()?);
        hops(&headers)
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        for line in [
            "for=\"192.0.2.1",
            "for",
            "for=a\"b\"",
            "for=\"a\"b",
            "for=\"\\",
            "=192.0.2.1",
            "for=192.0.2.1;for=192.0.2.2",
            "for=192.0.2.1; For=192.0.2.2",
            // Beginnings by which a client would hide the hop that a proxy adds.
            "garbage, for=192.0.2.1",
            "x;garbage, for=192.0.2.1",
            "x=\", for=192.0.2.1",
            "x=\", for=\"[2001:db8::1]:80\"",
            "x=\"\\, for=\"[2001:db8::1]:80\"",
            "x=\", for=192.0.2.1;host=\"h:80\"",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn as_many_hops_as_a_head_has_room_for_are_read() {
        let line = vec!["for=192.0.2.1"; 10_000].join(",");
        assert_eq!(read(&line).map(|hops| hops.len()), Some(10_000));
        assert!(read(&",;".repeat(10_000)).is_some());
        let parameters = (0..1000).map(|index| format!("p{index}=v"));
        let line = parameters.collect::<Vec<_>>().join(";");
        assert_eq!(read(&line).map(|hops| hops.len()), Some(1));
    }

    proptest! {
        /// Whatever a client sends first, what a proxy adds is the last hop, or all is refused.
        #[test]
        fn no_beginning_hides_what_follows(
            beginning in "([a-z]{0,3}|for|[ ,;=\"\\\\\\[\\]]){0,12}",
            added in prop::sample::select(vec![
                "for=192.0.2.1",
                "for=\"192.0.2.1:80\"",
                "proto=http;for=192.0.2.1",
                "host=\"h:80\";for=192.0.2.1;proto=http",
            ]),
        ) {
            if let Some(hops) = read(&format!("{beginning}, {added}")) {
                let client = hops.last().and_then(|hop| hop.client);
                let address = client.map(|client| client.ip().to_string());
                prop_assert_eq!(address.as_deref(), Some("192.0.2.1"));
            }
        }
    }
}
