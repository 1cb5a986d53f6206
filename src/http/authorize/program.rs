//! A program that decides: it is started for the one question, and has answered when it has ended.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};
use tracing::Instrument;

use super::{
    answer::{Said, of_program},
    failure::AuthorizerFailure,
    question::Question,
    verdict::Verdict,
};
use crate::{
    backend::{Environment, PipedProcess, Process, Program, TerminationTimeouts},
    http::{
        cgi_response::HeaderBlock, launch::Launch, metrics::Metrics, refusal::Refusal, state::State,
    },
};

/// The largest header in bytes. It says a few things; what is longer is no authorizer's.
const MAX_HEADER: usize = 8 * 1024;
/// What of a body is taken, in bytes: a login page, not a download.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// What one read takes at most.
const READ: usize = 8 * 1024;
/// How much is read of the output of one that has ended. What it has said is in the pipe, which holds as much on all
/// systems; who writes on is a process that it has left behind.
const REST: usize = MAX_HEADER + 2 * MAX_BODY;

/// The environment of a program that is asked: that of the program which it decides about, with the credentials as
/// they were sent.
pub(super) fn environment(launch: &Launch, question: Question<'_>) -> Environment {
    let environ = &question.options.environ;
    let connection = question.request.connection;
    let mut variables = launch.environment(environ, connection, question.to_environ());
    let own = question
        .own_variables()
        .map(|(name, value)| (name, value.into()));
    let credentials = question
        .credentials()
        .map(|value| ("HTTP_AUTHORIZATION", value));
    for (name, value) in own.into_iter().chain(credentials) {
        variables.retain(|(other, _)| other != name);
        variables.push((name.into(), value));
    }
    variables
}

/// Starts a program and waits for its end. Cancel safe: yes; it is killed then, with its group.
///
/// # Errors
/// It cannot be started, or has not decided.
pub(super) async fn ask(
    state: &State,
    launch: Launch,
    program: &Program,
    variables: Environment,
) -> Result<Verdict, AuthorizerFailure> {
    let starting = async {
        let started = program.start(&state.resources.spawner, &variables).await;
        started.map_err(Refusal::Start)
    };
    let launched = launch.start(state, Metrics::observe_spawn, starting).await;
    let launched = launched.map_err(|_| AuthorizerFailure::NotStarted)?;
    let PipedProcess {
        input,
        output,
        mut process,
    } = launched.started;
    drop(input);
    let heard = async {
        let said = listen(output, &mut process).await;
        // At once: what it has left running decides nothing.
        let status = process.end(&TerminationTimeouts::default()).await;
        of_program(status, said?)
    };
    heard.instrument(launched.span).await
}

/// What a program says until it has ended; `None` if nothing.
async fn listen(
    mut pipe: Receiver,
    process: &mut Process,
) -> Result<Option<Said>, AuthorizerFailure> {
    let mut heard = Heard::default();
    let mut read = BytesMut::with_capacity(READ);
    loop {
        read.clear();
        tokio::select! {
            biased;
            more = pipe.read_buf(&mut read) => match more {
                Ok(0) | Err(_) => {
                    process.exit().await;
                    return Ok(heard.said());
                }
                Ok(_) => heard.push(&read)?,
            },
            _ = process.exit() => {
                heard.push(&rest_of(&pipe))?;
                return Ok(heard.said());
            }
        }
    }
}

/// What is in a pipe.
fn rest_of(pipe: &Receiver) -> Vec<u8> {
    let mut rest = Vec::new();
    let mut read = [0; READ];
    while rest.len() < REST {
        // Not by the runtime, which may not know yet that there is something.
        match rustix::io::read(pipe, &mut read).map_err(io::Error::from) {
            Ok(length) if length > 0 => rest.extend_from_slice(&read[..length]),
            _ => break,
        }
    }
    rest
}

/// What has been said so far, as far as it is taken.
#[derive(Debug)]
struct Heard {
    block: HeaderBlock,
    header: Option<Bytes>,
    body: BytesMut,
}

impl Default for Heard {
    fn default() -> Self {
        Heard {
            block: HeaderBlock::with_limit(MAX_HEADER),
            header: None,
            body: BytesMut::new(),
        }
    }
}

impl Heard {
    /// Takes more.
    ///
    /// # Errors
    /// A header that is too large.
    fn push(&mut self, read: &[u8]) -> Result<(), AuthorizerFailure> {
        if self.header.is_some() {
            self.push_body(read);
            return Ok(());
        }
        if let Some((header, body)) = self.block.push(read)? {
            self.header = Some(header);
            self.push_body(&body);
        }
        Ok(())
    }

    /// The rest is dropped.
    fn push_body(&mut self, read: &[u8]) {
        let room = MAX_BODY - self.body.len();
        self.body.extend_from_slice(&read[..read.len().min(room)]);
    }

    fn said(self) -> Option<Said> {
        let is_silent = self.header.is_none() && self.block.is_empty();
        (!is_silent).then(|| Said {
            header: self.header,
            body: self.body.freeze(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of an output in two pieces, wherever it is cut.
    fn said(output: &[u8]) -> Result<Option<Said>, ()> {
        let cuts = [
            0,
            1,
            output.len() / 2,
            output.len().saturating_sub(1),
            output.len(),
        ];
        let hear = |cut: usize| {
            let mut heard = Heard::default();
            let (first, second) = output.split_at(cut.min(output.len()));
            heard.push(first).map_err(|_| ())?;
            heard.push(second).map_err(|_| ())?;
            Ok(heard.said())
        };
        let whole = hear(0);
        assert!(cuts.into_iter().all(|cut| hear(cut) == whole));
        whole
    }

    #[test]
    fn header_ends_at_the_empty_line_and_the_body_is_cut() {
        assert_eq!(said(b""), Ok(None));
        let unfinished = said(b"Status: 200\n")
            .expect("no error")
            .expect("something");
        assert_eq!(unfinished.header, None);
        let body = vec![b'x'; MAX_BODY + 1];
        let long = [b"Status: 403\r\n\r\n", &body[..]].concat();
        let long = said(&long).expect("no error").expect("something");
        assert_eq!(long.header.as_deref(), Some(&b"Status: 403\r\n\r\n"[..]));
        assert_eq!(long.body.len(), MAX_BODY);
    }

    #[test]
    fn header_of_8_kib_is_taken_and_no_larger_one() {
        let header = |size: usize| [b"X: ", &vec![b'x'; size - 5][..], b"\n\n"].concat();
        assert!(said(&header(MAX_HEADER)).is_ok());
        assert_eq!(said(&header(MAX_HEADER + 1)), Err(()));
        assert_eq!(said(&[b'x'; MAX_HEADER + 1]), Err(()));
    }
}
