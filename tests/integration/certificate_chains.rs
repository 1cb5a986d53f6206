//! Files of certificates as they come, made by openssl(1): whatever their order and whatever else is in them, clients
//! get the chain.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{Gateway, Server, Signal, certificates::openssl, forget_caller, run};

/// A byte order mark.
const MARK: &str = "\u{feff}";

/// Two roots, R and S, which both have signed I, which has signed L, which is for localhost; and V1, which L's key has
/// signed itself, of version 1. Each is NAME.pem, and L.key is L's key.
struct Authorities(TempDir);

impl Authorities {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for root in ["R", "S"] {
            openssl(
                path,
                &format!(
                    "req -x509 {key} -days 9 -subj /CN={root} -keyout {root}.key -out {root}.pem"
                ),
            );
        }
        for name in ["I", "L"] {
            openssl(
                path,
                &format!("req {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"),
            );
        }
        let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("a file");
        write("authority", "basicConstraints=critical,CA:TRUE\n");
        write("leaf", "subjectAltName=DNS:localhost\n");
        for (subject, issuer, extensions, out) in [
            ("I", "R", "authority", "I"),
            ("I", "S", "authority", "I-of-S"),
            ("L", "I", "leaf", "L"),
        ] {
            let issuer = match issuer {
                "I" => "-CA I.pem -CAkey I.key".to_owned(),
                root => format!("-CA {root}.pem -CAkey {root}.key"),
            };
            openssl(
                path,
                &format!(
                    "x509 -req -in {subject}.csr {issuer} -CAcreateserial -days 9 -extfile {extensions} -out {out}.pem"
                ),
            );
        }
        openssl(
            path,
            "x509 -req -in L.csr -signkey L.key -days 9 -out V1.pem",
        );
        Authorities(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("a file")
    }

    /// `chain.pem`, of these in this order.
    fn write(&self, beginning: &str, names: &[&str]) {
        let parts = names.iter().map(|name| self.read(&format!("{name}.pem")));
        let text = beginning.to_owned() + &parts.collect::<String>();
        fs::write(self.path().join("chain.pem"), text).expect("a file");
    }

    fn flags(&self) -> Vec<String> {
        let path = self.path().display();
        vec![
            "--ssl".to_owned(),
            format!("--sslcert={path}/chain.pem"),
            format!("--sslkey={path}/L.key"),
        ]
    }

    fn start(&self, words: &[&str]) -> Server {
        Gateway::new()
            .args(self.flags())
            .args(words)
            .args(["cat"])
            .start()
    }

    /// The subjects of the certificates that a client is sent, each with its issuer; it has to trust the root.
    fn sent(&self, server: &Server, root: &str) -> Vec<String> {
        let output = Command::new("openssl")
            .args([
                "s_client",
                "-showcerts",
                "-verify_return_error",
                "-servername",
                "localhost",
            ])
            .arg("-CAfile")
            .arg(self.path().join(format!("{root}.pem")))
            .args(["-connect", &server.address.to_string()])
            .stdin(Stdio::null())
            .output()
            .expect("openssl is there");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text} {output:?}");
        let name = |line: &str| line.rsplit("= ").next().unwrap_or_default().to_owned();
        let lines: Vec<_> = text.lines().map(str::trim_start).collect();
        let pairs = lines.windows(2).filter(|pair| pair[1].starts_with("i:"));
        pairs
            .map(|pair| format!("{} of {}", name(pair[0]), name(pair[1])))
            .collect()
    }

    /// What curl says to a server.
    fn curl(&self, server: &Server, words: &[&str]) -> Option<i32> {
        let status = forget_caller(&mut Command::new("curl"))
            .current_dir(self.path())
            .args(["--silent", "--output", "/dev/null"])
            .args(words)
            .arg(format!("https://localhost:{}/", server.port()))
            .status();
        status.expect("curl is there").code()
    }
}

fn warnings(server: &mut Server) -> usize {
    let log = server.log();
    log.lines()
        .filter(|line| line.contains(" the file '"))
        .count()
}

#[test]
fn chain_of_any_order_is_sent_in_order_with_a_warning() {
    let made = Authorities::new();
    let chain = ["L of I", "I of R"];
    let whole = ["L of I", "I of R", "R of R"];
    let crossed = ["L of I", "I of R", "I of S"];
    let by_second = ["L of I", "I of S", "S of S", "I of R"];
    for (beginning, names, sent, warned) in [
        ("", &["L", "I"][..], &chain[..], 0),
        ("", &["L", "I", "R"], &whole, 0),
        ("", &["I", "L"], &chain, 1),
        ("", &["R", "L", "I"], &whole, 1),
        ("", &["L", "L", "I"], &chain, 1),
        ("", &["L", "I", "I-of-S"], &crossed, 1),
        ("", &["L", "I", "I-of-S", "S"], &by_second, 1),
        ("", &["L", "S", "I"], &["L of I", "I of R", "S of S"], 1),
        (MARK, &["L", "I"], &chain, 1),
        (MARK, &["I", "L", "L"], &chain, 3),
        (
            "What comes before a certificate says nothing.\n",
            &["L", "I"],
            &chain,
            0,
        ),
    ] {
        made.write(beginning, names);
        let mut server = made.start(&[]);
        let root = if names.contains(&"S") && names.contains(&"I-of-S") {
            "S"
        } else {
            "R"
        };
        assert_eq!(made.sent(&server, root), sent, "{names:?}");
        let trusted = format!("{root}.pem");
        assert_eq!(
            made.curl(&server, &["--cacert", &trusted]),
            Some(0),
            "{names:?}"
        );
        // curl's request is logged behind the warnings.
        server.wait_for_line("refused");
        assert_eq!(warnings(&mut server), warned, "{names:?}: {}", server.log());
    }
    // Who trusts the other root alone finds the way there too, if it looks for one; OpenSSL takes the first.
    made.write("", &["L", "I", "I-of-S"]);
    let server = made.start(&[]);
    let url = format!("--connect=wss://localhost:{}/", server.port());
    let trusted = format!("--sslca={}/S.pem", made.path().display());
    let output = run(&[&url, &trusted, "--linger=0"]);
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn certificate_of_version_1_is_served_with_a_warning() {
    let made = Authorities::new();
    made.write("", &["V1"]);
    let mut server = made.start(&[]);
    assert_eq!(made.curl(&server, &["--insecure"]), Some(0));
    assert_eq!(made.sent(&server, "V1"), ["L of L"]);
    server.wait_for_line("is of version 1");
}

#[test]
fn odd_renewal_is_loaded_with_a_warning() {
    let made = Authorities::new();
    made.write("", &["L"]);
    let mut server = made.start(&[]);
    made.write(MARK, &["I", "L", "L"]);
    server.signal(Signal::HUP);
    server.wait_for_line("read again");
    assert_eq!(made.sent(&server, "R"), ["L of I", "I of R"]);
    let log = server.log();
    for part in ["byte order mark", "not in order", "again, and is sent once"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    // Without a signal too, when it has stood still.
    made.write("", &["L", "I", "I-of-S"]);
    server.wait_for_line("the certificates have changed and were loaded");
    assert_eq!(made.sent(&server, "R"), ["L of I", "I of R", "I of S"]);
    assert!(server.log().contains("is not on the way"));
}

#[test]
fn files_of_keys_and_authorities_may_begin_with_a_mark() {
    let made = Authorities::new();
    made.write("", &["L", "I"]);
    for name in ["L.key", "R.pem"] {
        let text = made.read(name);
        fs::write(
            made.path().join(format!("marked-{name}")),
            MARK.to_owned() + &text,
        )
        .expect("a file");
    }
    fs::copy(made.path().join("marked-L.key"), made.path().join("L.key")).expect("a file");
    // The same once more, and another beside it, do no harm.
    let authorities = made.read("marked-R.pem") + &made.read("S.pem") + &made.read("R.pem");
    fs::write(made.path().join("clients.pem"), authorities).expect("a file");
    let flag = format!("--sslca={}/clients.pem", made.path().display());
    let mut server = made.start(&[&flag]);
    server.wait_for_line("clients.pem': it begins with a byte order mark");
    let shown = ["--cacert", "R.pem", "--cert", "chain.pem", "--key", "L.key"];
    fs::write(
        made.path().join("L.key"),
        made.read("L.key").replace(MARK, ""),
    )
    .expect("a file");
    assert_eq!(made.curl(&server, &shown), Some(0));
    assert_ne!(made.curl(&server, &["--cacert", "R.pem"]), Some(0));
}

#[test]
fn client_whose_certificate_is_of_version_1_is_refused_as_that() {
    let made = Authorities::new();
    made.write("", &["L", "I"]);
    openssl(
        made.path(),
        "x509 -req -in L.csr -CA R.pem -CAkey R.key -CAcreateserial -days 9 -out alice.pem",
    );
    let flag = format!("--sslca={}/R.pem", made.path().display());
    let mut server = made.start(&[&flag]);
    let shown = ["--cacert", "R.pem", "--cert", "alice.pem", "--key", "L.key"];
    assert_ne!(made.curl(&server, &shown), Some(0));
    let line = server.wait_for_line("handshake failed");
    assert!(
        line.contains("of version 1") && line.contains("-extfile"),
        "{line}"
    );
    let authority = ["--cacert", "R.pem", "--cert", "R.pem", "--key", "R.key"];
    assert_ne!(made.curl(&server, &authority), Some(0));
    let line = server.wait_for_line("handshake failed");
    assert!(line.contains("of an authority"), "{line}");
}

#[test]
fn file_of_other_characters_is_named_as_that() {
    let made = Authorities::new();
    let text: Vec<u8> = made
        .read("L.pem")
        .bytes()
        .flat_map(|byte| [byte, 0])
        .collect();
    fs::write(
        made.path().join("chain.pem"),
        [&b"\xff\xfe"[..], &text].concat(),
    )
    .expect("a file");
    let flags = made.flags();
    let words: Vec<_> = flags.iter().map(String::as_str).chain(["cat"]).collect();
    let output = run(&words);
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("UTF-16"), "{output:?}");
}
