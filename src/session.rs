//! A session: one client joined to one backend until it has ended.
//!
//! [`run`] guarantees that nothing is lost (every message either side sent before its end reaches the
//! other, the last line too), that memory stays bounded whatever either side sends, that the client
//! is told why it ended, and that no process of it is left when it returns. It leaves the opening
//! handshake, the log and all counting across sessions to its caller.
//!
//! # How it works
//! One task, two futures. `upstream` carries the client's messages to the program, `downstream` the
//! program's to the client; each waits on its own two ends only, so a program that writes before it
//! reads cannot block a client that does the same. The first of them to end decides how the session
//! ends; what must happen then is straight-line code behind that.

use std::{
    future::{Future, pending},
    io,
    os::unix::process::ExitStatusExt,
    pin::{Pin, pin},
    process::ExitStatus,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{
    Sink, SinkExt, Stream, StreamExt,
    future::{self, Either},
};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{Backend, Input, Output, Patience, Process},
    framing::FramingError,
    message::{Close, Message},
    transport::{Client, Event, Gone, Incoming, Outgoing},
};

/// How long a session waits for what.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time between two pings; `None` sends none.
    pub keepalive: Option<Duration>,
    /// What a process gets for each step of its end.
    pub patience: Patience,
    /// What a drain gives a program to end by itself before it is told to.
    pub drain: Duration,
}

/// What a client gets to answer our Close, and then to take what is still on its way. Shorter would
/// cut off clients behind a slow line, longer would hold descriptors for clients that never answer.
const CLOSING_GRACE: Duration = Duration::from_secs(2);
/// The same while the server is stopping, which has a time limit of its own. What the kernel has taken
/// for a client still reaches it.
const DRAINING_GRACE: Duration = Duration::from_millis(500);
/// How long output may pause after the program has ended before whoever still holds its stdout, a
/// grandchild in the background, is taken to have nothing to say.
const LINGER: Duration = Duration::from_millis(500);
/// Messages passed on between two looks at the clock and at the process.
const BURST: u32 = 64;

/// Which side ended a session, and how the client was or would be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The program ended; the code says how ([`close_for`]).
    ByBackend(Close),
    /// The client closed, or its connection was lost (code 1006).
    ByClient(Close),
    /// The gateway ended it: a limit, a broken rule, a drain.
    ByServer(Close),
}

impl Ended {
    /// The close that ended the session.
    pub fn close(&self) -> &Close {
        match self {
            Ended::ByBackend(close) | Ended::ByClient(close) | Ended::ByServer(close) => close,
        }
    }

    /// Who ended it, in one word for the log.
    pub fn side(&self) -> &'static str {
        match self {
            Ended::ByBackend(_) => "program",
            Ended::ByClient(_) => "client",
            Ended::ByServer(_) => "server",
        }
    }
}

/// Messages and payload bytes that went one way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Number of messages.
    pub messages: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

impl Traffic {
    fn count(&mut self, message: &Message) {
        self.messages += 1;
        self.bytes += message.len() as u64;
    }
}

/// What there is to say of a session that has ended.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Who ended it, and with which close.
    pub ended: Ended,
    /// The program's exit status, where there is a process.
    pub exit: Option<ExitStatus>,
    /// From the client.
    pub received: Traffic,
    /// To the client.
    pub sent: Traffic,
}

/// The close that tells a program's exit status: 1000 for 0, 4000+n for n, 4128+s for signal s.
pub fn close_for(status: ExitStatus) -> Close {
    match (status.code(), status.signal()) {
        (Some(0), _) => Close::new(Close::NORMAL, ""),
        (Some(code), _) => Close::new(
            Close::PROGRAM + code as u16,
            format!("the program exited with status {code}"),
        ),
        (None, Some(signal)) => Close::new(
            Close::PROGRAM + 128 + signal as u16,
            format!("the program was ended by signal {signal}"),
        ),
        (None, None) => Close::new(Close::INTERNAL, "the program's end is not known"),
    }
}

/// Joins a client to a backend until the session has ended and its process is gone. `drain` asks it to
/// end soon: the input gets end-of-file, what the program still writes is delivered.
pub async fn run(
    client: Client,
    backend: Backend,
    limits: &Limits,
    drain: CancellationToken,
) -> Summary {
    let session = Session {
        incoming: client.incoming,
        outgoing: client.outgoing,
        output: backend.output,
        input: Some(backend.input),
        process: backend.process,
        received: Traffic::default(),
        sent: Traffic::default(),
        limits,
        drain,
    };
    session.run().await
}

struct Session<'a> {
    incoming: Incoming,
    outgoing: Outgoing,
    output: Output,
    /// `None` once the program has end-of-file.
    input: Option<Input>,
    process: Option<Process>,
    received: Traffic,
    sent: Traffic,
    limits: &'a Limits,
    drain: CancellationToken,
}

/// Why the joint came apart.
enum Apart {
    Client(Gone),
    Output(OutputEnd),
    DrainDeadline,
}

/// Why no more messages go to the client.
enum OutputEnd {
    /// The program ended or closed its stdout.
    Ended,
    /// The program wrote what is no message.
    Broken(FramingError),
    /// The client takes no more.
    Undeliverable(io::Error),
}

impl Session<'_> {
    async fn run(mut self) -> Summary {
        let ended = match self.join().await {
            Apart::Output(OutputEnd::Ended) => self.end_by_backend().await,
            Apart::Output(OutputEnd::Broken(error)) => {
                tracing::error!("{error}");
                let close = Close::new(Close::INTERNAL, error.to_string());
                self.end_by_server(close).await
            }
            Apart::Output(OutputEnd::Undeliverable(error)) => self.lose(error).await,
            Apart::Client(Gone::Closed(close)) => {
                future::join(
                    shut(&mut self.outgoing, CLOSING_GRACE),
                    wind_down(
                        &mut self.input,
                        &mut self.output,
                        self.process.as_mut(),
                        &self.limits.patience,
                    ),
                )
                .await;
                Ended::ByClient(close)
            }
            Apart::Client(Gone::Refused(close)) => self.end_by_server(close).await,
            Apart::Client(Gone::Lost(error)) => self.lose(error).await,
            Apart::DrainDeadline => self.end_by_server(going_away()).await,
        };
        let exit = match &mut self.process {
            Some(process) => Some(process.exit().await),
            None => None,
        };
        Summary {
            ended,
            exit,
            received: self.received,
            sent: self.sent,
        }
    }

    /// Carries messages both ways until one way ends.
    async fn join(&mut self) -> Apart {
        let upstream = pin!(upstream(
            &mut self.incoming,
            &mut self.input,
            &mut self.received,
            &self.drain,
        ));
        let downstream = pin!(downstream(
            &mut self.output,
            &mut self.outgoing,
            Watch::new(&mut self.process, self.limits.keepalive),
            &mut self.sent,
        ));
        let deadline = pin!(async {
            self.drain.cancelled().await;
            sleep(self.limits.drain).await;
        });
        tokio::select! {
            gone = upstream => Apart::Client(gone),
            end = downstream => Apart::Output(end),
            () = deadline => Apart::DrainDeadline,
        }
    }

    /// The output has ended: the client gets all of it and then the close that tells the exit status.
    async fn end_by_backend(&mut self) -> Ended {
        // What the client sent to a program that has gone can be delivered to nobody.
        self.input = None;
        let mut silent: Output = Box::pin(futures_util::stream::empty());
        let ((), gone) = future::join(
            wind_down(
                &mut self.input,
                &mut silent,
                self.process.as_mut(),
                &self.limits.patience,
            ),
            until_gone(self.outgoing.flush(), &mut self.incoming),
        )
        .await;
        if let Some(gone) = gone {
            return self.leave(gone).await;
        }
        let ended = match (&mut self.process, self.drain.is_cancelled()) {
            (_, true) => Ended::ByServer(going_away()),
            (Some(process), _) => Ended::ByBackend(close_for(process.exit().await)),
            (None, _) => Ended::ByBackend(Close::new(Close::NORMAL, "")),
        };
        self.close(ended.close().clone()).await;
        ended
    }

    /// The client went while its last output was on the way.
    async fn leave(&mut self, gone: Gone) -> Ended {
        match gone {
            Gone::Closed(close) => {
                shut(&mut self.outgoing, CLOSING_GRACE).await;
                Ended::ByClient(close)
            }
            Gone::Refused(close) => {
                self.close(close.clone()).await;
                Ended::ByServer(close)
            }
            Gone::Lost(error) => Ended::ByClient(lost(&error)),
        }
    }

    /// The gateway ends it: the client is told at once, the program runs down meanwhile.
    async fn end_by_server(&mut self, close: Close) -> Ended {
        let grace = self.closing_grace();
        let winding_down = wind_down(
            &mut self.input,
            &mut self.output,
            self.process.as_mut(),
            &self.limits.patience,
        );
        let closing = say_goodbye(&mut self.outgoing, &mut self.incoming, close.clone(), grace);
        future::join(winding_down, closing).await;
        Ended::ByServer(close)
    }

    /// There is nobody left to tell.
    async fn lose(&mut self, error: io::Error) -> Ended {
        tracing::debug!("connection lost: {error}");
        wind_down(
            &mut self.input,
            &mut self.output,
            self.process.as_mut(),
            &self.limits.patience,
        )
        .await;
        Ended::ByClient(lost(&error))
    }

    async fn close(&mut self, close: Close) {
        let grace = self.closing_grace();
        say_goodbye(&mut self.outgoing, &mut self.incoming, close, grace).await;
    }

    fn closing_grace(&self) -> Duration {
        match self.drain.is_cancelled() {
            true => DRAINING_GRACE,
            false => CLOSING_GRACE,
        }
    }
}

fn going_away() -> Close {
    Close::new(Close::GOING_AWAY, "the server is stopping")
}

fn lost(error: &io::Error) -> Close {
    Close::new(Close::ABNORMAL, error.to_string())
}

/// Client to program. Ends only when the client has gone: a program that reads no more, and a drain,
/// only end the input.
async fn upstream(
    incoming: &mut Incoming,
    input: &mut Option<Input>,
    received: &mut Traffic,
    drain: &CancellationToken,
) -> Gone {
    let mut draining = pin!(drain.cancelled());
    while let Some(sink) = input {
        let message = tokio::select! {
            biased;
            next = next_or_flush(incoming, sink) => match next {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(gone))) => return gone,
                Ok(None) => return Gone::Lost(io::ErrorKind::UnexpectedEof.into()),
                Err(_) => {
                    *input = None;
                    break;
                }
            },
            () = &mut draining => {
                // What was received is still delivered, then comes end-of-file.
                let _ = sink.flush().await;
                *input = None;
                break;
            }
        };
        received.count(&message);
        match sink.feed(message).await {
            Ok(()) => {}
            Err(FramingError::Io(_)) => *input = None,
            Err(FramingError::BinaryForLines) => {
                return Gone::Refused(Close::new(
                    Close::UNSUPPORTED,
                    FramingError::BinaryForLines.to_string(),
                ));
            }
            Err(error) => return Gone::Refused(Close::new(Close::POLICY, error.to_string())),
        }
    }
    discard(incoming, received).await
}

/// Reads a client on for its close alone.
async fn discard(incoming: &mut Incoming, received: &mut Traffic) -> Gone {
    loop {
        match incoming.next().await {
            Some(Ok(message)) => received.count(&message),
            Some(Err(gone)) => return gone,
            None => return Gone::Lost(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Program to client, with a keepalive now and then.
async fn downstream(
    output: &mut Output,
    outgoing: &mut Outgoing,
    mut watch: Watch<'_>,
    sent: &mut Traffic,
) -> OutputEnd {
    loop {
        let turn = future::poll_fn(|context| watch.poll_turn(output, outgoing, context)).await;
        let event = match turn {
            Turn::Message(message) => {
                sent.count(&message);
                Event::Message(message)
            }
            Turn::Keepalive => Event::Keepalive,
            Turn::End(end) => return end,
        };
        let ready = future::poll_fn(|context| {
            let ready = outgoing.poll_ready_unpin(context);
            if ready.is_pending() {
                // A slow client must not keep a program that has ended from being reaped.
                let _ = watch.poll_exited(context);
            }
            ready
        });
        if let Err(error) = ready.await.and_then(|()| outgoing.start_send_unpin(event)) {
            return OutputEnd::Undeliverable(error);
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
struct Watch<'a> {
    process: &'a mut Option<Process>,
    keepalive: Option<Interval>,
    /// Runs from the program's end, or from the last output after it.
    linger: Option<Pin<Box<Sleep>>>,
    burst: u32,
}

impl<'a> Watch<'a> {
    fn new(process: &'a mut Option<Process>, keepalive: Option<Duration>) -> Self {
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
        if self.burst >= BURST {
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
            .map(|()| Turn::End(OutputEnd::Ended))
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

/// Brings a program to its end: what it was sent is delivered, then end-of-file, then the termination
/// ladder. What it still writes is read and thrown away, so that it can flush and go.
async fn wind_down(
    input: &mut Option<Input>,
    output: &mut Output,
    process: Option<&mut Process>,
    patience: &Patience,
) {
    let end = async {
        if let Some(sink) = input {
            let _ = timeout(patience.eof, sink.flush()).await;
        }
        *input = None;
        if let Some(process) = process {
            process.end(patience).await;
        }
    };
    let read_on = async {
        while output.next().await.is_some() {}
        pending::<()>().await;
    };
    future::select(pin!(end), pin!(read_on)).await;
}

/// Runs `sending` while the client is watched. `None` if it was done before the client went.
async fn until_gone(
    sending: impl Future<Output = io::Result<()>>,
    incoming: &mut Incoming,
) -> Option<Gone> {
    let mut ignored = Traffic::default();
    let watching = pin!(discard(incoming, &mut ignored));
    match future::select(pin!(sending), watching).await {
        Either::Left((Ok(()), _)) => None,
        Either::Left((Err(error), _)) => Some(Gone::Lost(error)),
        Either::Right((gone, _)) => Some(gone),
    }
}

/// The closing handshake begun by us (RFC 6455 §7.1.2), Close and the client's Close within a grace; then
/// the lingering close within another.
async fn say_goodbye(
    outgoing: &mut Outgoing,
    incoming: &mut Incoming,
    close: Close,
    grace: Duration,
) {
    let handshake = async {
        if outgoing.send(Event::Close(close)).await.is_ok() {
            let mut ignored = Traffic::default();
            discard(incoming, &mut ignored).await;
        }
    };
    let _ = timeout(grace, handshake).await;
    shut(outgoing, grace).await;
}

/// Shuts the connection without destroying what the client has not read yet.
async fn shut(outgoing: &mut Outgoing, grace: Duration) {
    let _ = timeout(grace, outgoing.close()).await;
}
