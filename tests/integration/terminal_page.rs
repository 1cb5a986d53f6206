//! The page of a terminal: where it is and what it comes with; and, in a headless Chromium, what it does with what is
//! typed and said. The scripts are `tests/clients/browser/terminal_*.mjs`.

use std::{collections::HashMap, fs, io::Read, process::Command};

use flate2::bufread::GzDecoder;

use crate::{
    browser::browse,
    support::{Gateway, Server, http::Answer, installed::skip, login::CI, run, script},
};

/// A shell that says no more than it is asked to.
const SHELL: &str = "exec bash --norc --noprofile";

fn shell() -> Server {
    Gateway::with("--terminal").program(SHELL).start()
}

/// A GET with further header lines.
fn get(server: &Server, target: &str, lines: &str) -> Answer {
    server.request("GET", target, lines)
}

fn text(server: &Server, target: &str) -> String {
    let (status, _, body) = get(server, target, "");
    assert_eq!(status, 200, "{target}");
    String::from_utf8(body).expect("text")
}

fn is_page(server: &Server, target: &str) -> bool {
    let (status, _, body) = get(server, target, "");
    status == 200 && String::from_utf8_lossy(&body).contains("src=\"?terminal-")
}

/// The value of a header.
fn field<'a>(headers: &'a HashMap<String, String>, name: &str) -> Option<&'a str> {
    headers.get(name).map(String::as_str)
}

/// The script's name, as the document at a path has it: a query alone, so that it is asked for at that path.
fn script_name(document: &str) -> &str {
    let behind = document.split("<script src=\"").nth(1).expect("a script");
    behind.split('"').next().expect("a name")
}

#[test]
fn document_comes_with_a_strict_policy() {
    let server = shell();
    let (status, headers, _) = get(&server, "/", "");
    assert_eq!(status, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
             frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
        ),
        ("x-frame-options", "SAMEORIGIN"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(field(&headers, name), Some(value), "{headers:?}");
    }
}

#[test]
fn known_document_is_not_sent_again() {
    let server = shell();
    let (_, headers, _) = get(&server, "/", "Accept-Encoding: gzip\r\n");
    let etag = field(&headers, "etag").expect("a tag");
    let known = format!("Accept-Encoding: gzip\r\nIf-None-Match: {etag}\r\n");
    let (status, headers, body) = get(&server, "/?any=query", &known);
    assert_eq!((status, body.len()), (304, 0));
    assert_eq!(field(&headers, "etag"), Some(etag));
}

#[test]
fn script_is_immutable_and_packed_as_the_client_likes() {
    let server = shell();
    let document = text(&server, "/");
    let name = format!("/{}", script_name(&document));
    let plain = text(&server, &name);
    let (status, headers, packed) = get(&server, &name, "Accept-Encoding: gzip\r\n");
    assert_eq!(status, 200);
    assert_eq!(field(&headers, "content-encoding"), Some("gzip"));
    let kept = field(&headers, "cache-control").expect("a field");
    assert!(kept.contains("immutable"), "{kept}");
    let mut unpacked = String::new();
    let mut decoder = GzDecoder::new(&packed[..]);
    decoder.read_to_string(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain);
    let (_, headers, smaller) = get(&server, &name, "Accept-Encoding: br, gzip\r\n");
    assert_eq!(field(&headers, "content-encoding"), Some("br"));
    assert!(smaller.len() < packed.len() && packed.len() <= 110_000 && smaller.len() <= 85_000);
    // One that a newer wsd has taken the place of.
    assert_eq!(get(&server, "/?terminal-0123456789abcdef.js", "").0, 404);
}

#[test]
fn page_is_at_the_path_of_its_program_alone() {
    let files = tempfile::tempdir().expect("a directory");
    for name in ["index.html", "other.html"] {
        fs::write(files.path().join(name), "a file").expect("a file");
    }
    let server = Gateway::with("--devconsole --terminal")
        .args([format!("--staticdir={}", files.path().display())])
        .args(["--route=/shell=sh", "cat"])
        .start();
    for path in ["/", "/?cols=90", "/shell", "/shell/"] {
        assert!(is_page(&server, path), "{path}");
    }
    for path in ["/shell/deeper", "/other.html", "/index.html", "/shells"] {
        assert!(!is_page(&server, path), "{path}");
    }
    assert_eq!(text(&server, "/other.html"), "a file");
    assert_eq!(server.request("HEAD", "/shell", "").0, 200);
    assert_eq!(server.request("OPTIONS", "/shell", "").0, 204);
    assert_eq!(server.request("POST", "/shell", "").0, 405);
}

#[test]
fn programs_of_a_directory_have_pages_of_their_own() {
    let programs = tempfile::tempdir().expect("a directory");
    script(programs.path(), "shell", "#!/bin/sh\nexec sh\n");
    let server = Gateway::with("--terminal")
        .args([format!("--dir={}", programs.path().display())])
        .start();
    assert!(is_page(&server, "/shell"));
    for path in ["/", "/other", "/shell/deeper"] {
        assert_eq!(get(&server, path, "").0, 426, "{path}");
    }
}

#[test]
fn routes_without_a_terminal_have_no_page() {
    let server = Gateway::with("")
        .file("[[route]]\npath = \"/shell\"\ncommand = [\"sh\"]\nterminal = true\n[[route]]\npath = \"/lines\"\ncommand = [\"cat\"]\n")
        .start();
    assert!(is_page(&server, "/shell"));
    assert_eq!(get(&server, "/lines", "").0, 426);
}

#[test]
fn licenses_are_printed_with_those_of_the_page() {
    let printed = run(&["--license"]).stdout;
    for part in ["@xterm/xterm 6.0.0", "The xterm.js authors", "js-base64"] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
}

#[test]
fn built_page_is_what_its_source_gives() {
    let checked = Command::new("scripts/page").arg("--check").output();
    let checked = checked.expect("scripts/page runs");
    let said = String::from_utf8_lossy(&checked.stderr);
    match checked.status.code() {
        Some(77) => skip(&said),
        code => assert_eq!(code, Some(0), "{said}"),
    }
}

#[test]
fn what_is_typed_reaches_the_program_and_what_it_says_is_drawn() {
    browse("terminal_keyboard", &[&shell().url]);
}

#[test]
fn what_is_pasted_cannot_end_the_pasting() {
    browse("terminal_paste", &[&shell().url]);
}

#[test]
fn program_has_the_size_of_the_window() {
    browse("terminal_size", &[&shell().url]);
}

#[test]
fn page_says_how_the_program_ended_and_starts_it_again() {
    browse("terminal_end", &[&shell().url]);
}

#[test]
fn lost_connection_is_made_anew_and_a_closed_one_is_not() {
    browse("terminal_reconnect", &[&shell().url]);
}

#[test]
fn clipboard_is_written_by_a_click_and_read_by_nobody() {
    browse("terminal_clipboard", &[&shell().url]);
}

#[test]
fn link_says_where_it_leads() {
    browse("terminal_links", &[&shell().url]);
}

#[test]
fn phone_has_the_keys_that_its_keyboard_lacks() {
    browse("terminal_phone", &[&shell().url]);
}

#[test]
fn page_of_a_readonly_terminal_only_looks() {
    let program = "printf '\\033]52;c;aGVsbG8=\\007ready\\n'; \
                   exec bash -c 'trap \"echo resized\" WINCH; sleep 1000 & while :; do wait; done'";
    let server = Gateway::with("--terminal --readonly")
        .program(program)
        .start();
    browse("terminal_readonly", &[&server.url]);
}

#[test]
fn leaving_is_asked_about_where_something_was_typed() {
    browse("terminal_leave", &[&shell().url]);
}

#[test]
fn page_keeps_nobody_out() {
    browse("terminal_axe", &[&shell().url]);
}

#[test]
fn page_works_below_the_prefix_of_a_proxy() {
    let server = Gateway::with("--terminal --writable --trust-proxy=127.0.0.1 --trust-prefix")
        .args(["--route=/shell=bash --norc --noprofile"])
        .start();
    browse("terminal_prefix", &[&server.url]);
}

#[test]
fn page_works_with_a_token_in_its_address() {
    let server = Gateway::with("--terminal")
        .program(SHELL)
        .file("bearer-tokens = \"DIR/tokens\"\n");
    fs::write(server.directory().join("tokens"), CI).expect("a file");
    let server = server.start();
    assert_eq!(get(&server, "/", "").0, 401);
    let (status, headers, body) = get(&server, "/?access_token=t0ken.of-ci", "");
    assert_eq!(status, 200);
    assert_eq!(field(&headers, "referrer-policy"), Some("no-referrer"));
    let document = String::from_utf8(body).expect("text");
    // The same for everybody, so that it is kept as ever.
    let (status, headers, _) = get(&server, &format!("/{}", script_name(&document)), "");
    assert_eq!(status, 200);
    let kept = field(&headers, "cache-control").expect("a field");
    assert!(kept.contains("immutable"), "{kept}");
    assert_eq!(get(&server, "/?terminal-0123456789abcdef.js", "").0, 401);
    let address = format!("{}?access_token=t0ken.of-ci", server.url);
    browse("terminal_token", &[&address]);
}

#[test]
fn page_works_by_tls_and_http_2() {
    let server = Gateway::with("--terminal --ssl-selfsigned")
        .program(SHELL)
        .start();
    browse("terminal_end", &[&server.url]);
}
