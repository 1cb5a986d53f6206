//! What holds for bytes of any kind from outside: each property by the name of its fuzz target.
//!
//! A property takes an input and panics if it does not hold for it. The fuzz targets in `fuzz/` look for
//! such inputs, proptest does a little of that with each test run, and the seeds of the targets, with
//! all that was found once, are run as tests. What is asserted stands beside the code that it is
//! about, in a file named `properties.rs`.

use crate::{
    backend::group_properties,
    config, framing, http, server,
    transport::websocket::{self, deflate},
};

/// [`framing::Codec`]: the first byte is the limit in bytes, 255 being none, the rest what a program prints.
pub fn framing(input: &[u8]) {
    if let Some((limit, output)) = input.split_first() {
        let limit = match limit {
            255 => usize::MAX,
            limit => usize::from(*limit),
        };
        framing::properties::framing(limit, output);
    }
}

/// The lines of a tagged program: one that it says, and what a member says to it.
pub fn tagged(input: &[u8]) {
    group_properties::line(input);
    if let Ok(text) = std::str::from_utf8(input) {
        group_properties::said(input.len() as u64, text);
    }
}

/// [`http::url_path::UrlPath`]: a URL's path as it was sent.
pub fn path(input: &[u8]) {
    if let Ok(raw) = std::str::from_utf8(input) {
        http::url_path::properties::path(raw);
    }
}

/// The header block at the beginning of a CGI script's output, with some of the body behind it.
pub fn cgi_response(input: &[u8]) {
    http::cgi_response::properties::response(input);
}

/// The PROXY protocol: what a connection begins with.
pub fn proxy_protocol(input: &[u8]) {
    server::proxy_protocol::properties::header(input);
}

/// A configuration file.
pub fn config_file(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        config::properties::config_file(text);
    }
}

/// The opening handshake: what a client sends at the beginning of a connection.
pub fn handshake(input: &[u8]) {
    http::websocket::handshake::properties::handshake(input);
    server::connection::properties::connection(input);
}

/// Frames: what a client sends behind the opening handshake.
pub fn frames(input: &[u8]) {
    websocket::properties::frames(input);
}

/// permessage-deflate, what a client sends: a byte that says how, then frames, the data of a message, or
/// messages.
pub fn inflate(input: &[u8]) {
    deflate::properties::inflate(input);
}

/// permessage-deflate, what a client is sent: three bytes of parameters, then messages.
pub fn deflate(input: &[u8]) {
    deflate::properties::deflate(input);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    type Property = fn(&[u8]);

    /// By the names of their fuzz targets.
    const ALL: [(&str, Property); 10] = [
        ("cgi_response", cgi_response),
        ("config_file", config_file),
        ("deflate", deflate),
        ("frames", frames),
        ("framing", framing),
        ("handshake", handshake),
        ("inflate", inflate),
        ("path", path),
        ("proxy_protocol", proxy_protocol),
        ("tagged", tagged),
    ];

    fn names(directory: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(directory).expect(directory).flatten();
        let stem = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
        entries.filter_map(|entry| stem(&entry.path())).collect()
    }

    #[test]
    fn every_property_has_a_target_and_seeds() {
        let all: BTreeSet<String> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names("fuzz/fuzz_targets"), all);
        assert_eq!(names("fuzz/seeds"), all);
        let manifest = fs::read_to_string("fuzz/Cargo.toml").expect("the targets' list");
        for name in all {
            let line = format!("path = \"fuzz_targets/{name}.rs\"");
            assert!(manifest.contains(&line), "{name}");
        }
    }

    /// Of what fuzzing has found, too: a crash becomes a seed.
    #[test]
    fn properties_hold_for_all_seeds() {
        for (name, property) in ALL {
            let directory = format!("fuzz/seeds/{name}");
            for entry in fs::read_dir(&directory).expect(&directory).flatten() {
                let file = entry.path();
                let seed = fs::read(&file).expect("a seed");
                let held = std::panic::catch_unwind(|| property(&seed));
                assert!(held.is_ok(), "{}", file.display());
            }
        }
    }
}
