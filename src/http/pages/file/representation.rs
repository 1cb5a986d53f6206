//! Representations (RFC 9110 §3.2): a file as it is sent, in one coding, with what describes it.

use std::{
    fs::{File, Metadata},
    os::unix::fs::MetadataExt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};

use super::residency::Residency;
use crate::http::{
    conditional::Validators, content_coding::Coding, response_headers::forbid_sniffing,
};

/// An open file, in the coding that is sent.
#[derive(Debug)]
pub(super) struct Representation {
    pub(super) file: Arc<File>,
    pub(super) length: u64,
    pub(super) validators: Validators,
    pub(super) coding: Coding,
    /// Of the file itself, whatever its coding.
    pub(super) content_type: String,
    /// What an answer with all of it says.
    pub(super) fields: HeaderMap,
    pub(super) residency: Residency,
}

impl Representation {
    /// An open file in this coding, which is what `metadata` says.
    pub(super) fn new(
        file: &Arc<File>,
        metadata: &Metadata,
        coding: Coding,
        content_type: &str,
    ) -> Self {
        let validators = validators(metadata, coding);
        let length = metadata.len();
        let mut fields = HeaderMap::new();
        describe(&mut fields, &validators);
        // All answers have it, and a map that has it need not grow for it.
        forbid_sniffing(&mut fields);
        fields.insert(header::CONTENT_LENGTH, length.into());
        fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        set(&mut fields, header::CONTENT_TYPE, content_type);
        if let Some(name) = coding.name() {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        Representation {
            file: Arc::clone(file),
            length,
            validators,
            coding,
            content_type: content_type.to_owned(),
            fields,
            residency: Residency::default(),
        }
    }

    /// For what could run scripts, and is not what the page that links to it may look into.
    pub(super) fn forbid_scripts(&mut self) {
        let sandbox = HeaderValue::from_static("sandbox");
        self.fields.insert(header::CONTENT_SECURITY_POLICY, sandbox);
    }
}

/// What tells one state of a representation from another; on a 304 too (RFC 9110 §15.4.5).
pub(super) fn describe(headers: &mut HeaderMap, validators: &Validators) {
    set(headers, header::ETAG, &validators.etag);
    if let Some(modified) = validators.modified {
        let date = httpdate::fmt_http_date(modified);
        set(headers, header::LAST_MODIFIED, &date);
    }
    // Always, since only what a client takes is looked for: whether another would get another coding is
    // not known.
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// Sets a header whose value is made of our own characters.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn validators(metadata: &Metadata, coding: Coding) -> Validators {
    // A replaced or rewritten file has another time, in nanoseconds; so the tag is a strong one (RFC 9110 §8.8.3).
    // No inode: replicas that have the same file must give it the same tag, or a client that is balanced between
    // them never has a range or a 304. Two codings never share a tag, even as links to the same file.
    let etag = format!(
        "\"{:x}-{:x}.{:x}{}\"",
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
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

#[cfg(test)]
mod tests {
    use super::*;

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
