//! Shutdown: how each half of a session is brought to its end.

use std::{pin::pin, process::ExitStatus, sync::atomic::AtomicBool, time::Duration};

use super::{
    handle::Handle,
    patience::{Patience, all_taken},
    relay::{discard_output, upstream},
    waiting::Waiting,
};
use crate::{
    backend::{
        AfterOutput, Backend, Farewell, Inbound, Input, Intake, Output, Process,
        TerminationTimeouts,
    },
    message::{Close, Message},
    timer::timeout,
    transport::{Client, Disconnect, Incoming, LingeringClose, Outbound, Outgoing, Presence},
};
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    future::{self, Either, FusedFuture},
};
use tokio::time::Instant;

/// The backend's half of a session.
pub(super) struct BackendHalf<'a> {
    pub(super) output: Output,
    /// `None` once it has ended.
    pub(super) input: Option<Input>,
    pub(super) process: Option<Process>,
    farewell: Option<Farewell>,
    connection: Option<Intake>,
    after_output: AfterOutput,
    /// It has said something that its client was not there for.
    pub(super) is_heard_late: AtomicBool,
    timeouts: &'a TerminationTimeouts,
}

impl<'a> BackendHalf<'a> {
    pub(super) fn new(backend: Backend, timeouts: &'a TerminationTimeouts) -> Self {
        BackendHalf {
            output: backend.output,
            input: Some(backend.input),
            process: backend.process,
            farewell: backend.farewell,
            connection: backend.connection,
            after_output: backend.after_output,
            is_heard_late: AtomicBool::new(false),
            timeouts,
        }
    }

    /// Whether it is this session's alone.
    pub(super) fn is_own(&self) -> bool {
        self.process.is_some() || self.connection.is_some()
    }

    /// Takes out the input of a backend that is told more when it has said all; another's ends here.
    pub(super) fn take_input_to_keep(&mut self) -> Option<Input> {
        let input = self.input.take();
        input.filter(|_| self.after_output == AfterOutput::KeepInput)
    }

    /// Says how the client has gone, behind all that it sent. Without waiting for room: the input grows by this
    /// one item, as in [`Waiting`].
    pub(super) fn tell(&mut self, item: Inbound) {
        if let Some(input) = &mut self.input {
            let _ = Waiting::new(input, item).feed();
        }
    }

    /// What the client is told of how the process has ended, before its Close.
    pub(super) fn farewell(&self, status: ExitStatus) -> Option<Message> {
        self.farewell.and_then(|farewell| farewell(status))
    }

    /// Brings the program to its end: what it was sent is delivered, then end-of-file, then the
    /// termination ladder, which begins when `patience` has run out or `hurry` is ready. What it still writes is
    /// read and thrown away, so that it can flush and go. A connection is ended likewise; what is neither may serve
    /// another session, and nobody waits for what it says.
    ///
    /// Cancel safe: no, the ladder would begin anew.
    pub(super) async fn wind_down(
        &mut self,
        patience: PatienceFor,
        hurry: impl Future<Output = ()>,
    ) {
        self.wind_down_behind(None, patience, hurry).await;
    }

    /// The same behind what a client that has gone sent before, which is still read, as the program takes it. What
    /// came at its end, if it came in time.
    pub(super) async fn wind_down_behind(
        &mut self,
        unread: Option<(&mut Incoming, &Handle)>,
        patience: PatienceFor,
        hurry: impl Future<Output = ()>,
    ) -> Option<Disconnect> {
        let Some(process) = &mut self.process else {
            return self.end_connection(unread, patience, hurry).await;
        };
        let mut timeouts = *self.timeouts;
        if patience == PatienceFor::Nobody {
            timeouts.finish = None;
        }
        let mut patience = Patience::new(process.intake(), process.started(), &timeouts);
        let (input, mut found) = (&mut self.input, None);
        process.release_output();
        let end = async {
            if process.has_terminal() {
                hand_over(input);
            } else {
                let ended = async {
                    end_input(input, unread, &mut found).await;
                    future::pending().await
                };
                tokio::select! {
                    _ = process.exit() => {}
                    () = ended => {}
                    () = patience.run_out() => {}
                    () = hurry => {}
                }
            }
            // What it has not taken by now is not delivered.
            *input = None;
            // It has had its time.
            timeouts.eof = Duration::ZERO;
            process.end(&timeouts).await;
        };
        let rest = discard_output(Some(&mut self.output), &self.is_heard_late);
        future::select(pin!(end), pin!(rest)).await;
        found
    }

    /// The same without a process: what it was sent is written as long as it takes some, and it is told the end. What
    /// it says meanwhile, and for a moment behind that, so that it can flush and go, is thrown away: a connection that
    /// is closed answers with a reset, which destroys what is still on its way (RFC 1122 §4.2.2.13).
    async fn end_connection(
        &mut self,
        unread: Option<(&mut Incoming, &Handle)>,
        patience: PatienceFor,
        hurry: impl Future<Output = ()>,
    ) -> Option<Disconnect> {
        let Some(intake) = &self.connection else {
            let input = self.input.take();
            self.deliver(input).await;
            return None;
        };
        let mut timeouts = *self.timeouts;
        if patience == PatienceFor::Nobody {
            timeouts.finish = None;
        }
        let mut patience = Patience::new(intake, Instant::now(), &timeouts);
        let (input, output, mut found) = (&mut self.input, &mut self.output, None);
        let mut rest = pin!(async { while output.next().await.is_some() {} }.fuse());
        let is_delivered = {
            let all = pin!(async {
                end_input(input, unread, &mut found).await;
                all_taken(intake).await;
            });
            let given_up = async {
                tokio::select! {
                    () = patience.run_out() => {}
                    () = hurry => {}
                }
            };
            let given_up = pin!(given_up);
            let mut end = future::select(all, given_up);
            tokio::select! {
                biased;
                end = &mut end => matches!(end, Either::Left(_)),
                // It may have said all, and take what it is sent.
                () = &mut rest => matches!(end.await, Either::Left(_)),
            }
        };
        if !is_delivered {
            tracing::warn!("what the client sent last is not delivered: it was not taken in time");
        }
        *input = None;
        if !rest.is_terminated() {
            let _ = timeout(timeouts.eof, rest).await;
        }
        found
    }

    /// Delivers what an input still holds, and ends it.
    pub(super) async fn deliver(&mut self, input: Option<Input>) {
        if let Some(mut input) = input {
            let _ = timeout(self.timeouts.eof, input.close()).await;
        }
    }

    /// Ends the process, or what is left of its group, without touching the output.
    pub(super) async fn end(&mut self) {
        self.input = None;
        if let Some(process) = &mut self.process {
            process.end(self.timeouts).await;
        }
    }

    /// The exit status, where there is a process.
    pub(super) async fn exit(&mut self) -> Option<ExitStatus> {
        match &mut self.process {
            Some(process) => Some(process.exit().await),
            None => None,
        }
    }
}

/// Delivers what a terminal has room for now, which is hung up then.
fn hand_over(input: &mut Option<Input>) {
    if let Some(sink) = input {
        let _ = sink.flush().now_or_never();
    }
}

/// Delivers what is unread and what an input holds, and ends it. Cancel safe: yes.
async fn end_input(
    input: &mut Option<Input>,
    unread: Option<(&mut Incoming, &Handle)>,
    found: &mut Option<Disconnect>,
) {
    if let Some((incoming, handle)) = unread {
        let received = &handle.received;
        *found = Some(upstream(incoming, input, received, handle.drain(), None).await);
    }
    if let Some(sink) = input {
        let _ = sink.close().await;
    }
    *input = None;
}

/// Whose end makes a program end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatienceFor {
    /// The client's: what it was sent before that is to be worked on.
    Client,
    /// Nobody's: the program is over, or its time is.
    Nobody,
}

/// The client's half of a session.
pub(super) struct ClientHalf {
    pub(super) incoming: Incoming,
    pub(super) outgoing: Outgoing,
    pub(super) presence: Presence,
}

impl ClientHalf {
    pub(super) fn new(client: Client) -> Self {
        ClientHalf {
            incoming: client.incoming,
            outgoing: client.outgoing,
            presence: client.presence,
        }
    }

    /// Waits until the client has been sent all, as long as it is there. What it sends meanwhile goes to
    /// `input`. Cancel safe: yes.
    pub(super) async fn flush(
        &mut self,
        input: &mut Option<Input>,
        handle: &Handle,
    ) -> Result<(), Disconnect> {
        let watching = pin!(upstream(
            &mut self.incoming,
            input,
            &handle.received,
            handle.drain(),
            None,
        ));
        match future::select(self.outgoing.flush(), watching).await {
            Either::Left((flushed, _)) => flushed.map_err(Disconnect::Lost),
            Either::Right((gone, _)) => Err(gone),
        }
    }

    /// The closing handshake begun by us (RFC 6455 §7.1.2), Close and the client's Close within a grace. What comes
    /// before the client's Close goes to `input`. Whether the connection has taken our Close.
    pub(super) async fn closing_handshake(
        &mut self,
        close: Close,
        grace: Duration,
        input: &mut Option<Input>,
        handle: &Handle,
    ) -> bool {
        let mut is_taken = false;
        let handshake = async {
            // Without room within the grace, it goes out behind the rest in the lingering close.
            let close = Waiting::new(&mut self.outgoing, Outbound::Close(close));
            is_taken = close.send().await.is_ok();
            if is_taken {
                let (incoming, received) = (&mut self.incoming, &handle.received);
                upstream(incoming, input, received, handle.drain(), None).await;
            }
        };
        let _ = timeout(grace, handshake).await;
        is_taken
    }

    /// Does `work` while the connection is shut, as far as the client lets that come. Cancel safe: as `work` is.
    pub(super) async fn close_beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        match future::select(pin!(work), self.outgoing.close()).await {
            Either::Left((output, _)) => output,
            Either::Right((_, work)) => work.await,
        }
    }

    /// What is left to be done when the session has ended.
    pub(super) fn lingering_close(self) -> LingeringClose {
        LingeringClose::new(self.outgoing, self.presence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tokio::{
        io::{AsyncReadExt, duplex},
        time::sleep,
    };
    use tokio_util::sync::CancellationToken;

    use crate::{
        message::Message,
        transport::websocket::{self, Role},
    };

    #[tokio::test(start_paused = true)]
    async fn client_that_takes_the_rest_late_gets_the_close_behind_it() {
        const GRACE: Duration = Duration::from_secs(2);
        let (near, mut far) = duplex(1);
        let client = websocket::open(near, Bytes::new(), Role::Server, &Default::default(), None);
        let mut client = ClientHalf::new(client);
        let long = Outbound::Message(Message::Text("x".repeat(1000).into()));
        assert!(timeout(GRACE, client.outgoing.send(long)).await.is_err());
        let (mut nobody, handle) = (None, Handle::new(&CancellationToken::new()));
        let close = Close::new(Close::NORMAL, "");
        let goodbye = async {
            client
                .closing_handshake(close, GRACE, &mut nobody, &handle)
                .await;
            client.lingering_close().finish().await;
        };
        let mut read = Vec::new();
        let late = async {
            sleep(GRACE * 10).await;
            far.read_to_end(&mut read).await.expect("an end");
        };
        future::join(goodbye, late).await;
        assert!(read.ends_with(b"xxx\x88\x02\x03\xe8"));
    }
}
