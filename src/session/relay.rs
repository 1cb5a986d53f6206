//! The relay itself: `upstream` and `downstream`, each between its own two ends.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Sink, SinkExt, Stream, StreamExt, future};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::handle::Meter;
use crate::{
    backend::{Input, Output, Process},
    framing::FramingError,
    message::{Close, Message},
    transport::{Disconnect, Incoming, Outbound, Outgoing},
};

/// How long output may pause after the program has ended before whoever still holds its stdout, a
/// grandchild in the background, is taken to have nothing to say.
const LINGER: Duration = Duration::from_millis(500);
/// Messages passed on between two looks at the clock and at the process.
const COOP_BUDGET: u32 = 64;

/// Why no more messages go to the client.
pub(super) enum OutputEnd {
    /// The program closed its stdout, most often by shutdown.
    Ended,
    /// The program ended, and whoever still holds its stdout has been quiet since.
    Lingered,
    /// The program wrote what is no message.
    Broken(FramingError),
    /// The client takes no more.
    Undeliverable(io::Error),
}

/// Client to program. Ends only when the client has gone: a program that reads no more, and a drain,
/// only end the input.
pub(super) async fn upstream(
    incoming: &mut Incoming,
    input: &mut Option<Input>,
    received: &Meter,
    drain: &CancellationToken,
) -> Disconnect {
    let mut draining = pin!(drain.cancelled());
    let mut burst = 0;
    loop {
        let Some(sink) = input else {
            return discard(incoming, received).await;
        };
        burst = (burst + 1) % COOP_BUDGET;
        // A client that sends without a pause must not keep the end from its program.
        let next = match burst == 0 && drain.is_cancelled() {
            true => Next::Drain,
            false => tokio::select! {
                biased;
                next = next_or_flush(incoming, sink) => Next::from(next),
                () = &mut draining => Next::Drain,
            },
        };
        let message = match next {
            Next::Message(message) => message,
            Next::Disconnect(gone) => return gone,
            Next::Unread => {
                *input = None;
                continue;
            }
            Next::Drain => {
                // What was received is still delivered, then comes end-of-file.
                let _ = sink.flush().await;
                *input = None;
                continue;
            }
        };
        received.count(&message);
        let mut waiting = Waiting::new(sink, message);
        let ready = tokio::select! {
            biased;
            ready = timed(received, |context| waiting.poll_ready(context)) => ready,
            // Taken all the same: the sink's buffer grows by this one message.
            () = &mut draining => Ok(()),
        };
        let fed = ready.and_then(|()| waiting.feed());
        drop(waiting);
        match fed {
            Ok(()) => {}
            Err(FramingError::Io(_)) => *input = None,
            Err(error) => return Disconnect::Violation(refusal(&error)),
        }
    }
}

/// What waits for room. If the wait is given up, as when the other direction ends meanwhile, it is fed all
/// the same: who flushes the sink at the end finds it there, in its place.
pub(super) struct Waiting<'a, Item, Error> {
    sink: &'a mut Pin<Box<dyn Sink<Item, Error = Error> + Send>>,
    item: Option<Item>,
}

impl<'a, Item, Error> Waiting<'a, Item, Error> {
    pub(super) fn new(
        sink: &'a mut Pin<Box<dyn Sink<Item, Error = Error> + Send>>,
        item: Item,
    ) -> Self {
        Waiting {
            sink,
            item: Some(item),
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.sink.as_mut().poll_ready(context)
    }

    fn feed(&mut self) -> Result<(), Error> {
        match self.item.take() {
            Some(item) => self.sink.as_mut().start_send(item),
            None => Ok(()),
        }
    }

    /// Feeds and flushes.
    pub(super) async fn send(mut self) -> Result<(), Error> {
        future::poll_fn(|context| self.poll_ready(context)).await?;
        self.feed()?;
        self.sink.flush().await
    }
}

impl<Item, Error> Drop for Waiting<'_, Item, Error> {
    fn drop(&mut self) {
        let _ = self.feed();
    }
}

/// What `upstream` does next.
enum Next {
    Message(Message),
    Disconnect(Disconnect),
    /// The program has closed its stdin.
    Unread,
    Drain,
}

impl From<Result<Option<Result<Message, Disconnect>>, FramingError>> for Next {
    fn from(next: Result<Option<Result<Message, Disconnect>>, FramingError>) -> Self {
        match next {
            Ok(Some(Ok(message))) => Next::Message(message),
            Ok(Some(Err(gone))) => Next::Disconnect(gone),
            Ok(None) => Next::Disconnect(Disconnect::Lost(io::ErrorKind::UnexpectedEof.into())),
            Err(_) => Next::Unread,
        }
    }
}

/// How a client is told that its message is none for this program.
fn refusal(error: &FramingError) -> Close {
    let code = match error {
        FramingError::BinaryForLines => Close::UNSUPPORTED,
        FramingError::NewlineInMessage => Close::POLICY,
        FramingError::TooLong(_) | FramingError::Malformed(_) => Close::TOO_BIG,
        FramingError::Io(_) => Close::INTERNAL,
    };
    Close::new(code, error.to_string())
}

/// Reads a client on for its close alone.
async fn discard(incoming: &mut Incoming, received: &Meter) -> Disconnect {
    loop {
        match incoming.next().await {
            Some(Ok(message)) => received.count(&message),
            Some(Err(gone)) => return gone,
            None => return Disconnect::Lost(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Reads a program on, where there is one, so that it can flush and go; never ready.
pub(super) async fn exhaust(output: Option<&mut Output>) {
    if let Some(output) = output {
        while output.next().await.is_some() {}
    }
    future::pending::<()>().await;
}

/// BackendHalf to client, with a keepalive now and then.
pub(super) async fn downstream(
    output: &mut Output,
    outgoing: &mut Outgoing,
    mut watch: Watch<'_>,
    sent: &Meter,
) -> OutputEnd {
    loop {
        let turn = future::poll_fn(|context| watch.poll_turn(output, outgoing, context)).await;
        let event = match turn {
            Turn::Message(message) => {
                sent.count(&message);
                Outbound::Message(message)
            }
            Turn::Keepalive => Outbound::Keepalive,
            Turn::End(end) => return end,
        };
        let mut waiting = Waiting::new(outgoing, event);
        let ready = timed(sent, |context| {
            let ready = waiting.poll_ready(context);
            if ready.is_pending() {
                // A slow client must not keep a program that has ended from being reaped.
                let _ = watch.poll_exited(context);
            }
            ready
        });
        if let Err(error) = ready.await.and_then(|()| waiting.feed()) {
            return OutputEnd::Undeliverable(error);
        }
    }
}

/// Waits for room, and has the meter count how long; a clock is read only if there is none.
async fn timed<T>(meter: &Meter, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let mut wait = Wait { meter, since: None };
    future::poll_fn(|context| {
        let room = poll(context);
        if room.is_pending() {
            wait.since.get_or_insert_with(Instant::now);
        }
        room
    })
    .await
}

/// Counts also if it is given up.
struct Wait<'a> {
    meter: &'a Meter,
    since: Option<Instant>,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            self.meter.was_blocked(since.elapsed());
        }
    }
}

/// What `downstream` does next.
enum Turn {
    Message(Message),
    Keepalive,
    End(OutputEnd),
}

/// What `downstream` watches beside the output: the clock and the process.
pub(super) struct Watch<'a> {
    process: &'a mut Option<Process>,
    keepalive: Option<Interval>,
    /// Runs from the program's end, or from the last output after it.
    linger: Option<Pin<Box<Sleep>>>,
    burst: u32,
}

impl<'a> Watch<'a> {
    pub(super) fn new(process: &'a mut Option<Process>, keepalive: Option<Duration>) -> Self {
        let keepalive = keepalive.map(|period| {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Watch {
            process,
            keepalive,
            linger: None,
            burst: 0,
        }
    }

    /// The next message, or what else is due. In a flood the clock is looked at once a burst, so that
    /// messages cost no timer; whenever there is nothing to pass on, what was fed is flushed.
    fn poll_turn(
        &mut self,
        output: &mut Output,
        outgoing: &mut Outgoing,
        context: &mut Context<'_>,
    ) -> Poll<Turn> {
        self.burst += 1;
        if self.burst >= COOP_BUDGET {
            self.burst = 0;
            if self.poll_keepalive(context).is_ready() {
                return Poll::Ready(Turn::Keepalive);
            }
        }
        match poll_next_or_flush(output, outgoing, context) {
            Poll::Ready(Ok(Some(Ok(message)))) => {
                self.linger = None;
                return Poll::Ready(Turn::Message(message));
            }
            Poll::Ready(Ok(Some(Err(FramingError::Io(_))) | None)) => {
                return Poll::Ready(Turn::End(OutputEnd::Ended));
            }
            Poll::Ready(Ok(Some(Err(error)))) => {
                return Poll::Ready(Turn::End(OutputEnd::Broken(error)));
            }
            Poll::Ready(Err(error)) => {
                return Poll::Ready(Turn::End(OutputEnd::Undeliverable(error)));
            }
            Poll::Pending => {}
        }
        if self.poll_keepalive(context).is_ready() {
            return Poll::Ready(Turn::Keepalive);
        }
        self.poll_lingered(context)
            .map(|()| Turn::End(OutputEnd::Lingered))
    }

    fn poll_keepalive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.keepalive {
            Some(ticks) => ticks.poll_tick(context).map(drop),
            None => Poll::Pending,
        }
    }

    fn poll_lingered(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_exited(context));
        self.linger
            .get_or_insert_with(|| Box::pin(sleep(LINGER)))
            .as_mut()
            .poll(context)
    }

    fn poll_exited(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.process {
            Some(process) => process.poll_exit(context).map(drop),
            None => Poll::Pending,
        }
    }
}

/// The next item of `source`; while there is none, what was fed to `sink` is flushed. So a burst
/// takes one system call and a lone message does not wait.
async fn next_or_flush<Item, Fed, Error>(
    source: &mut Pin<Box<dyn Stream<Item = Item> + Send>>,
    sink: &mut Pin<Box<dyn Sink<Fed, Error = Error> + Send>>,
) -> Result<Option<Item>, Error> {
    future::poll_fn(|context| poll_next_or_flush(source, sink, context)).await
}

fn poll_next_or_flush<Item, Fed, Error>(
    source: &mut Pin<Box<dyn Stream<Item = Item> + Send>>,
    sink: &mut Pin<Box<dyn Sink<Fed, Error = Error> + Send>>,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Item>, Error>> {
    if let Poll::Ready(item) = source.as_mut().poll_next(context) {
        return Poll::Ready(Ok(item));
    }
    match sink.as_mut().poll_flush(context) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::{
        io::{AsyncReadExt, duplex},
        time::timeout,
    };
    use tokio_util::codec::FramedWrite;

    use crate::{
        framing::{Codec, Framing, Newline},
        transport::websocket::{self, Role},
    };

    #[tokio::test(start_paused = true)]
    async fn message_that_waits_for_room_is_not_lost_with_the_wait() {
        let (near, mut far) = duplex(1);
        let codec = Codec::new(Framing::Lines(Newline::Split), usize::MAX);
        let mut sink = FramedWrite::new(near, codec);
        sink.set_backpressure_boundary(1);
        let mut input: Option<Input> = Some(Box::pin(sink));
        let messages = ["one", "two"].map(|text| Ok(Message::Text(text.into())));
        let mut incoming: Incoming = Box::pin(stream::iter(messages).chain(stream::pending()));
        let (meter, drain) = (Meter::default(), CancellationToken::new());
        let waiting = upstream(&mut incoming, &mut input, &meter, &drain);
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
        let messages = texts.map(|text| Ok(Message::Text(text.into())));
        let mut output: Output = Box::pin(stream::iter(messages));
        let meter = Meter::default();
        let mut carry = async || {
            let outgoing = &mut client.outgoing;
            downstream(&mut output, outgoing, Watch::new(&mut None, None), &meter).await;
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
