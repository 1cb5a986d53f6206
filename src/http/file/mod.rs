//! Static files: GET and HEAD of what lies beneath a root (RFC 9110 §9.3).
//!
//! Opening, looking at and reading a file may wait for a disk, which a worker of the runtime must not. So
//! the worker asks the kernel for no more than it has in memory ([`Reach`]), which is nearly always all;
//! else the whole answer is made in one visit to a blocking thread. What is larger than one read follows
//! piece by piece. Who may ask is checked before; which path is no path at all, in [`super::path`].

mod body;
mod conditional;
mod encoding;
mod entity_tag;
mod escape;
mod kept;
mod listing;
mod lookup;
mod outlet;
mod range;
mod representation;

use std::{io, sync::Arc};

use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{self, HeaderValue},
    http::request::Parts,
};

use tokio::task::spawn_blocking;

use super::{
    Body, empty, full,
    path::{Reach, Root, UrlPath},
    refusal::Refusal,
};
use body::Manner;
use conditional::Verdict;
use kept::Kept;
use lookup::Found;
pub use outlet::Outlet;
use range::Selection;
use representation::Representation;

/// What is answered where there is no file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// A directory without an index is listed.
    pub listing: bool,
    /// An unknown path without an extension is the index of the root: a page that routes by itself.
    pub spa: bool,
}

/// The files of one directory.
#[derive(Debug, Clone)]
pub struct Files {
    root: Arc<Root>,
    options: Options,
    kept: Arc<Kept>,
}

impl Files {
    /// The files beneath a root.
    pub fn new(root: Root, options: Options) -> Self {
        Files {
            root: Arc::new(root),
            options,
            kept: Arc::default(),
        }
    }

    /// Answers a request for a file.
    ///
    /// # Errors
    /// [`Refusal`]: not GET or HEAD, nothing there, not a regular file, not readable, not in a coding
    /// that is accepted; a precondition that does not hold, a range that is not there.
    pub(super) async fn answer(
        &self,
        parts: &Parts,
        path: &UrlPath,
    ) -> Result<Response<Body>, Refusal> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(Refusal::MethodNotAllowed("GET, HEAD"));
        }
        if path.is_hidden() {
            return Err(Refusal::NotFound);
        }
        match self.respond(parts, path, Reach::Memory) {
            Err(Refusal::Read(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            answered => return answered,
        }
        let (files, parts, path) = (self.clone(), parts.clone(), path.clone());
        let answering = spawn_blocking(move || files.respond(&parts, &path, Reach::Disk));
        let answered = answering.await;
        answered.map_err(|panicked| Refusal::Read(io::Error::other(panicked)))?
    }

    fn respond(
        &self,
        parts: &Parts,
        path: &UrlPath,
        reach: Reach,
    ) -> Result<Response<Body>, Refusal> {
        let found = lookup::find(self, path, &parts.headers, reach)?;
        let response = match found {
            Found::File(file) => represent(parts, file, reach)?,
            Found::Page(page) => listed(&parts.method, page),
            Found::WithoutSlash => redirect(path, parts.uri.query())?,
        };
        Ok(response)
    }
}

fn represent(
    parts: &Parts,
    found: Representation,
    reach: Reach,
) -> Result<Response<Body>, Refusal> {
    let validators = &found.validators;
    match conditional::judge(&parts.headers, validators) {
        Verdict::Failed => return Err(Refusal::PreconditionFailed),
        Verdict::NotModified => {
            let mut response = Response::new(empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            describe(response.headers_mut(), &found);
            return Ok(response);
        }
        Verdict::Proceed => {}
    }
    // Only GET has ranges (RFC 9110 §14.2).
    let is_ranged =
        parts.method == Method::GET && conditional::range_counts(&parts.headers, validators);
    let selection = match is_ranged {
        true => range::select(&parts.headers, found.length),
        false => Selection::Whole,
    };
    let (status, bytes) = match selection {
        Selection::Whole => (StatusCode::OK, 0..found.length),
        Selection::Part(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Selection::Unsatisfiable => return Err(Refusal::RangeNotSatisfiable(found.length)),
    };

    let mut response = Response::new(empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    describe(headers, &found);
    headers.insert(
        header::CONTENT_LENGTH,
        (bytes.end.saturating_sub(bytes.start)).into(),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set(headers, header::CONTENT_TYPE, &found.content_type);
    if let Some(name) = found.coding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let last = bytes.end.saturating_sub(1);
        let text = format!("bytes {}-{last}/{}", bytes.start, found.length);
        set(headers, header::CONTENT_RANGE, &text);
    }
    if parts.method == Method::GET {
        let manner = Manner::of(parts);
        *response.body_mut() = body::of(found.file, bytes, reach, manner).map_err(Refusal::Read)?;
    }
    Ok(response)
}

/// What tells one state of a representation from another; on a 304 too (RFC 9110 §15.4.5).
fn describe(headers: &mut HeaderMap, found: &Representation) {
    set(headers, header::ETAG, &found.validators.etag);
    if let Some(modified) = found.validators.modified {
        let date = httpdate::fmt_http_date(modified);
        set(headers, header::LAST_MODIFIED, &date);
    }
    // Always, since only what a client takes is looked for: whether another would get another coding is
    // not known.
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// Sets a header whose value is made of our own characters.
fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn listed(method: &Method, page: String) -> Response<Body> {
    let length = page.len();
    let mut response = Response::new(match *method {
        Method::HEAD => empty(),
        _ => full(page),
    });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, listing::POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Relative links of a directory's page need the slash. A path with two slashes at its beginning would
/// lead to another host, but leads to no directory either.
fn redirect(path: &UrlPath, query: Option<&str>) -> Result<Response<Body>, Refusal> {
    let mut target = escape::url(path.as_str());
    target.push('/');
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    Response::builder()
        .status(StatusCode::MOVED_PERMANENTLY)
        .header(header::LOCATION, target)
        .body(empty())
        .map_err(|_| Refusal::NotFound)
}
