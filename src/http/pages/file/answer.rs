//! GET and HEAD of a file, with conditions and ranges.

use std::{io, time::Duration};

use hyper::{
    Method, Response, StatusCode,
    header::{self, HeaderValue},
    http::request::Parts,
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{
    body::{self, ReadPlan},
    description::read_prefix,
    files::Files,
    lookup::{self, Resource},
    range::{self, Selection},
    representation::{Representation, describe, set},
};
use crate::{
    http::{
        body::{Body, body_from, empty},
        conditional::{self, Verdict},
        content_coding::Coding,
        html,
        page_script::{PageEncoding, is_html},
        pages::root::Reach,
        refusal::Refusal,
        url_path::UrlPath,
    },
    percent::escaped,
};

/// How long a file is waited for that is not ready: one under a lease, which the kernel breaks after 45 s
/// (`/proc/sys/fs/lease-break-time`). Shorter would refuse what comes; longer, what never does.
const NOT_READY: Duration = Duration::from_secs(60);
/// From one look at such a file to the next, at first and in the end: nothing tells when it is ready.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// Answers a request for a file.
///
/// # Errors
/// [`Refusal`]: not GET or HEAD, nothing there, not a regular file, not readable, not in a coding
/// that is accepted; a precondition that does not hold, a range that is not there.
pub(in crate::http) async fn answer(
    files: &Files,
    parts: &Parts,
    path: &UrlPath,
) -> Result<Response<Body>, Refusal> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed("GET, HEAD, OPTIONS"));
    }
    if path.is_hidden() {
        return Err(Refusal::NoPage);
    }
    match respond(files, parts, path, Reach::Memory) {
        Err(Refusal::Read(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
        answer => return answer,
    }
    Box::pin(answer_from_disk(files, parts, path)).await
}

/// Answers on a thread that may wait for the disk.
async fn answer_from_disk(
    files: &Files,
    parts: &Parts,
    path: &UrlPath,
) -> Result<Response<Body>, Refusal> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let (files, parts, path) = (files.clone(), parts.clone(), path.clone());
        let answering = spawn_blocking(move || respond(&files, &parts, &path, Reach::Disk));
        let answer = answering.await;
        match answer.map_err(|panicked| Refusal::Read(io::Error::other(panicked)))? {
            Err(Refusal::Read(error))
                if error.kind() == io::ErrorKind::WouldBlock && begun.elapsed() < NOT_READY =>
            {
                // Not on a thread of the disk's, which others wait for.
                sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
            }
            answer => return answer,
        }
    }
}

fn respond(
    files: &Files,
    parts: &Parts,
    path: &UrlPath,
    reach: Reach,
) -> Result<Response<Body>, Refusal> {
    let resource = lookup::find(files, path, parts, reach)?;
    Ok(match resource {
        Resource::File(file) => {
            let page = match files.options.pages_are_added_to {
                true => page_encoding(parts, &file, reach).map_err(Refusal::Read)?,
                false => None,
            };
            represent(parts, &file, page, reach)?
        }
        Resource::Listing(page) => listing_page(&parts.method, page),
        Resource::MissingSlash => redirect(path, parts.uri.query())?,
    })
}

/// In what a file is written that is a page, and to be sent whole and as it is; `None` for another.
fn page_encoding(
    parts: &Parts,
    found: &Representation,
    reach: Reach,
) -> io::Result<Option<PageEncoding>> {
    let is_page = is_html(&found.content_type)
        && found.coding == Coding::Identity
        && !parts.headers.contains_key(header::RANGE);
    if !is_page {
        return Ok(None);
    }
    let first = read_prefix(&found.file, found.length, reach)?;
    Ok(Some(PageEncoding::new(&first, &found.content_type)))
}

/// The answer to conditions that do not hold, if they do not.
fn judge(parts: &Parts, found: &Representation) -> Result<Option<Response<Body>>, Refusal> {
    match conditional::judge(&parts.headers, &found.validators) {
        Verdict::Failed => Err(Refusal::PreconditionFailed),
        Verdict::NotModified => {
            let mut response = Response::new(empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            describe(response.headers_mut(), &found.validators);
            Ok(Some(response))
        }
        Verdict::Proceed => Ok(None),
    }
}

/// What is sent of a file. Of a page that something is added to, no client has a state that conditions are about.
fn represent(
    parts: &Parts,
    found: &Representation,
    page: Option<PageEncoding>,
    reach: Reach,
) -> Result<Response<Body>, Refusal> {
    if page.is_none()
        && let Some(answer) = judge(parts, found)?
    {
        return Ok(answer);
    }
    let validators = &found.validators;
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
    if let Some(encoding) = page {
        response.extensions_mut().insert(encoding);
    }
    let headers = response.headers_mut();
    headers.clone_from(&found.fields);
    if status == StatusCode::PARTIAL_CONTENT {
        let length = bytes.end.saturating_sub(bytes.start);
        headers.insert(header::CONTENT_LENGTH, length.into());
        let last = bytes.end.saturating_sub(1);
        let text = format!("bytes {}-{last}/{}", bytes.start, found.length);
        set(headers, header::CONTENT_RANGE, &text);
    }
    if parts.method == Method::GET {
        let plan = ReadPlan::of(parts);
        *response.body_mut() = body::of(found, bytes, reach, plan).map_err(Refusal::Read)?;
    }
    Ok(response)
}

fn listing_page(method: &Method, page: String) -> Response<Body> {
    let length = page.len();
    let mut response = Response::new(match *method {
        Method::HEAD => empty(),
        _ => body_from(page),
    });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, html::POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Relative links of a directory's page need the slash. The redirect is relative itself (RFC 9110 §10.2.2), so
/// it is right behind a proxy that has taken a prefix off; its `./` keeps a name with a colon from being a scheme.
fn redirect(path: &UrlPath, query: Option<&str>) -> Result<Response<Body>, Refusal> {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let mut target = format!("./{}/", escaped(name));
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    Response::builder()
        .status(StatusCode::MOVED_PERMANENTLY)
        .header(header::LOCATION, target)
        .body(empty())
        .map_err(|_| Refusal::NoPage)
}
