//! Content negotiation (RFC 9110 §12): in which of the codings that lie beside each other a file is sent.

use std::{fs::Metadata, io, os::unix::fs::MetadataExt, sync::Arc};

use hyper::HeaderMap;

use super::{files::Files, open_file_cache::Opened, representation::Representation};
use crate::http::{
    content_coding::{Coding, preferred_codings},
    pages::root::{Reach, Root},
    url_path::UrlPath,
};

/// Takes the coding that the client likes best among the file itself and those that lie beside it;
/// `None` if it takes none of them. No other is looked for.
///
/// # Errors
/// `EAGAIN` if one of them is out of reach.
pub(super) fn select(
    files: &Files,
    path: &UrlPath,
    plain: &Opened,
    headers: &HeaderMap,
    reach: Reach,
) -> io::Result<Option<Arc<Representation>>> {
    let description = plain.describe(path, &files.options.types, reach)?;
    let codings = preferred_codings(headers);
    if let Some(inner) = &description.packed
        && codings.clone().any(|coding| coding == inner.coding)
    {
        let mut packed = represent(plain, inner.coding, &inner.content_type);
        if inner.is_active {
            packed.forbid_scripts();
        }
        return Ok(Some(Arc::new(packed)));
    }
    let content_type = &description.content_type;
    for coding in codings {
        if coding == Coding::Identity {
            let make = || represent(plain, coding, content_type);
            return Ok(Some(plain.plain(make)));
        }
        if description.packed.is_none()
            && let Some(sibling) = sibling(&files.root, path, coding, &plain.metadata, reach)?
        {
            let packed = represent(&sibling, coding, content_type);
            return Ok(Some(Arc::new(packed)));
        }
    }
    Ok(None)
}

fn represent(opened: &Opened, coding: Coding, content_type: &str) -> Representation {
    Representation::new(&opened.file, &opened.metadata, coding, content_type)
}

/// The compressed file beside a file. One that is older than the file is of an earlier state, as happens
/// where one is edited and the other forgotten, and is left aside.
fn sibling(
    root: &Root,
    path: &UrlPath,
    coding: Coding,
    plain: &Metadata,
    reach: Reach,
) -> io::Result<Option<Opened>> {
    let file = match root.open_beneath(&path.followed_by(coding.suffix()), reach) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
        Err(_) => return Ok(None),
        Ok(file) => file,
    };
    let Ok(opened) = Opened::new(file) else {
        return Ok(None);
    };
    let metadata = &opened.metadata;
    let age = |metadata: &Metadata| (metadata.mtime(), metadata.mtime_nsec());
    let counts = metadata.is_file() && age(metadata) >= age(plain);
    Ok(counts.then_some(opened))
}
