//! Certificates of clients as logins: `--sslca` beside the other kinds.

use std::{path::Path, process::Command};

use crate::support::{
    Gateway, Server,
    certificates::{Authority, Issued},
    login::{WHO, site},
};

struct Trusted {
    server: Server,
    directory: tempfile::TempDir,
}

fn serve(flags: &str, file: &str) -> Trusted {
    serve_client(flags, file, |authority| authority.issue_client("alice"))
}

fn serve_client(flags: &str, file: &str, issue: fn(&Authority) -> Issued) -> Trusted {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("an authority");
    let ca = authority.write(directory.path(), "ca.pem");
    let client = issue(&authority);
    let _ = client.write(directory.path(), "client");
    let words = format!("--ssl-selfsigned --sslca={} {flags}", ca.display());
    let gateway: Gateway = site(&words, &format!("{file}cgidir = \"DIR/cgi\"\n"));
    Trusted {
        server: gateway.program(WHO).start(),
        directory,
    }
}

impl Trusted {
    /// The status and the body that curl has from the script.
    fn ask(&self, with_certificate: bool, more: &[&str]) -> (u16, String) {
        let file = |name: &str| Path::new(self.directory.path()).join(name);
        let url = format!("https://localhost:{}/who.sh", self.server.port());
        let mut command = Command::new("curl");
        command
            .args(["-sk", "-w", "\n%{http_code}", &url])
            .args(more);
        if with_certificate {
            command
                .arg("--cert")
                .arg(file("client.pem"))
                .arg("--key")
                .arg(file("client.key"));
        }
        let output = command.output().expect("curl runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let (body, status) = text.rsplit_once('\n').expect("a status");
        (status.parse().expect("a number"), body.to_owned())
    }
}

#[test]
fn certificate_is_the_login_where_it_is_the_only_kind() {
    let site = serve("", "");
    let (status, body) = site.ask(true, &[]);
    assert_eq!(status, 200);
    assert!(body.starts_with("user=alice type=Certificate "), "{body}");
    let form = ["-d", "x=y", "-H", "Origin: https://evil.example"];
    assert_eq!(site.ask(true, &form).0, 403);
}

#[test]
fn certificate_that_is_demanded_beside_a_password_is_a_condition() {
    let site = serve("", "basic-auth = \"DIR/users\"\n");
    assert_eq!(site.ask(true, &[]).0, 401);
    let (status, body) = site.ask(true, &["-u", "bob:hunter2"]);
    assert_eq!(status, 200);
    assert!(
        body.starts_with("user=bob type=Basic authorization= "),
        "{body}"
    );
    assert_eq!(site.ask(false, &["-u", "bob:hunter2"]).0, 0);
}

#[test]
fn certificate_that_may_be_shown_is_a_login_beside_a_password() {
    let site = serve("--sslca-optional", "basic-auth = \"DIR/users\"\n");
    assert!(
        site.ask(true, &[])
            .1
            .starts_with("user=alice type=Certificate ")
    );
    assert_eq!(site.ask(false, &[]).0, 401);
    assert!(
        site.ask(false, &["-u", "bob:hunter2"])
            .1
            .starts_with("user=bob type=Basic ")
    );
    // The first that is carried decides.
    assert!(
        site.ask(true, &["-u", "bob:hunter2"])
            .1
            .starts_with("user=alice type=Certificate ")
    );
}

#[test]
fn who_shows_no_certificate_where_none_is_demanded_is_let_in_as_nobody() {
    let site = serve("--sslca-optional", "");
    assert!(site.ask(false, &[]).1.starts_with("user= type= "));
}

#[test]
fn certificate_with_an_empty_subject_is_no_login() {
    let issue = Authority::issue_client_without_subject;
    for (flags, file) in [
        ("", ""),
        ("--sslca-optional", "basic-auth = \"DIR/users\"\n"),
    ] {
        let site = serve_client(flags, file, issue);
        assert_eq!(site.ask(true, &[]).0, 401, "{flags}");
    }
}
