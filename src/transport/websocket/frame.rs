//! Headers of frames (RFC 6455 §5.2), read and written.

/// The longest header: two bytes, eight of length, four of mask.
const LONGEST: usize = 14;

const FINAL: u8 = 0x80;
const RSV1: u8 = 0x40;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

/// The opcodes that begin or continue a message.
const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
/// Control frames have this bit in their opcode.
const CONTROL: u8 = 0x8;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
/// The first byte of an answer to a ping.
pub(super) const PONG: u8 = FINAL | 0xa;
/// The longest payload of a control frame (§5.5).
pub(super) const LARGEST_CONTROL: usize = 125;

/// The first bit of a length is 0.
const LONGEST_PAYLOAD: u64 = i64::MAX as u64;

/// A header, or as much of it as has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    bytes: [u8; LONGEST],
    filled: usize,
}

/// The first byte of a frame that we make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameKind {
    /// 0 for a continuation.
    pub(super) opcode: u8,
    pub(super) is_final: bool,
    pub(super) is_compressed: bool,
}

impl Header {
    /// A header of our own.
    #[inline]
    pub(super) fn new(kind: FrameKind, payload: usize, mask: Option<[u8; 4]>) -> Self {
        let final_bit = if kind.is_final { FINAL } else { 0 };
        let compressed_bit = if kind.is_compressed { RSV1 } else { 0 };
        let first = kind.opcode | final_bit | compressed_bit;
        Header::with_first_byte(first, payload, mask)
    }

    #[inline]
    fn with_first_byte(first: u8, payload: usize, mask: Option<[u8; 4]>) -> Self {
        let mut header = Header::default();
        let mask_bit = if mask.is_some() { MASKED } else { 0 };
        header.push(&[first]);
        match (u8::try_from(payload), u16::try_from(payload)) {
            (Ok(short @ 0..=125), _) => header.push(&[mask_bit | short]),
            (_, Ok(medium)) => {
                header.push(&[mask_bit | 126]);
                header.push(&medium.to_be_bytes());
            }
            _ => {
                header.push(&[mask_bit | 127]);
                header.push(&(payload as u64).to_be_bytes());
            }
        }
        if let Some(mask) = mask {
            header.push(&mask);
        }
        header
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// Takes what is missing from the front of `input`; whether it is whole then.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> bool {
        loop {
            let missing = self.size() - self.filled;
            if missing == 0 {
                return true;
            }
            let (now, later) = input.split_at(missing.min(input.len()));
            if now.is_empty() {
                return false;
            }
            self.push(now);
            *input = later;
        }
    }

    /// The same of a frame without payload, once it is whole.
    pub(super) fn without_payload(&self) -> Header {
        let mask = self.is_masked().then(|| self.mask());
        Header::with_first_byte(self.bytes[0], 0, mask)
    }

    /// Whether nothing of it has come.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Bytes of the header, as far as can be said.
    fn size(&self) -> usize {
        if self.filled < 2 {
            return 2;
        }
        let mask = if self.is_masked() { 4 } else { 0 };
        2 + self.length_bytes() + mask
    }

    /// Bytes of the length behind the first two.
    fn length_bytes(&self) -> usize {
        match self.bytes[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    /// The header as it is on the wire.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    pub(super) fn opcode(&self) -> u8 {
        self.bytes[0] & OPCODE
    }

    pub(super) fn is_final(&self) -> bool {
        self.bytes[0] & FINAL != 0
    }

    pub(super) fn is_control(&self) -> bool {
        self.opcode() & CONTROL != 0
    }

    /// Whether it begins a message.
    pub(super) fn is_opener(&self) -> bool {
        matches!(self.opcode(), TEXT | BINARY)
    }

    pub(super) fn is_text(&self) -> bool {
        self.opcode() == TEXT
    }

    pub(super) fn is_close(&self) -> bool {
        self.opcode() == CLOSE
    }

    pub(super) fn is_ping(&self) -> bool {
        self.opcode() == PING
    }

    /// Whether it is Close, Ping or Pong.
    pub(super) fn is_known_control(&self) -> bool {
        matches!(self.opcode(), CLOSE..=0xa)
    }

    pub(super) fn is_continuation(&self) -> bool {
        self.opcode() == CONTINUATION
    }

    /// Whether RSV1 is set, which says that a message is compressed (RFC 7692 §6), and nothing else is
    /// that would need another extension.
    pub(super) fn is_compressed(&self) -> bool {
        self.bytes[0] & RESERVED == RSV1
    }

    /// Whether no extension is needed to understand it.
    pub(super) fn is_plain(&self) -> bool {
        self.bytes[0] & RESERVED == 0
    }

    pub(super) fn is_masked(&self) -> bool {
        self.bytes[1] & MASKED != 0
    }

    /// The mask, if it is whole and has one; else zeros.
    pub(super) fn mask(&self) -> [u8; 4] {
        let bytes = match self.is_masked() {
            true => self.bytes().last_chunk(),
            false => None,
        };
        bytes.copied().unwrap_or_default()
    }

    /// The mask of what begins where so many bytes of the payload are missing.
    pub(super) fn mask_before(&self, missing: u64) -> [u8; 4] {
        let mut mask = self.mask();
        mask.rotate_left(((self.payload() - missing) % 4) as usize);
        mask
    }

    /// Whether the length is one, in the fewest bytes that can say it.
    pub(super) fn is_length_well_formed(&self) -> bool {
        let least = match self.length_bytes() {
            0 => 0,
            2 => 126,
            _ => 1 << 16,
        };
        (least..=LONGEST_PAYLOAD).contains(&self.payload())
    }

    /// Bytes of payload behind a whole header.
    pub(super) fn payload(&self) -> u64 {
        let length = &self.bytes[2..2 + self.length_bytes()];
        match length {
            [] => u64::from(self.bytes[1] & !MASKED),
            length => length
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        }
    }
}

/// A whole frame, for who speaks to us byte by byte in tests and benchmarks: its first byte (FIN, RSV1 to
/// RSV3, opcode), its payload, and the mask, which a client's frame has and a server's has not (§5.1).
/// What no endpoint may send can be made too.
pub fn encode(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let header = Header::with_first_byte(first, payload.len(), key);
    let mut frame = header.bytes().to_vec();
    frame.extend_from_slice(payload);
    mask(&mut frame[header.filled..], key.unwrap_or_default());
    frame
}

/// Copies what fits; returns how much.
pub(super) fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let most = from.len().min(to.len());
    to[..most].copy_from_slice(&from[..most]);
    most
}

/// A payload's length, as far as there can be so much in memory.
pub(super) fn saturated(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Puts a mask on bytes, or takes it off (§5.3).
pub(super) fn mask(bytes: &mut [u8], mask: [u8; 4]) {
    // As many at once as processors have it.
    let [a, b, c, d] = mask;
    let wide = u128::from_ne_bytes([a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut();
    for word in words {
        *word = (u128::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn header_that_is_written_is_read_from_any_pieces(
            payload in prop_oneof![0..200_usize, 65_000..66_000_usize, any::<u32>().prop_map(|n| n as usize)],
            mask: Option<[u8; 4]>,
            is_final: bool,
            piece in 1..14_usize,
        ) {
            let kind = FrameKind { opcode: TEXT, is_final, is_compressed: true };
            let written = Header::new(kind, payload, mask);
            let mut read = Header::default();
            let mut is_whole = false;
            for mut bytes in written.bytes().chunks(piece) {
                prop_assert!(!is_whole);
                is_whole = read.take(&mut bytes);
                prop_assert!(bytes.is_empty());
            }
            prop_assert!(is_whole);
            prop_assert_eq!(read.payload(), payload as u64);
            prop_assert_eq!((read.is_masked(), read.is_final()), (mask.is_some(), is_final));
            prop_assert_eq!(read.mask(), mask.unwrap_or_default());
            prop_assert!(read.is_opener() && read.is_compressed() && !read.is_plain());
        }
    }

    #[test]
    fn length_is_well_formed_in_one_way() {
        for (length, expected) in [
            (&[0][..], true),
            (&[125], true),
            (&[126, 0, 125], false),
            (&[126, 0, 126], true),
            (&[126, 0xff, 0xff], true),
            (&[127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], false),
            (&[127, 0, 0, 0, 0, 0, 1, 0, 0], true),
            (&[127, 0x7f, 0, 0, 0, 0, 0, 0, 0], true),
            (&[127, 0x80, 0, 0, 0, 0, 0, 0, 0], false),
        ] {
            let bytes = [&[0x81], length].concat();
            let mut header = Header::default();
            assert!(header.take(&mut &bytes[..]));
            assert_eq!(header.is_length_well_formed(), expected, "{length:?}");
        }
    }

    #[test]
    fn header_ends_where_the_payload_begins() {
        let mut bytes: &[u8] = &[0x81, 0x82, 1, 2, 3, 4, b'x', b'y'];
        let mut header = Header::default();
        assert!(header.take(&mut bytes));
        assert_eq!((header.payload(), header.mask()), (2, [1, 2, 3, 4]));
        assert_eq!(bytes, b"xy");
    }
}
