//! What the other end sends where messages have no boundaries that matter: bytes as they come, of a message of any
//! length, without the library.
//!
//! Whoever takes bytes alone, such as a socket, need not wait for the end of a message, nor must it lie in memory as a
//! whole. So each piece that was read is handed on at once, unmasked where it lies. The rules of RFC 6455 are those of
//! the library: masks, opcodes, fragments, control frames; text has to be UTF-8, across all pieces.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    frame::{self, Header, LARGEST_CONTROL, mask},
    frame_buffer::SharedStream,
    protocol_violation::ProtocolViolation,
    utf8::Utf8,
};
use crate::{
    message::{Close, Message},
    transport::client::Disconnect,
};

/// Bytes read at once at rest, on the stack, and in a flood.
const READ_AT_REST: usize = 4 * 1024;
const READ_IN_FLOOD: usize = 64 * 1024;
/// Bytes of answers to pings that may wait for a client that does not read.
const LARGEST_UNSENT_PONGS: usize = 16 * 1024;

/// Reads frames of clients, which are masked.
pub(super) struct PieceReader<S> {
    stream: SharedStream<S>,
    /// Read, and not looked at yet.
    ahead: BytesMut,
    is_flooded: bool,
    header: Header,
    /// Bytes of the frame's payload that are to come; `None` within a header.
    missing: Option<u64>,
    message: Fragments,
    control: Vec<u8>,
    unsent_pongs: usize,
    ended: bool,
}

/// Whose frames come.
#[derive(Debug, Clone, Copy)]
enum Fragments {
    None,
    Text(Utf8),
    Binary,
}

impl<S: AsyncRead + AsyncWrite + Unpin> PieceReader<S> {
    /// `ahead` was read from the stream already.
    pub(super) fn new(stream: SharedStream<S>, ahead: Bytes) -> Self {
        PieceReader {
            stream,
            ahead: ahead.into(),
            is_flooded: false,
            header: Header::default(),
            missing: None,
            message: Fragments::None,
            control: Vec::new(),
            unsent_pongs: 0,
            ended: false,
        }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, Disconnect>> {
        loop {
            ready!(self.poll_room(context))?;
            if self.missing.is_none() {
                self.begin_frame().map_err(Disconnect::Violation)?;
            }
            if let Some(missing) = self.missing
                && let Some(piece) = self.take_payload(missing, context)?
            {
                return Poll::Ready(Ok(Message::Binary(piece)));
            }
            if self.ahead.is_empty() && ready!(self.poll_read(context))? == 0 {
                let error = io::ErrorKind::UnexpectedEof.into();
                return Poll::Ready(Err(Disconnect::Lost(error)));
            }
        }
    }

    /// Lets a client that pings without ever reading wait, before its answers take the memory.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Disconnect>> {
        if self.unsent_pongs > LARGEST_UNSENT_PONGS {
            let sent = self.stream.lock().poll_send(context);
            ready!(sent).map_err(Disconnect::Lost)?;
            self.unsent_pongs = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads a little, or in a flood, after a read that took all there was room for, much.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Disconnect>> {
        let mut stream = self.stream.lock();
        let read = match self.is_flooded {
            false => {
                let mut scratch = [MaybeUninit::uninit(); READ_AT_REST];
                let mut read = ReadBuf::uninit(&mut scratch);
                let polled = stream.poll_read(context, &mut read);
                polled.map_ok(|()| {
                    self.ahead.extend_from_slice(read.filled());
                    read.filled().len()
                })
            }
            true => {
                self.ahead.reserve(READ_IN_FLOOD);
                stream.poll_read_ahead(context, &mut self.ahead)
            }
        };
        drop(stream);
        if read.is_pending() {
            self.ahead = BytesMut::new();
            self.is_flooded = false;
        }
        let read = ready!(read).map_err(|error| match ProtocolViolation::within(&error) {
            Some(bad) => Disconnect::Violation(bad.close()),
            None => Disconnect::Lost(error),
        })?;
        self.is_flooded = read >= READ_AT_REST;
        Poll::Ready(Ok(read))
    }

    /// Looks at a header, if it is whole.
    fn begin_frame(&mut self) -> Result<(), Close> {
        let mut rest = &self.ahead[..];
        let is_whole = self.header.take(&mut rest);
        let taken = self.ahead.len() - rest.len();
        let _ = self.ahead.split_to(taken);
        if !is_whole {
            return Ok(());
        }
        let header = &self.header;
        if !header.is_length_well_formed() {
            return Err(ProtocolViolation::Length.close());
        }
        if let Some(reason) = self.fault() {
            return Err(Close::new(Close::PROTOCOL, reason));
        }
        if header.is_opener() {
            self.message = match header.is_text() {
                true => Fragments::Text(Utf8::default()),
                false => Fragments::Binary,
            };
        }
        self.missing = Some(header.payload());
        Ok(())
    }

    /// What is wrong with a frame by its header (RFC 6455 §5.1 to §5.5).
    fn fault(&self) -> Option<&'static str> {
        let header = &self.header;
        let is_under_way = !matches!(self.message, Fragments::None);
        Some(match () {
            () if !header.is_plain() => "a reserved bit is set, and no extension was agreed on",
            () if !header.is_masked() => "a frame of a client that is not masked",
            () if header.is_control() && !header.is_known_control() => "a frame of an unknown kind",
            () if header.is_control() && !header.is_final() => "a control frame in fragments",
            () if header.is_control() && header.payload() > LARGEST_CONTROL as u64 => {
                "a control frame that is too long"
            }
            () if header.is_control() => return None,
            () if header.is_opener() && is_under_way => "a message begins within another",
            () if header.is_continuation() && !is_under_way => "a fragment of no message",
            () if header.is_opener() || header.is_continuation() => return None,
            () => "a frame of an unknown kind",
        })
    }

    /// Takes what is there of a frame's payload; a piece, if it is one of a message and has any bytes.
    fn take_payload(
        &mut self,
        missing: u64,
        context: &mut Context<'_>,
    ) -> Result<Option<Bytes>, Disconnect> {
        let most = usize::try_from(missing).unwrap_or(usize::MAX);
        let mut piece = self.ahead.split_to(most.min(self.ahead.len()));
        mask(&mut piece, self.header.mask_before(missing));
        let rest = missing - piece.len() as u64;
        self.missing = Some(rest).filter(|rest| *rest > 0);
        if self.header.is_control() {
            self.control.extend_from_slice(&piece);
            if rest == 0 {
                self.end_control(context)?;
            }
            return Ok(None);
        }
        let is_last = rest == 0 && self.header.is_final();
        if let Fragments::Text(utf8) = &mut self.message {
            let is_text = utf8.take(&piece) && (!is_last || utf8.is_between_characters());
            if !is_text {
                return Err(Disconnect::Violation(ProtocolViolation::Text.close()));
            }
        }
        if is_last {
            self.message = Fragments::None;
        }
        if rest == 0 {
            self.header = Header::default();
        }
        Ok((!piece.is_empty()).then(|| piece.freeze()))
    }

    /// A control frame is whole.
    fn end_control(&mut self, context: &mut Context<'_>) -> Result<(), Disconnect> {
        let payload = std::mem::take(&mut self.control);
        let header = std::mem::take(&mut self.header);
        if header.is_close() {
            let close = received_close(&payload).map_err(Disconnect::Violation)?;
            // The answer is left to the other half, where it comes behind what waits there.
            self.stream.lock().receive_close(close.clone());
            return Err(Disconnect::Closed(close));
        }
        if header.is_ping() {
            let pong = frame::encode(frame::PONG, &payload, None);
            self.unsent_pongs += pong.len();
            let mut stream = self.stream.lock();
            stream.give_answer(&pong);
            if let Poll::Ready(Err(error)) = stream.poll_send(context) {
                return Err(Disconnect::Lost(error));
            }
        }
        Ok(())
    }
}

/// The content of a Close (RFC 6455 §5.5.1).
fn received_close(payload: &[u8]) -> Result<Close, Close> {
    let bad = |code, reason| Err(Close::new(code, reason));
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload.is_empty() {
            true => Ok(Close::new(Close::NO_STATUS, "")),
            false => bad(Close::PROTOCOL, "a Close with half a status code"),
        };
    };
    let Ok(reason) = std::str::from_utf8(reason) else {
        return bad(Close::INVALID_DATA, "a Close whose reason is not UTF-8");
    };
    let close = Close::new(u16::from_be_bytes(*code), reason);
    match close.is_sendable() {
        true => Ok(close),
        false => Err(ProtocolViolation::CloseCode.close()),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for PieceReader<S> {
    type Item = Result<Message, Disconnect>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(context));
        self.ended = piece.is_err();
        Poll::Ready(Some(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::websocket::{frame::encode, frame_buffer::FrameBuffer};
    use futures_util::StreamExt;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const KEY: Option<[u8; 4]> = Some([0x92, 0x34, 0xd6, 0x78]);

    /// What is read of these bytes, how it ends, and what is answered.
    async fn read(bytes: &[u8], pipe: usize) -> (Vec<u8>, Disconnect, Vec<u8>) {
        let (near, mut far) = duplex(pipe);
        let stream = SharedStream::new(FrameBuffer::new(near));
        let mut reader = PieceReader::new(stream.clone(), Bytes::new());
        let (mut answers, mut payload) = (Vec::new(), Vec::new());
        let (mut from, mut to) = tokio::io::split(&mut far);
        let talk = async {
            // It is not read on behind a fault; and what is answered is read meanwhile, or both would wait for room.
            let saying = async {
                let _ = to.write_all(bytes).await;
                let _ = to.shutdown().await;
            };
            let (_, heard) = tokio::join!(saying, from.read_to_end(&mut answers));
            heard.expect("an end");
        };
        let reading = async {
            let end = loop {
                match reader.next().await.expect("an end before the end") {
                    Ok(Message::Binary(piece)) => payload.extend_from_slice(&piece),
                    Ok(Message::Text(text)) => panic!("{text}"),
                    Err(end) => break end,
                }
            };
            assert!(reader.next().await.is_none());
            std::future::poll_fn(|context| stream.lock().poll_send(context))
                .await
                .expect("room");
            drop((reader, stream));
            end
        };
        let (end, ()) = tokio::join!(reading, talk);
        (payload, end, answers)
    }

    fn code(end: &Disconnect) -> u16 {
        match end {
            Disconnect::Closed(close) | Disconnect::Violation(close) => close.code,
            Disconnect::InputEnded | Disconnect::Departed | Disconnect::Lost(_) => 1006,
        }
    }

    #[tokio::test]
    async fn bytes_of_all_messages_come_in_order_and_pings_are_answered() {
        let long: Vec<u8> = (0..200_000_u32)
            .map(|number| (number % 251) as u8)
            .collect();
        let bytes = [
            encode(0x82, b"one", KEY),
            encode(0x01, "tw\u{e9}".as_bytes(), KEY),
            encode(0x89, b"ping", KEY),
            encode(0x80, b"!", KEY),
            encode(0x82, b"", KEY),
            encode(0x82, &long, KEY),
            encode(0x88, b"\x03\xe8bye", KEY),
        ]
        .concat();
        for pipe in [1, 7, 4096, 1 << 20] {
            let (payload, end, answers) = read(&bytes, pipe).await;
            assert!(payload == [b"onetw\xc3\xa9!", &long[..]].concat());
            assert_eq!(code(&end), 1000);
            assert_eq!(answers, encode(0x8a, b"ping", None));
        }
    }

    #[tokio::test]
    async fn what_breaks_the_rules_is_refused_with_the_code_for_it() {
        let unmasked = encode(0x82, b"x", None);
        let long_control = encode(0x89, &[0; 126], KEY);
        for (bytes, expected) in [
            (unmasked, 1002),
            (encode(0xc2, b"x", KEY), 1002),
            (encode(0x83, b"x", KEY), 1002),
            (encode(0x8b, b"x", KEY), 1002),
            (encode(0x09, b"x", KEY), 1002),
            (long_control, 1002),
            (encode(0x80, b"x", KEY), 1002),
            (
                [encode(0x02, b"x", KEY), encode(0x82, b"x", KEY)].concat(),
                1002,
            ),
            (vec![0x82, 0xfe, 0, 2, 0, 0, 0, 0, 1, 2], 1002),
            (encode(0x81, b"\xff", KEY), 1007),
            (encode(0x81, b"\xe2\x82", KEY), 1007),
            (
                [encode(0x01, b"\xe2", KEY), encode(0x80, b"\x28", KEY)].concat(),
                1007,
            ),
            (encode(0x88, b"\x03", KEY), 1002),
            (encode(0x88, b"\x03\xed", KEY), 1002),
            (encode(0x88, b"\x03\xe8\xff", KEY), 1007),
            (encode(0x88, b"", KEY), 1005),
            (encode(0x82, b"x", KEY)[..4].to_vec(), 1006),
        ] {
            let (_, end, _) = read(&bytes, 64).await;
            assert_eq!(code(&end), expected, "{bytes:x?}: {end:?}");
        }
    }

    proptest! {
        #[test]
        fn no_input_brings_a_panic(bytes: Vec<u8>, pipe in 1..20_usize) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(read(&bytes, pipe));
        }
    }
}
