//! Distinguished names as text: RFC 2253, with OpenSSL's short names, since these are what rules that
//! were written for Apache's mod_ssl compare with.

use std::fmt::Write;

use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Encode, Tag, Tagged,
        asn1::{BmpString, ObjectIdentifier},
    },
    name::Name,
};

/// Attribute types and OpenSSL's short names of them (RFC 4519, RFC 5280, PKCS #9).
const SHORT_NAMES: [(ObjectIdentifier, &str); 17] = [
    (COMMON_NAME, "CN"),
    (oid("2.5.4.4"), "SN"),
    (oid("2.5.4.5"), "serialNumber"),
    (oid("2.5.4.6"), "C"),
    (oid("2.5.4.7"), "L"),
    (oid("2.5.4.8"), "ST"),
    (oid("2.5.4.9"), "street"),
    (oid("2.5.4.10"), "O"),
    (oid("2.5.4.11"), "OU"),
    (oid("2.5.4.12"), "title"),
    (oid("2.5.4.13"), "description"),
    (oid("2.5.4.17"), "postalCode"),
    (oid("2.5.4.42"), "GN"),
    (oid("2.5.4.43"), "initials"),
    (oid("0.9.2342.19200300.100.1.1"), "UID"),
    (oid("0.9.2342.19200300.100.1.25"), "DC"),
    (oid("1.2.840.113549.1.9.1"), "emailAddress"),
];

const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// The whole name, its last part first (RFC 2253 §2.1): `CN=Alice,O=Example,C=FR`.
pub(super) fn text(name: &Name) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|part| {
            let pairs: Vec<String> = part.iter().map(pair).collect();
            pairs.join("+")
        })
        .collect();
    parts.reverse();
    parts.join(",")
}

/// The first common name, not escaped but for what cannot stand in a variable.
pub(super) fn common_name(name: &Name) -> Option<String> {
    let pair = name.iter().find(|pair| pair.oid == COMMON_NAME)?;
    let text = value(pair)?;
    Some(text.replace(|character: char| character.is_control(), "\u{fffd}"))
}

fn pair(pair: &AttributeTypeAndValue) -> String {
    let known = SHORT_NAMES.iter().find(|(oid, _)| *oid == pair.oid);
    match (known, value(pair)) {
        (Some((_, name)), Some(text)) => format!("{name}={}", escaped(&text)),
        // RFC 2253 §2.4: the DER of what has no text.
        _ => {
            let der = pair.value.to_der().unwrap_or_default();
            der.iter()
                .fold(format!("{}=#", pair.oid), |mut text, byte| {
                    let _ = write!(text, "{byte:02X}");
                    text
                })
        }
    }
}

/// The text of a value of the kinds that RFC 5280 §4.1.2.4 has.
fn value(pair: &AttributeTypeAndValue) -> Option<String> {
    let bytes = pair.value.value();
    match pair.value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        // T.61 by its letter, Latin-1 by everybody's use.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => Some(BmpString::from_ucs2(bytes).ok()?.to_string()),
        _ => None,
    }
}

/// RFC 2253 §2.4.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (index, character) in text.chars().enumerate() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => escaped.extend(['\\', character]),
            ' ' if index == 0 || index == last => escaped.push_str("\\ "),
            '#' if index == 0 => escaped.push_str("\\#"),
            character if character.is_ascii_control() => {
                let _ = write!(escaped, "\\{:02X}", u32::from(character));
            }
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_begins_with_its_last_part() {
        let name: Name = "CN=Alice,OU=Staff,O=Example,C=FR".parse().expect("a name");
        assert_eq!(text(&name), "CN=Alice,OU=Staff,O=Example,C=FR");
        assert_eq!(common_name(&name).as_deref(), Some("Alice"));
    }

    #[test]
    fn what_separates_is_escaped() {
        for (plain, written) in [
            ("a,b+c", "a\\,b\\+c"),
            (" x ", "\\ x\\ "),
            ("#1", "\\#1"),
            ("a\r\nb\0", "a\\0D\\0Ab\\00"),
            ("Zoë", "Zoë"),
        ] {
            assert_eq!(escaped(plain), written);
        }
    }

    #[test]
    fn type_without_a_short_name_shows_its_number_and_the_bytes() {
        let name: Name = "1.3.6.1.4.1.1466.0=#04024869,CN=x".parse().expect("a name");
        assert_eq!(text(&name), "1.3.6.1.4.1.1466.0=#04024869,CN=x");
    }
}
