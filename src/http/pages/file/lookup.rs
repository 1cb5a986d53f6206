//! Lookup of a path: a file, a directory, or nothing.

use std::{borrow::Cow, io, sync::Arc};

use hyper::{HeaderMap, http::request::Parts};
use rustix::io::Errno;

use super::{files::Files, listing, negotiation, representation::Representation};
use crate::http::{
    html,
    pages::root::{Reach, is_inconclusive},
    refusal::Refusal,
    url_path::UrlPath,
};

/// What is served for a directory.
const INDEX: &str = "index.html";

/// What a page's URL may leave out.
const PAGE: &str = ".html";

/// What is there.
pub(super) enum Resource {
    /// A file.
    File(Arc<Representation>),
    /// A directory's page.
    Listing(String),
    /// A directory whose URL lacks the slash that relative links need.
    MissingSlash,
}

/// Opens what a path names.
///
/// # Errors
/// Why nothing is served; [`Refusal::Read`] with `EAGAIN` for what is out of reach.
pub(super) fn find(
    files: &Files,
    path: &UrlPath,
    parts: &Parts,
    reach: Reach,
) -> Result<Resource, Refusal> {
    let headers = &parts.headers;
    let mut found = look_up(files, path, headers, reach);
    if matches!(found, Err(Miss::Unknown)) && may_lack_extension(path) {
        found = look_up(files, &path.followed_by(PAGE), headers, reach);
    }
    if matches!(found, Err(Miss::Unknown)) && files.options.spa && is_route(path, headers) {
        let index = UrlPath::decode("/")?.followed_by(INDEX);
        found = look_up(files, &index, headers, reach);
    }
    found.map_err(Refusal::from)
}

/// Whether `/about` may be `about.html`: not a directory's path, nor one that ends like a file's.
fn may_lack_extension(path: &UrlPath) -> bool {
    let last = path.as_str().rsplit('/').next();
    last.is_some_and(|last| !last.is_empty() && !last.ends_with(PAGE))
}

fn look_up(
    files: &Files,
    path: &UrlPath,
    headers: &HeaderMap,
    reach: Reach,
) -> Result<Resource, Miss> {
    let (root, options) = (&files.root, &files.options);
    let is_directory = path.as_str().ends_with('/');
    let named = match is_directory {
        true => Cow::Owned(path.followed_by(INDEX)),
        false => Cow::Borrowed(path),
    };
    let opened = match files
        .open_files
        .open(root, &named, reach)
        .map_err(Miss::from)
    {
        Err(Miss::Unknown) if is_directory && options.listing => {
            if reach == Reach::Memory {
                return Err(io::Error::from(Errno::AGAIN).into());
            }
            let directory = root.open_beneath(path, reach)?;
            return Ok(Resource::Listing(listing::page(root, path, &directory)?));
        }
        opened => opened?,
    };
    let metadata = &opened.metadata;
    if metadata.is_dir() && !is_directory {
        return Ok(Resource::MissingSlash);
    }
    if !metadata.is_file() {
        return Err(Miss::Refused(Refusal::NoPage));
    }
    let found = negotiation::select(files, &named, &opened, headers, reach)?;
    Ok(Resource::File(
        found.ok_or(Miss::Refused(Refusal::NotAcceptable))?,
    ))
}

/// Whether an unknown path may be one that a page routes by itself: one that a browser goes to, which says so by
/// its Accept, or one that does not look like a file's. Software probes `.well-known` and takes any 200 for a yes
/// (RFC 8615); an empty segment is not what a page makes.
fn is_route(path: &UrlPath, headers: &HeaderMap) -> bool {
    let path = path.as_str();
    let last = path.trim_end_matches('/').rsplit('/').next();
    let is_well_known = path.split('/').any(|segment| segment == ".well-known");
    let is_name = || last.is_some_and(|last| !last.contains('.'));
    !is_well_known && !path.contains("//") && (html::is_wanted(headers) || is_name())
}

/// Why nothing was found.
enum Miss {
    /// Nothing has this name.
    Unknown,
    /// Something has, but it is not served.
    Refused(Refusal),
}

impl From<io::Error> for Miss {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => Miss::Unknown,
            Some(Errno::ACCESS) => Miss::Refused(Refusal::Forbidden(
                "this file or directory cannot be read".to_owned(),
            )),
            _ if is_inconclusive(&error) => Miss::Refused(Refusal::Read(error)),
            // Among others a link that leads out of the root (EXDEV), which the client need not know.
            _ => Miss::Refused(Refusal::NoPage),
        }
    }
}

impl From<Miss> for Refusal {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Unknown => Refusal::NoPage,
            Miss::Refused(refusal) => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header;

    #[test]
    fn route_of_a_page_has_no_extension() {
        for (raw, expected) in [
            ("/users", true),
            ("/users/1/", true),
            ("/v1.2/users", true),
            ("/app.js", false),
            ("/users.", false),
            ("/app.js/", false),
            ("/.well-known/change-password", false),
            ("//users", false),
            ("/a//b", false),
        ] {
            let path = UrlPath::decode(raw).expect(raw);
            assert_eq!(is_route(&path, &HeaderMap::new()), expected, "{raw}");
        }
    }

    #[test]
    fn route_of_a_page_that_is_gone_to_may_have_dots() {
        let mut headers = HeaderMap::new();
        let accept = "application/xhtml+xml, Text/HTML;q=0.9, */*;q=0.8";
        headers.insert(header::ACCEPT, accept.parse().expect("a value"));
        for (raw, expected) in [
            ("/users/jane.doe", true),
            ("/v1.2/", true),
            ("/.well-known/security.txt", false),
            ("/a//b.c", false),
        ] {
            let path = UrlPath::decode(raw).expect(raw);
            assert_eq!(is_route(&path, &headers), expected, "{raw}");
        }
        headers.insert(header::ACCEPT, "*/*".parse().expect("a value"));
        let path = UrlPath::decode("/a.js").expect("a path");
        assert!(!is_route(&path, &headers), "a script's");
    }

    #[test]
    fn page_may_be_asked_for_without_its_extension() {
        for (raw, expected) in [
            ("/about", true),
            ("/v1.2", true),
            ("/about/", false),
            ("/about.html", false),
            ("/", false),
        ] {
            let path = UrlPath::decode(raw).expect(raw);
            assert_eq!(may_lack_extension(&path), expected, "{raw}");
        }
    }
}
