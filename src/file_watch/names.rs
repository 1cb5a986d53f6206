//! Names of files that come and go while somebody works, and are nobody's work: [`is_by_the_way`].

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

/// What is hidden by its name, and yet served (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// Whether a file beneath a watched directory is none that one works on: hidden, or in a hidden directory, as swap
/// files, locks and the insides of a repository are; what an editor has saved of it (`a~`, `#a#`); what Python has
/// compiled.
pub(super) fn is_by_the_way(relative: &Path) -> bool {
    relative.iter().any(is_by_the_way_named)
}

fn is_by_the_way_named(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") && name != WELL_KNOWN
        || name.ends_with(b"~")
        || name.starts_with(b"#") && name.ends_with(b"#")
        || name == b"__pycache__"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_leave_is_nobodys_work() {
        for (path, expected) in [
            ("game.py", false),
            ("lib/a.b~c", false),
            ("c#/a#", false),
            (".well-known/a.json", false),
            (".game.py.swp", true),
            ("lib/.#game.py", true),
            ("#game.py#", true),
            ("game.py~", true),
            (".git/HEAD", true),
            ("lib/__pycache__/game.pyc", true),
        ] {
            assert_eq!(is_by_the_way(Path::new(path)), expected, "{path}");
        }
    }
}
