//! Programs that run as another user than the gateway. Only root can start them; without it a line says so.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::support::{Gateway, installed::is_root_or_skip, line_client::LineClient, script};

fn is_root() -> bool {
    is_root_or_skip("programs of another user")
}

/// Opens each of the three by name, as scripts do that know no descriptors.
const OPENS_ALL: &str =
    "echo out >/dev/stdout; echo err >/dev/stderr; read -r line </dev/stdin; echo \"$line\"";

#[test]
fn standard_streams_can_be_opened_by_a_user_of_a_route() {
    if !is_root() {
        return;
    }
    let mut server = Gateway::with("--user=nobody").program(OPENS_ALL).start();
    let mut client = server.connect();
    client.send("in");
    assert_eq!([client.text(), client.text()], ["out", "in"]);
    assert_eq!(client.closed().0, 1000);
    server.wait_for_line("err");
}

#[test]
fn standard_streams_can_be_opened_by_the_user_of_a_script() {
    if !is_root() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("its mode");
    let text =
        "#!/bin/sh\nprintf 'X: y\\n\\n' >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin\n";
    script(directory.path(), "opens", text);
    let mut server = Gateway::with("--user=nobody")
        .args([format!("--cgidir={}", directory.path().display())])
        .start();
    let (status, ..) = server.request("POST", "/opens", "Content-Length: 0\r\n");
    assert_eq!(status, 200);
    server.wait_for_line("err");
}

#[test]
fn standard_streams_can_be_opened_by_the_user_of_a_client() {
    if !is_root() {
        return;
    }
    let server = Gateway::new().program("echo in; cat >&2").start();
    let words = ["--user=nobody", "sh", "-c", OPENS_ALL];
    let mut client = LineClient::connect(&server.url, &words);
    assert_eq!(client.status(), Some(0));
}

#[test]
fn user_gets_no_rights_by_a_file() {
    if !is_root() {
        return;
    }
    let server = Gateway::new()
        .file(
            "[[route]]\npath = '/user'\ncommand = 'grep NoNewPrivs /proc/self/status'\nuser = 'nobody'\n\
             [[route]]\npath = '/own'\ncommand = 'grep NoNewPrivs /proc/self/status'\n",
        )
        .start();
    assert_eq!(server.text("/user"), "NoNewPrivs:\t1");
    assert_eq!(server.text("/own"), "NoNewPrivs:\t0");
}
