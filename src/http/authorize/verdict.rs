//! What an authorizer has said of one request: [`Verdict`].

use std::sync::Arc;

use hyper::{StatusCode, header};

use super::{denial::Denial, grant::Grant};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request goes on.
    Allow(Arc<Grant>),
    /// It is answered so, or with 403.
    Deny(Option<Arc<Denial>>),
    /// The connection is closed without an answer.
    HangUp,
}

impl Verdict {
    /// Whether it may hold for the same question again: a cookie is for one client, and other answers than 403 are
    /// on the way to something else.
    pub(super) fn may_be_kept(&self) -> bool {
        match self {
            Verdict::Allow(grant) => !grant.headers.contains_key(header::SET_COOKIE),
            Verdict::Deny(None) => true,
            Verdict::Deny(Some(denial)) => {
                denial.status == StatusCode::FORBIDDEN
                    && !denial.headers.contains_key(header::SET_COOKIE)
            }
            Verdict::HangUp => false,
        }
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let of_headers = |headers: &hyper::HeaderMap| -> usize {
            let fields = headers.iter();
            fields
                .map(|(name, value)| name.as_str().len() + value.len())
                .sum()
        };
        match self {
            Verdict::Allow(grant) => {
                let variables = grant.variables.iter();
                let variables: usize = variables
                    .map(|(name, value)| name.len() + value.len())
                    .sum();
                variables + of_headers(&grant.headers)
            }
            Verdict::Deny(Some(denial)) => denial.body.len() + of_headers(&denial.headers),
            Verdict::Deny(None) | Verdict::HangUp => 0,
        }
    }
}
