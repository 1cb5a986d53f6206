//! Files within the binary, as answers: in the coding that the client likes best, on the conditions that it names.

use bytes::Bytes;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};

use super::{
    body::{Body, body_from, empty},
    conditional::{self, Validators, Verdict},
    content_coding::{Coding, preferred_codings},
    refusal::Refusal,
};

/// A file within the binary.
#[derive(Debug)]
pub(super) struct EmbeddedFile<'a> {
    /// What tells one state of it from another.
    pub(super) tag: &'a str,
    pub(super) content_type: &'static str,
    /// What its answers have beside.
    pub(super) fields: &'a [(HeaderName, &'static str)],
}

impl EmbeddedFile<'_> {
    /// Answers GET or HEAD; `in_coding` is what it is in a coding, if it is there in that.
    ///
    /// # Errors
    /// 406 for a client that takes it in no coding, 412 for a precondition that does not hold.
    pub(super) fn represent(
        &self,
        asked: &HeaderMap,
        in_coding: impl Fn(Coding) -> Option<Bytes>,
    ) -> Result<Response<Body>, Refusal> {
        let mut codings = preferred_codings(asked);
        let (coding, bytes) = codings
            .find_map(|coding| Some((coding, in_coding(coding)?)))
            .ok_or(Refusal::NotAcceptable)?;
        // Strong: no two codings have the same (RFC 9110 §8.8.3.3).
        let validators = Validators {
            etag: format!("\"{}{}\"", self.tag, coding.suffix()),
            modified: None,
        };
        let mut response = match conditional::judge(asked, &validators) {
            Verdict::Failed => return Err(Refusal::PreconditionFailed),
            Verdict::NotModified => {
                let mut response = Response::new(empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            Verdict::Proceed => {
                let mut response = Response::new(body_from(bytes));
                let headers = response.headers_mut();
                let content_type = HeaderValue::from_static(self.content_type);
                headers.insert(header::CONTENT_TYPE, content_type);
                if let Some(name) = coding.name() {
                    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
                }
                response
            }
        };
        let headers = response.headers_mut();
        if let Ok(etag) = HeaderValue::from_str(&validators.etag) {
            headers.insert(header::ETAG, etag);
        }
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        for (name, value) in self.fields {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}
