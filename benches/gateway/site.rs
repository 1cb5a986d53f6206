//! What web servers serve: two files and a script, and the configurations of
//! the servers that want one.

use std::env;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};

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
    /// The same by TLS.
    SecureFiles,
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
        site.write_certificate()?;
        Ok(site)
    }

    /// The same certificate for all, of a key on P-256: `cert.pem`, `key.pem`, and `both.pem`, as lighttpd wants it.
    fn write_certificate(&self) -> io::Result<()> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).map_err(io::Error::other)?;
        let (cert, key) = (cert.pem(), signing_key.serialize_pem());
        fs::write(self.directory.join("both.pem"), format!("{key}{cert}"))?;
        fs::write(self.directory.join("cert.pem"), cert)?;
        let key_path = self.directory.join("key.pem");
        fs::write(&key_path, key)?;
        fs::set_permissions(key_path, Permissions::from_mode(0o600))
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
            Serving::Files | Serving::SecureFiles => "www",
            Serving::Scripts => "cgi",
        };
        let [ssl, lighttpd_ssl] = match serving {
            Serving::SecureFiles => [" ssl", LIGHTTPD_SSL],
            Serving::Files | Serving::Scripts => ["", ""],
        };
        let lighttpd = [LIGHTTPD, lighttpd_ssl].concat();
        for (name, text) in [("nginx.conf", NGINX), ("lighttpd.conf", &lighttpd)] {
            let text = text.replace("{root}", root).replace("{ssl}", ssl);
            fs::write(self.directory.join(name), fill(&text))?;
        }
        let mut words = Vec::new();
        for word in &template.words {
            match word.as_str() {
                "{wsd-option}" => words.extend(serving.flags().split(' ').map(fill)),
                word => words.push(fill(word)),
            }
        }
        Ok(words)
    }
}

impl Serving {
    /// What wsd is told.
    fn flags(self) -> &'static str {
        match self {
            Serving::Files => "--staticdir={site}/www",
            Serving::SecureFiles => {
                "--staticdir={site}/www --ssl --sslcert={site}/cert.pem --sslkey={site}/key.pem"
            }
            Serving::Scripts => "--cgidir={site}/cgi",
        }
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
    ssl_certificate {site}/cert.pem;
    ssl_certificate_key {site}/key.pem;
    server { listen 127.0.0.1:{port}{ssl}; root {site}/www; }
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

/// What it has besides for TLS (Debian: lighttpd-mod-openssl).
const LIGHTTPD_SSL: &str = "\
server.modules += (\"mod_openssl\")
ssl.engine = \"enable\"
ssl.pemfile = \"{site}/both.pem\"
";
