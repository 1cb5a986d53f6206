//! What is printed, to the log or outside of it, moves no terminal: no control, no override of the writing direction,
//! wherever it comes from.

use std::{fs, process::Stdio};

use rustix::process::Signal;

use crate::support::{
    Client, Gateway, Output, Server,
    line_client::{connect, wsd},
    run, script,
};

/// A title for the terminal, a C1 control that begins a sequence, and a name that is read backwards.
const HOSTILE: &str = "\x1b]0;x\x07\u{9b}2J\u{202e}cod\u{2066}";

/// Whether nothing in it is obeyed; lines and tabs are.
fn is_harmless(text: &str) -> bool {
    let overrides =
        |character| matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.contains(|character: char| {
        overrides(character) || (character.is_control() && !matches!(character, '\n' | '\t'))
    })
}

fn check(
    Output {
        code,
        stdout,
        stderr,
    }: &Output,
    expected: i32,
) {
    assert_eq!(*code, Some(expected), "{stderr:?}");
    let shown = format!("{stdout}{stderr}");
    assert!(is_harmless(&shown), "{shown:?}");
    assert!(shown.contains("\\u{1b}]0;x"), "{shown:?}");
}

/// A frame with a Close of this reason.
fn close(client: &mut Client, reason: &str) {
    client.send_frame(
        true,
        8,
        &[&4003_u16.to_be_bytes(), reason.as_bytes()].concat(),
    );
}

/// Has a server log what clients, programs and files bring.
fn provoke(server: &Server) {
    let target = "/chat?\u{9b}2J\u{202e}cod\u{2066}";
    assert_eq!(server.status("/missing.sh?\u{202e}", &[]), 404);
    assert_eq!(server.status(&format!("/{HOSTILE}.sh"), &[]), 400);
    assert_eq!(
        server.status("/broken%1B%5D0;x%07%C2%9B%E2%80%AE.sh", &[]),
        500
    );
    let origin = "Origin: http://\u{9b}\u{202e}evil.example";
    assert_eq!(server.status(target, &[origin]), 403);
    assert_eq!(server.request("GET", target, "X: y\r\n").0, 404);
    let mut client = server.connect_to(target);
    assert_eq!(client.text(), "go");
    close(&mut client, HOSTILE);
    assert_eq!(client.closed().0, 4003);
}

#[test]
fn log_moves_no_terminal() {
    for format in ["text", "json"] {
        let programs = tempfile::tempdir().expect("a directory");
        let files = tempfile::tempdir().expect("a directory");
        let complaint = format!("#!/bin/sh\nprintf '%s\\n' 'oops {HOSTILE}' >&2\necho go\ncat\n");
        script(programs.path(), "chat", &complaint);
        let name = "broken\x1b]0;x\x07\u{9b}\u{202e}.sh";
        script(programs.path(), name, "#!/nowhere\x1b[2J\n");
        let mut server = Gateway::with("--loglevel=debug")
            .args([format!("--log-format={format}")])
            .args([format!("--dir={}", programs.path().display())])
            .args([format!("--staticdir={}", files.path().display())])
            .start();
        provoke(&server);
        server.wait_for_line("session ended");
        server.signal(Signal::TERM);
        server.wait();
        let log = server.log();
        assert!(is_harmless(&log), "{log:?}");
        for said in ["oops", "cannot be started", "Origin", "cod"] {
            assert!(log.contains(said), "{said} in {log}");
        }
        if format == "json" {
            let line = log
                .lines()
                .find(|line| line.contains("oops"))
                .expect("a line");
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(line["message"], format!("oops {HOSTILE}"));
        }
    }
}

#[test]
fn start_up_errors_move_no_terminal() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("wsd.toml");
    let config = format!("--config={}", file.display());
    check(&run(&[&format!("--staticdir=/{HOSTILE}"), "cat"]), 2);
    check(&run(&[&format!("--config=/{HOSTILE}")]), 2);
    check(&run(&[&format!("--{HOSTILE}"), "cat"]), 2);
    check(&run(&[&format!("--port={HOSTILE}"), "cat"]), 2);
    check(&run(&[&format!("./{HOSTILE}")]), 2);
    check(
        &run(&[&format!("--unixsocket=/nowhere/{HOSTILE}"), "cat"]),
        1,
    );
    let escaped = "\\u001b]0;x\\u0007\\u009b2J\\u202ecod\\u2066";
    for text in [
        format!("command = \"{escaped}\""),
        format!("\"{escaped}\" = 1"),
        format!("staticdir = \"{escaped}\"\ncommand = \"cat\""),
    ] {
        fs::write(&file, &text).expect("a file");
        check(&run(&[&config, "--check-config"]), 2);
    }
}

#[test]
fn doctor_moves_no_terminal() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = script(directory.path(), HOSTILE, "#!/bin/sh\ncat\n");
    check(&run(&["--doctor", &program.display().to_string()]), 0);
}

#[test]
fn words_of_a_server_move_no_terminal() {
    let reason = "\\033]0;x\\007\\302\\2332J\\342\\200\\256cod";
    let frame = format!("printf 'c\\000\\000\\000\\022\\017\\243{reason}'");
    let server = Gateway::with("--framing=control").program(&frame).start();
    let url = format!("ws://{}/", server.address);
    let mut client = connect(&url, &[]);
    let ended = client.stdin(Stdio::null()).output().expect("wsd runs");
    let stderr = String::from_utf8(ended.stderr).expect("text");
    assert!(
        stderr.contains("closed with 4003: \\u{1b}]0;x"),
        "{stderr:?}"
    );
    assert!(is_harmless(&stderr), "{stderr:?}");
}

#[test]
fn sessions_of_the_admin_interface_move_no_terminal() {
    let mut server = Gateway::with("--admin=127.0.0.1:0 cat").start();
    let line = server.wait_for_line("telling operators");
    let url = line.split("http://").nth(1).expect("a URL");
    let admin = url.trim_end_matches('/').parse().expect("an address");
    let _client = server.connect_to("/?\u{9b}2J\u{202e}cod");
    let request = "GET /sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (_, _, body) = crate::support::http(admin, request);
    let body = String::from_utf8(body).expect("text");
    assert!(is_harmless(&body), "{body:?}");
    let sessions: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(sessions[0]["uri"], "/?\u{9b}2J\u{202e}cod");
}

#[test]
fn stderr_of_a_clients_command_is_logged_beside_what_the_server_gets() {
    let server = Gateway::with("cat").start();
    let url = format!("--connect=ws://{}/", server.address);
    let complain = format!(
        "printf 'oops {}\\n' >&2; read -r line; echo \"$line\" >&2",
        "\\033[2J"
    );
    let mut client = wsd(&[&url, "--passstderr", "sh", "-c", &complain]);
    let ended = client.stdin(Stdio::null()).output().expect("wsd runs");
    let stderr = String::from_utf8(ended.stderr).expect("text");
    assert!(stderr.contains("oops \\u{1b}[2J"), "{stderr:?}");
    assert!(
        stderr.contains("{\"stream\":\"stderr\",\"data\":\"oops"),
        "{stderr:?}"
    );
    assert!(is_harmless(&stderr), "{stderr:?}");
}
