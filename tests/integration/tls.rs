//! TLS: who is shown which certificate, who is let in, what programs are told, and how certificates change
//! under way.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use tempfile::TempDir;
use tokio_rustls::rustls::{
    ClientConfig, HandshakeKind,
    version::{TLS12, TLS13},
};

use crate::support::{
    Client, Gateway, PATIENCE, Server, Signal, address_in,
    certificates::{Authority, Issued, openssl},
    eventually, forget_caller, http,
    lease::Lease,
    run, script,
    tls::{End, config, config_of, get, tunnel},
};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// A directory with a certificate for localhost in it, and who trusts it.
struct Site {
    directory: TempDir,
    authority: Authority,
    issued: Issued,
    flags: [String; 2],
}

impl Site {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::new("A root");
        let issued = authority.issue(&NAMES);
        let flags = issued.write(directory.path(), "server");
        Site {
            directory,
            authority,
            issued,
            flags,
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn start(&self, words: &[&str]) -> Server {
        let flags = ["--ssl", &self.flags[0], &self.flags[1]];
        Gateway::new().args([&flags, words].concat()).start()
    }

    /// A server whose `/cgi` tells its environment.
    fn start_cgi(&self, words: &[&str]) -> Server {
        let scripts = self.path().join("cgi");
        fs::create_dir_all(&scripts).expect("a directory");
        script(
            &scripts,
            "env",
            "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; env\n",
        );
        let directory = format!("--cgidir={}", scripts.display());
        self.start(&[words, &[&directory]].concat())
    }

    fn config(&self) -> Arc<ClientConfig> {
        config(self.authority.roots(), None)
    }
}

#[test]
fn websocket_is_the_same_over_tls() {
    let site = Site::new();
    let server = site.start(&["sh", "-c", "head -n 1; exit 3"]);
    assert!(server.url.starts_with("wss://localhost:"), "{}", server.url);
    let tunnel = tunnel(server.address, &site.config(), End::Said);
    let mut client = Client::connect(tunnel, "/", &[]);
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(client.closed().0, 4003);
}

#[test]
fn large_messages_pass_both_ways() {
    let site = Site::new();
    let server = site.start(&["--framing=length", "cat"]);
    let tunnel = tunnel(server.address, &site.config(), End::Said);
    let mut client = Client::connect(tunnel, "/", &[]);
    let large: Vec<u8> = (0..1_000_000u32).map(|byte| byte as u8).collect();
    client.send_binary(&large);
    assert!(client.binary() == large);
    client.close();
}

#[test]
fn client_that_leaves_without_a_word_is_lost_and_no_error() {
    let site = Site::new();
    let mut server = site.start(&["cat"]);
    let tunnel = tunnel(server.address, &site.config(), End::Silent);
    let mut client = Client::connect(tunnel, "/", &[]);
    client.send("hello");
    assert_eq!(client.text(), "hello");
    drop(client);
    let line = server.wait_for_line("session ended");
    assert!(
        line.contains("code=1006") && line.contains("by=\"client\""),
        "{line}"
    );
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn programs_are_told_of_tls() {
    let site = Site::new();
    let server = site.start_cgi(&[]);
    for (version, name, cipher) in [
        (&TLS12, "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        (&TLS13, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    ] {
        let config = config_of(version, site.authority.roots(), None);
        let found = get(server.address, &config, "localhost", "/env").expect("an answer");
        for (variable, value) in [
            ("HTTPS", "on"),
            ("SSL_PROTOCOL", name),
            ("SSL_CIPHER", cipher),
            ("SSL_TLS_SNI", "localhost"),
            ("SSL_CLIENT_VERIFY", "NONE"),
        ] {
            assert_eq!(found.variable(variable), Some(value), "{variable}");
        }
        assert_eq!(found.variable("SSL_CLIENT_S_DN"), None);
    }
}

#[test]
fn plain_connections_have_none_of_the_variables() {
    let site = Site::new();
    let server = site.start_cgi(&["--ssl-optional"]);
    let (status, _, body) = server.get("/env");
    let body = String::from_utf8(body).expect("text");
    assert_eq!(status, 200);
    assert!(
        !body.contains("HTTPS=") && !body.contains("\nSSL_"),
        "{body}"
    );
    let found = get(server.address, &site.config(), "localhost", "/env").expect("an answer");
    assert_eq!(found.variable("HTTPS"), Some("on"));
}

#[test]
fn certificate_is_chosen_by_name() {
    let site = Site::new();
    let (other, wild) = (
        site.authority.issue(&["other.example"]),
        site.authority.issue(&["*.wild.example"]),
    );
    let (other_flags, wild_flags) = (
        other.write(site.path(), "other"),
        wild.write(site.path(), "wild"),
    );
    let flags = [&other_flags[..], &wild_flags[..], &["cat".to_owned()]].concat();
    let server = site.start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, issued) in [
        ("localhost", &site.issued),
        ("other.example", &other),
        ("a.wild.example", &wild),
        ("127.0.0.1", &site.issued),
    ] {
        let found = get(server.address, &site.config(), name, "/").expect("an answer");
        assert_eq!(found.certificate, issued.certificate, "{name}");
    }
    // Nobody is turned away for a name that no certificate is for: it is the client who has to be content.
    let error = get(server.address, &site.config(), "unknown.example", "/").err();
    let error = error.expect("the client is not").to_string();
    assert!(error.contains("certificate not valid for name"), "{error}");
}

#[test]
fn http_2_is_agreed_upon_before_http_1_1() {
    let site = Site::new();
    let server = site.start(&["cat"]);
    let offering = |protocols: &[&str]| {
        let mut config = ClientConfig::clone(&site.config());
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        get(server.address, &Arc::new(config), "localhost", "/")
    };
    let agreed = offering(&["http/1.0", "http/1.1"]).expect("an answer");
    assert_eq!(agreed.protocol.as_deref(), Some(&b"http/1.1"[..]));
    assert!(agreed.answer.starts_with("HTTP/1.1 "), "{}", agreed.answer);
    // Whoever agrees on HTTP/2 and then speaks another is closed.
    assert!(offering(&["http/1.1", "h2"]).is_err());
    let error = offering(&["spdy/3"])
        .err()
        .expect("nothing to agree upon")
        .to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
}

#[test]
fn second_handshake_resumes_the_first() {
    let site = Site::new();
    let server = site.start(&["cat"]);
    for version in [&TLS12, &TLS13] {
        let config = config_of(version, site.authority.roots(), None);
        let kind = || {
            let found = get(server.address, &config, "localhost", "/");
            found.expect("an answer").kind
        };
        assert_eq!(kind(), HandshakeKind::Full);
        assert_eq!(kind(), HandshakeKind::Resumed);
    }
}

#[test]
fn tls_1_1_is_refused() {
    let site = Site::new();
    let server = site.start(&["cat"]);
    let handshake = |version: &str| {
        let output = Command::new("openssl")
            .args([
                "s_client",
                "-cipher",
                "ALL:@SECLEVEL=0",
                version,
                "-connect",
            ])
            .arg(server.address.to_string())
            .stdin(Stdio::null())
            .output()
            .expect("openssl is there");
        output.status.success()
    };
    assert!(handshake("-tls1_2"));
    assert!(!handshake("-tls1_1"));
}

#[test]
fn client_without_a_certificate_is_let_in_only_if_it_is_optional() {
    let site = Site::new();
    let clients = Authority::new("For clients");
    let file = clients.write(site.path(), "clients.pem");
    let authorities = format!("--sslca={}", file.display());
    let required = site.start_cgi(&[&authorities]);
    let optional = site.start_cgi(&[&authorities, "--sslca-optional"]);

    let alice = clients.issue_client("Alice");
    let stranger = Authority::new("For others").issue_client("Eve");
    let with = |shown: Option<&Issued>| config(site.authority.roots(), shown);
    for server in [&required, &optional] {
        let found = get(server.address, &with(Some(&alice)), "localhost", "/env");
        let found = found.expect("Alice is let in");
        for (variable, value) in [
            ("SSL_CLIENT_VERIFY", "SUCCESS"),
            ("SSL_CLIENT_S_DN", "CN=Alice,O=Ex\\, Inc."),
            ("SSL_CLIENT_S_DN_CN", "Alice"),
            ("SSL_CLIENT_I_DN", "CN=For clients"),
            ("SSL_CLIENT_M_SERIAL", "0A1B"),
        ] {
            assert_eq!(found.variable(variable), Some(value), "{variable}");
        }
        let fingerprint = found
            .variable("SSL_CLIENT_FINGERPRINT")
            .expect("it is told");
        assert_eq!(fingerprint.len(), 64);
        // A resumed session knows who it belongs to.
        let config = with(Some(&alice));
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let found = get(server.address, &config, "localhost", "/env").expect("let in");
            assert_eq!(found.kind, kind);
            assert_eq!(found.variable("SSL_CLIENT_S_DN_CN"), Some("Alice"));
        }
        assert!(get(server.address, &with(Some(&stranger)), "localhost", "/env").is_err());
    }
    assert!(get(required.address, &with(None), "localhost", "/env").is_err());
    let found = get(optional.address, &with(None), "localhost", "/env").expect("let in");
    assert_eq!(found.variable("SSL_CLIENT_VERIFY"), Some("NONE"));
}

#[test]
fn handshake_on_a_plain_port_is_named_in_the_log() {
    let mut server = Gateway::with("cat").start();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    // A ClientHello begins so: handshake, TLS 1.0 for old servers, a length.
    stream
        .write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
        .expect("it reads");
    server.wait_for_line("--ssl");
}

#[test]
fn first_byte_decides_where_tls_is_optional() {
    let site = Site::new();
    let server = site.start(&["--ssl-optional", "cat"]);
    let tunnel = tunnel(server.address, &site.config(), End::Said);
    for address in [server.address, tunnel] {
        let mut client = Client::connect(address, "/", &[]);
        client.send("hello");
        assert_eq!(client.text(), "hello");
        client.close();
    }
}

#[test]
fn certificate_that_changes_is_loaded_and_connections_stay() {
    let site = Site::new();
    let mut server = site.start(&["cat"]);
    let tunnel = tunnel(server.address, &site.config(), End::Said);
    let mut client = Client::connect(tunnel, "/", &[]);
    let changed = site.authority.issue(&NAMES);
    changed.write(site.path(), "server");
    server.wait_for_line("were loaded");
    let found = get(server.address, &site.config(), "localhost", "/").expect("an answer");
    assert_eq!(found.certificate, changed.certificate);
    client.send("still here");
    assert_eq!(client.text(), "still here");
    client.close();
}

#[test]
fn certificate_that_cannot_be_read_for_now_holds_up_nobody() {
    let site = Site::new();
    let mut server = site.start(&["--workers=1", "echo", "hello"]);
    let file = site.flags[0].split('=').nth(1).expect("a file");
    let mut lease = Lease::take(Path::new(file));
    fs::set_permissions(file, fs::Permissions::from_mode(0o640)).expect("it is ours");
    lease.wait_asked();
    for _ in 0..3 {
        let tunnel = tunnel(server.address, &site.config(), End::Said);
        assert_eq!(Client::connect(tunnel, "/", &[]).text(), "hello");
    }
    assert!(!server.log().contains("were loaded"), "it was read");
    drop(lease);
    server.wait_for_line("were loaded");
}

/// certbot and Kubernetes change where a link leads.
#[test]
fn link_that_leads_elsewhere_is_seen() {
    let site = Site::new();
    let (old, new) = (site.path().join("old"), site.path().join("new"));
    let changed = site.authority.issue(&NAMES);
    for (directory, issued) in [(&old, &site.issued), (&new, &changed)] {
        fs::create_dir(directory).expect("a directory");
        issued.write(directory, "tls");
    }
    let live = site.path().join("live");
    symlink(&old, &live).expect("a link");
    let flags = [
        format!("--sslcert={}", live.join("tls.pem").display()),
        format!("--sslkey={}", live.join("tls.key").display()),
    ];
    let mut server = Gateway::new()
        .args(["--ssl", &flags[0], &flags[1], "cat"])
        .start();
    let next = site.path().join("next");
    symlink(&new, &next).expect("a link");
    fs::rename(&next, &live).expect("it takes the place");
    server.wait_for_line("were loaded");
    let found = get(server.address, &site.config(), "localhost", "/").expect("an answer");
    assert_eq!(found.certificate, changed.certificate);
}

#[test]
fn broken_file_keeps_the_certificate_and_is_logged_once() {
    let site = Site::new();
    let mut server = site.start(&["cat"]);
    fs::write(site.path().join("server.key"), "nothing").expect("a file");
    let line = server.wait_for_line("stay as they are");
    assert!(line.contains("server.key"), "{line}");
    let found = get(server.address, &site.config(), "localhost", "/").expect("an answer");
    assert_eq!(found.certificate, site.issued.certificate);

    // Mended, which is a change as well.
    let changed = site.authority.issue(&NAMES);
    changed.write(site.path(), "server");
    server.wait_for_line("were loaded");
    assert_eq!(server.log().matches("stay as they are").count(), 1);
    let found = get(server.address, &site.config(), "localhost", "/").expect("an answer");
    assert_eq!(found.certificate, changed.certificate);
}

#[test]
fn reload_signal_loads_at_once_what_is_whole() {
    let site = Site::new();
    let mut server = site.start(&["cat"]);
    let shown = || {
        let found = get(server.address, &site.config(), "localhost", "/");
        found.expect("an answer").certificate
    };
    let changed = site.authority.issue(&NAMES);
    changed.write(site.path(), "server");
    server.signal(Signal::HUP);
    eventually("the new certificate is shown", || {
        shown() == changed.certificate
    });

    fs::write(site.path().join("server.pem"), "nothing").expect("a file");
    server.signal(Signal::HUP);
    let line = server.wait_for_line("the configuration stays as it is");
    assert!(line.contains("--sslcert"), "{line}");
    let found = get(server.address, &site.config(), "localhost", "/").expect("an answer");
    assert_eq!(found.certificate, changed.certificate);
}

#[test]
fn certificate_made_at_start_stays_over_reloads() {
    let mut server = Gateway::new()
        .args(["--ssl-selfsigned", "--host=dev.example", "cat"])
        .start();
    let line = server.wait_for_line("fingerprint");
    for name in ["localhost", "127.0.0.1", "::1", "dev.example"] {
        assert!(line.contains(name), "{line}");
    }
    let shown = |server: &Server| {
        let output = Command::new("sh")
            .args(["-c", "openssl s_client -connect $0 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"])
            .arg(server.address.to_string())
            .output()
            .expect("openssl is there");
        let text = String::from_utf8(output.stdout).expect("text");
        text.trim()
            .rsplit('=')
            .next()
            .expect("a fingerprint")
            .to_owned()
    };
    let fingerprint = shown(&server);
    assert!(
        fingerprint.len() == 95 && line.ends_with(&fingerprint),
        "{line} {fingerprint}"
    );
    server.signal(Signal::HUP);
    server.wait_for_line("read again");
    assert_eq!(shown(&server), fingerprint);
}

#[test]
fn expired_certificate_is_served_with_a_warning() {
    let site = Site::new();
    let expired = site.authority.issue_expired(&NAMES);
    expired.write(site.path(), "server");
    let mut server = site.start(&["cat"]);
    server.wait_for_line("has expired");
    let error = get(server.address, &site.config(), "localhost", "/").err();
    let error = error.expect("the client refuses").to_string();
    assert!(error.contains("expired"), "{error}");
    server.wait_for_line("handshake failed");
}

/// The address of the port that sends on.
fn redirecting(server: &mut Server) -> SocketAddr {
    let log = server.log();
    let line = match log.lines().find(|line| line.contains("sending http")) {
        Some(line) => line.to_owned(),
        None => server.wait_for_line("sending http"),
    };
    address_in(&line)
}

#[test]
fn redirecting_port_names_the_public_port() {
    for (flag, location) in [
        ("--redirport=0:443", "https://localhost/x"),
        ("--redirport=0:9443", "https://localhost:9443/x"),
    ] {
        let mut server = Gateway::new()
            .args(["--ssl-selfsigned", flag, "cat"])
            .start();
        let address = redirecting(&mut server);
        let request = "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let (status, headers, _) = http(address, request);
        assert_eq!((status, headers["location"].as_str()), (308, location));
    }
}

#[test]
fn redirecting_port_sends_on_to_names_of_its_own() {
    let site = Site::new();
    let named = site
        .authority
        .issue(&["www.example.org", "*.sub.example.org"]);
    let flags = named.write(site.path(), "named");
    let mut server = Gateway::new()
        .args([
            "--ssl",
            &flags[0],
            &flags[1],
            "--redirport=0",
            "--host=listed.example",
            "cat",
        ])
        .start();
    let address = redirecting(&mut server);
    let port = server.port();
    for (target, host, location) in [
        ("/", "localhost", "https://localhost:PORT/"),
        (
            "/a%20b?c=d&e",
            "127.0.0.1:80",
            "https://127.0.0.1:PORT/a%20b?c=d&e",
        ),
        ("/", "WWW.example.org", "https://www.example.org:PORT/"),
        (
            "/",
            "a.sub.example.org:8080",
            "https://a.sub.example.org:PORT/",
        ),
        ("/", "listed.example", "https://listed.example:PORT/"),
        ("/x", "evil.example", "https://listed.example:PORT/x"),
        (
            "//evil.example/",
            "localhost",
            "https://localhost:PORT//evil.example/",
        ),
        (
            "http://evil.example/x",
            "localhost",
            "https://listed.example:PORT/x",
        ),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let (status, headers, _) = http(address, &request);
        assert_eq!(status, 308, "{target} {host}");
        assert_eq!(
            headers["location"],
            location.replace("PORT", &port.to_string())
        );
    }
    for head in [
        "Host: a b",
        "Host: localhost\r\nHost: localhost",
        "X-No-Host: 1",
    ] {
        let request = format!("GET / HTTP/1.1\r\n{head}\r\nConnection: close\r\n\r\n");
        assert_eq!(http(address, &request).0, 400, "{head}");
    }
    let post = "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=b";
    assert_eq!(http(address, post).0, 308);
}

#[test]
fn redirecting_port_works_without_tls_too() {
    let mut server = Gateway::with("--redirport=0 cat").start();
    let address = redirecting(&mut server);
    let (status, headers, _) = http(
        address,
        "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    let location = format!("http://localhost:{}/x", server.port());
    assert_eq!((status, &headers["location"]), (308, &location));
}

#[test]
fn curl_trusts_the_authority_and_nothing_else() {
    let site = Site::new();
    let authority = site.authority.write(site.path(), "root.pem");
    let other = Authority::new("Another root").write(site.path(), "other.pem");
    let server = site.start_cgi(&[]);
    let curl = |trusted: &Path| {
        let output = forget_caller(&mut Command::new("curl"))
            .args(["--silent", "--cacert"])
            .arg(trusted)
            .arg(format!("https://localhost:{}/env", server.port()))
            .output();
        let output = output.expect("curl is there");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("text"),
        )
    };
    let (code, body) = curl(&authority);
    assert_eq!(code, Some(0));
    assert!(body.contains("HTTPS=on"), "{body}");
    // "The peer's certificate cannot be authenticated" (curl(1)).
    assert_eq!(curl(&other).0, Some(60));
}

#[test]
fn python_speaks_tls_with_us() {
    let site = Site::new();
    let authority = site.authority.write(site.path(), "root.pem");
    let server = site.start_cgi(&[]);
    let code = "import ssl, sys, urllib.request as u\n\
                context = ssl.create_default_context(cafile=sys.argv[1])\n\
                opener = u.build_opener(u.ProxyHandler({}), u.HTTPSHandler(context=context))\n\
                print(opener.open(sys.argv[2]).read().decode())";
    let output = Command::new("python3")
        .args(["-c", code])
        .arg(authority)
        .arg(format!("https://localhost:{}/env", server.port()))
        .output()
        .expect("python3 is there");
    let body = String::from_utf8(output.stdout).expect("text");
    assert!(body.contains("SSL_PROTOCOL=TLSv1.3"), "{body}");
}

#[test]
fn keys_of_every_kind_are_taken() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let key = |kind: &str, form: &str, begin: &str| {
        openssl(path, &format!("genpkey {kind} -out key.pem"));
        openssl(
            path,
            &format!("req -new -x509 -key key.pem -subj /CN=x -days 2 -out {begin}.pem"),
        );
        openssl(path, &format!("pkey -in key.pem {form} -out {begin}.key"));
        let text = fs::read_to_string(path.join(format!("{begin}.key"))).expect("a key");
        assert!(
            text.contains(&format!("-BEGIN {}PRIVATE KEY-", begin.replace('_', " "))),
            "{text}"
        );
        let certificate = path.join(format!("{begin}.pem"));
        let key = path.join(format!("{begin}.key"));
        let flags = [
            format!("--sslcert={}", certificate.display()),
            format!("--sslkey={}", key.display()),
        ];
        let output = run(&["--check-config", "--ssl", &flags[0], &flags[1], "cat"]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    };
    key(
        "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "-traditional",
        "RSA_",
    );
    key(
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "-traditional",
        "EC_",
    );
    key("-algorithm ED25519", "", "");
}

#[test]
fn files_that_cannot_be_used_are_named_at_the_start() {
    let site = Site::new();
    let path = site.path();
    let middle = site.authority.below("In the middle");
    let leaf = middle.issue(&NAMES);
    leaf.write(path, "leaf");
    let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("a file");
    let read = |name: &str| fs::read_to_string(path.join(name)).expect("a file");
    let (root, middle, leaf) = (site.authority.pem(), middle.pem(), read("leaf.pem"));
    write("good.pem", &format!("{leaf}{middle}{root}"));
    write("empty.pem", "");
    write("damaged.pem", &leaf.replace('M', "*"));
    write(
        "no-certificate.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    write(
        "two.key",
        &format!("{}{}", read("leaf.key"), read("server.key")),
    );
    openssl(
        path,
        "pkey -in leaf.key -aes128 -passout pass:x -out encrypted.key",
    );
    openssl(
        path,
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.key",
    );

    let start = |words: &str| {
        let words = words.replace('=', &format!("={}/", path.display()));
        let words: Vec<&str> = ["--check-config", "--ssl"]
            .into_iter()
            .chain(words.split(' '))
            .chain(["cat"])
            .collect();
        run(&words)
    };
    let good = start("--sslcert=good.pem --sslkey=leaf.key");
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    for (words, parts) in [
        (
            "--sslcert=missing.pem --sslkey=leaf.key",
            ["--sslcert", "missing.pem", "No such file"],
        ),
        (
            "--sslcert=good.pem --sslkey=missing.key",
            ["--sslkey", "missing.key", "No such file"],
        ),
        (
            "--sslcert=good.pem --sslkey=server.key",
            ["--sslkey", "server.key", "not that of the certificate"],
        ),
        (
            "--sslcert=leaf.key --sslkey=good.pem",
            ["--sslcert", "leaf.key", "holds a private key"],
        ),
        (
            "--sslcert=good.pem --sslkey=leaf.pem",
            ["--sslkey", "leaf.pem", "something else"],
        ),
        (
            "--sslcert=empty.pem --sslkey=leaf.key",
            ["--sslcert", "empty.pem", "BEGIN CERTIFICATE"],
        ),
        (
            "--sslcert=damaged.pem --sslkey=leaf.key",
            ["--sslcert", "damaged.pem", "PEM"],
        ),
        (
            "--sslcert=no-certificate.pem --sslkey=leaf.key",
            ["--sslcert", "no-certificate.pem", "cannot be read"],
        ),
        (
            "--sslcert=good.pem --sslkey=empty.pem",
            ["--sslkey", "empty.pem", "BEGIN PRIVATE KEY"],
        ),
        (
            "--sslcert=good.pem --sslkey=two.key",
            ["--sslkey", "two.key", "more than one"],
        ),
        (
            "--sslcert=good.pem --sslkey=encrypted.key",
            ["--sslkey", "encrypted.key", "openssl pkey"],
        ),
        (
            "--sslcert=good.pem --sslkey=short.key",
            ["--sslkey", "short.key", "2048"],
        ),
        (
            "--sslcert=. --sslkey=leaf.key",
            ["--sslcert", "/.'", "not a regular file"],
        ),
        (
            "--sslcert=good.pem --sslkey=leaf.key --sslca=leaf.key",
            ["--sslca", "leaf.key", "no certificate"],
        ),
    ] {
        let output = start(words);
        assert_eq!(output.code, Some(2), "{words}: {}", output.stderr);
        let first = output.stderr.lines().next().expect("a line");
        for part in parts {
            assert!(first.contains(part), "{words}: {first}");
        }
    }
}

#[test]
fn flags_of_tls_need_each_other() {
    let site = Site::new();
    let [certificate, key] = &site.flags;
    for (words, part) in [
        (&["--ssl"][..], "--ssl-selfsigned"),
        (&["--ssl", certificate], "--sslkey"),
        (&["--ssl", key], "--sslcert"),
        (&["--ssl", certificate, key, certificate], "2 times"),
        (
            &["--ssl", "--ssl-selfsigned", certificate, key],
            "exclude each other",
        ),
        (&[certificate], "--ssl"),
        (&[key], "--ssl"),
        (&["--sslca=x"], "--ssl"),
        (&["--ssl-optional"], "--ssl"),
        (&["--ssl-selfsigned", "--sslca-optional"], "--sslca"),
        (&["--redirport=8080"], "--redirport"),
        (&["--ssl-selfsigned", "--redirport=0:0"], "--redirport"),
        (&["--ssl-selfsigned", "--redirport=80:x"], "--redirport"),
        (&["--ssl-selfsigned", "--redirport=99999"], "--redirport"),
        (&["--ssl-selfsigned", "--redirport=8443"], "--redirport"),
    ] {
        let output = run(&[words, &["cat"]].concat());
        assert_eq!(output.code, Some(2), "{words:?}: {}", output.stderr);
        let first = output.stderr.lines().next().expect("a line");
        assert!(
            first.starts_with("error: ") && first.contains(part),
            "{words:?}: {first}"
        );
    }
}

#[test]
fn idle_handshake_does_not_hold_up_a_stop() {
    let site = Site::new();
    let mut server = site.start(&["cat"]);
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    stream.write_all(&[0x16]).expect("it reads");
    // It is accepted when another one, behind it, has been answered.
    get(server.address, &site.config(), "localhost", "/").expect("an answer");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(stream.read(&mut [0; 1]).ok(), Some(0));
}
