//! Header fields that the checks of a request give its answer: [`AnswerFields`].

use hyper::{
    Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};

/// What the checks add to an answer, be it a refusal or a 101.
#[derive(Debug, Default)]
pub(super) struct AnswerFields {
    /// For any answer.
    added: HeaderMap,
}

impl AnswerFields {
    /// One more, beside others of the same name.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.added.append(name, value);
    }

    /// Adds them to an answer.
    pub(super) fn add_to<B>(&self, response: &mut Response<B>) {
        for (name, value) in &self.added {
            response.headers_mut().append(name, value.clone());
        }
    }
}
