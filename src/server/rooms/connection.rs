//! One connection to the rooms' socket, from its first line to its end.

use std::{io, iter, sync::Arc, time::Duration};

use futures_util::{FutureExt, SinkExt, Stream, StreamExt};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy, sink},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::yield_now,
};
use tokio_util::codec::{FramedRead, FramedWrite};

use super::protocol::{LONGEST_LINE, NONE, Purpose, TAKEN, Terms};
use crate::{
    backend::BackendError,
    framing::{Codec, Framing},
    http::{Handler, pages::FoundRoom},
    message::Message,
    server::state::Server,
    timer::timeout,
};

/// How long the first line is waited for.
const FIRST_LINE: Duration = Duration::from_secs(10);
/// Messages that are said at once, if so many have come; then others get the processor.
const TURN: usize = 64;

/// Serves a connection to its end.
///
/// # Errors
/// When it breaks, or who has connected says what is none of the protocol.
pub(super) async fn serve(stream: UnixStream, server: Server) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    let mut limited = (&mut reader).take(LONGEST_LINE);
    timeout(FIRST_LINE, limited.read_line(&mut line))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    let (purpose, path) = Purpose::parse(&line).ok_or(io::ErrorKind::InvalidData)?;
    let handler = server.handler();
    let Some(room) = handler.room(path) else {
        return writer.write_all(format!("{NONE}\n").as_bytes()).await;
    };
    let terms = Terms {
        is_binary: room.options.is_binary,
        max_message: room.max_message,
    };
    // Before it is answered, so that who has the answer misses nothing.
    let heard = (purpose == Purpose::Subscribe).then(|| handler.listen(&room));
    writer.write_all(format!("{terms}\n").as_bytes()).await?;
    match heard {
        Some(heard) => {
            let messages = heard.map(|item| item.map(|said| said.message().clone()));
            drop(handler);
            let mut nowhere = sink();
            tokio::select! {
                told = tell(messages, writer) => told,
                // It says nothing: that is its end.
                gone = copy(&mut reader, &mut nowhere) => gone.map(drop),
                () = server.lifecycle.tokens.drain.cancelled() => Ok(()),
            }
        }
        None => {
            take(reader, &handler, &room).await?;
            writer.write_all(TAKEN.as_bytes()).await
        }
    }
}

/// Tells what is said in a room, until that ends: what comes at once is written at once.
async fn tell(
    messages: impl Stream<Item = Result<Message, BackendError>>,
    writer: OwnedWriteHalf,
) -> io::Result<()> {
    let framed = FramedWrite::new(writer, Codec::new(Framing::Length, usize::MAX));
    let framed = framed.sink_map_err(BackendError::from);
    messages.forward(framed).await.map_err(io::Error::other)
}

/// Takes messages for a room, until there are no more.
async fn take(
    reader: BufReader<OwnedReadHalf>,
    handler: &Arc<Handler>,
    room: &FoundRoom,
) -> io::Result<()> {
    let limit = room.max_message.unwrap_or(usize::MAX);
    let mut messages = FramedRead::new(reader, Codec::new(Framing::Length, limit));
    let is_binary = room.options.is_binary;
    while let Some(first) = messages.next().await {
        // What has come by now is said at once, so that each member is sent it at once.
        let (mut next, mut turn) = (Some(Some(first)), 0);
        let ready = iter::from_fn(|| {
            let message = next.take()??;
            turn += 1;
            if turn < TURN {
                next = messages.next().now_or_never();
            }
            Some(message)
        });
        let mut broken = None;
        let said = ready.map_while(|message| match message {
            Ok(Message::Binary(_)) if !is_binary => {
                broken = Some(io::ErrorKind::InvalidData.into());
                None
            }
            Ok(message) => Some(message),
            Err(error) => {
                broken = Some(io::Error::other(error));
                None
            }
        });
        handler.say(room, said).await;
        if let Some(error) = broken {
            return Err(error);
        }
        yield_now().await;
    }
    Ok(())
}
