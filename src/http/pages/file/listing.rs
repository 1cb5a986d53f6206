//! Directory listings: a directory as a page that needs nothing else.

use std::{fs::File, io, time::SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, statat};

use super::representation::http_time;
use crate::{
    http::{
        html::{self, escape},
        pages::root::Root,
        url_path::UrlPath,
    },
    percent::escaped,
};

/// Entries of one page. Beyond, a page is of no use to people, and of much use to who wants a server's
/// memory.
const MAX_ENTRIES: usize = 10_000;

/// One line of the page.
#[derive(Debug)]
struct Entry {
    kind: Kind,
    name: String,
    modified: Option<SystemTime>,
}

#[derive(Debug)]
enum Kind {
    Directory,
    File { length: u64 },
}

impl Entry {
    fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }
}

/// Reads an open directory into a page.
///
/// # Errors
/// `ENOTDIR` for what is not one; those of getdents(2).
pub(super) fn page(root: &Root, path: &UrlPath, directory: &File) -> io::Result<String> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory)? {
        // One more shows that there are more.
        if entries.len() > MAX_ENTRIES {
            break;
        }
        let entry = entry?;
        let name = entry
            .file_name()
            .to_str()
            .ok()
            .filter(|name| is_shown(name));
        entries.extend(name.and_then(|name| look_at(root, path, directory, name)));
    }
    let is_cut = entries.len() > MAX_ENTRIES;
    entries.truncate(MAX_ENTRIES);
    entries.sort_by(|a, b| (a.is_file(), &a.name).cmp(&(b.is_file(), &b.name)));
    Ok(write(path.as_str(), &entries, is_cut))
}

/// No dot files; nothing that a URL cannot name.
fn is_shown(name: &str) -> bool {
    !name.starts_with('.') && !name.contains('\\')
}

/// A file or directory; `None` for anything else, for a link that leads out, and for what has just gone.
fn look_at(root: &Root, path: &UrlPath, directory: &File, name: &str) -> Option<Entry> {
    let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let (kind, seconds) = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => {
            use std::os::unix::fs::MetadataExt;
            let target = root.metadata_in(path, name).ok()?;
            let kind = match (target.is_dir(), target.is_file()) {
                (true, _) => Kind::Directory,
                (_, true) => Kind::File {
                    length: target.len(),
                },
                _ => return None,
            };
            (kind, target.mtime())
        }
        FileType::Directory => (Kind::Directory, stat.st_mtime),
        FileType::RegularFile => {
            let length = u64::try_from(stat.st_size).ok()?;
            (Kind::File { length }, stat.st_mtime)
        }
        _ => return None,
    };
    Some(Entry {
        kind,
        name: name.to_owned(),
        modified: http_time(seconds, SystemTime::now()),
    })
}

fn write(path: &str, entries: &[Entry], is_cut: bool) -> String {
    let mut page = format!("<h1>{}</h1>\n<table>\n", escape(path));
    if path != "/" {
        page.push_str("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    }
    for entry in entries {
        let (slash, length) = match entry.kind {
            Kind::Directory => ("/", String::new()),
            Kind::File { length } => ("", size(length)),
        };
        let (link, name) = (escaped(&entry.name), escape(&entry.name));
        let modified = entry.modified.map(date).unwrap_or_default();
        page.push_str(&format!(
            "<tr><td><a href=\"{link}{slash}\">{name}{slash}</a></td><td>{length}</td><td>{modified}</td></tr>\n"
        ));
    }
    page.push_str("</table>\n");
    if is_cut {
        page.push_str(&format!("<p>Only {MAX_ENTRIES} entries are shown.</p>\n"));
    }
    html::page(path, &page)
}

/// Bytes as people read them.
fn size(length: u64) -> String {
    let mut tenths = u128::from(length) * 10;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if tenths < 10_240 {
            let (whole, tenth) = (tenths / 10, tenths % 10);
            return match unit {
                "B" => format!("{whole} {unit}"),
                _ => format!("{whole}.{tenth} {unit}"),
            };
        }
        tenths /= 1024;
    }
    format!("{} PiB", tenths / 10)
}

/// `06 Nov 1994 08:49 UTC`
fn date(time: SystemTime) -> String {
    let full = httpdate::fmt_http_date(time);
    full.get(5..22)
        .map(|date| format!("{date} UTC"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn file(name: &str, length: u64) -> Entry {
        Entry {
            kind: Kind::File { length },
            name: name.to_owned(),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)),
        }
    }

    #[test]
    fn line_has_link_name_size_and_date() {
        let page = write("/a/", &[file("b c", 1536)], false);
        assert!(page.contains(
            "<a href=\"b%20c\">b c</a></td><td>1.5 KiB</td><td>06 Nov 1994 08:49 UTC</td>"
        ));
        assert!(page.contains("href=\"../\""));
        assert!(!write("/", &[], false).contains("href=\"../\""));
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let page = write("/<i>/", &[file("<script>\"'&\n", 1)], false);
        assert!(page.contains("<h1>/&lt;i&gt;/</h1>") && !page.contains("<script>"));
        assert!(page.contains("href=\"%3Cscript%3E%22%27%26%0A\""));
    }

    #[test]
    fn page_that_is_cut_says_so() {
        assert!(write("/", &[], true).contains("Only 10000 entries"));
    }

    #[test]
    fn sizes_are_for_people() {
        for (length, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (5 << 20, "5.0 MiB"),
            (3 << 30, "3.0 GiB"),
            (u64::MAX, "16383 PiB"),
        ] {
            assert_eq!(size(length), expected);
        }
    }
}
