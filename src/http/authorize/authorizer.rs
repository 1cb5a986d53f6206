//! Who is asked about the requests of a route, and on which terms: [`Authorizer`].

use std::time::Duration;

use super::server::HookServer;
use crate::backend::Program;

/// Whom a route asks.
#[derive(Debug)]
pub struct Authorizer {
    pub(super) hook: Hook,
    /// What an answer may take.
    pub(super) timeout: Duration,
    /// How long an answer holds for the same question; `None` is for none but the one.
    pub(super) cache: Option<Duration>,
    /// What tells its answers from those of others.
    pub(super) id: [u8; 16],
}

/// What is asked.
#[derive(Debug)]
pub enum Hook {
    /// A program, started for each question.
    Program(Program),
    /// A server, by HTTP.
    Server(HookServer),
}

impl Authorizer {
    /// Asks `hook`, which may take so long for an answer, whose answers are kept so long.
    pub fn new(hook: Hook, timeout: Duration, cache: Option<Duration>) -> Self {
        Authorizer {
            hook,
            timeout,
            cache,
            id: rand::random(),
        }
    }

    /// Whether another asks the same on the same terms.
    pub fn is_like(&self, other: &Authorizer) -> bool {
        let is_same = match (&self.hook, &other.hook) {
            (Hook::Program(own), Hook::Program(other)) => own.is_same(other),
            (Hook::Server(own), Hook::Server(other)) => own.is_same(other),
            _ => false,
        };
        is_same && (self.timeout, self.cache) == (other.timeout, other.cache)
    }

    /// The program, where it is one.
    pub fn program(&self) -> Option<&Program> {
        match &self.hook {
            Hook::Program(program) => Some(program),
            Hook::Server(_) => None,
        }
    }
}
