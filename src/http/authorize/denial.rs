//! An authorizer's own words to a client that is not let in: [`Denial`].

use bytes::Bytes;
use hyper::{HeaderMap, Response, StatusCode, ext::ReasonPhrase};

use crate::http::body::{Body, body_from};

/// An answer that takes the place of the one that was asked for: a login page, a redirect, a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Neither 1xx nor 2xx.
    pub(super) status: StatusCode,
    /// What the authorizer says for the status, if it says something.
    pub(super) reason: Option<ReasonPhrase>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Denial {
    /// Its status.
    pub(in crate::http) fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer.
    pub(in crate::http) fn to_response(&self) -> Response<Body> {
        let mut response = Response::new(body_from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        if let Some(reason) = self.reason.clone() {
            response.extensions_mut().insert(reason);
        }
        response
    }
}
