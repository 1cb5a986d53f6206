//! Why an authorizer has not decided: [`AuthorizerFailure`]. Nobody is let in by any of these.

use std::{process::ExitStatus, time::Duration};

use hyper::StatusCode;

use crate::{
    backend::{AddressError, ConnectFailure, describe_exit},
    http::cgi_response::BadHeader,
};

/// What went wrong, for the log: clients are told that something did.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizerFailure {
    /// Why it was not started is in the log already.
    #[error("it cannot be started")]
    NotStarted,
    /// As many as may run did so for the whole time.
    #[error("as many run as may, and none has ended within {0:?}")]
    NoTurn(Duration),
    /// It has not answered in time.
    #[error("it has not answered within {0:?}")]
    TooSlow(Duration),
    /// It has ended otherwise than one that has decided.
    #[error("it {}", describe_exit(*.0))]
    Exit(ExitStatus),
    /// It has said something, and refuses by its exit status as well.
    #[error("it {}, and has printed something too", describe_exit(*.0))]
    TwoAnswers(ExitStatus),
    /// Its output ends before the header does.
    #[error("its output has no empty line behind the header")]
    NoHeaderEnd,
    /// Its header is none.
    #[error("{0}")]
    BadHeader(String),
    /// A status that says nothing about a request.
    #[error("its status is {0}")]
    BadStatus(StatusCode),
    /// It is a server, and has failed itself.
    #[error("it answers {0}")]
    ServerStatus(StatusCode),
    /// A variable that is not its to set, or none at all.
    #[error("it sets the variable {0}, which is not an authorizer's to set")]
    ForbiddenVariable(String),
    /// A header that is not its to set.
    #[error("its header has {0}, which is the server's own business")]
    ForbiddenHeader(String),
    /// What may be said once.
    #[error("its header has {0} twice")]
    Twice(String),
    /// What has to be text.
    #[error("its {0} is not UTF-8")]
    NotText(String),
    /// A subprotocol that the client does not speak.
    #[error("it selects the subprotocol '{0}', which was not offered")]
    NotOffered(String),
    /// A target where the route has one, or none.
    #[error(
        "it names a target, and the route does not leave that to it: it takes target = \"authorize\""
    )]
    UnwantedTarget,
    /// No target where it has to name one.
    #[error("it names no target, and the route leaves that to it")]
    NoTarget,
    /// A target that is none.
    #[error("its Target is none: {0}")]
    BadTarget(AddressError),
    /// It is a server, and cannot be reached.
    #[error("{0}")]
    Connect(ConnectFailure),
    /// It is a server, and does not answer by HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
}

impl From<BadHeader> for AuthorizerFailure {
    fn from(bad: BadHeader) -> Self {
        AuthorizerFailure::BadHeader(bad.to_string())
    }
}

impl AuthorizerFailure {
    /// Whether it may be otherwise a moment later.
    pub(in crate::http) fn may_pass(&self) -> bool {
        matches!(
            self,
            AuthorizerFailure::NotStarted
                | AuthorizerFailure::NoTurn(_)
                | AuthorizerFailure::TooSlow(_)
                | AuthorizerFailure::Connect(_)
                | AuthorizerFailure::Http(_)
                | AuthorizerFailure::ServerStatus(_)
        )
    }
}
