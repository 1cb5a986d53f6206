//! What a file is, by its name and its first bytes: [`Description`].

use std::{fs::File, io, os::unix::fs::FileExt};

use rustix::io::Errno;

use super::{content_type, content_type::MimeTypes, packed::Packed, residency::read_from_memory};
use crate::http::{content_coding::Coding, pages::root::Reach, url_path::UrlPath};

/// What a file is, by its name and its first bytes.
#[derive(Debug, Clone)]
pub(super) struct Description {
    /// Of the file as it is.
    pub(super) content_type: String,
    /// What it is for a client that unpacks it, if it is packed.
    pub(super) packed: Option<Contents>,
}

/// What is in a file that is packed.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    pub(super) coding: Coding,
    pub(super) content_type: String,
    /// Whether it could run scripts: a picture, which nobody expects to.
    pub(super) is_active: bool,
}

/// Describes a file of this length.
///
/// # Errors
/// `EAGAIN` if its first bytes are needed and out of reach.
pub(super) fn of(
    file: &File,
    length: u64,
    path: &UrlPath,
    types: &MimeTypes,
    reach: Reach,
) -> io::Result<Description> {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let packed = Packed::named(name, types);
    let needs_prefix = packed.is_some() || types.needs_prefix(name);
    let prefix = match needs_prefix {
        true => read_prefix(file, length, reach)?,
        false => Vec::new(),
    };
    let contents = packed.and_then(|packed| {
        Some(Contents {
            coding: packed.coding(&prefix)?,
            content_type: packed.content_type(name, types),
            is_active: packed == Packed::Picture,
        })
    });
    Ok(Description {
        content_type: types.content_type(name, Some(&prefix)),
        packed: contents,
    })
}

/// The first bytes of a file.
///
/// # Errors
/// `EAGAIN` if they are out of reach.
pub(super) fn read_prefix(file: &File, length: u64, reach: Reach) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut prefix = vec![0; length.min(content_type::PREFIX)];
    let read = match reach {
        _ if prefix.is_empty() => 0,
        Reach::Disk => file.read_at(&mut prefix, 0)?,
        Reach::Memory => match read_from_memory(file, &mut prefix, 0) {
            Ok(read) if read == prefix.len() => read,
            // With its number, by which it is told from what is not there.
            _ => return Err(Errno::AGAIN.into()),
        },
    };
    prefix.truncate(read);
    Ok(prefix)
}
