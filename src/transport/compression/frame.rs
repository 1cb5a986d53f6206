//! Headers of frames (RFC 6455 §5.2).

/// The longest header: two bytes, eight of length, four of mask.
const LONGEST: usize = 14;

const FINAL: u8 = 0x80;
const RSV1: u8 = 0x40;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

/// The opcodes that begin or continue a message.
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
/// Control frames have this bit in their opcode.
const CONTROL: u8 = 0x8;

/// A header, or as much of it as has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    bytes: [u8; LONGEST],
    filled: usize,
}

/// The first byte of a frame that we make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// 0 for a continuation.
    pub(super) opcode: u8,
    pub(super) is_final: bool,
    pub(super) is_compressed: bool,
}

impl Header {
    /// A header of our own. A mask is all zeros, which leaves the payload as it is.
    pub(super) fn new(kind: Kind, payload: usize, is_masked: bool) -> Self {
        let mut header = Header::default();
        let final_bit = if kind.is_final { FINAL } else { 0 };
        let compressed_bit = if kind.is_compressed { RSV1 } else { 0 };
        let mask_bit = if is_masked { MASKED } else { 0 };
        header.push(&[kind.opcode | final_bit | compressed_bit]);
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
        if is_masked {
            header.push(&[0; 4]);
        }
        header
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn header_that_is_written_is_read_from_any_pieces(
            payload in prop_oneof![0..200_usize, 65_000..66_000_usize, any::<u32>().prop_map(|n| n as usize)],
            is_masked: bool,
            is_final: bool,
            piece in 1..14_usize,
        ) {
            let kind = Kind { opcode: TEXT, is_final, is_compressed: true };
            let written = Header::new(kind, payload, is_masked);
            let mut read = Header::default();
            let mut is_whole = false;
            for mut bytes in written.bytes().chunks(piece) {
                prop_assert!(!is_whole);
                is_whole = read.take(&mut bytes);
                prop_assert!(bytes.is_empty());
            }
            prop_assert!(is_whole);
            prop_assert_eq!(read.payload(), payload as u64);
            prop_assert_eq!((read.is_masked(), read.is_final()), (is_masked, is_final));
            prop_assert!(read.is_opener() && read.is_compressed() && !read.is_plain());
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
