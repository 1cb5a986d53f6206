//! The parser of a server's frames (RFC 6455 §5.2). It works in place, passes
//! payload on as it arrives and keeps none, so it costs the client little.

use crate::outcome::Failure;

/// Where a piece lies in its message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Inner,
    Last,
}

/// Where the parser is in a connection's stream of frames. Pings go
/// unanswered: a figure is over before any server gives up on its client.
#[derive(Default)]
pub(crate) struct Frames {
    /// Payload bytes of the current frame still to come.
    missing: u64,
    final_frame: bool,
    within_message: bool,
    /// The first of its reserved bits may be set (RFC 7692 §6).
    pub(crate) may_be_compressed: bool,
    /// A Close frame has come.
    pub(crate) closed: bool,
}

impl Frames {
    /// Parses `bytes`, gives every piece of every message to `piece`, and
    /// returns how many bytes are done with; the rest (less than a header and
    /// a control frame) is to be presented again with more behind it.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        mut piece: impl FnMut(&[u8], Part) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        let mut rest = bytes;
        loop {
            if self.missing == 0 {
                let Some(header) = Header::parse(rest, self.may_be_compressed)? else {
                    break;
                };
                let length = usize::try_from(header.payload).unwrap_or(usize::MAX);
                if header.is_control() {
                    let Some(after) = rest.get(header.size + length..) else {
                        break;
                    };
                    self.closed |= header.opcode == 8;
                    rest = after;
                    continue;
                }
                self.begin(&header)?;
                rest = &rest[header.size..];
            }
            let available = usize::try_from(self.missing)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            let (now, later) = rest.split_at(available);
            self.missing -= available as u64;
            rest = later;
            let ends = self.final_frame && self.missing == 0;
            piece(now, if ends { Part::Last } else { Part::Inner })?;
            if self.missing > 0 {
                break;
            }
        }
        Ok(bytes.len() - rest.len())
    }

    fn begin(&mut self, header: &Header) -> Result<(), Failure> {
        // Text, or binary where the server has been told to send that.
        let expected = if self.within_message { 0 } else { 1 };
        let is_right = header.opcode == expected || (expected == 1 && header.opcode == 2);
        if !is_right || self.closed {
            return Err(Failure::Wrong(format!(
                "a frame with opcode {} where {expected} was due",
                header.opcode
            )));
        }
        self.missing = header.payload;
        self.final_frame = header.fin;
        self.within_message = !header.fin;
        Ok(())
    }
}

struct Header {
    fin: bool,
    opcode: u8,
    size: usize,
    payload: u64,
}

impl Header {
    fn parse(bytes: &[u8], may_be_compressed: bool) -> Result<Option<Self>, Failure> {
        let &[first, second, ref more @ ..] = bytes else {
            return Ok(None);
        };
        let reserved = if may_be_compressed { 0x30 } else { 0x70 };
        if first & reserved != 0 || second & 0x80 != 0 {
            return Err(Failure::Wrong(
                "a frame with a mask or reserved bits".into(),
            ));
        }
        let (size, payload) = match (second, more) {
            (126, &[a, b, ..]) => (4, u64::from(u16::from_be_bytes([a, b]))),
            (127, &[a, b, c, d, e, f, g, h, ..]) => {
                (10, u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
            (126 | 127, _) => return Ok(None),
            (short, _) => (2, u64::from(short)),
        };
        let fin = first & 0x80 != 0;
        let opcode = first & 0x0f;
        Ok(Some(Self {
            fin,
            opcode,
            size,
            payload,
        }))
    }

    fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }
}
