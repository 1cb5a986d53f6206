//! Lookup of a path: a file, a directory, or nothing.

use std::io;

use hyper::HeaderMap;
use rustix::io::Errno;

use super::{files::Files, listing, representation::Representation};
use crate::http::{pages::root::Reach, refusal::Refusal, url_path::UrlPath};

/// What is served for a directory.
const INDEX: &str = "index.html";

/// What is there.
pub(super) enum Resource {
    /// A file.
    File(Representation),
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
    headers: &HeaderMap,
    reach: Reach,
) -> Result<Resource, Refusal> {
    match look_up(files, path, headers, reach) {
        Err(Miss::Unknown) if files.options.spa && is_route(path) => {
            let index = UrlPath::decode("/")?.followed_by(INDEX);
            look_up(files, &index, headers, reach)
        }
        found => found,
    }
    .map_err(Refusal::from)
}

fn look_up(
    files: &Files,
    path: &UrlPath,
    headers: &HeaderMap,
    reach: Reach,
) -> Result<Resource, Miss> {
    let (root, options) = (&files.root, files.options);
    let is_directory = path.as_str().ends_with('/');
    let named = match is_directory {
        true => path.followed_by(INDEX),
        false => path.clone(),
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
    let metadata = &opened.1;
    if metadata.is_dir() && !is_directory {
        return Ok(Resource::MissingSlash);
    }
    if !metadata.is_file() {
        return Err(Miss::Refused(Refusal::NotFound));
    }
    let found = Representation::select(root, &named, opened, headers, reach)?;
    Ok(Resource::File(
        found.ok_or(Miss::Refused(Refusal::NotAcceptable))?,
    ))
}

/// Whether an unknown path may be one that a page routes by itself. Software probes `.well-known`
/// and takes any 200 for a yes (RFC 8615); an empty segment is not what a page makes.
fn is_route(path: &UrlPath) -> bool {
    let path = path.as_str();
    let last = path.trim_end_matches('/').rsplit('/').next();
    let is_well_known = path.split('/').any(|segment| segment == ".well-known");
    !is_well_known && !path.contains("//") && last.is_some_and(|last| !last.contains('.'))
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
            Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::IO | Errno::AGAIN) => {
                Miss::Refused(Refusal::Read(error))
            }
            // Among others a link that leads out of the root (EXDEV), which the client need not know.
            _ => Miss::Refused(Refusal::NotFound),
        }
    }
}

impl From<Miss> for Refusal {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Unknown => Refusal::NotFound,
            Miss::Refused(refusal) => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(is_route(&path), expected, "{raw}");
        }
    }
}
