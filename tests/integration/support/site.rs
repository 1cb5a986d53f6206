//! A server that speaks TLS, with a certificate for localhost that an authority of the test has issued.

use std::path::Path;

use tempfile::TempDir;

use super::{Gateway, Server, certificates::Authority};

/// The server, and the directory where `ca.pem`, `server.pem`, `server.key`, `alice.pem` and `alice.key` lie.
pub(crate) struct Site {
    directory: TempDir,
    pub(crate) server: Server,
    pub(crate) url: String,
}

impl Site {
    /// With more flags of the server.
    pub(crate) fn new(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::new("A root");
        authority.write(directory.path(), "ca.pem");
        let flags = authority
            .issue(&["localhost"])
            .write(directory.path(), "server");
        authority
            .issue_client("Alice")
            .write(directory.path(), "alice");
        let words = [&["--ssl", &flags[0], &flags[1]], more, &["cat"]].concat();
        let server = Gateway::new().args(&words).start();
        let url = format!("wss://localhost:{}/", server.port());
        Site {
            directory,
            server,
            url,
        }
    }

    /// A flag that names a file of the directory.
    pub(crate) fn flag(&self, name: &str, file: &str) -> String {
        format!("--{name}={}", self.path().join(file).display())
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}
