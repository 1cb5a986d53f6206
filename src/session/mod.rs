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

mod curfew;
mod ending;
mod handle;
mod joint;

use std::{
    convert::Infallible, future::pending, os::unix::process::ExitStatusExt, pin::pin,
    process::ExitStatus, time::Duration,
};

use futures_util::{
    SinkExt,
    future::{self, Either, OptionFuture, select},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{Backend, Patience},
    message::Close,
    transport::{Client, Gone},
};
use curfew::Curfew;
use ending::{Peer, Program};
pub use handle::{Handle, Meter, Traffic};
use joint::OutputEnd;

/// How long a session waits for what.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Time between two pings; `None` sends none.
    pub keepalive: Option<Duration>,
    /// What a process gets for each step of its end.
    pub patience: Patience,
    /// What a drain gives a program to end by itself before it is told to.
    pub drain: Duration,
    /// How long neither side may send a message; `None` has no limit.
    pub idle: Option<Duration>,
    /// How long a session may last; `None` has no limit.
    pub lifetime: Option<Duration>,
}

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

/// What there is to say of a session that has ended.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Who ended it, and with which close.
    pub ended: Ended,
    /// The program's exit status, where there is a process.
    pub exit: Option<ExitStatus>,
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

/// Joins a client to a backend until the session has ended and its process is gone. `handle` may ask it
/// to end soon: the input gets end-of-file, what the program still writes is delivered.
pub fn run<'a>(
    mut client: Client,
    mut backend: Backend,
    limits: &'a Limits,
    handle: &'a Handle,
) -> impl Future<Output = Summary> + Send + 'a {
    let curfew = Curfew::start(limits, &mut client, &mut backend);
    let mut session = Session {
        client: Peer::new(client),
        program: Program::new(backend, &limits.patience),
        limits,
        handle,
        curfew,
    };
    // An idle session is little more than this future: not `async fn`, which keeps what it was given
    // a second time.
    async move { session.run().await }
}

struct Session<'a> {
    client: Peer,
    program: Program<'a>,
    limits: &'a Limits,
    handle: &'a Handle,
    curfew: Curfew,
}

/// Why the joint came apart.
enum Apart {
    Client(Gone),
    Output(OutputEnd),
    DrainDeadline,
}

impl Session<'_> {
    async fn run(&mut self) -> Summary {
        let apart = self.join().await;
        // In a box, or every session would have the room that its end takes.
        let ended = Box::pin(self.end(apart)).await;
        Summary {
            ended,
            exit: self.program.exit().await,
        }
    }

    async fn end(&mut self, apart: Apart) -> Ended {
        match apart {
            Apart::Output(OutputEnd::Ended) => self.end_by_backend().await,
            Apart::Output(OutputEnd::Lingered) => {
                self.deliver_rest().await;
                self.end_by_backend().await
            }
            Apart::Output(OutputEnd::Broken(error)) => {
                tracing::error!("{error}");
                let close = Close::new(Close::INTERNAL, error.to_string());
                self.end_by_server(close).await
            }
            Apart::Output(OutputEnd::Undeliverable(error)) => {
                let gone = self.receive_rest().await.unwrap_or(Gone::Lost(error));
                self.end_by_client(gone).await
            }
            Apart::Client(gone) => self.end_by_client(gone).await,
            Apart::DrainDeadline => self.end_by_server(self.handle.going_away()).await,
        }
    }

    /// Carries messages both ways until one way ends.
    async fn join(&mut self) -> Apart {
        let deadline = pin!(deadline(self.handle.drain(), self.limits.drain));
        let upstream = pin!(joint::upstream(
            &mut self.client.incoming,
            &mut self.program.input,
            &self.handle.received,
            self.handle.drain(),
        ));
        let downstream = pin!(joint::downstream(
            &mut self.program.output,
            &mut self.client.outgoing,
            joint::Watch::new(&mut self.program.process, self.limits.keepalive),
            &self.handle.sent,
        ));
        // Most sessions have no such limit, and this is polled whenever a message comes.
        let mut curfew = self.curfew.is_set().then(|| {
            Box::pin(async {
                self.handle.end(self.curfew.over().await);
                pending::<Infallible>().await
            })
        });
        tokio::select! {
            gone = upstream => Apart::Client(gone),
            end = downstream => Apart::Output(end),
            () = deadline => Apart::DrainDeadline,
            Some(never) = OptionFuture::from(curfew.as_mut()) => match never {},
        }
    }

    /// The program has ended, but its stdout is still held: with the group gone it ends, and what was
    /// written without a newline is its last line.
    async fn deliver_rest(&mut self) {
        self.program.end().await;
        let mut ended = None;
        let rest = joint::downstream(
            &mut self.program.output,
            &mut self.client.outgoing,
            joint::Watch::new(&mut ended, None),
            &self.handle.sent,
        );
        // A process that has left the group may hold it for ever.
        let _ = timeout(REST, rest).await;
    }

    /// The client takes no more, but what it sent before may still wait to be read, its Close too.
    async fn receive_rest(&mut self) -> Option<Gone> {
        let rest = pin!(joint::upstream(
            &mut self.client.incoming,
            &mut self.program.input,
            &self.handle.received,
            self.handle.drain(),
        ));
        let process = self.program.process.as_ref();
        let output = pin!(joint::exhaust(process.map(|_| &mut self.program.output)));
        match timeout(CLOSING_GRACE, select(rest, output)).await {
            Ok(Either::Left((gone @ Gone::Closed(_), _))) => Some(gone),
            _ => None,
        }
    }

    /// The output has ended: the client gets all of it and then the close that tells the exit status.
    async fn end_by_backend(&mut self) -> Ended {
        // What the client sent to a program that has gone can be delivered to nobody. Where there is no
        // process, the input takes all that comes before the client's Close.
        let input = self.program.input.take();
        let mut input = input.filter(|_| self.program.process.is_none());
        let delivered = async {
            tokio::select! {
                delivered = self.client.flush(&mut input, self.handle) => delivered.map_err(Some),
                () = deadline(self.handle.drain(), self.limits.drain) => Err(None),
            }
        };
        let (delivered, ()) = future::join(delivered, self.program.wind_down()).await;
        if let Err(reason) = delivered {
            self.program.input = input;
            return match reason {
                Some(gone) => self.end_by_client(gone).await,
                None => self.end_by_server(self.handle.going_away()).await,
            };
        }
        let ended = match (
            self.program.exit().await,
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
        self.program.deliver(input).await;
        ended
    }

    /// The client goes: its connection is shut while the program is brought to its end.
    async fn end_by_client(&mut self, gone: Gone) -> Ended {
        let close = match gone {
            Gone::Refused(close) => return self.refuse(close).await,
            Gone::Closed(close) => close,
            Gone::Lost(error) => Close::new(Close::ABNORMAL, error.to_string()),
        };
        future::join(self.program.wind_down(), self.client.shut(CLOSING_GRACE)).await;
        Ended::ByClient(close)
    }

    /// The client broke the protocol, or sent what is none for the program: what came before that is no
    /// worse for it. The program gets it, and then end-of-file; what it answers goes out before the Close.
    async fn refuse(&mut self, close: Close) -> Ended {
        if self.program.process.is_some() {
            let _ = timeout(ANSWERS, self.deliver_answers()).await;
        }
        self.end_by_server(close).await
    }

    async fn deliver_answers(&mut self) {
        let input = &mut self.program.input;
        let questions = async {
            if let Some(sink) = input {
                let _ = sink.flush().await;
            }
            *input = None;
        };
        let answers = joint::downstream(
            &mut self.program.output,
            &mut self.client.outgoing,
            joint::Watch::new(&mut self.program.process, None),
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
        future::join(self.program.wind_down(), goodbye).await;
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
