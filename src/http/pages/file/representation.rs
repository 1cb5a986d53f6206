//! Representations (RFC 9110 §3.2): a file as it is sent, in one of the codings that lie beside each other, with
//! what describes it.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hyper::HeaderMap;

use super::{
    conditional::Validators,
    encoding::{self, Coding},
    open_file_cache::Opened,
};
use crate::http::{
    pages::root::{Reach, Root},
    url_path::UrlPath,
};

/// An open file, in the coding that is sent.
pub(super) struct Representation {
    pub(super) file: Arc<File>,
    pub(super) length: u64,
    pub(super) validators: Validators,
    pub(super) coding: Coding,
    /// Of the file itself, whatever its coding.
    pub(super) content_type: String,
}

impl Representation {
    /// Takes the coding that the client likes best among the file itself and those that lie beside it;
    /// `None` if it takes none of them. No other is looked for.
    ///
    /// # Errors
    /// `EAGAIN` if one of them is out of reach.
    pub(super) fn select(
        root: &Root,
        path: &UrlPath,
        plain: Opened,
        headers: &HeaderMap,
        reach: Reach,
    ) -> io::Result<Option<Self>> {
        let represent = |(file, metadata): Opened, coding| Representation {
            file,
            length: metadata.len(),
            validators: validators(&metadata, coding),
            coding,
            content_type: content_type(path.as_str()),
        };
        for coding in encoding::preferred_codings(headers) {
            if coding == Coding::Identity {
                return Ok(Some(represent(plain, coding)));
            }
            if let Some(sibling) = sibling(root, path, coding, &plain.1, reach)? {
                return Ok(Some(represent(sibling, coding)));
            }
        }
        Ok(None)
    }
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
    let Ok(metadata) = file.metadata() else {
        return Ok(None);
    };
    let age = |metadata: &Metadata| (metadata.mtime(), metadata.mtime_nsec());
    let counts = metadata.is_file() && age(&metadata) >= age(plain);
    Ok(counts.then(|| (Arc::new(file), metadata)))
}

fn validators(metadata: &Metadata, coding: Coding) -> Validators {
    // A replaced file has another inode, a rewritten one another time; so the tag is a strong one
    // (RFC 9110 §8.8.3). Two codings never share one, even as links to the same file.
    let etag = format!(
        "\"{:x}-{:x}.{:x}-{:x}{}\"",
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ino(),
        coding.suffix()
    );
    let now = SystemTime::now();
    Validators {
        etag,
        modified: http_time(metadata.mtime(), now),
    }
}

/// A file's time as a header can say it: whole seconds, no later than now (RFC 9110 §8.8.2.1), `None` before
/// 1970, which some archives unpack to.
pub(super) fn http_time(seconds: i64, now: SystemTime) -> Option<SystemTime> {
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let whole = Duration::from_secs(now.as_secs());
    SystemTime::UNIX_EPOCH.checked_add(since.min(whole))
}

fn content_type(name: &str) -> String {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let is_text = guess.type_() == mime_guess::mime::TEXT
        || matches!(
            guess.subtype().as_str(),
            "javascript" | "json" | "manifest+json" | "xml"
        );
    match is_text && guess.get_param("charset").is_none() {
        true => format!("{guess}; charset=utf-8"),
        false => guess.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_a_charset_and_the_rest_does_not() {
        assert_eq!(content_type("/a/index.html"), "text/html; charset=utf-8");
        assert_eq!(content_type("/app.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("/picture.png"), "image/png");
        assert_eq!(content_type("/Makefile"), "application/octet-stream");
    }

    #[test]
    fn time_is_one_that_a_header_can_say() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(5_500);
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(http_time(3, now), at(3));
        assert_eq!(http_time(9, now), at(5));
        assert_eq!(http_time(i64::MAX, now), at(5));
        assert_eq!(http_time(-1, now), None);
    }
}
