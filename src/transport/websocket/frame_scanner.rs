//! The frame scanner: looks at frames as they come, for what the WebSocket library sees late or not at all.
//!
//! It is a first parse of each header, before the library's own; where messages are compressed, `deflate` looks
//! in the parse that it needs anyway. Echoes of 16 bytes, 1 KiB and 64 KiB, compressed or not, take as much
//! processor time without it, within the noise; those of 64 KiB of text beyond ASCII take a fifth less.

use super::{
    frame::{Header, mask},
    protocol_violation::ProtocolViolation,
    utf8::Utf8,
};

/// Bytes unmasked at a time.
const CHUNK: usize = 1024;

/// Looks at frames as they pass. Lengths have to be well-formed (RFC 6455 §5.2). Text has to be UTF-8
/// (§8.1) as far as it has come: the library looks at a whole frame, of which the rest may take its time.
/// What is whole is thus none of its business, and costs no look at the payload.
#[derive(Debug, Default)]
pub(super) struct FrameScanner {
    header: Header,
    place: ScanPosition,
    message: ScannedMessage,
    violation: Option<ProtocolViolation>,
}

/// Where in a frame.
#[derive(Debug, Clone, Copy, Default)]
enum ScanPosition {
    #[default]
    Header,
    /// Bytes of payload to come.
    Payload(u64),
    /// Behind a Close, where nothing counts any more (§5.5.1).
    End,
}

/// Whose frames come.
#[derive(Debug, Clone, Copy, Default)]
enum ScannedMessage {
    #[default]
    None,
    Text(Utf8),
    /// Binary, or compressed.
    Opaque,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Finding {
    violation: ProtocolViolation,
    /// Where what is fine ends.
    at: usize,
}

impl FrameScanner {
    /// Looks at what comes next; how much of it comes before a violation, all of it if there is none. Behind a
    /// violation nothing more is to be looked at.
    pub(super) fn sound_prefix(&mut self, bytes: &[u8]) -> usize {
        match self.look(bytes) {
            Ok(()) => bytes.len(),
            Err(Finding { violation, at }) => {
                self.violation = Some(violation);
                at
            }
        }
    }

    /// The violation that was found.
    pub(super) fn violation(&self) -> Option<ProtocolViolation> {
        self.violation
    }

    fn look(&mut self, bytes: &[u8]) -> Result<(), Finding> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let looked = match self.place {
                ScanPosition::Header => self.begin_frame(&mut rest),
                ScanPosition::Payload(missing) => self.go_on(missing, &mut rest),
                ScanPosition::End => return Ok(()),
            };
            looked.map_err(|violation| Finding { violation, at })?;
        }
        Ok(())
    }

    fn begin_frame(&mut self, rest: &mut &[u8]) -> Result<(), ProtocolViolation> {
        if let (ScannedMessage::None, Some(behind)) = (self.message, behind_short_message(rest))
            && self.header.is_empty()
        {
            *rest = behind;
            return Ok(());
        }
        if !self.header.take(rest) {
            return Ok(());
        }
        let header = &self.header;
        if !header.is_length_well_formed() {
            return Err(ProtocolViolation::Length);
        }
        let payload = header.payload();
        if header.is_opener() {
            let is_whole = header.is_final() && payload <= rest.len() as u64;
            self.message = match header.is_text() && header.is_plain() && !is_whole {
                true => ScannedMessage::Text(Utf8::default()),
                false => ScannedMessage::Opaque,
            };
        }
        self.place = ScanPosition::Payload(payload);
        if payload == 0 {
            self.end_frame();
        }
        Ok(())
    }

    fn go_on(&mut self, missing: u64, rest: &mut &[u8]) -> Result<(), ProtocolViolation> {
        let most = usize::try_from(missing).unwrap_or(usize::MAX);
        let (piece, later) = rest.split_at(most.min(rest.len()));
        if let (ScannedMessage::Text(utf8), false) = (&mut self.message, self.header.is_control())
            && !is_text_so_far(utf8, piece, self.header.mask_before(missing))
        {
            return Err(ProtocolViolation::Text);
        }
        *rest = later;
        self.place = ScanPosition::Payload(missing - piece.len() as u64);
        if piece.len() == most {
            self.end_frame();
        }
        Ok(())
    }

    fn end_frame(&mut self) {
        if self.header.is_final() && !self.header.is_control() {
            self.message = ScannedMessage::None;
        }
        self.place = match self.header.is_close() {
            true => ScanPosition::End,
            false => ScanPosition::Header,
        };
        self.header = Header::default();
    }
}

/// What stands behind a message of one short frame, as most are, if all of that is there.
fn behind_short_message(bytes: &[u8]) -> Option<&[u8]> {
    let (&[0x81 | 0x82, length], _) = bytes.split_first_chunk()? else {
        return None;
    };
    let mask = usize::from(length >> 7) * 4;
    let length = usize::from(length & 0x7f);
    let size = 2 + mask + length;
    (length < 126).then(|| bytes.get(size..)).flatten()
}

/// Whether that may be the next bytes of a text.
pub(super) fn is_text_so_far(utf8: &mut Utf8, masked: &[u8], key: [u8; 4]) -> bool {
    if utf8.is_between_characters() && is_ascii(masked, key) {
        return true;
    }
    // A whole number of masks.
    masked.chunks(CHUNK).all(|masked| {
        let mut clear = [0; CHUNK];
        let clear = &mut clear[..masked.len()];
        clear.copy_from_slice(masked);
        mask(clear, key);
        utf8.take(clear)
    })
}

/// Whether that is all ASCII once the mask is off.
fn is_ascii(masked: &[u8], key: [u8; 4]) -> bool {
    const WORD: usize = 16;
    let mut words = masked.chunks_exact(WORD);
    let mut seen = [0; WORD];
    for word in &mut words {
        for (index, seen) in seen.iter_mut().enumerate() {
            *seen |= word[index] ^ key[index % 4];
        }
    }
    let rest = words.remainder().iter().zip(key.iter().cycle());
    let rest = rest.fold(0, |seen, (byte, key)| seen | byte ^ key);
    seen.iter().fold(rest, |all, seen| all | seen) < 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::transport::websocket::frame::encode;

    const TEXT: u8 = 1;
    const BINARY: u8 = 2;
    const PING: u8 = 9;

    /// A frame of a client.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        const KEY: [u8; 4] = [0x92, 0x34, 0xd6, 0x78];
        encode(first, payload, Some(KEY))
    }

    fn look(bytes: &[u8], piece: usize) -> Option<(ProtocolViolation, usize)> {
        let mut scanner = FrameScanner::default();
        let mut before = 0;
        for piece in bytes.chunks(piece) {
            if let Err(found) = scanner.look(piece) {
                return Some((found.violation, before + found.at));
            }
            before += piece.len();
        }
        None
    }

    #[test]
    fn wrong_byte_is_found_before_its_frame_ends() {
        let bytes = frame(
            0x80 | TEXT,
            &[&b"x".repeat(5000)[..], b"\xff", &[b'y'; 5000]].concat(),
        );
        for (most, expected) in [(5008, None), (5009, Some(ProtocolViolation::Text))] {
            let found = look(&bytes[..most], 100).map(|found| found.0);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn whole_frame_is_left_to_the_library() {
        let bytes = frame(0x80 | TEXT, b"\xff");
        assert_eq!(look(&bytes, bytes.len()), None);
        assert_eq!(look(&bytes, 1), Some((ProtocolViolation::Text, 6)));
    }

    #[test]
    fn sequence_may_go_on_in_the_next_fragment_and_pings_may_come_between() {
        let of = |last: &[u8]| {
            let ping = frame(0x80 | PING, b"\xff");
            [frame(TEXT, b"\xe2\x82"), ping, frame(0x80, last)].concat()
        };
        for piece in [1, 7, 1000] {
            assert_eq!(look(&of(b"\xac"), piece), None);
            let found = look(&of(b"x"), piece).map(|found| found.0);
            assert_eq!(found, Some(ProtocolViolation::Text));
        }
    }

    #[test]
    fn what_is_not_text_may_be_anything() {
        for first in [0x80 | BINARY, 0xc0 | TEXT, 0x40 | TEXT] {
            let bytes = [frame(first, b"\xff\xff"), frame(0x80, b"\xff")].concat();
            assert_eq!(look(&bytes, 1), None, "{first:x}");
        }
    }

    #[test]
    fn long_length_is_found_where_it_stands() {
        let fine = frame(0x80 | TEXT, b"hi");
        let violation = [0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'h', b'i'];
        let bytes = [&fine[..], &fine, &violation].concat();
        let expected = Some((ProtocolViolation::Length, 2 * fine.len()));
        assert_eq!(look(&bytes, bytes.len()), expected);
        let (violation, at) = look(&bytes, 1).expect("it is found");
        assert!(violation == ProtocolViolation::Length && at < bytes.len() - 2);
    }

    #[test]
    fn nothing_is_found_behind_a_close() {
        let bytes = [
            &frame(0x88, b"\x03\xe8")[..],
            &[0x81, 0xfe, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(look(&bytes, bytes.len()), None);
        assert_eq!(look(&bytes, 1), None);
    }

    proptest! {
        #[test]
        fn nothing_is_found_in_what_is_fine(
            texts in proptest::collection::vec("[ -~é€😀]{0,300}", 0..8),
            piece in prop_oneof![1..10_usize, 10..5000_usize],
            fragment in 1..500_usize,
        ) {
            let mut bytes = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                if index % 2 == 0 {
                    bytes.extend(frame(0x80 | TEXT, text.as_bytes()));
                    continue;
                }
                bytes.extend(frame(TEXT, b""));
                for part in text.as_bytes().chunks(fragment) {
                    bytes.extend(frame(0, part));
                }
                bytes.extend(frame(0x80, b""));
            }
            prop_assert_eq!(look(&bytes, piece), None);
        }

        #[test]
        fn no_input_brings_a_panic(bytes: Vec<u8>, piece in 1..20_usize) {
            look(&bytes, piece);
        }

        #[test]
        fn ascii_is_told_through_the_mask(mut bytes: Vec<u8>, key: [u8; 4]) {
            let expected = bytes.is_ascii();
            mask(&mut bytes, key);
            prop_assert_eq!(is_ascii(&bytes, key), expected);
        }
    }
}
