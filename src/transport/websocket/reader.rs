//! What the other end sends: the library's reading half.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use hyper_tungstenite::tungstenite::{
    self, Error, WebSocket,
    error::{CapacityError, ProtocolError},
    protocol::{CloseFrame, Role, WebSocketConfig},
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{protocol_violation::ProtocolViolation, sync_reader::SyncReader};
use crate::{
    message::{Close, Message, Utf8Bytes},
    transport::client::Disconnect,
};

/// Bytes of answers to pings that may wait for a client that does not read.
const LARGEST_UNSENT_PONGS: usize = 16 * 1024;
/// Bytes before the payload of a control frame that a server sends (RFC 6455 §5.2).
const CONTROL_HEADER: usize = 2;

pub(super) struct MessageReader<S> {
    socket: WebSocket<SyncReader<S>>,
    ended: bool,
    /// Bytes of answers to pings that may not have gone out yet.
    unsent_pongs: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> MessageReader<S> {
    pub(super) fn new(reader: SyncReader<S>, role: Role, config: WebSocketConfig) -> Self {
        MessageReader {
            socket: WebSocket::from_raw_socket(reader, role, Some(config)),
            ended: false,
            unsent_pongs: 0,
        }
    }

    /// Lets a client that pings without ever reading wait, before its answers take the memory.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Disconnect>> {
        if self.unsent_pongs > LARGEST_UNSENT_PONGS {
            let sent = self.socket.get_ref().stream().lock().poll_send(context);
            ready!(sent).map_err(Disconnect::Lost)?;
            self.unsent_pongs = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, Disconnect>> {
        self.socket.get_mut().set_waker(context.waker());
        loop {
            ready!(self.poll_room(context))?;
            match self.socket.read() {
                Ok(tungstenite::Message::Text(text)) => {
                    let message = match self.socket.get_mut().take_payload() {
                        Some(payload) => checked_text(payload),
                        None => Ok(Message::Text(text)),
                    };
                    return Poll::Ready(message);
                }
                Ok(tungstenite::Message::Binary(bytes)) => {
                    let payload = match self.socket.get_mut().take_payload() {
                        Some(payload) => payload,
                        None => bytes,
                    };
                    return Poll::Ready(Ok(Message::Binary(payload)));
                }
                // The answer is left to the other half, where it comes behind what waits there.
                Ok(tungstenite::Message::Close(frame)) => {
                    let mut close = received_close(frame);
                    if self.socket.get_ref().is_bad_gateway() {
                        close.code = Close::BAD_GATEWAY;
                    }
                    if close.code == Close::PROTOCOL && close.reason.as_str() == FORBIDDEN_CODE {
                        let bad = ProtocolViolation::CloseCode.close();
                        return Poll::Ready(Err(Disconnect::Violation(bad)));
                    }
                    let stream = self.socket.get_ref().stream();
                    stream.lock().receive_close(close.clone());
                    return Poll::Ready(Err(Disconnect::Closed(close)));
                }
                // The library answers pings by itself, when it is asked next.
                Ok(tungstenite::Message::Ping(payload)) => {
                    self.unsent_pongs += payload.len() + CONTROL_HEADER;
                }
                Ok(tungstenite::Message::Pong(_) | tungstenite::Message::Frame(_)) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(gone(error))),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for MessageReader<S> {
    type Item = Result<Message, Disconnect>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let message = ready!(self.poll_message(context));
        self.ended = message.is_err();
        Poll::Ready(Some(message))
    }
}

/// The reason by which the library says that a Close had a code that may not be sent, beside 1002 in its place.
const FORBIDDEN_CODE: &str = "Protocol violation";

/// The text of a message that the library did not get.
fn checked_text(payload: Bytes) -> Result<Message, Disconnect> {
    let text = Utf8Bytes::try_from(payload);
    text.map(Message::Text)
        .map_err(|_| Disconnect::Violation(ProtocolViolation::Text.close()))
}

fn received_close(frame: Option<CloseFrame>) -> Close {
    match frame {
        Some(frame) => Close {
            code: frame.code.into(),
            reason: frame.reason,
        },
        None => Close::new(Close::NO_STATUS, ""),
    }
}

fn gone(error: Error) -> Disconnect {
    match error {
        Error::Io(error) => match ProtocolViolation::within(&error) {
            Some(bad) => Disconnect::Violation(bad.close()),
            None => Disconnect::Lost(error),
        },
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            Disconnect::Lost(io::ErrorKind::UnexpectedEof.into())
        }
        Error::Utf8(_) => Disconnect::Violation(ProtocolViolation::Text.close()),
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Disconnect::Violation(ProtocolViolation::TooLong(max_size).close())
        }
        error => Disconnect::Violation(Close::new(Close::PROTOCOL, error.to_string())),
    }
}
