//! Asking: one question, from the answers that are kept or from the authorizer, and what becomes of the request.

use std::{future::Future, os::unix::ffi::OsStrExt, pin::Pin, sync::Arc};

use tokio::time::Instant;
use tracing::{Span, error};

use super::{
    authorizer::{Authorizer, Hook},
    cache::Key,
    failure::AuthorizerFailure,
    grant::Grant,
    program,
    question::Question,
    server,
    turns::Turns,
    verdict::Verdict,
};
use crate::{
    backend::Environment,
    http::{
        access::TrustedProxies,
        launch::{self, Launch, Purpose},
        refusal::Refusal,
        state::State,
    },
    timer::timeout,
};

/// Variables that are others for each request, and say nothing about it: the last is drawn by the client for each
/// opening handshake (RFC 6455 §4.1).
const OF_ONE_REQUEST: [&str; 3] = ["REMOTE_PORT", "UNIQUE_ID", "HTTP_SEC_WEBSOCKET_KEY"];

/// What a hook says, when it has said it.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<Verdict, AuthorizerFailure>> + Send + 'a>>;

/// Whether a request goes on, and with what.
///
/// Cancel safe: yes; a program that is being asked is killed.
///
/// # Errors
/// The authorizer's refusal, in its words where it has some; 500 and 503 where it has failed to decide.
pub(in crate::http) async fn authorize(
    state: &State,
    trust: &TrustedProxies,
    authorizer: &Authorizer,
    question: Question<'_>,
) -> Result<Arc<Grant>, Refusal> {
    let launch = Launch::prepare(state, question.options, Purpose::Authorizer)?;
    let span = launch.span().clone();
    let (key, answer): (Key, Answer<'_>) = match &authorizer.hook {
        Hook::Program(program) => {
            let variables = program::environment(&launch, question);
            let key = key_of_variables(authorizer, &variables);
            let asking = program::ask(state, launch, program, variables);
            (key, Box::pin(asking))
        }
        Hook::Server(server) => {
            let fields = server::fields(question);
            let parts = fields.iter();
            let parts =
                parts.flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
            let key = Key::of([&authorizer.id[..]].into_iter().chain(parts));
            let resolver = &state.resources.connect.resolver;
            (
                key,
                Box::pin(async move { server.ask(resolver, &fields).await }),
            )
        }
    };
    let kept = authorizer
        .cache
        .and_then(|_| state.authorizations.get(&key));
    let outcome = match &kept {
        Some(verdict) => Ok(verdict.clone()),
        None => {
            launch::check_not_draining(state)?;
            let turns = (
                &*state.turns,
                trust.network_of(&question.request.connection.remote),
            );
            in_time(state, authorizer, turns, answer).await
        }
    };
    let outcome = outcome.and_then(|verdict| fitting(verdict, question));
    let result = match (&outcome, &kept) {
        (Err(_), _) => "error",
        (_, Some(_)) => "cached",
        (Ok(Verdict::Allow(_)), None) => "allow",
        (Ok(_), None) => "deny",
    };
    state.metrics.count_authorization(result);
    if let (Ok(verdict), None, Some(time)) = (&outcome, kept, authorizer.cache)
        && verdict.may_be_kept()
    {
        state.authorizations.insert(key, verdict.clone(), time);
    }
    follow(outcome, &span)
}

fn key_of_variables(authorizer: &Authorizer, variables: &Environment) -> Key {
    let variables = variables.iter();
    let told = variables.filter(|(name, _)| OF_ONE_REQUEST.iter().all(|other| name != other));
    let told = told.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    Key::of([&authorizer.id[..]].into_iter().chain(told))
}

/// An answer within its time. A program waits for its turn first, for as long at most.
async fn in_time(
    state: &State,
    authorizer: &Authorizer,
    (turns, address): (&Turns, Option<std::net::IpAddr>),
    answer: Answer<'_>,
) -> Result<Verdict, AuthorizerFailure> {
    let limit = authorizer.timeout;
    let _turn = match &authorizer.hook {
        Hook::Program(_) => {
            let turn = timeout(limit, turns.take(address)).await;
            Some(turn.map_err(|_| AuthorizerFailure::NoTurn(limit))?)
        }
        Hook::Server(_) => None,
    };
    let begun = Instant::now();
    let answered = timeout(limit, answer).await;
    state.metrics.observe_authorization(begun.elapsed());
    answered.unwrap_or(Err(AuthorizerFailure::TooSlow(limit)))
}

/// The verdict, if what it selects and names is what this request leaves to it.
fn fitting(verdict: Verdict, question: Question<'_>) -> Result<Verdict, AuthorizerFailure> {
    if let Verdict::Allow(grant) = &verdict {
        if let Some(subprotocol) = &grant.subprotocol
            && !question.offers(subprotocol)
        {
            return Err(AuthorizerFailure::NotOffered(subprotocol.clone()));
        }
        match (&grant.target, question.names_target) {
            (Some(_), false) => return Err(AuthorizerFailure::UnwantedTarget),
            (None, true) if question.transport.is_some() => {
                return Err(AuthorizerFailure::NoTarget);
            }
            _ => {}
        }
    }
    Ok(verdict)
}

/// What becomes of the request. Why nothing was decided is for the log alone.
fn follow(outcome: Result<Verdict, AuthorizerFailure>, span: &Span) -> Result<Arc<Grant>, Refusal> {
    match outcome {
        Ok(Verdict::Allow(grant)) => Ok(grant),
        Ok(Verdict::Deny(denial)) => Err(Refusal::Unauthorized(denial)),
        Ok(Verdict::HangUp) => Err(Refusal::HangUp),
        Err(failure) => {
            span.in_scope(|| error!("the authorizer failed: {failure}"));
            Err(Refusal::Authorizer(failure))
        }
    }
}
