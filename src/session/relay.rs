//! The relay: `upstream` and `downstream`, each between its own two ends.
//!
//! # How it works
//! Each direction is a loop in one future: take the next message from its source, wait for room in its
//! sink if there is none, feed the message. While the source has nothing, what was fed is flushed, so a burst takes one system
//! call and a lone message does not wait. `upstream` has `discard_messages` for its rest, when the program takes no
//! more: the client's Close is to be noticed all the same.
//!
//! The two futures race. When one of them ends, the other is dropped wherever it waits, and of a message that
//! waited for room in it nobody else would know. So what waits is held by [`Waiting`], which feeds it when
//! it is dropped: [`start_send`](futures_util::Sink::start_send) without the wait before it only lets the sink's buffer grow by this
//! one message, in its order. The sink belongs to the session, and what ends the session flushes it
//! (`shutdown`). Between two messages a future holds nothing; thus both are cancel safe.
//!
//! A flood is cut into turns of [`COOP_BUDGET`] messages. After each of them `upstream` looks whether the
//! session drains, and `downstream` at the clock of the keepalive: else neither would come to pass.

use std::{
    io,
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use futures_util::{
    SinkExt, StreamExt,
    future::{self, Either},
};
use tokio_util::sync::CancellationToken;

use super::{
    departure::DepartureWatch,
    handle::Meter,
    interrupts::{COOP_BUDGET, Interrupts},
    waiting::{Waiting, feed_now, timed},
};
use crate::{
    backend::{BackendError, Inbound, Input, Output, Said},
    framing::FramingError,
    message::Close,
    transport::{Disconnect, Incoming, Outbound, Outgoing, Presence},
};

/// Why no more messages go to the client.
pub(super) enum OutputEnd {
    /// The program has ended, or has closed stdin and stdout.
    Ended,
    /// The program ended, and whoever still holds its stdout has been quiet since.
    Lingered,
    /// The backend says what is no message, or was lost.
    Broken(BackendError),
    /// The backend ends the session with this, once the client has what it said before.
    Closed(Close),
    /// The backend ends the session with this, at once.
    Failed(Close),
    /// There is no memory for what the backend says.
    NoRoom(io::Error),
    /// The client takes no more.
    Undeliverable(io::Error),
}

/// Client to program. Ends only when the client has gone: a program that reads no more, and a drain,
/// only end the input. Cancel safe: yes.
pub(super) async fn upstream(
    incoming: &mut Incoming,
    input: &mut Option<Input>,
    received: &Meter,
    drain: &CancellationToken,
    presence: Option<&Presence>,
) -> Disconnect {
    let mut watch = DepartureWatch::new(presence);
    let mut draining = pin!(drain.cancelled());
    let mut turn = 0;
    while let Some(sink) = input {
        turn = (turn + 1) % COOP_BUDGET;
        // A client that sends without a pause must not keep the end from its program.
        let next = match turn == 0 && drain.is_cancelled() {
            true => Next::Drain,
            false => {
                future::poll_fn(|context| {
                    poll_next(incoming, sink, received, draining.as_mut(), context)
                })
                .await
            }
        };
        let fed = match next {
            Next::Fed(fed) => fed,
            Next::Waits(message) => {
                let mut waiting = Waiting::new(sink, message);
                let room = timed(received, |context| {
                    poll_room(&mut waiting, draining.as_mut(), &mut watch, context)
                });
                match room.await {
                    Ok(Some(departed)) => return departed,
                    Ok(None) => waiting.feed(),
                    Err(error) => Err(error),
                }
            }
            // In a box, or every idle session would have the room that this takes.
            next @ (Next::Drain | Next::Disconnect(Disconnect::InputEnded)) => {
                if matches!(next, Next::Drain) {
                    let _ = Waiting::new(sink, Inbound::Stopping).feed();
                }
                match Box::pin(end_input(incoming, sink, received)).await {
                    None => Err(BackendError::Io(io::ErrorKind::BrokenPipe.into())),
                    Some(disconnect) => return disconnect,
                }
            }
            Next::Disconnect(disconnect) => return disconnect,
        };
        match fed {
            Ok(()) => {}
            Err(BackendError::Framing(error)) => return Disconnect::Violation(refusal(&error)),
            Err(BackendError::Refused(close)) => return Disconnect::Violation(close),
            Err(_) => *input = None,
        }
    }
    discard_messages(incoming, received).await
}

/// Ends the input behind what was received, which is still delivered; that the client has gone, if it does meanwhile.
async fn end_input(
    incoming: &mut Incoming,
    sink: &mut Input,
    received: &Meter,
) -> Option<Disconnect> {
    let rest = pin!(discard_messages(incoming, received));
    match future::select(sink.close(), rest).await {
        Either::Left(_) => None,
        Either::Right((disconnect, _)) => Some(disconnect),
    }
}

/// The next of what comes, fed to the input if that has room; while there is nothing, what was fed is flushed. So a
/// burst takes one system call and a lone message does not wait.
#[inline]
fn poll_next(
    incoming: &mut Incoming,
    sink: &mut Input,
    received: &Meter,
    draining: Pin<&mut impl Future>,
    context: &mut Context<'_>,
) -> Poll<Next> {
    match incoming.as_mut().poll_next(context) {
        Poll::Ready(Some(Ok(message))) => {
            received.count(&message);
            let fed = feed_now(sink, Inbound::Message(message), context);
            return Poll::Ready(match fed {
                Ok(None) => Next::Fed(Ok(())),
                Ok(Some(message)) => Next::Waits(message),
                Err(error) => Next::Fed(Err(error)),
            });
        }
        Poll::Ready(Some(Err(disconnect))) => return Poll::Ready(Next::Disconnect(disconnect)),
        Poll::Ready(None) => return Poll::Ready(Next::Disconnect(lost())),
        Poll::Pending => {}
    }
    if let Poll::Ready(Err(error)) = sink.as_mut().poll_flush(context) {
        return Poll::Ready(Next::Fed(Err(error)));
    }
    draining.poll(context).map(|_| Next::Drain)
}

/// The client has gone without a word.
fn lost() -> Disconnect {
    Disconnect::Lost(io::ErrorKind::UnexpectedEof.into())
}

/// Ready when a message may be fed: when there is room for it; in a drain at once, by which the sink's buffer grows
/// by this one message; and when the client has gone meanwhile, which is then the answer.
fn poll_room(
    waiting: &mut Waiting<'_, Inbound, BackendError>,
    draining: Pin<&mut impl Future>,
    watch: &mut DepartureWatch<'_>,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Disconnect>, BackendError>> {
    if let Poll::Ready(room) = waiting.poll_ready(context) {
        return Poll::Ready(room.map(|()| None));
    }
    if let Poll::Ready(departed) = watch.poll_departed(context) {
        return Poll::Ready(Ok(Some(departed)));
    }
    draining.poll(context).map(|_| Ok(None))
}

/// What `upstream` does next.
enum Next {
    /// A message was fed, or could not be, or what was fed before cannot be written.
    Fed(Result<(), BackendError>),
    /// There is no room for a message.
    Waits(Inbound),
    Disconnect(Disconnect),
    Drain,
}

/// How a client is told that its message is none for this program.
fn refusal(error: &FramingError) -> Close {
    let code = match error {
        FramingError::BinaryForLines => Close::UNSUPPORTED,
        FramingError::NewlineInMessage => Close::POLICY,
        FramingError::TooLong(_) | FramingError::NoRoom(_) | FramingError::Malformed { .. } => {
            Close::TOO_BIG
        }
        FramingError::Io(_) | FramingError::Closed(_) => Close::INTERNAL,
    };
    Close::new(code, error.to_string())
}

/// Reads a client on for its close alone. Cancel safe: yes.
async fn discard_messages(incoming: &mut Incoming, received: &Meter) -> Disconnect {
    loop {
        match incoming.next().await {
            Some(Ok(message)) => received.count(&message),
            // It need not be told twice.
            Some(Err(Disconnect::InputEnded)) => {}
            Some(Err(disconnect)) => return disconnect,
            None => return lost(),
        }
    }
}

/// Reads a program on, where there is one, so that it can flush and go; never ready. `said` becomes true if it says
/// something. Cancel safe: yes.
pub(super) async fn discard_output(output: Option<&mut Output>, said: &AtomicBool) {
    if let Some(output) = output {
        while let Some(message) = output.next().await {
            said.fetch_or(message.is_ok(), Ordering::Relaxed);
        }
    }
    future::pending::<()>().await;
}

/// Backend to client, with a keepalive now and then.
#[expect(
    clippy::manual_async_fn,
    reason = "an async fn keeps what it was given a second time, in every idle session"
)]
pub(super) fn downstream<'a>(
    output: &'a mut Output,
    outgoing: &'a mut Outgoing,
    mut interrupts: Interrupts<'a>,
    sent: &'a Meter,
) -> impl Future<Output = OutputEnd> + Send + 'a {
    async move {
        loop {
            let turn = future::poll_fn(|context| {
                poll_turn(output, outgoing, &mut interrupts, sent, context)
            });
            let outbound = match turn.await {
                Turn::Fed => continue,
                Turn::Waits(outbound) => outbound,
                Turn::Keepalive => Outbound::Keepalive,
                Turn::End(end) => return end,
            };
            let mut waiting = Waiting::new(outgoing, outbound);
            let ready = timed(sent, |context| {
                let ready = waiting.poll_ready(context);
                if ready.is_pending() {
                    // A slow client must not keep a program that has ended from being reaped.
                    let _ = interrupts.poll_exited(context);
                }
                ready
            });
            if let Err(error) = ready.await.and_then(|()| waiting.feed()) {
                return undeliverable(error);
            }
        }
    }
}

/// What it comes to that the client cannot be sent something.
fn undeliverable(error: io::Error) -> OutputEnd {
    match error.kind() {
        io::ErrorKind::OutOfMemory => OutputEnd::NoRoom(error),
        _ => OutputEnd::Undeliverable(error),
    }
}

/// What `downstream` does next.
enum Turn {
    /// A message was fed.
    Fed,
    /// There is no room for a message.
    Waits(Outbound),
    Keepalive,
    End(OutputEnd),
}

/// The next message, fed if there is room, or what else is due; whenever there is nothing to pass on, what was fed
/// is flushed.
#[inline]
fn poll_turn(
    output: &mut Output,
    outgoing: &mut Outgoing,
    interrupts: &mut Interrupts<'_>,
    sent: &Meter,
    context: &mut Context<'_>,
) -> Poll<Turn> {
    if interrupts.count_turn() && interrupts.poll_keepalive(context).is_ready() {
        return Poll::Ready(Turn::Keepalive);
    }
    if !interrupts.is_output_over() {
        match output.as_mut().poll_next(context) {
            Poll::Ready(Some(Ok(said))) => {
                interrupts.restart_linger();
                sent.count(said.message());
                let outbound = match said {
                    Said::Own(message) => Outbound::Message(message),
                    Said::Shared(shared) => Outbound::Shared(shared),
                };
                let fed = feed_now(outgoing, outbound, context);
                return Poll::Ready(match fed {
                    Ok(None) => Turn::Fed,
                    Ok(Some(outbound)) => Turn::Waits(outbound),
                    Err(error) => Turn::End(undeliverable(error)),
                });
            }
            Poll::Ready(end) => {
                let end = end_of_output(end.and_then(Result::err), interrupts);
                // A program may have closed or redirected its stdout, and work on what it is sent.
                if !(matches!(end, OutputEnd::Ended) && interrupts.outlives_output(context)) {
                    return Poll::Ready(Turn::End(end));
                }
            }
            Poll::Pending => {}
        }
    }
    if let Poll::Ready(Err(error)) = outgoing.as_mut().poll_flush(context) {
        return Poll::Ready(Turn::End(undeliverable(error)));
    }
    if interrupts.poll_keepalive(context).is_ready() {
        return Poll::Ready(Turn::Keepalive);
    }
    if interrupts.is_output_over() {
        return interrupts
            .poll_over(context)
            .map(|()| Turn::End(OutputEnd::Ended));
    }
    let lingered = interrupts.poll_lingered(context);
    lingered.map(|()| Turn::End(OutputEnd::Lingered))
}

/// What the end of the output comes to.
fn end_of_output(error: Option<BackendError>, interrupts: &Interrupts<'_>) -> OutputEnd {
    match error {
        None => OutputEnd::Ended,
        Some(BackendError::Closed(close)) => OutputEnd::Closed(close),
        Some(BackendError::Failed(close)) => OutputEnd::Failed(close),
        // The exit status says more.
        Some(BackendError::Io(_)) if interrupts.has_process() => OutputEnd::Ended,
        Some(error) => OutputEnd::Broken(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::stream;
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt, duplex},
        time::timeout,
    };
    use tokio_util::codec::FramedWrite;

    use crate::{
        framing::{Codec, Framing, Newline},
        message::Message,
        transport::websocket::{self, Role},
    };

    #[tokio::test(start_paused = true)]
    async fn message_that_waits_for_room_is_not_lost_with_the_wait() {
        let (near, mut far) = duplex(1);
        let codec = Codec::new(Framing::Lines(Newline::Split), usize::MAX);
        let mut sink = FramedWrite::new(near, codec);
        sink.set_backpressure_boundary(1);
        let sink = sink.with(async |item| match item {
            Inbound::Message(message) => Ok::<_, FramingError>(message),
            Inbound::Departed | Inbound::Stopping => panic!("the client stays"),
            Inbound::Close(close) => Err(FramingError::Closed(close)),
        });
        let mut input: Option<Input> = Some(Box::pin(sink.sink_map_err(BackendError::from)));
        let messages = ["one", "two"].map(|text| Ok(Message::Text(text.into())));
        let mut incoming: Incoming = Box::pin(stream::iter(messages).chain(stream::pending()));
        let (meter, drain) = (Meter::default(), CancellationToken::new());
        let waiting = upstream(&mut incoming, &mut input, &meter, &drain, None);
        assert!(timeout(Duration::from_secs(1), waiting).await.is_err());
        let rest = async {
            let mut sink = input.take().expect("still open");
            sink.flush().await.expect("the other end reads");
        };
        let mut read = String::new();
        let (_, length) = tokio::join!(rest, far.read_to_string(&mut read));
        assert_eq!((length.expect("text"), read.as_str()), (8, "one\ntwo\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn message_that_waits_for_the_client_is_not_lost_with_the_wait() {
        let (near, mut far) = duplex(1);
        let mut client =
            websocket::open(near, Bytes::new(), Role::Server, &Default::default(), None);
        let texts = [&"x".repeat(1 << 16), "two", "three"];
        let messages = texts.map(|text| Ok(Said::Own(Message::Text(text.into()))));
        let mut output: Output = Box::pin(stream::iter(messages));
        let meter = Meter::default();
        let mut carry = async || {
            let outgoing = &mut client.outgoing;
            downstream(
                &mut output,
                outgoing,
                Interrupts::new(&mut None, None),
                &meter,
            )
            .await;
            outgoing.close().await
        };
        assert!(timeout(Duration::from_secs(1), carry()).await.is_err());
        let mut read = Vec::new();
        // It waits for the other end to shut its direction, too.
        let rest = timeout(Duration::from_secs(1), carry());
        let (_, length) = tokio::join!(rest, far.read_to_end(&mut read));
        length.expect("the other end writes");
        assert!(read.ends_with(b"\x81\x03two\x81\x05three"));
    }
}
