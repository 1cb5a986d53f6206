//! One session from its first message to its end.

use std::{convert::Infallible, future::pending, pin::pin, time::Duration};

use futures_util::{
    SinkExt,
    future::{self, Either, OptionFuture, select},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    handle::Handle,
    outcome::{Ended, Summary, close_for},
    relay::{self, OutputEnd},
    shutdown::{BackendHalf, ClientHalf},
    time_limits::{SessionTimeouts, TimeLimits},
};
use crate::{
    backend::Backend,
    message::Close,
    transport::{Client, Disconnect},
};

/// What a client gets to answer our Close, and then to take what is still on its way. Shorter would
/// cut off clients behind a slow line, longer would hold descriptors for clients that never answer.
const CLOSING_GRACE: Duration = Duration::from_secs(2);
/// The same while the server is stopping, which has a time limit of its own. What the kernel has taken
/// for a client still reaches it.
const DRAINING_GRACE: Duration = Duration::from_millis(500);

/// What a program gets to answer what came before the message that is refused. Shorter would cut off a
/// script that starts another program for each line, longer would keep a client that breaks the rules, and
/// a program that writes without end, from their Close.
const ANSWERS: Duration = Duration::from_millis(250);

/// What the output gets to end when the group that held it is gone.
const REST: Duration = Duration::from_millis(100);

/// Joins a client to a backend until the session has ended and its process is gone. `handle` may ask it
/// to end soon: the input gets end-of-file, what the program still writes is delivered.
pub fn run<'a>(
    client: Client,
    backend: Backend,
    timeouts: &'a SessionTimeouts,
    handle: &'a Handle,
) -> impl Future<Output = Summary> + Send + 'a {
    let (time_limits, client, backend) = TimeLimits::start(timeouts, client, backend);
    let mut session = Session {
        client: ClientHalf::new(client),
        backend: BackendHalf::new(backend, &timeouts.termination),
        timeouts,
        handle,
        time_limits,
    };
    // An idle session is little more than this future: not `async fn`, which keeps what it was given
    // a second time.
    async move { session.run().await }
}

struct Session<'a> {
    client: ClientHalf,
    backend: BackendHalf<'a>,
    timeouts: &'a SessionTimeouts,
    handle: &'a Handle,
    time_limits: TimeLimits,
}

/// Why messages are carried no longer.
enum RelayEnd {
    Client(Disconnect),
    Output(OutputEnd),
    DrainDeadline,
}

impl Session<'_> {
    async fn run(&mut self) -> Summary {
        let relay_end = self.relay().await;
        // In a box, or every session would have the room that its end takes.
        let ended = Box::pin(self.end(relay_end)).await;
        Summary {
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
                let close = Close::new(Close::INTERNAL, error.to_string());
                self.end_by_server(close).await
            }
            RelayEnd::Output(OutputEnd::Undeliverable(error)) => {
                let gone = self.receive_rest().await.unwrap_or(Disconnect::Lost(error));
                self.end_by_client(gone).await
            }
            RelayEnd::Client(gone) => self.end_by_client(gone).await,
            RelayEnd::DrainDeadline => self.end_by_server(self.handle.going_away()).await,
        }
    }

    /// Carries messages both ways until one way ends.
    async fn relay(&mut self) -> RelayEnd {
        let deadline = pin!(deadline(self.handle.drain(), self.timeouts.drain));
        let upstream = pin!(relay::upstream(
            &mut self.client.incoming,
            &mut self.backend.input,
            &self.handle.received,
            self.handle.drain(),
        ));
        let downstream = pin!(relay::downstream(
            &mut self.backend.output,
            &mut self.client.outgoing,
            relay::Watch::new(&mut self.backend.process, self.timeouts.keepalive),
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
            gone = upstream => RelayEnd::Client(gone),
            end = downstream => RelayEnd::Output(end),
            () = deadline => RelayEnd::DrainDeadline,
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
            relay::Watch::new(&mut ended, None),
            &self.handle.sent,
        );
        // A process that has left the group may hold it for ever.
        let _ = timeout(REST, rest).await;
    }

    /// The client takes no more, but what it sent before may still wait to be read, its Close too.
    async fn receive_rest(&mut self) -> Option<Disconnect> {
        let rest = pin!(relay::upstream(
            &mut self.client.incoming,
            &mut self.backend.input,
            &self.handle.received,
            self.handle.drain(),
        ));
        let process = self.backend.process.as_ref();
        let output = pin!(relay::exhaust(process.map(|_| &mut self.backend.output)));
        match timeout(CLOSING_GRACE, select(rest, output)).await {
            Ok(Either::Left((gone @ Disconnect::Closed(_), _))) => Some(gone),
            _ => None,
        }
    }

    /// The output has ended: the client gets all of it and then the close that tells the exit status.
    async fn end_by_backend(&mut self) -> Ended {
        // What the client sent to a program that has gone can be delivered to nobody. Where there is no
        // process, the input takes all that comes before the client's Close.
        let input = self.backend.input.take();
        let mut input = input.filter(|_| self.backend.process.is_none());
        let delivered = async {
            tokio::select! {
                delivered = self.client.flush(&mut input, self.handle) => delivered.map_err(Some),
                () = deadline(self.handle.drain(), self.timeouts.drain) => Err(None),
            }
        };
        let (delivered, ()) = future::join(delivered, self.backend.wind_down()).await;
        if let Err(reason) = delivered {
            self.backend.input = input;
            return match reason {
                Some(gone) => self.end_by_client(gone).await,
                None => self.end_by_server(self.handle.going_away()).await,
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
        let (close, grace) = (ended.close().clone(), self.closing_grace());
        let goodbye = self
            .client
            .say_goodbye(close, grace, &mut input, self.handle);
        goodbye.await;
        self.backend.deliver(input).await;
        ended
    }

    /// The client goes: its connection is shut while the program is brought to its end.
    async fn end_by_client(&mut self, gone: Disconnect) -> Ended {
        let close = match gone {
            Disconnect::Violation(close) => return self.refuse(close).await,
            Disconnect::Closed(close) => close,
            Disconnect::Lost(error) => Close::new(Close::ABNORMAL, error.to_string()),
        };
        future::join(self.backend.wind_down(), self.client.shut(CLOSING_GRACE)).await;
        Ended::ByClient(close)
    }

    /// The client broke the protocol, or sent what is none for the program: what came before that is no
    /// worse for it. The program gets it, and then end-of-file; what it answers goes out before the Close.
    async fn refuse(&mut self, close: Close) -> Ended {
        if self.backend.process.is_some() {
            let _ = timeout(ANSWERS, self.deliver_answers()).await;
        }
        self.end_by_server(close).await
    }

    async fn deliver_answers(&mut self) {
        let input = &mut self.backend.input;
        let questions = async {
            if let Some(sink) = input {
                let _ = sink.flush().await;
            }
            *input = None;
        };
        let answers = relay::downstream(
            &mut self.backend.output,
            &mut self.client.outgoing,
            relay::Watch::new(&mut self.backend.process, None),
            &self.handle.sent,
        );
        future::join(questions, answers).await;
    }

    /// The gateway ends it: the client is told at once, the program runs down meanwhile.
    async fn end_by_server(&mut self, close: Close) -> Ended {
        let grace = self.closing_grace();
        let mut nobody = None;
        let goodbye = self
            .client
            .say_goodbye(close.clone(), grace, &mut nobody, self.handle);
        future::join(self.backend.wind_down(), goodbye).await;
        Ended::ByServer(close)
    }

    fn closing_grace(&self) -> Duration {
        match self.handle.drain().is_cancelled() {
            true => DRAINING_GRACE,
            false => CLOSING_GRACE,
        }
    }
}

/// When a session that drains has had its time.
async fn deadline(drain: &CancellationToken, patience: Duration) {
    drain.cancelled().await;
    sleep(patience).await;
}
