//! Programs by path: `--route` and `--dir`.

use std::{fs, path::Path};

use crate::support::{Gateway, run, script};

const SHOW: &str = "#!/bin/sh\necho \"$SCRIPT_NAME|$PATH_INFO|$(pwd)|$0\"\n";

/// A directory with programs: `show`, `sub/show`, `plain` (not executable).
fn programs() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("sub")).expect("a directory");
    script(directory.path(), "show", SHOW);
    script(&directory.path().join("sub"), "show", SHOW);
    fs::write(directory.path().join("plain"), SHOW).expect("a file");
    directory
}

fn dir_flag(directory: &Path) -> String {
    format!("--dir={}", directory.display())
}

#[test]
fn longest_route_answers_with_its_part_of_the_path() {
    let show = "sh -c 'echo \"$0|$SCRIPT_NAME|$PATH_INFO\"'";
    let server = Gateway::new()
        .args([
            &format!("--route=/chat={show} chat"),
            &format!("--route=/chat/admin={show} admin"),
            "cat",
        ])
        .start();
    assert_eq!(server.text("/chat"), "chat|/chat|");
    assert_eq!(server.text("/chat/room%201"), "chat|/chat|/room 1");
    assert_eq!(server.text("/chat/admin/x"), "admin|/chat/admin|/x");
    assert_eq!(
        server.text("/chat/administrator"),
        "chat|/chat|/administrator"
    );
    // Where no route answers, COMMAND does.
    let mut client = server.connect_to("/chats");
    client.send("cat");
    assert_eq!(client.text(), "cat");
}

#[test]
fn words_of_a_route_are_split_as_a_shell_would_and_no_shell_is_started() {
    let server = Gateway::new()
        .args([
            r#"--route=/a=printf '%s\n' 'one two' three\ four "$HOME;" '*'"#,
            "--route=/b=sh -c 'echo $PPID'",
        ])
        .start();
    let mut client = server.connect_to("/a");
    for word in ["one two", "three four", "$HOME;", "*"] {
        assert_eq!(client.text(), word);
    }
    assert_eq!(server.text("/b"), server.pid().to_string());
}

#[test]
fn routes_alone_leave_the_rest_unanswered() {
    let server = Gateway::new().args(["--route=/a=cat"]).start();
    assert_eq!(server.status("/a", &[]), 101);
    assert_eq!(server.status("/", &[]), 404);
    assert_eq!(server.status("/ab", &[]), 404);
    assert_eq!(server.get("/a").0, 426);
    assert_eq!(server.get("/b").0, 404);
}

#[test]
fn each_executable_file_of_a_directory_answers_at_its_path() {
    let directory = programs();
    let root = directory.path().display();
    let server = Gateway::new().args([&dir_flag(directory.path())]).start();
    assert_eq!(server.text("/show"), format!("/show||{root}|./show"));
    assert_eq!(
        server.text("/show/a%20b/c"),
        format!("/show|/a b/c|{root}|./show")
    );
    assert_eq!(
        server.text("/sub/show"),
        format!("/sub/show||{root}/sub|./show")
    );
}

#[test]
fn what_is_no_program_of_the_directory_is_404_and_never_101() {
    let directory = programs();
    let server = Gateway::new().args([&dir_flag(directory.path())]).start();
    for target in [
        "/",
        "/sub",
        "/sub/",
        "/plain",
        "/nothing",
        "/sub/nothing",
        "/plain/x",
    ] {
        assert_eq!(server.status(target, &[]), 404, "{target}");
    }
    for target in ["/../show", "/sub/../show", "/%2e%2e/show", "/sub%2fshow"] {
        assert_eq!(server.status(target, &[]), 400, "{target}");
    }
}

#[test]
fn page_of_another_origin_learns_no_names_of_the_directory() {
    let directory = programs();
    let server = Gateway::new().args([&dir_flag(directory.path())]).start();
    let foreign = ["Origin: http://evil.example"];
    for target in ["/show", "/sub/show", "/nothing", "/plain"] {
        assert_eq!(server.status(target, &foreign), 403, "{target}");
    }
    assert_eq!(server.status("/nothing", &[]), 404);
}

#[test]
fn program_that_appears_later_is_found() {
    let directory = programs();
    let server = Gateway::new().args([&dir_flag(directory.path())]).start();
    assert_eq!(server.status("/late", &[]), 404);
    script(directory.path(), "late", "#!/bin/sh\necho late\n");
    assert_eq!(server.text("/late"), "late");
}

#[test]
fn route_goes_before_directory_and_directory_before_command() {
    let directory = programs();
    let server = Gateway::new()
        .args([
            &dir_flag(directory.path()),
            "--route=/sub=echo route",
            "echo",
            "command",
        ])
        .start();
    assert_eq!(server.text("/sub/show"), "route");
    assert!(server.text("/show").starts_with("/show|"));
    assert_eq!(server.text("/elsewhere"), "command");
}

#[test]
fn link_out_of_the_directory_is_no_program() {
    let directory = programs();
    std::os::unix::fs::symlink("/bin/cat", directory.path().join("cat")).expect("a link");
    std::os::unix::fs::symlink("show", directory.path().join("inside")).expect("a link");
    let server = Gateway::new().args([&dir_flag(directory.path())]).start();
    assert_eq!(server.status("/cat", &[]), 404);
    assert_eq!(server.status("/inside", &[]), 101);
}

#[test]
fn flags_hold_for_every_program() {
    let directory = tempfile::tempdir().expect("a directory");
    script(directory.path(), "echo", "#!/bin/sh\nexec cat\n");
    let server = Gateway::new()
        .args([
            "--binary",
            "--route=/route=cat",
            &dir_flag(directory.path()),
        ])
        .start();
    for target in ["/route", "/echo"] {
        let mut client = server.connect_to(target);
        client.send_binary(b"\0\xff");
        assert_eq!(client.binary(), b"\0\xff", "{target}");
    }
}

#[test]
fn routes_files_and_console_share_a_server() {
    let site = tempfile::tempdir().expect("a directory");
    fs::write(site.path().join("page.html"), "page").expect("a file");
    let server = Gateway::new()
        .args([
            "--devconsole",
            &format!("--staticdir={}", site.path().display()),
            "--route=/page.html=echo program",
        ])
        .start();
    assert_eq!(server.get("/page.html").2, b"page");
    assert_eq!(server.text("/page.html"), "program");
    assert!(String::from_utf8_lossy(&server.get("/").2).contains("console"));
}

#[test]
fn route_that_is_wrong_is_a_start_up_error() {
    for (word, part) in [
        ("--route=/a", "PATH=COMMAND"),
        ("--route=a=cat", "slash"),
        ("--route=/../a=cat", "dot segment"),
        ("--route=/a=", "missing"),
        ("--route=/a='cat", "quote"),
        ("--route=/a=/nowhere/program", "no such file"),
        ("--dir=/nowhere", "--dir"),
    ] {
        let output = run(&[word]);
        assert_eq!(output.code, Some(2), "{word}: {output:?}");
        let first = output.stderr.lines().next().expect("a message");
        assert!(
            first.contains(part) && first.contains(&word[..5]),
            "{first}"
        );
    }
    let twice = run(&["--route=/a=cat", "--route=/a/=cat"]);
    assert!(twice.stderr.contains("already"), "{twice:?}");
}
