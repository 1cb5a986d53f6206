//! The assembler of messages: takes the payload of long ones out of the stream of frames.
//!
//! # How it works
//! The WebSocket library reserves memory for a frame when its header has come, and where there is none the process
//! ends. So it gets only short messages as they are, those of one frame that has been read as a whole. Of all
//! others it gets the frames without their payload, sees to their order, and gives an empty message in the end;
//! the payload is here then. Memory for it grows with what has come, and may be refused.
//!
//! This is a first parse of each header, before the library's own. It finds what the library sees late or not at
//! all: lengths that are not well-formed (RFC 6455 §5.2), text that is not UTF-8 as far as it has come (§8.1), the
//! length of a message before the last of it, and a frame that is out of order before its payload.

use bytes::Bytes;
use hyper_tungstenite::tungstenite::protocol::Role;

use super::{
    frame::{Header, copy, mask, saturated},
    protocol_violation::ProtocolViolation,
    utf8::Utf8,
};
use crate::{message::Close, room};

/// The longest payload of a frame that the library gets, in bytes. It copies such in pieces of its own buffer;
/// longer ones are faster here, shorter ones there.
const SHORT: usize = 1024;

/// Hands frames on to the library, and keeps what it is not to have.
#[derive(Debug)]
pub(super) struct MessageAssembler {
    header: Header,
    place: Place,
    /// A client's frames have a mask, a server's have none (§5.1).
    are_masked: bool,
    limit: Limit,
    message: LongMessage,
    close: CloseCode,
    violation: Option<ProtocolViolation>,
}

/// What was seen of a Close whose code the library does not know, though it may be sent: 1014 was registered behind
/// RFC 6455 (§11.7). The library is shown 1013 in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CloseCode {
    Other,
    /// Its first byte.
    Begun,
    BadGateway,
}

/// The longest message, and the longest frame of it, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) message: usize,
    pub(super) frame: usize,
}

/// Where in the frames.
#[derive(Debug, Clone, Copy)]
enum Place {
    Header,
    /// In whole frames that go on as they are: bytes of them.
    Run(usize),
    /// In a frame that goes on as it is: bytes of its header and of its payload to come.
    Passed {
        header: usize,
        payload: u64,
    },
    /// In one whose payload is kept: bytes of that to come.
    Kept(u64),
    /// Behind one of which the library is told: so many bytes of that have gone on.
    Told(usize),
    /// The same behind the header of one that it refuses.
    Refused(usize),
    /// Behind what ends all: nothing is looked at any more (§5.5.1).
    End,
}

/// A message that the library gets without its payload.
#[derive(Debug, Default)]
struct LongMessage {
    payload: Vec<u8>,
    /// What was seen of a text's last character.
    text: Option<Utf8>,
    is_begun: bool,
    /// All of it is here, and the library has been told so.
    is_whole: bool,
}

impl MessageAssembler {
    pub(super) fn new(role: Role, limit: Limit) -> Self {
        MessageAssembler {
            header: Header::default(),
            place: Place::Header,
            are_masked: role == Role::Server,
            limit,
            message: LongMessage::default(),
            close: CloseCode::Other,
            violation: None,
        }
    }

    /// Whether the Close that the library has just given had the code 1014, of which it knows nothing.
    pub(super) fn is_bad_gateway(&self) -> bool {
        self.close == CloseCode::BadGateway
    }

    /// The payload of the message that the library has just given, if that was one without.
    pub(super) fn take_payload(&mut self) -> Option<Bytes> {
        self.message.is_whole.then(|| {
            let message = std::mem::take(&mut self.message);
            message.payload.into()
        })
    }

    /// Takes from the front of `input`, and writes to `output` what the library is to have. Takes all but for want
    /// of room, or when a long message is whole: that has to be fetched first. Returns the bytes written.
    ///
    /// # Errors
    /// What is wrong, once all that came before it has been written.
    pub(super) fn read(
        &mut self,
        input: &mut &[u8],
        output: &mut [u8],
    ) -> Result<usize, ProtocolViolation> {
        let mut written = 0;
        while self.violation.is_none() && !self.message.is_whole {
            // The library has to be done with all that was before.
            if matches!(self.place, Place::Told(0)) && written > 0 {
                break;
            }
            match self.step(input, &mut output[written..]) {
                Ok(Some(more)) => written += more,
                Ok(None) => break,
                Err(violation) => self.violation = Some(violation),
            }
        }
        match self.violation {
            Some(violation) if written == 0 => Err(violation),
            _ => Ok(written),
        }
    }

    /// The bytes written; `None` when more input or more room is needed.
    fn step(
        &mut self,
        input: &mut &[u8],
        output: &mut [u8],
    ) -> Result<Option<usize>, ProtocolViolation> {
        match self.place {
            Place::Header => {
                let begins = !input.is_empty();
                if begins {
                    self.begin_frame(input)?;
                }
                Ok((begins && !matches!(self.place, Place::Header)).then_some(0))
            }
            Place::Run(length) => {
                let now = copy(&input[..length.min(input.len())], output);
                *input = &input[now..];
                self.place = match length - now {
                    0 => Place::Header,
                    rest => Place::Run(rest),
                };
                Ok((now > 0).then_some(now))
            }
            Place::Passed { header, payload } => Ok(self.pass(header, payload, input, output)),
            Place::Kept(missing) => self.keep(missing, input),
            Place::Told(sent) | Place::Refused(sent) => Ok(self.tell(sent, output)),
            Place::End => {
                let now = copy(input, output);
                *input = &input[now..];
                Ok((now > 0).then_some(now))
            }
        }
    }

    fn begin_frame(&mut self, input: &mut &[u8]) -> Result<(), ProtocolViolation> {
        if self.header.is_empty() && !self.message.is_begun {
            let run = short_messages(input);
            if run > 0 {
                self.place = Place::Run(run);
                return Ok(());
            }
        }
        if !self.header.take(input) {
            return Ok(());
        }
        let header = &self.header;
        let (size, payload) = (header.bytes().len(), header.payload());
        if !header.is_length_well_formed() {
            return Err(ProtocolViolation::Length);
        }
        if header.is_control() && payload > MAX_CONTROL {
            return Err(ProtocolViolation::Control);
        }
        self.place = match self.is_in_order() {
            // The library needs no payload for that.
            false => Place::Refused(0),
            true if header.is_control() => Place::Passed {
                header: size,
                payload,
            },
            true => {
                self.begin_payload(payload)?;
                match payload {
                    0 => Place::Told(0),
                    payload => Place::Kept(payload),
                }
            }
        };
        Ok(())
    }

    /// Whether a frame with this header may come here (§5.1, §5.2, §5.4, §5.5).
    fn is_in_order(&self) -> bool {
        let header = &self.header;
        let is_expected = match self.message.is_begun {
            _ if header.is_control() => header.is_final() && header.is_known_control(),
            false => header.is_opener(),
            true => header.is_continuation(),
        };
        is_expected && header.is_plain() && header.is_masked() == self.are_masked
    }

    fn begin_payload(&mut self, payload: u64) -> Result<(), ProtocolViolation> {
        if self.header.is_opener() {
            self.message.is_begun = true;
            self.message.text = self.header.is_text().then(Utf8::default);
        }
        let Limit { message, frame } = self.limit;
        let total = payload.saturating_add(self.message.payload.len() as u64);
        match () {
            () if payload > frame as u64 && frame < message => {
                Err(ProtocolViolation::FrameTooLong(frame))
            }
            () if payload > frame as u64 => Err(ProtocolViolation::TooLong(frame)),
            () if total > message as u64 => Err(ProtocolViolation::TooLong(message)),
            () => Ok(()),
        }
    }

    fn pass(
        &mut self,
        header: usize,
        payload: u64,
        input: &mut &[u8],
        output: &mut [u8],
    ) -> Option<usize> {
        let whole = self.header.bytes();
        let unsent = copy(&whole[whole.len() - header..], output);
        let most = input.len().min(saturated(payload));
        let more = copy(&input[..most], &mut output[unsent..]);
        *input = &input[more..];
        if self.header.is_close() {
            self.show_known_code(payload, &mut output[unsent..unsent + more]);
        }
        let (header, payload) = (header - unsent, payload - more as u64);
        self.place = Place::Passed { header, payload };
        if header == 0 && payload == 0 {
            self.end_frame();
        } else if unsent + more == 0 {
            return None;
        }
        Some(unsent + more)
    }

    /// Changes 1014 into 1013, in a piece of a Close before which so many bytes of the payload were missing.
    fn show_known_code(&mut self, missing: u64, piece: &mut [u8]) {
        let code = Close::BAD_GATEWAY.to_be_bytes();
        let known = Close::TRY_AGAIN_LATER.to_be_bytes();
        let mask = self.header.mask();
        let first = (self.header.payload() - missing) as usize;
        for (at, byte) in (first..code.len()).zip(piece) {
            let is_same = *byte ^ mask[at] == code[at];
            self.close = match self.close {
                _ if is_same && at == 0 => CloseCode::Begun,
                CloseCode::Begun if is_same => {
                    *byte ^= code[at] ^ known[at];
                    CloseCode::BadGateway
                }
                _ => CloseCode::Other,
            };
        }
    }

    fn keep(
        &mut self,
        missing: u64,
        input: &mut &[u8],
    ) -> Result<Option<usize>, ProtocolViolation> {
        let (piece, rest) = input.split_at(input.len().min(saturated(missing)));
        if piece.is_empty() {
            return Ok(None);
        }
        *input = rest;
        let key = self.header.mask_before(missing);
        let missing = missing - piece.len() as u64;
        let is_last = self.header.is_final().then_some(missing);
        self.message.push(piece, key, is_last)?;
        self.place = match missing {
            0 => Place::Told(0),
            missing => Place::Kept(missing),
        };
        Ok(Some(0))
    }

    /// Tells the library of a frame, as if it had no payload.
    fn tell(&mut self, sent: usize, output: &mut [u8]) -> Option<usize> {
        let header = self.header.without_payload();
        let now = copy(&header.bytes()[sent..], output);
        let (sent, is_all) = (sent + now, sent + now == header.bytes().len());
        self.place = match self.place {
            Place::Refused(_) if is_all => Place::End,
            Place::Refused(_) => Place::Refused(sent),
            _ => Place::Told(sent),
        };
        if is_all && let Place::Told(_) = self.place {
            self.message.is_whole = self.header.is_final();
            self.end_frame();
        }
        (now > 0).then_some(now)
    }

    fn end_frame(&mut self) {
        self.place = match self.header.is_close() {
            true => Place::End,
            false => Place::Header,
        };
        self.header = Header::default();
    }
}

impl LongMessage {
    /// Adds a piece, whose mask begins with `key`; `missing` bytes of its last frame are then to come, if that is
    /// known to be the last.
    fn push(
        &mut self,
        masked: &[u8],
        key: [u8; 4],
        missing: Option<u64>,
    ) -> Result<(), ProtocolViolation> {
        self.reserve(masked.len(), missing)?;
        let start = self.payload.len();
        self.payload.extend_from_slice(masked);
        let clear = &mut self.payload[start..];
        if key != [0; 4] {
            mask(clear, key);
        }
        // The whole is looked at anyway.
        if let (Some(utf8), false) = (&mut self.text, missing == Some(0))
            && !utf8.take(clear)
        {
            return Err(ProtocolViolation::Text);
        }
        Ok(())
    }

    /// Makes room for a piece: never for more than is to come, nor for more than twice what has come.
    fn reserve(&mut self, piece: usize, missing: Option<u64>) -> Result<(), ProtocolViolation> {
        let needed = self.payload.len() + piece;
        if needed <= self.payload.capacity() {
            return Ok(());
        }
        let most = missing.map_or(usize::MAX, |missing| {
            needed.saturating_add(saturated(missing))
        });
        let room = needed.max(2 * self.payload.capacity()).min(most);
        let more = room - self.payload.len();
        room::reserve_exact(&mut self.payload, more)
            .map_err(|room::NoRoom| ProtocolViolation::NoRoom)
    }
}

/// The longest payload of a control frame (§5.5).
const MAX_CONTROL: u64 = 125;

/// How many bytes there are of whole messages, each of one short frame, as most are.
fn short_messages(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(behind) = behind_short_message(rest) {
        rest = behind;
    }
    bytes.len() - rest.len()
}

/// What stands behind a message of one short frame, if all of that is there.
fn behind_short_message(bytes: &[u8]) -> Option<&[u8]> {
    let (&[0x81 | 0x82, length], _) = bytes.split_first_chunk()? else {
        return None;
    };
    let mask = usize::from(length >> 7) * 4;
    let (header, payload) = match length & 0x7f {
        126 => {
            let length = u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]);
            // Else it is to be found out what is wrong with it, or where it ends.
            (126..=SHORT as u16)
                .contains(&length)
                .then_some((4, usize::from(length)))?
        }
        127 => return None,
        length => (2, usize::from(length)),
    };
    bytes.get(header + mask + payload..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::transport::websocket::frame::encode;

    const TEXT: u8 = 1;
    const BINARY: u8 = 2;
    const CLOSE: u8 = 8;
    const PING: u8 = 9;
    const FIN: u8 = 0x80;
    const LIMIT: Limit = Limit {
        message: 100_000,
        frame: 50_000,
    };

    /// A frame of a client.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        const KEY: [u8; 4] = [0x92, 0x34, 0xd6, 0x78];
        encode(first, payload, Some(KEY))
    }

    /// What the library gets of bytes that come in pieces, into a buffer of a size, and the payloads that it does
    /// not get.
    fn read(
        bytes: &[u8],
        piece: usize,
        room: usize,
    ) -> (Vec<u8>, Vec<Bytes>, Option<ProtocolViolation>) {
        let mut assembler = MessageAssembler::new(Role::Server, LIMIT);
        let (mut passed, mut payloads) = (Vec::new(), Vec::new());
        let mut unread: Vec<u8> = Vec::new();
        for piece in bytes.chunks(piece) {
            unread.extend_from_slice(piece);
            let mut rest = &unread[..];
            loop {
                let mut output = vec![0; room];
                let before = rest.len();
                match assembler.read(&mut rest, &mut output) {
                    Ok(written) => {
                        passed.extend_from_slice(&output[..written]);
                        let payload = assembler.take_payload();
                        let is_done = written == 0 && before == rest.len() && payload.is_none();
                        payloads.extend(payload);
                        if is_done {
                            break;
                        }
                    }
                    Err(violation) => return (passed, payloads, Some(violation)),
                }
            }
            unread = rest.to_vec();
        }
        (passed, payloads, None)
    }

    fn violation(bytes: &[u8], piece: usize) -> Option<ProtocolViolation> {
        read(bytes, piece, 100).2
    }

    #[test]
    fn short_message_goes_on_as_it_is_if_it_is_there() {
        for length in [0, 1, 125, 126, SHORT] {
            let bytes = frame(FIN | TEXT, &vec![b'x'; length]).repeat(2);
            let (passed, payloads, _) = read(&bytes, bytes.len(), 512);
            assert_eq!((passed, payloads.len()), (bytes, 0));
        }
    }

    #[test]
    fn code_that_the_library_does_not_know_is_shown_as_one_that_it_does() {
        let close = |code: u16| frame(FIN | CLOSE, &[&code.to_be_bytes()[..], b"why"].concat());
        for piece in [1, 2, 7, 4096] {
            for (code, shown) in [(1014, 1013), (1013, 1013), (1015, 1015), (1000, 1000)] {
                let (passed, ..) = read(&close(code), piece, 512);
                assert_eq!(passed, close(shown), "{code} in pieces of {piece}");
            }
        }
        for other in [&b"\x03"[..], b"", b"\xf6\xf6", b"\x02\xf6", b"\x03\xf7"] {
            let other = frame(FIN | CLOSE, other);
            assert_eq!(read(&other, 1, 512).0, other);
        }
    }

    #[test]
    fn long_message_goes_on_without_its_payload() {
        let payload = [&[b'x'; SHORT][..], b"y"].concat();
        let whole = [frame(FIN | TEXT, b"a"), frame(FIN | BINARY, &payload)].concat();
        let parts = [
            frame(BINARY, &payload),
            frame(FIN | PING, b"b"),
            frame(FIN, b"z"),
        ]
        .concat();
        for piece in [1, 7, 4096] {
            let (passed, payloads, _) = read(&whole, piece, 64);
            let told = frame(FIN | BINARY, b"");
            assert!(passed.ends_with(&told));
            assert_eq!(payloads.last().map(|last| &last[..]), Some(&payload[..]));
            let (passed, payloads, _) = read(&parts, piece, 64);
            let told = [frame(BINARY, b""), frame(FIN | PING, b"b"), frame(FIN, b"")].concat();
            assert_eq!(passed, told, "{piece}");
            assert_eq!(payloads, [[&payload[..], b"z"].concat()]);
        }
    }

    #[test]
    fn memory_grows_with_what_has_come() {
        let mut assembler = MessageAssembler::new(Role::Server, LIMIT);
        let announced = frame(FIN | BINARY, &[b'x'; 50_000]);
        let mut begin = 0;
        for end in [10, 1000, 5000, 49_000] {
            let mut input = &announced[begin..end];
            begin = end;
            assembler.read(&mut input, &mut [0; 64]).expect("fine");
            let capacity = assembler.message.payload.capacity();
            assert!(
                capacity <= 2 * assembler.message.payload.len(),
                "{capacity}"
            );
        }
    }

    #[test]
    fn message_that_will_be_too_long_is_refused_at_once() {
        let long = frame(FIN | BINARY, &[b'x'; 50_001]);
        let later = [
            frame(BINARY, &[b'x'; 50_000]),
            frame(0, &[b'x'; 50_000]),
            frame(0, b"x"),
        ];
        for (bytes, limit) in [
            (&long[..8], ProtocolViolation::FrameTooLong(LIMIT.frame)),
            (
                &later.concat()[..],
                ProtocolViolation::TooLong(LIMIT.message),
            ),
        ] {
            for piece in [1, 1000, bytes.len()] {
                assert_eq!(violation(bytes, piece), Some(limit), "{piece}");
            }
        }
    }

    #[test]
    fn wrong_byte_is_found_before_its_frame_ends() {
        let bytes = frame(
            FIN | TEXT,
            &[&b"x".repeat(5000)[..], b"\xff", &[b'y'; 5000]].concat(),
        );
        for (most, expected) in [(5008, None), (5009, Some(ProtocolViolation::Text))] {
            assert_eq!(violation(&bytes[..most], 100), expected);
        }
    }

    #[test]
    fn sequence_may_go_on_in_the_next_fragment_and_pings_may_come_between() {
        let of = |last: &[u8]| {
            let ping = frame(FIN | PING, b"\xff");
            let middle = frame(0, last);
            [frame(TEXT, b"\xe2\x82"), ping, middle, frame(FIN, b"")].concat()
        };
        for piece in [1, 7, 1000] {
            assert_eq!(violation(&of(b"\xac"), piece), None);
            assert_eq!(violation(&of(b"x"), piece), Some(ProtocolViolation::Text));
        }
    }

    #[test]
    fn what_is_not_text_may_be_anything() {
        let bytes = [frame(BINARY, b"\xff\xff"), frame(FIN, b"\xff")].concat();
        assert_eq!(violation(&bytes, 1), None);
    }

    #[test]
    fn frame_that_is_out_of_order_goes_on_without_its_payload() {
        for first in [FIN | 0x40 | TEXT, FIN | 0x20 | BINARY, FIN | 3, FIN] {
            let bytes = frame(first, &[b'x'; 5000]);
            let (passed, _, _) = read(&bytes[..8], 8, 100);
            assert_eq!(passed, frame(first, b""), "{first:x}");
        }
        let unmasked = encode(FIN | TEXT, &[b'x'; 5000], None);
        assert_eq!(read(&unmasked[..4], 4, 100).0, [FIN | TEXT, 0]);
    }

    #[test]
    fn long_length_is_found_where_it_stands() {
        let fine = frame(FIN | TEXT, b"hi");
        let violating = [0x81, 0xfe, 0, 2, 0, 0, 0, 0, b'h', b'i'];
        let bytes = [&fine[..], &fine, &violating].concat();
        let (passed, _, found) = read(&bytes, bytes.len(), 100);
        assert_eq!(passed, fine.repeat(2));
        assert_eq!(found, Some(ProtocolViolation::Length));
        assert_eq!(violation(&bytes, 1), Some(ProtocolViolation::Length));
    }

    #[test]
    fn long_control_frame_is_found_before_its_payload() {
        let bytes = frame(FIN | PING, &[b'x'; 126]);
        assert_eq!(violation(&bytes[..8], 8), Some(ProtocolViolation::Control));
    }

    #[test]
    fn nothing_is_found_behind_a_close() {
        let bytes = [
            &frame(0x88, b"\x03\xe8")[..],
            &[0x81, 0xfe, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(violation(&bytes, bytes.len()), None);
        assert_eq!(violation(&bytes, 1), None);
    }

    proptest! {
        #[test]
        fn all_messages_come_as_they_were_sent(
            texts in proptest::collection::vec("[ -~é€😀]{1,3000}", 0..8),
            piece in prop_oneof![1..10_usize, 10..5000_usize],
            room in prop_oneof![14..20_usize, 500..520_usize],
            fragment in 1..500_usize,
        ) {
            let mut bytes = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                if index % 2 == 0 {
                    bytes.extend(frame(FIN | TEXT, text.as_bytes()));
                    continue;
                }
                bytes.extend(frame(TEXT, b""));
                for part in text.as_bytes().chunks(fragment) {
                    bytes.extend(frame(0, part));
                }
                bytes.extend(frame(FIN, b""));
            }
            let (passed, payloads, violation) = read(&bytes, piece, room);
            prop_assert_eq!(violation, None);
            // In the place of each that is empty there is a payload.
            let (mut passed, mut payloads) = (&passed[..], payloads.into_iter());
            let mut come = Vec::new();
            while !passed.is_empty() {
                let mut header = Header::default();
                prop_assert!(header.take(&mut passed));
                let (payload, rest) = passed.split_at(header.payload() as usize);
                passed = rest;
                if !header.is_final() {
                    continue;
                }
                let mut payload = payload.to_vec();
                mask(&mut payload, header.mask());
                come.push(match payload.is_empty() {
                    true => payloads.next().unwrap_or_default().to_vec(),
                    false => payload,
                });
            }
            let sent: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(come, sent);
        }

        #[test]
        fn no_input_brings_a_panic(bytes: Vec<u8>, piece in 1..20_usize) {
            violation(&bytes, piece);
        }
    }
}
