//! Hanging up: an answer that is none, after which the connection is closed.

use hyper::{Response, StatusCode};

use super::body::{Body, empty};

/// By which the log and the figures know it, as nginx's do: of HTTP it is no status.
const STATUS: u16 = 444;

/// What is in the place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub struct HangUp;

impl HangUp {
    /// The status by which it is known.
    pub(super) fn status() -> StatusCode {
        StatusCode::from_u16(STATUS).expect("it has three digits")
    }

    /// A response that is not to be sent.
    pub(super) fn to_response(self) -> Response<Body> {
        let mut response = Response::new(empty());
        *response.status_mut() = Self::status();
        response.extensions_mut().insert(self);
        response
    }

    /// The response, if it is one that is to be sent.
    ///
    /// # Errors
    /// It is not.
    pub fn check<B>(response: Response<B>) -> Result<Response<B>, HangUp> {
        match response.extensions().get::<HangUp>() {
            Some(hang_up) => Err(*hang_up),
            None => Ok(response),
        }
    }
}
