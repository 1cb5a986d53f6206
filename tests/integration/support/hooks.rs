//! A server whose requests a program decides about.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::{Gateway, Server, eventually, script};

/// A hook that prints the file beside it whose name is in the query, and ends with the status that follows it.
pub(crate) const PRINTS: &str = "cat \"$0.${QUERY_STRING%,*}\" 2>/dev/null\ncase $QUERY_STRING in *,*) exit ${QUERY_STRING#*,} ;; esac\nexit 0\n";

/// A script's answer.
const SCRIPT: &str = "#!/bin/sh\nprintf 'Content-Type: text/plain\\nContent-Length: %s\\n\\n' $((${#REMOTE_USER} + ${#AUTH_TYPE} + ${#TENANT} + 3))\n\
    printf '%s|%s|%s|' \"$REMOTE_USER\" \"$AUTH_TYPE\" \"$TENANT\"\n";

/// The server, with a program, the file `/page.txt` and the script `/run`; and where they lie.
pub(crate) struct HookedSite {
    pub(crate) server: Server,
    directory: TempDir,
}

impl HookedSite {
    /// Its hook is a shell script of these lines.
    pub(crate) fn new(hook: &str, flags: &str) -> Self {
        Self::with(&format!("#!/bin/sh\n{hook}"), flags)
    }

    /// Its hook is this script, in whatever language.
    pub(crate) fn with(hook: &str, flags: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        script(path, "hook", hook);
        fs::create_dir(path.join("www")).expect("a directory");
        fs::write(path.join("www/page.txt"), "page\n").expect("a file");
        fs::create_dir(path.join("scripts")).expect("a directory");
        script(&path.join("scripts"), "run", SCRIPT);
        let flags = flags.replace("DIR", &path.display().to_string());
        let server = Gateway::with(&flags)
            .args([
                format!("--authorize={}", path.join("hook").display()),
                format!("--staticdir={}", path.join("www").display()),
                format!("--cgidir={}", path.join("scripts").display()),
            ])
            .program("echo \"$REMOTE_USER|$AUTH_TYPE|$TENANT|$WS_PROTOCOL\"; cat")
            .start();
        HookedSite { server, directory }
    }

    /// A path of the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What [`PRINTS`] prints for a name.
    pub(crate) fn answer(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(&format!("hook.{name}")), bytes).expect("a file");
    }

    /// What a hook has written into a file, at least so many lines.
    pub(crate) fn lines(&self, name: &str, number: usize) -> Vec<String> {
        let mut lines = Vec::new();
        eventually("a hook has written so many lines", || {
            let text = fs::read_to_string(self.path(name)).unwrap_or_default();
            lines = text.lines().map(str::to_owned).collect();
            lines.len() >= number && text.ends_with('\n')
        });
        lines
    }
}
