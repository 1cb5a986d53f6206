//! One session from its first message to its end.

use std::{convert::Infallible, future::pending, pin::pin, time::Duration};

use futures_util::{
    FutureExt, SinkExt,
    future::{self, Either, FusedFuture, OptionFuture, select},
};
use tokio::time::Instant;

use super::{
    handle::Handle,
    interrupts::Interrupts,
    late_output,
    outcome::{Ended, Summary},
    relay::{self, OutputEnd},
    shutdown::{BackendHalf, ClientHalf, PatienceFor},
    time_limits::{SessionTimeouts, TimeLimits},
    waiting::Waiting,
};
use crate::{
    backend::{Backend, BackendError, Cut, Inbound, Input, close_for},
    message::Close,
    timer::timeout,
    transport::{Client, Disconnect, LingeringClose, Outbound},
};

/// What a client gets to answer our Close. Shorter would have what clients behind a slow line still say go to
/// nobody, longer would hold permits for clients that never answer; what is on its way to them has more time
/// ([`LingeringClose`]).
const CLOSING_GRACE: Duration = Duration::from_secs(2);
/// The same while the server is stopping, which has a time limit of its own.
const DRAINING_GRACE: Duration = Duration::from_millis(500);

/// What a program gets to answer what came before the message that is refused. Shorter would cut off a
/// script that starts another program for each line, longer would keep a client that breaks the rules, and
/// a program that writes without end, from their Close.
const ANSWERS: Duration = Duration::from_millis(250);

/// What the output gets to end when the group that held it is gone.
const REST: Duration = Duration::from_millis(100);

/// Joins a client to a backend until the session has ended and its process is gone. `handle` may ask it
/// to end soon: the input gets end-of-file, what the program still writes is delivered. A client that was not lost
/// may have yet to read what it was sent: its connection is to be closed by what comes with the summary.
///
/// Cancel safe: no. Dropped before it is ready, it kills the process group and drops the connection without a
/// Close; what was under way is lost. To end a session in order, ask its handle.
pub fn run<'a>(
    mut client: Client,
    mut backend: Backend,
    timeouts: &'a SessionTimeouts,
    handle: &'a Handle,
) -> impl Future<Output = (Summary, Option<LingeringClose>)> + Send + 'a {
    if let (Some(wire), Some(attach)) = (client.wire.take(), backend.attach.take()) {
        let wire = match timeouts.idle {
            None => wire,
            // A limit on silence has to see each message.
            Some(_) => wire.to_look_at(),
        };
        handle.also_sends(wire.written());
        attach(wire);
    }
    let (time_limits, client, mut backend) = TimeLimits::start(timeouts, client, backend);
    let mut session = Session {
        cut: backend.cut.take(),
        is_given_up: false,
        client: ClientHalf::new(client),
        backend: BackendHalf::new(backend, &timeouts.termination),
        timeouts,
        handle,
        time_limits,
    };
    // An idle session is little more than this future: not `async fn`, which keeps what it was given
    // a second time.
    async move {
        let summary = session.run().await;
        let is_there = !summary.ended.is_lost() && !session.is_given_up;
        (summary, is_there.then(|| session.client.lingering_close()))
    }
}

/// A session that runs.
struct Session<'a> {
    client: ClientHalf,
    backend: BackendHalf<'a>,
    /// What ends it at once, until then.
    cut: Option<Cut>,
    /// Its client takes so little that what is on its way to it is not waited for.
    is_given_up: bool,
    timeouts: &'a SessionTimeouts,
    handle: &'a Handle,
    time_limits: TimeLimits,
}

/// Why messages are carried no longer.
enum RelayEnd {
    Client(Disconnect),
    Output(OutputEnd),
    /// The backend ends it, whatever the client takes.
    Cut(Close),
    DrainDeadline,
}

/// Why the client did not get all that the backend said.
enum Undelivered {
    Client(Disconnect),
    DrainDeadline,
}

impl Session<'_> {
    async fn run(&mut self) -> Summary {
        let relay_end = self.relay().await;
        let relay_ended = Instant::now();
        // In a box, or every session would have the room that its end takes.
        let ended = Box::pin(self.end(relay_end)).await;
        Summary {
            came_at_end: late_output::came_at_end(
                &self.backend,
                &self.handle.sent,
                &ended,
                relay_ended,
            ),
            ended,
            exit: self.backend.exit().await,
        }
    }

    async fn end(&mut self, relay_end: RelayEnd) -> Ended {
        match relay_end {
            RelayEnd::Output(OutputEnd::Ended) => self.end_by_backend().await,
            RelayEnd::Output(OutputEnd::Lingered) => {
                self.deliver_rest().await;
                self.end_by_backend().await
            }
            RelayEnd::Output(OutputEnd::Broken(error)) => {
                tracing::error!("{error}");
                let code = match error {
                    BackendError::Io(_) => Close::BAD_GATEWAY,
                    _ => Close::INTERNAL,
                };
                self.end_by_server(Close::new(code, error.to_string()))
                    .await
            }
            RelayEnd::Output(OutputEnd::NoRoom(error)) => {
                tracing::error!("{error}");
                let close = Close::new(Close::INTERNAL, error.to_string());
                self.end_by_server(close).await
            }
            RelayEnd::Output(OutputEnd::Closed(close)) => self.end_by_close(close).await,
            RelayEnd::Output(OutputEnd::Failed(close)) => {
                self.end_with(close.clone(), PatienceFor::Nobody).await;
                Ended::ByBackend(close)
            }
            RelayEnd::Output(OutputEnd::Undeliverable(error)) => {
                let rest = self.receive_rest().await;
                self.end_by_client(rest.unwrap_or(Disconnect::Lost(error)))
                    .await
            }
            RelayEnd::Client(disconnect) => self.end_by_client(disconnect).await,
            RelayEnd::Cut(close) => {
                let is_taken = self.end_with(close.clone(), PatienceFor::Nobody).await;
                self.is_given_up = !is_taken;
                Ended::ByServer(close)
            }
            RelayEnd::DrainDeadline => self.end_by_server(self.handle.going_away()).await,
        }
    }

    /// Carries messages both ways until one way ends.
    async fn relay(&mut self) -> RelayEnd {
        let deadline = pin!(self.handle.deadline(self.timeouts.drain));
        let is_own = self.backend.is_own();
        let upstream = pin!(relay::upstream(
            &mut self.client.incoming,
            &mut self.backend.input,
            &self.handle.received,
            self.handle.drain(),
            // Who reads on for another end, our own stdout, takes all of it at its pace.
            is_own.then_some(&self.client.presence),
        ));
        let downstream = pin!(relay::downstream(
            &mut self.backend.output,
            &mut self.client.outgoing,
            Interrupts::new(&mut self.backend.process, self.timeouts.keepalive),
            &self.handle.sent,
        ));
        // Most sessions have no such limit, and this is polled whenever a message comes.
        let mut time_limits = self.time_limits.is_set().then(|| {
            Box::pin(async {
                self.handle.end(self.time_limits.expired().await);
                pending::<Infallible>().await
            })
        });
        tokio::select! {
            disconnect = upstream => RelayEnd::Client(disconnect),
            end = downstream => RelayEnd::Output(end),
            () = deadline => RelayEnd::DrainDeadline,
            Some(close) = OptionFuture::from(self.cut.as_mut()) => RelayEnd::Cut(close),
            Some(never) = OptionFuture::from(time_limits.as_mut()) => match never {},
        }
    }

    /// The program has ended, but its stdout is still held: with the group gone it ends, and what was
    /// written without a newline is its last line.
    async fn deliver_rest(&mut self) {
        self.backend.end().await;
        let mut ended = None;
        let rest = relay::downstream(
            &mut self.backend.output,
            &mut self.client.outgoing,
            Interrupts::new(&mut ended, None),
            &self.handle.sent,
        );
        // A process that has left the group may hold it for ever.
        let _ = timeout(REST, rest).await;
    }

    /// The client takes no more, but what it sent before may still wait to be read, its Close too.
    async fn receive_rest(&mut self) -> Option<Disconnect> {
        let is_own = self.backend.is_own();
        let rest = pin!(relay::upstream(
            &mut self.client.incoming,
            &mut self.backend.input,
            &self.handle.received,
            self.handle.drain(),
            None,
        ));
        let output = pin!(relay::discard_output(
            is_own.then_some(&mut self.backend.output),
            &self.backend.is_heard_late,
        ));
        match timeout(CLOSING_GRACE, select(rest, output)).await {
            Ok(Either::Left((disconnect @ Disconnect::Closed(_), _))) => Some(disconnect),
            _ => None,
        }
    }

    /// The output has ended: the client gets all of it and then the close that tells the exit status.
    async fn end_by_backend(&mut self) -> Ended {
        // Where the input ends too, what the client sent can be delivered to nobody; else it takes all that
        // comes before the client's Close.
        let mut input = self.backend.take_input_to_keep();
        if let Err(undelivered) = self.deliver_output(&mut input).await {
            self.backend.input = input;
            return match undelivered {
                Undelivered::Client(disconnect) => self.end_by_client(disconnect).await,
                Undelivered::DrainDeadline => self.end_by_server(self.handle.going_away()).await,
            };
        }
        let ended = match (
            self.backend.exit().await,
            self.handle.drain().is_cancelled(),
        ) {
            (_, true) => Ended::ByServer(self.handle.going_away()),
            (Some(status), _) => Ended::ByBackend(close_for(status)),
            (None, _) => Ended::ByBackend(Close::new(Close::NORMAL, "")),
        };
        self.say_farewell(&ended).await;
        let (close, grace) = (ended.close().clone(), self.closing_grace());
        let goodbye = self
            .client
            .closing_handshake(close, grace, &mut input, self.handle);
        goodbye.await;
        let delivering = self.backend.deliver(input);
        self.client.close_beside(delivering).await;
        ended
    }

    /// Tells the client how the process has ended, where it is told that before its Close.
    async fn say_farewell(&mut self, ended: &Ended) {
        let (Ended::ByBackend(_), Some(status)) = (ended, self.backend.exit().await) else {
            return;
        };
        if let Some(message) = self.backend.farewell(status) {
            self.handle.sent.count(&message);
            // Behind all that was delivered there is room; in any case it is in its place before the Close.
            drop(Waiting::new(
                &mut self.client.outgoing,
                Outbound::Message(message),
            ));
        }
    }

    /// The backend closes the session: the client gets all that it said before, and then this.
    async fn end_by_close(&mut self, close: Close) -> Ended {
        // What is said to it meanwhile nobody may read any more, and it must not hold up the client's Close.
        let mut nobody = None;
        let flushed = tokio::select! {
            flushed = self.client.flush(&mut nobody, self.handle) => flushed,
            () = self.handle.deadline(self.timeouts.drain) => Ok(()),
        };
        if let Err(disconnect) = flushed {
            return self.end_by_client(disconnect).await;
        }
        self.end_with(close.clone(), PatienceFor::Nobody).await;
        Ended::ByBackend(close)
    }

    /// Waits until the client has all that was said, while the backend runs down.
    async fn deliver_output(&mut self, input: &mut Option<Input>) -> Result<(), Undelivered> {
        let delivered = async {
            tokio::select! {
                flushed = self.client.flush(input, self.handle) => {
                    flushed.map_err(Undelivered::Client)
                }
                () = self.handle.deadline(self.timeouts.drain) => {
                    Err(Undelivered::DrainDeadline)
                }
            }
        };
        let end = self.backend.wind_down(PatienceFor::Nobody, pending());
        let (delivered, ()) = future::join(delivered, end).await;
        delivered
    }

    /// The client goes: its connection is shut while the program is brought to its end.
    async fn end_by_client(&mut self, disconnect: Disconnect) -> Ended {
        let close = match disconnect {
            Disconnect::Violation(close) => return self.refuse(close).await,
            Disconnect::Departed => return self.end_behind_client().await,
            Disconnect::Closed(close) => close,
            Disconnect::Lost(error) => Close::new(Close::ABNORMAL, error.to_string()),
            // It is no end: whoever carries messages goes on behind it.
            Disconnect::InputEnded => Close::new(Close::ABNORMAL, "the client says nothing more"),
        };
        self.backend.tell(Inbound::Close(close.clone()));
        // A server that stops does not wait for longer than it would have.
        let hurry = self.handle.deadline(self.timeouts.drain);
        let winding = self.backend.wind_down(PatienceFor::Client, hurry);
        self.client.close_beside(winding).await;
        Ended::ByClient(close)
    }

    /// The client has gone, and what it sent before waits to be read, its Close too.
    async fn end_behind_client(&mut self) -> Ended {
        self.backend.tell(Inbound::Departed);
        let unread = Some((&mut self.client.incoming, self.handle));
        let hurry = self.handle.deadline(self.timeouts.drain);
        let winding = self
            .backend
            .wind_down_behind(unread, PatienceFor::Client, hurry);
        Ended::ByClient(match winding.await {
            Some(Disconnect::Closed(close)) => close,
            _ => Close::new(Close::ABNORMAL, "the other end has shut its connection"),
        })
    }

    /// The client broke the protocol, or sent what is none for the program: what came before that is no
    /// worse for it. The program gets it, and then end-of-file; what it answers goes out before the Close.
    async fn refuse(&mut self, close: Close) -> Ended {
        if self.backend.process.is_some() {
            let _ = timeout(ANSWERS, self.deliver_answers()).await;
        }
        self.end_with(close.clone(), PatienceFor::Client).await;
        Ended::ByServer(close)
    }

    async fn deliver_answers(&mut self) {
        let input = &mut self.backend.input;
        let questions = async {
            if let Some(sink) = input {
                let _ = sink.close().await;
            }
            *input = None;
        };
        let answers = relay::downstream(
            &mut self.backend.output,
            &mut self.client.outgoing,
            Interrupts::new(&mut self.backend.process, None),
            &self.handle.sent,
        );
        future::join(questions, answers).await;
    }

    /// The gateway ends it.
    async fn end_by_server(&mut self, close: Close) -> Ended {
        self.end_with(close.clone(), PatienceFor::Nobody).await;
        Ended::ByServer(close)
    }

    /// The client is told at once, the backend runs down meanwhile. Whether the connection has taken what it is told.
    async fn end_with(&mut self, close: Close, patience: PatienceFor) -> bool {
        let grace = self.closing_grace();
        let hurry = self.handle.deadline(self.timeouts.drain);
        let mut nobody = None;
        let mut winding = pin!(self.backend.wind_down(patience, hurry).fuse());
        let is_taken = {
            let goodbye = self
                .client
                .closing_handshake(close, grace, &mut nobody, self.handle);
            let mut goodbye = pin!(goodbye);
            tokio::select! {
                is_taken = &mut goodbye => is_taken,
                () = &mut winding => goodbye.await,
            }
        };
        if !winding.is_terminated() {
            self.client.close_beside(winding).await;
        }
        is_taken
    }

    fn closing_grace(&self) -> Duration {
        match self.handle.drain().is_cancelled() {
            true => DRAINING_GRACE,
            false => CLOSING_GRACE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::{Sink, StreamExt, stream};
    use parking_lot::Mutex;
    use std::{
        io,
        pin::Pin,
        sync::Arc,
        task::{Context, Poll},
    };
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_util::sync::CancellationToken;

    use crate::{
        backend::AfterOutput,
        backend::Said,
        message::Message,
        transport::websocket::{self, Role, frame::encode},
    };

    const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);
    const TEXT: u8 = 0x81;
    const CLOSE: u8 = 0x88;

    /// What an input was told, in order; one that is `broken` takes nothing.
    #[derive(Clone, Default)]
    struct Told {
        told: Arc<Mutex<Vec<String>>>,
        broken: bool,
    }

    impl Told {
        fn note(&self, what: &str) {
            let mut told = self.told.lock();
            told.push(what.to_owned());
        }

        fn all(&self) -> Vec<String> {
            let told = self.told.lock();
            told.clone()
        }
    }

    impl Sink<Inbound> for Told {
        type Error = BackendError;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), BackendError>> {
            match self.broken {
                true => Poll::Ready(Err(io::Error::from(io::ErrorKind::BrokenPipe).into())),
                false => Poll::Ready(Ok(())),
            }
        }

        fn start_send(self: Pin<&mut Self>, item: Inbound) -> Result<(), BackendError> {
            match item {
                Inbound::Message(Message::Text(text)) => self.note(&text),
                Inbound::Message(Message::Binary(_)) => self.note("binary"),
                Inbound::Departed | Inbound::Stopping => {}
                Inbound::Close(close) => self.note(&format!("close {}", close.code)),
            }
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), BackendError>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), BackendError>> {
            self.note("the end");
            Poll::Ready(Ok(()))
        }
    }

    type Item = Result<Said, BackendError>;

    fn text(text: &str) -> Item {
        Ok(Said::Own(Message::Text(text.into())))
    }

    fn failed(error: impl Into<BackendError>) -> Item {
        Err(error.into())
    }

    /// A session of a backend that says this and then is silent, or has ended; what the client was sent
    /// before and after it sent `frames`, and how it ended.
    async fn session(
        said: Vec<Item>,
        after_output: Option<AfterOutput>,
        input: &Told,
        frames: &[u8],
    ) -> (Vec<u8>, Ended) {
        let output = stream::iter(said);
        let backend = Backend {
            output: match after_output {
                Some(_) => Box::pin(output),
                None => Box::pin(output.chain(stream::pending())),
            },
            input: Box::pin(input.clone()),
            after_output: after_output.unwrap_or(AfterOutput::KeepInput),
            process: None,
            farewell: None,
            connection: None,
            cut: None,
            attach: None,
            member: None,
        };
        let (near, mut far) = duplex(1024);
        let client = websocket::open(near, Bytes::new(), Role::Server, &Default::default(), None);
        let (timeouts, handle) = (
            SessionTimeouts::default(),
            Handle::new(&CancellationToken::new()),
        );
        let talk = async {
            let mut seen = Vec::new();
            if after_output.is_some() {
                // Up to the header of the Close.
                while !seen.contains(&CLOSE) {
                    seen.push(far.read_u8().await.expect("a byte"));
                }
            }
            far.write_all(frames).await.expect("the session reads");
            far.read_to_end(&mut seen).await.expect("an end");
            seen
        };
        let session = async {
            let (summary, lingering) = run(client, backend, &timeouts, &handle).await;
            lingering.expect("the client is there").finish().await;
            summary
        };
        let (summary, seen) = future::join(session, talk).await;
        (seen, summary.ended)
    }

    fn close_frame(close: &Close, key: Option<[u8; 4]>) -> Vec<u8> {
        let payload = [&close.code.to_be_bytes()[..], close.reason.as_bytes()].concat();
        encode(CLOSE, &payload, key)
    }

    fn normal() -> Close {
        Close::new(Close::NORMAL, "")
    }

    #[tokio::test(start_paused = true)]
    async fn backend_that_fails_says_how_its_session_ends() {
        let slow = Close::new(1013, "too slow");
        let said = vec![text("one"), failed(BackendError::Failed(slow.clone()))];
        let end = Some(AfterOutput::EndInput);
        let (seen, ended) = session(said, end, &Told::default(), &[]).await;
        let expected = [encode(TEXT, b"one", None), close_frame(&slow, None)].concat();
        assert_eq!((seen, ended), (expected, Ended::ByBackend(slow)));
    }

    #[tokio::test(start_paused = true)]
    async fn backend_that_closes_has_what_it_said_delivered_first() {
        let bye = Close::new(4000, "bye");
        let long = "x".repeat(100_000);
        let said = vec![text(&long), failed(BackendError::Closed(bye.clone()))];
        let (seen, ended) = session(said, None, &Told::default(), &[]).await;
        assert!(seen.ends_with(&[b"xxx", &close_frame(&bye, None)[..]].concat()));
        assert_eq!(ended, Ended::ByBackend(bye));
    }

    #[tokio::test(start_paused = true)]
    async fn backend_is_told_how_the_client_has_gone() {
        for (frames, expected) in [
            (encode(CLOSE, b"", KEY), "close 1005"),
            (close_frame(&Close::new(4001, "x"), KEY), "close 4001"),
        ] {
            let input = Told::default();
            session(Vec::new(), None, &input, &frames).await;
            assert_eq!(input.all(), [expected, "the end"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn backend_that_is_lost_is_no_orderly_end() {
        let said = vec![failed(io::Error::from(io::ErrorKind::ConnectionReset))];
        let end = Some(AfterOutput::EndInput);
        let (_, ended) = session(said, end, &Told::default(), &[]).await;
        assert!(matches!(&ended, Ended::ByServer(close) if close.code == Close::BAD_GATEWAY));
    }

    #[tokio::test(start_paused = true)]
    async fn output_that_ends_is_an_orderly_end() {
        let end = Some(AfterOutput::EndInput);
        let answer = close_frame(&normal(), KEY);
        let (seen, ended) = session(vec![text("one")], end, &Told::default(), &answer).await;
        let expected = [encode(TEXT, b"one", None), close_frame(&normal(), None)].concat();
        assert_eq!((seen, ended), (expected, Ended::ByBackend(normal())));
    }

    #[tokio::test(start_paused = true)]
    async fn backend_decides_whether_its_input_outlives_its_output() {
        for (after_output, expected) in [
            (AfterOutput::KeepInput, &["late", "the end"][..]),
            (AfterOutput::EndInput, &[]),
        ] {
            let input = Told::default();
            let frames = [encode(TEXT, b"late", KEY), close_frame(&normal(), KEY)].concat();
            session(Vec::new(), Some(after_output), &input, &frames).await;
            assert_eq!(input.all(), expected, "{after_output:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn input_is_closed_behind_the_last_message() {
        let input = Told::default();
        let frames = [encode(TEXT, b"last", KEY), close_frame(&normal(), KEY)].concat();
        let (_, ended) = session(Vec::new(), None, &input, &frames).await;
        assert_eq!(input.all(), ["last", "close 1000", "the end"]);
        assert_eq!(ended, Ended::ByClient(normal()));
    }

    #[tokio::test(start_paused = true)]
    async fn input_that_takes_no_more_is_no_end_of_the_session() {
        let input = Told {
            broken: true,
            ..Told::default()
        };
        let frames = [encode(TEXT, b"lost", KEY), close_frame(&normal(), KEY)].concat();
        let (seen, ended) = session(vec![text("one")], None, &input, &frames).await;
        assert!(seen.starts_with(&encode(TEXT, b"one", None)));
        assert_eq!(ended, Ended::ByClient(normal()));
        assert_eq!(input.all(), [""; 0]);
    }
}
