//! The PROXY protocol: a header before all else, in which a load balancer tells who the client is
//! (<https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt>; sections below are of this text).
//!
//! Exactly the header is read, so that whatever follows, TLS or HTTP, finds the stream at its beginning.
//! A header that is not right to the letter is refused: believing half of it would let a client choose
//! its own address.

#[cfg(any(test, fuzzing))]
pub(crate) mod properties;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{
    connection::{ConnectionInfo, Endpoint},
    timer::timeout,
};

/// What a header may take from the moment that the connection is accepted. A balancer sends it at once;
/// longer would hold descriptors for strangers, shorter would cut off one whose packet is lost once.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a header of version 2 begins with (§2.2).
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// What one of version 1 begins with (§2.1).
const WORD: &[u8] = b"PROXY ";
/// Bytes of the longest header of version 1, its CR and LF too (§2.1).
const LONGEST_LINE: usize = 107;

/// The field that tells of TLS between client and balancer, and the bit of its first byte that says that
/// there is some (§2.2.6: `PP2_TYPE_SSL`, `PP2_CLIENT_SSL`).
const FIELD_TLS: u8 = 0x20;
const CLIENT_TLS: u8 = 0x01;

/// Why a connection is closed unheard.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    /// The client has gone, without a word or within the header.
    #[error("it ended within the PROXY header")]
    Read(#[from] io::Error),
    /// There is no header, or half of one.
    #[error("no PROXY header came within {PATIENCE:?}")]
    Late,
    /// It begins with something else.
    #[error("it does not begin with a PROXY header")]
    Missing,
    /// It begins with one that says nothing that can be believed.
    #[error("its PROXY header is malformed: {0}")]
    Malformed(&'static str),
}

/// What a header says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    /// The two ends of the connection between the client and the balancer.
    Proxied {
        remote: Endpoint,
        local: Endpoint,
        /// Whether it was by TLS.
        tls: bool,
    },
    /// Nothing: the balancer speaks for itself (`LOCAL`), such as to see whether we are well, or does not know
    /// (`UNKNOWN`).
    Local,
}

/// Reads the header that a stream has to begin with, and corrects the connection by it.
///
/// Cancel safe: no; what was read of a header is gone.
///
/// # Errors
/// When there is none in time, or it is malformed.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    connection: &mut ConnectionInfo,
) -> Result<(), HeaderError> {
    let told = timeout(PATIENCE, header(stream)).await;
    if let Header::Proxied { remote, local, tls } = told.map_err(|_| HeaderError::Late)?? {
        (connection.remote, connection.local, connection.tls_before) = (remote, local, tls);
        connection.reached = local;
    }
    Ok(())
}

async fn header(stream: &mut (impl AsyncRead + Unpin)) -> Result<Header, HeaderError> {
    // Both versions are longer.
    let mut start = [0; SIGNATURE.len()];
    let mut read = 0;
    while read < start.len() {
        match stream.read(&mut start[read..]).await? {
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            bytes => read += bytes,
        }
        let begins = |header: &[u8]| start[..read].iter().zip(header).all(|(a, b)| a == b);
        if !begins(WORD) && !begins(&SIGNATURE) {
            return Err(HeaderError::Missing);
        }
    }
    match start == SIGNATURE {
        true => version_2(stream).await,
        false => version_1(stream, start).await,
    }
}

/// A line of text (§2.1). It is read byte by byte, since only its end tells its length.
async fn version_1(
    stream: &mut (impl AsyncRead + Unpin),
    start: [u8; SIGNATURE.len()],
) -> Result<Header, HeaderError> {
    let malformed = || HeaderError::Malformed("its line is not as it should be");
    let mut line = start.to_vec();
    while !line.contains(&b'\n') {
        if line.len() == LONGEST_LINE {
            return Err(HeaderError::Malformed("its line does not end"));
        }
        line.push(stream.read_u8().await?);
    }
    let line = line
        .strip_prefix(WORD)
        .and_then(|line| line.strip_suffix(b"\r\n"));
    let text = std::str::from_utf8(line.ok_or_else(malformed)?).map_err(|_| malformed())?;
    ends(text).ok_or_else(malformed)
}

/// `TCP4 source destination source-port destination-port`, with one space between each.
fn ends(text: &str) -> Option<Header> {
    let mut words = text.split(' ');
    let (remote, local) = match words.next()? {
        // Whatever follows is to be ignored.
        "UNKNOWN" => return Some(Header::Local),
        "TCP4" => addresses::<Ipv4Addr>(&mut words)?,
        "TCP6" => addresses::<Ipv6Addr>(&mut words)?,
        _ => return None,
    };
    let (remote_port, local_port) = (port(words.next()?)?, port(words.next()?)?);
    words.next().is_none().then_some(Header::Proxied {
        remote: SocketAddr::new(remote, remote_port).into(),
        local: SocketAddr::new(local, local_port).into(),
        tls: false,
    })
}

fn addresses<'a, A: FromStr + Into<IpAddr>>(
    words: &mut impl Iterator<Item = &'a str>,
) -> Option<(IpAddr, IpAddr)> {
    let mut address = || words.next()?.parse::<A>().ok().map(Into::into);
    Some((address()?, address()?))
}

/// Decimal, without a sign or leading zeros.
fn port(word: &str) -> Option<u16> {
    let port: u16 = word.parse().ok()?;
    (port.to_string() == word).then_some(port)
}

/// What follows the signature (§2.2): version and command, family and protocol, a length, and that many
/// bytes of addresses and further fields.
async fn version_2(stream: &mut (impl AsyncRead + Unpin)) -> Result<Header, HeaderError> {
    let (command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let length = u64::from(stream.read_u16().await?);
    let mut rest = stream.take(length);
    let mut told = match (command, family) {
        (0x20, _) => Header::Local,
        (0x21, 0x11) => {
            let mut bytes = [0; 12];
            exactly(&mut rest, &mut bytes).await?;
            let [a, b, c, d, e, f, g, h, ports @ ..] = bytes;
            ip_ends([a, b, c, d].into(), [e, f, g, h].into(), ports)
        }
        (0x21, 0x21) => {
            let (mut remote, mut local, mut ports) = ([0; 16], [0; 16], [0; 4]);
            exactly(&mut rest, &mut remote).await?;
            exactly(&mut rest, &mut local).await?;
            exactly(&mut rest, &mut ports).await?;
            ip_ends(remote.into(), local.into(), ports)
        }
        (0x21, 0x31) => Header::Proxied {
            remote: Endpoint::Unix(None),
            local: Endpoint::Unix(None),
            tls: false,
        },
        // Unspecified, or datagrams, which say nothing of a stream.
        (0x21, 0x00 | 0x12 | 0x22 | 0x32) => Header::Local,
        (0x21, _) => return Err(HeaderError::Malformed("its address family is unknown")),
        _ => return Err(HeaderError::Malformed("its version or command is unknown")),
    };
    let mut fields = Vec::new();
    rest.read_to_end(&mut fields).await?;
    if rest.limit() > 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    if let Header::Proxied { tls, .. } = &mut told {
        *tls = says_tls(&fields);
    }
    Ok(told)
}

/// Whether one of the further fields says that the client came by TLS (§2.2.6). The others do not matter,
/// nor does what is not one.
fn says_tls(mut fields: &[u8]) -> bool {
    while let [kind, high, low, rest @ ..] = fields {
        let Some((value, after)) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into())
        else {
            return false;
        };
        if *kind == FIELD_TLS {
            return value.first().is_some_and(|client| client & CLIENT_TLS != 0);
        }
        fields = after;
    }
    false
}

/// Fills a buffer from what is left of a header.
async fn exactly(
    rest: &mut tokio::io::Take<&mut (impl AsyncRead + Unpin)>,
    buffer: &mut [u8],
) -> Result<(), HeaderError> {
    if rest.limit() < buffer.len() as u64 {
        return Err(HeaderError::Malformed("its addresses are cut short"));
    }
    rest.read_exact(buffer).await?;
    Ok(())
}

fn ip_ends(remote: IpAddr, local: IpAddr, [a, b, c, d]: [u8; 4]) -> Header {
    Header::Proxied {
        remote: SocketAddr::new(remote, u16::from_be_bytes([a, b])).into(),
        local: SocketAddr::new(local, u16::from_be_bytes([c, d])).into(),
        tls: false,
    }
}

impl HeaderError {
    /// Whether it is not worth a log line: a probe has looked whether the port is open.
    pub(super) fn is_probe(&self) -> bool {
        matches!(self, HeaderError::Read(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use tokio::io::{AsyncWriteExt, duplex};

    /// What a stream of these bytes tells, and what it leaves unread.
    async fn told(mut bytes: &[u8]) -> (Result<Header, HeaderError>, Vec<u8>) {
        let told = header(&mut bytes).await;
        (told, bytes.to_vec())
    }

    fn ends(remote: &str, local: &str) -> Header {
        let endpoint = |text: &str| Endpoint::Ip(text.parse().expect("an address"));
        Header::Proxied {
            remote: endpoint(remote),
            local: endpoint(local),
            tls: false,
        }
    }

    fn second(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("it fits").to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, content].concat()
    }

    #[tokio::test]
    async fn headers_tell_both_ends_and_leave_what_follows() {
        let v4 = [192, 0, 2, 1, 198, 51, 100, 1, 0x13, 0x88, 0, 80];
        let v6 = [
            &Ipv6Addr::LOCALHOST.octets()[..],
            &Ipv6Addr::LOCALHOST.octets(),
            &[0, 1, 0, 2],
        ]
        .concat();
        let with_fields = [&v4[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
        let v4_ends = ends("192.0.2.1:5000", "198.51.100.1:80");
        let unix = Header::Proxied {
            remote: Endpoint::Unix(None),
            local: Endpoint::Unix(None),
            tls: false,
        };
        for (mut bytes, expected) in [
            (
                b"PROXY TCP4 192.0.2.1 198.51.100.1 5000 80\r\n".to_vec(),
                v4_ends,
            ),
            (
                b"PROXY TCP6 2001:db8::1 ::1 65535 0\r\n".to_vec(),
                ends("[2001:db8::1]:65535", "[::1]:0"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), Header::Local),
            (b"PROXY UNKNOWN what ever\r\n".to_vec(), Header::Local),
            (second(0x21, 0x11, &v4), v4_ends),
            (second(0x21, 0x11, &with_fields), v4_ends),
            (second(0x21, 0x21, &v6), ends("[::1]:1", "[::1]:2")),
            (second(0x21, 0x31, &[0; 216]), unix),
            (second(0x20, 0x00, &[]), Header::Local),
            (second(0x20, 0x11, &v4), Header::Local),
            (second(0x21, 0x00, &[1, 2, 3]), Header::Local),
            (second(0x21, 0x12, &v4), Header::Local),
            (second(0x21, 0x00, &[0; 65535]), Header::Local),
        ] {
            bytes.extend(b"GET / HTTP/1.1\r\n");
            let (found, rest) = told(&bytes).await;
            assert_eq!(
                found.expect("a header"),
                expected,
                "{}",
                bytes.escape_ascii()
            );
            assert_eq!(rest, b"GET / HTTP/1.1\r\n", "{}", bytes.escape_ascii());
        }
    }

    #[tokio::test]
    async fn malformed_headers_are_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST_LINE));
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
            b"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nGET / HTTP/1.1\n\n",
            b"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
            b"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
            b"PROXY TCP4 ::1 ::1 1 2\r\n",
            b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY TCP6 [::1] [::1] 1 2\r\n",
            b"PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
            b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY \xff\xff\xff\xff\xff\xff\xff\xff\r\n",
            b"PROXY \r\nxxxxxx",
            long.as_bytes(),
            &second(0x31, 0x11, &[0; 12]),
            &second(0x22, 0x11, &[0; 12]),
            &second(0x21, 0x13, &[0; 12]),
            &second(0x21, 0x41, &[0; 12]),
            &second(0x21, 0x11, &[0; 11]),
            &second(0x21, 0x21, &[0; 35]),
        ] {
            let (found, _) = told(bytes).await;
            let is_refused = matches!(found, Err(HeaderError::Missing | HeaderError::Malformed(_)));
            assert!(is_refused, "{}: {found:?}", bytes.escape_ascii());
        }
    }

    #[test]
    fn field_of_tls_is_found_among_others() {
        for (fields, expected) in [
            (&[0x20, 0, 5, 1, 0, 0, 0, 0][..], true),
            (&[0x20, 0, 5, 7, 0, 0, 0, 0], true),
            (&[0x20, 0, 5, 0, 0, 0, 0, 0], false),
            (&[4, 0, 1, 0x20, 0x20, 0, 5, 1, 0, 0, 0, 0], true),
            (&[4, 0, 8, 0x20, 0, 5, 1, 0, 0, 0, 0], false),
            (&[0x20, 0, 0], false),
            (&[0x20, 0, 6, 1, 0, 0, 0, 0], false),
            (&[0x20, 0], false),
            (&[], false),
        ] {
            assert_eq!(says_tls(fields), expected, "{fields:?}");
        }
    }

    #[tokio::test]
    async fn header_that_is_cut_off_at_any_byte_is_an_end() {
        let whole = [
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
            second(0x21, 0x11, &[1; 20]),
            second(0x20, 0x00, &[1; 20]),
        ];
        for bytes in whole {
            for length in 0..bytes.len() {
                let (found, _) = told(&bytes[..length]).await;
                assert!(
                    matches!(found, Err(HeaderError::Read(_))),
                    "{length}: {found:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn header_may_come_byte_by_byte() {
        let (mut near, mut far) = duplex(1);
        let bytes = second(0x21, 0x11, &[1; 12]);
        let (written, found) = tokio::join!(far.write_all(&bytes), header(&mut near));
        assert!(
            written.is_ok() && matches!(found, Ok(Header::Proxied { .. })),
            "{found:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_not_waited_for_long() {
        let (mut near, _far) = duplex(64);
        let mut connection = ConnectionInfo::new(Endpoint::Unix(None), Endpoint::Unix(None));
        let started = tokio::time::Instant::now();
        let error = read(&mut near, &mut connection).await.expect_err("nothing");
        assert!(matches!(error, HeaderError::Late));
        assert_eq!(started.elapsed().as_secs(), PATIENCE.as_secs());
    }

    proptest! {
        #[test]
        fn all_that_holds_for_headers_does(
            start in prop_oneof![
                prop::sample::select(vec![
                    &b""[..],
                    WORD,
                    b"PROXY TCP4 192.0.2.1 198.51.100.1 ",
                    b"PROXY TCP6 ::1 2001:db8::1 ",
                ]).prop_map(<[u8]>::to_vec),
                (0x1f..0x23_u8, prop::sample::select(vec![0, 0x11, 0x12, 0x21, 0x31, 0x41]), 0..300_u16)
                    .prop_map(|(command, family, length)| second(command, family, &vec![9; length.into()])),
                (prop::sample::select(vec![0x11, 0x21, 0x31]), vec(any::<u8>(), 0..300))
                    .prop_map(|(family, content)| second(0x21, family, &content)),
            ],
            behind in prop_oneof![vec(any::<u8>(), 0..300), "[0-9]{1,5} [0-9]{1,5}\r\n".prop_map(String::into_bytes)],
        ) {
            properties::header(&[start, behind].concat());
        }
    }
}
