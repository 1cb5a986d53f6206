//! What holds for whatever a connection begins with.

use std::net::{Ipv6Addr, SocketAddr};

use futures_util::FutureExt;

use super::{Header, LONGEST_LINE, SIGNATURE, WORD};
use crate::{
    connection::Endpoint,
    pieces::{self, Source},
};

/// All of it, of the first bytes of a connection.
pub(crate) fn header(input: &[u8]) {
    let whole = told(&[input]);
    for pieces in pieces::ways(input) {
        assert_eq!(told(&pieces), whole, "{pieces:?}");
    }
    if let (Ok(told), rest) = whole {
        check_end(&input[..input.len() - rest.len()]);
        check_meaning(told);
    }
}

/// What is told in these pieces, and of a header that is right what is left behind it.
fn told(pieces: &[&[u8]]) -> (Result<Header, String>, Vec<u8>) {
    let mut source = Source::new(pieces);
    let told = super::header(&mut source).now_or_never();
    match told.expect("it waits for nothing") {
        Ok(told) => (Ok(told), source.rest()),
        Err(error) => (Err(error.to_string()), Vec::new()),
    }
}

/// Exactly the header is read.
fn check_end(header: &[u8]) {
    if let Some(behind) = header.strip_prefix(&SIGNATURE) {
        let (fields, content) = behind.split_at(4);
        let length = u16::from_be_bytes([fields[2], fields[3]]);
        assert_eq!(content.len(), usize::from(length));
    } else {
        assert!(header.starts_with(WORD) && header.len() <= LONGEST_LINE);
        let lines: Vec<_> = header.split(|byte| *byte == b'\n').collect();
        assert!(matches!(lines[..], [[.., b'\r'], []]), "{lines:?}");
    }
}

/// Addresses round-trip: a header of our own, of either version if it can, says the same.
fn check_meaning(meaning: Header) {
    let (remote, local, has_tls) = match meaning {
        Header::Local => return,
        Header::Proxied { remote, local, tls } => (remote, local, tls),
    };
    let (family, content) = match (remote, local) {
        (Endpoint::Ip(remote), Endpoint::Ip(local)) => {
            if !has_tls {
                assert_eq!(
                    told(&[line(remote, local).as_bytes()]),
                    (Ok(meaning), vec![])
                );
            }
            (0x21, addresses(remote, local))
        }
        (Endpoint::Unix(None), Endpoint::Unix(None)) => (0x31, vec![0; 216]),
        ends => panic!("one end is of another kind: {ends:?}"),
    };
    let fields: &[u8] = match has_tls {
        true => &[0x20, 0, 5, 1, 0, 0, 0, 0],
        false => &[],
    };
    let length = u16::try_from(content.len() + fields.len()).expect("it is short");
    let start = [&SIGNATURE[..], &[0x21, family], &length.to_be_bytes()].concat();
    assert_eq!(told(&[&start, &content, fields]), (Ok(meaning), vec![]));
}

fn line(remote: SocketAddr, local: SocketAddr) -> String {
    let (from, to) = (mapped(remote), mapped(local));
    let ports = format!("{} {}", remote.port(), local.port());
    format!("PROXY TCP6 {from} {to} {ports}\r\n")
}

fn addresses(remote: SocketAddr, local: SocketAddr) -> Vec<u8> {
    let (from, to) = (mapped(remote).octets(), mapped(local).octets());
    let ports = [remote.port(), local.port()].map(u16::to_be_bytes);
    [&from[..], &to, ports.as_flattened()].concat()
}

/// An IPv4 address as IPv6 has it, by which it is known all the same.
fn mapped(address: SocketAddr) -> Ipv6Addr {
    match address {
        SocketAddr::V4(address) => address.ip().to_ipv6_mapped(),
        SocketAddr::V6(address) => *address.ip(),
    }
}
