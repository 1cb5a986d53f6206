//! What web servers serve: two files and a script, and the configurations of
//! the servers that want one.

use std::env;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::Template;

/// A file as long as a small page, and one as long as a picture.
pub(crate) const SMALL: (&str, usize) = ("/1k.html", 1024);
pub(crate) const LARGE: (&str, usize) = ("/1m.html", 1024 * 1024);
/// A script of the shell, and what it says.
pub(crate) const SCRIPT: (&str, &str) = ("/hello.cgi", "hello\n");

/// What is asked for. Some servers want other flags for one than for the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serving {
    Files,
    Scripts,
}

/// A directory with all of it, which goes away when dropped. `www` has the
/// files, `cgi` the script, and both are one level down so that a server's own
/// files are not served.
pub(crate) struct Site {
    directory: PathBuf,
}

impl Site {
    pub(crate) fn build() -> io::Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench-gateway-site-{}-{count}", process::id());
        let site = Self {
            directory: env::temp_dir().join(name),
        };
        for folder in ["www", "cgi", "temporary"] {
            fs::create_dir_all(site.directory.join(folder))?;
        }
        for (path, size) in [SMALL, LARGE] {
            fs::write(site.directory.join(format!("www{path}")), content(size))?;
        }
        let script = site.directory.join(format!("cgi{}", SCRIPT.0));
        let text = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n";
        fs::write(&script, text)?;
        fs::set_permissions(script, Permissions::from_mode(0o755))?;
        Ok(site)
    }

    /// The words that start a server on `port`, with its configuration written.
    pub(crate) fn words(
        &self,
        template: &Template,
        serving: Serving,
        port: u16,
    ) -> io::Result<Vec<String>> {
        let site = self.directory.display().to_string();
        let fill = |text: &str| {
            text.replace("{site}", &site)
                .replace("{port}", &port.to_string())
        };
        let root = match serving {
            Serving::Files => "www",
            Serving::Scripts => "cgi",
        };
        for (name, text) in [("nginx.conf", NGINX), ("lighttpd.conf", LIGHTTPD)] {
            let text = fill(&text.replace("{root}", root));
            fs::write(self.directory.join(name), text)?;
        }
        let option = match serving {
            Serving::Files => "--staticdir={site}/www",
            Serving::Scripts => "--cgidir={site}/cgi",
        };
        let words = template.words.iter();
        Ok(words
            .map(|word| fill(&word.replace("{wsd-option}", option)))
            .collect())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// What a file of `size` bytes holds.
pub(crate) fn content(size: usize) -> Vec<u8> {
    b"0123456789abcdef"
        .iter()
        .copied()
        .cycle()
        .take(size)
        .collect()
}

/// Debian's nginx.conf, as far as it matters here, without the log of requests.
const NGINX: &str = "\
worker_processes auto;
daemon off;
pid {site}/nginx.pid;
error_log stderr;
events { worker_connections 768; }
http {
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    types { text/html html; }
    default_type application/octet-stream;
    access_log off;
    gzip on;
    client_body_temp_path {site}/temporary/body;
    proxy_temp_path {site}/temporary/proxy;
    fastcgi_temp_path {site}/temporary/fastcgi;
    uwsgi_temp_path {site}/temporary/uwsgi;
    scgi_temp_path {site}/temporary/scgi;
    server { listen 127.0.0.1:{port}; root {site}/www; }
}
";

/// Debian's lighttpd.conf, as far as it matters here, with mod_cgi.
const LIGHTTPD: &str = "\
server.modules = (\"mod_indexfile\", \"mod_access\", \"mod_alias\", \"mod_redirect\", \"mod_cgi\")
server.document-root = \"{site}/{root}\"
server.bind = \"127.0.0.1\"
server.port = {port}
index-file.names = (\"index.html\")
mimetype.assign = (\".html\" => \"text/html\")
cgi.assign = (\".cgi\" => \"\")
server.modules += (\"mod_dirlisting\", \"mod_staticfile\")
";
