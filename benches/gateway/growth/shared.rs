//! A configuration of wsd with one program for all, which no flag can have beside a program each.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process;

const TEXT: &str = "\
[[route]]
path = \"/bench\"
command = \"cat\"
share = true
plain-http = true
max-members = 0
";

/// The file, gone when it is not needed any more.
pub(crate) struct Shared(PathBuf);

impl Shared {
    pub(crate) fn write() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("bench-gateway-shared-{}.toml", process::id()));
        fs::write(&path, TEXT)?;
        Ok(Shared(path))
    }

    pub(crate) fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
