//! The end of a request's body, found while its bytes pass: [`BodyEnd`].

use crate::http::BodyLength;

/// How far a body has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// So many bytes are still to come.
    Sized(u64),
    /// Within the chunked coding (RFC 9112 §7.1).
    Chunked(Chunked),
}

/// Before which byte of the chunked coding. What is malformed is not noticed here, but by the library, which reads no
/// request behind it; of all else both find the end at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunked {
    /// The size, as far as it has come.
    Size(u64),
    /// What may follow the size, which does not matter here.
    Extension(u64),
    /// The line feed behind it.
    SizeLineFeed(u64),
    /// So many bytes of data.
    Data(u64),
    /// The line end behind data.
    DataCarriageReturn,
    DataLineFeed,
    /// A line of the trailer section, or the last one, which is empty.
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    LastLineFeed,
    /// Nothing.
    Over,
}

impl From<BodyLength> for BodyEnd {
    fn from(length: BodyLength) -> Self {
        match length {
            BodyLength::Sized(length) => BodyEnd::Sized(length),
            BodyLength::Chunked => BodyEnd::Chunked(Chunked::Size(0)),
        }
    }
}

impl BodyEnd {
    /// Whether nothing more belongs to the body.
    pub(super) fn is_over(self) -> bool {
        matches!(self, BodyEnd::Sized(0) | BodyEnd::Chunked(Chunked::Over))
    }

    /// How many of these bytes belong to it, which have passed then.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while passed < bytes.len() && !self.is_over() {
            passed += match self {
                BodyEnd::Sized(left) | BodyEnd::Chunked(Chunked::Data(left)) => {
                    let step = (*left).min((bytes.len() - passed) as u64);
                    *left -= step;
                    step as usize
                }
                BodyEnd::Chunked(chunked) => {
                    *chunked = chunked.behind(bytes[passed]);
                    1
                }
            };
            if *self == BodyEnd::Chunked(Chunked::Data(0)) {
                *self = BodyEnd::Chunked(Chunked::DataCarriageReturn);
            }
        }
        passed
    }
}

impl Chunked {
    /// Where it is behind this byte.
    fn behind(self, byte: u8) -> Self {
        match (self, byte) {
            (Chunked::Size(size) | Chunked::Extension(size), b'\r') => Chunked::SizeLineFeed(size),
            (Chunked::Size(size), byte) => match char::from(byte).to_digit(16) {
                Some(digit) => Chunked::Size(size.saturating_mul(16).saturating_add(digit.into())),
                None => Chunked::Extension(size),
            },
            (Chunked::Extension(size), _) => Chunked::Extension(size),
            (Chunked::SizeLineFeed(0), _) => Chunked::TrailerStart,
            (Chunked::SizeLineFeed(size) | Chunked::Data(size), _) => Chunked::Data(size),
            (Chunked::DataCarriageReturn, _) => Chunked::DataLineFeed,
            (Chunked::DataLineFeed, _) => Chunked::Size(0),
            (Chunked::TrailerStart, b'\r') => Chunked::LastLineFeed,
            (Chunked::Trailer, b'\r') => Chunked::TrailerLineFeed,
            (Chunked::TrailerStart | Chunked::Trailer, _) => Chunked::Trailer,
            (Chunked::TrailerLineFeed, _) => Chunked::TrailerStart,
            (Chunked::LastLineFeed | Chunked::Over, _) => Chunked::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHUNKED: &[u8] =
        b"4;ext=\"x\"\r\nabcd\r\n1a \r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nA: b\r\nC: d\r\n\r\n";

    #[test]
    fn body_ends_where_it_says() {
        for (length, bytes) in [
            (BodyLength::Sized(0), &b""[..]),
            (BodyLength::Sized(3), b"abc"),
            (BodyLength::Chunked, b"0\r\n\r\n"),
            (BodyLength::Chunked, CHUNKED),
        ] {
            let followed = [bytes, b"GET / HTTP/1.1\r\n"].concat();
            let mut body = BodyEnd::from(length);
            assert_eq!(body.advance(&followed), bytes.len());
            assert!(body.is_over());
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cuts in prop::collection::vec(1_usize..9, 0..60)) {
            let followed = [CHUNKED, b"GET / HTTP/1.1\r\n"].concat();
            let (mut body, mut rest, mut passed) = (BodyEnd::from(BodyLength::Chunked), &followed[..], 0);
            for cut in cuts {
                let piece = &rest[..cut.min(rest.len())];
                passed += body.advance(piece);
                rest = &rest[piece.len()..];
                prop_assert_eq!(body.is_over(), passed == CHUNKED.len());
            }
            prop_assert!(passed <= CHUNKED.len());
        }
    }
}
