//! The directories that are served and run: followed when they are made again, moved or linked elsewhere, and kept
//! apart from each other.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::support::{Gateway, Server, eventually, run, script};

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Tree(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A directory with a file to serve, and with a program that is a script for CGI and for WebSockets alike.
    fn make(&self, name: &str, says: &str) {
        let directory = self.path(name);
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("page"), says).expect("a file");
        let text = format!("#!/bin/sh\nprintf 'X: y\\n\\n{says}\\n'\n");
        script(&directory, "run", &text);
    }

    fn flag(&self, flag: &str, name: &str) -> String {
        format!("{flag}={}", self.path(name).display())
    }

    fn serve(&self, flags: &[(&str, &str)]) -> Server {
        let flags: Vec<String> = flags
            .iter()
            .map(|(flag, name)| self.flag(flag, name))
            .collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        Gateway::new().args(&flags).start()
    }
}

fn remove(path: &Path) {
    fs::remove_dir_all(path).expect("a directory");
}

fn body(server: &Server, target: &str) -> String {
    String::from_utf8(server.get(target).2)
        .expect("text")
        .trim()
        .to_owned()
}

/// The last line that the program prints.
fn program(server: &Server) -> Option<String> {
    let mut client = server.ask("/run", &[]);
    (client.status() == 101).then(|| {
        client.text();
        client.text();
        client.text()
    })
}

#[test]
fn directory_that_is_made_again_is_served() {
    let tree = Tree::new();
    tree.make("w", "one");
    let server = tree.serve(&[("--staticdir", "w")]);
    assert_eq!(body(&server, "/page"), "one");
    remove(&tree.path("w"));
    tree.make("w", "two");
    eventually("the new file is served", || body(&server, "/page") == "two");
}

#[test]
fn program_beneath_the_working_directory_is_found_when_that_is_made_again() {
    let tree = Tree::new();
    tree.make("w", "one");
    let server = Gateway::new()
        .current_dir(&tree.path("w"))
        .args(["./run"])
        .start();
    assert_eq!(program(&server).as_deref(), Some("one"));
    remove(&tree.path("w"));
    assert_eq!(server.ask("/run", &[]).status(), 500);
    tree.make("w", "two");
    assert_eq!(program(&server).as_deref(), Some("two"));
}

#[test]
fn link_that_moves_is_followed() {
    let tree = Tree::new();
    tree.make("one", "one");
    tree.make("two", "two");
    symlink("one", tree.path("current")).expect("a link");
    let server = tree.serve(&[("--staticdir", "current")]);
    assert_eq!(body(&server, "/page"), "one");
    symlink("two", tree.path("next")).expect("a link");
    fs::rename(tree.path("next"), tree.path("current")).expect("a rename");
    eventually("the other release is served", || {
        body(&server, "/page") == "two"
    });
}

#[test]
fn programs_and_scripts_are_followed_too() {
    let tree = Tree::new();
    for name in ["cgi", "ws"] {
        tree.make(name, "one");
    }
    let server = tree.serve(&[("--cgidir", "cgi"), ("--dir", "ws")]);
    assert!(body(&server, "/run").contains("one"));
    assert_eq!(program(&server).as_deref(), Some("one"));
    for name in ["cgi", "ws"] {
        fs::rename(tree.path(name), tree.path("away")).expect("a rename");
        tree.make(name, "two");
        remove(&tree.path("away"));
    }
    eventually("the new script answers", || {
        body(&server, "/run").contains("two")
    });
    eventually("the new program answers", || {
        program(&server).as_deref() == Some("two")
    });
}

#[test]
fn missing_directory_is_404_and_one_line_each_way() {
    let tree = Tree::new();
    tree.make("w", "one");
    let mut server = tree.serve(&[("--staticdir", "w")]);
    fs::rename(tree.path("w"), tree.path("away")).expect("a rename");
    eventually("nothing is served", || server.get("/page").0 == 404);
    let line = server.wait_for_line("cannot be used");
    assert!(line.contains("WARN") && line.contains("/w"), "{line}");
    fs::rename(tree.path("away"), tree.path("w")).expect("a rename");
    eventually("it is served again", || server.get("/page").0 == 200);
    server.wait_for_line("is back");
    let log = server.log();
    for part in ["cannot be used", "is back"] {
        assert_eq!(log.matches(part).count(), 1, "{log}");
    }
}

#[test]
fn path_that_leads_among_programs_is_not_followed() {
    let tree = Tree::new();
    tree.make("w", "page");
    tree.make("cgi", "secret");
    symlink("w", tree.path("current")).expect("a link");
    let mut server = tree.serve(&[("--staticdir", "current"), ("--cgidir", "cgi")]);
    assert_eq!(body(&server, "/page"), "page");
    symlink("cgi", tree.path("next")).expect("a link");
    fs::rename(tree.path("next"), tree.path("current")).expect("a rename");
    eventually("nothing is served", || {
        let body = body(&server, "/page");
        assert_ne!(body, "secret");
        body != "page"
    });
    server.wait_for_line("lies otherwise");
}

#[test]
fn programs_within_the_files_are_never_served() {
    let tree = Tree::new();
    tree.make("w", "page");
    tree.make("w/ws", "secret");
    let server = tree.serve(&[("--staticdir", "w"), ("--dir", "w/ws")]);
    assert_eq!(body(&server, "/page"), "page");
    for target in ["/ws/run", "/ws/page", "/ws/"] {
        assert_eq!(server.get(target).0, 404, "{target}");
    }
    assert_eq!(program(&server).as_deref(), Some("secret"));
    // Nor those of a directory that has just been made again.
    remove(&tree.path("w/ws"));
    tree.make("w/ws", "secret");
    assert_eq!(server.get("/ws/run").0, 404);
}

#[test]
fn files_within_the_programs_are_served_and_never_run() {
    let tree = Tree::new();
    tree.make("ws", "program");
    tree.make("ws/public", "public");
    let server = tree.serve(&[("--dir", "ws"), ("--staticdir", "ws/public")]);
    assert_eq!(body(&server, "/page"), "public");
    assert_eq!(server.get("/run").0, 200);
    assert_eq!(program(&server).as_deref(), Some("program"));
    assert_eq!(server.status("/public/run", &[]), 404);
}

#[test]
fn files_that_would_be_programs_are_a_mistake() {
    let tree = Tree::new();
    tree.make("a/b", "x");
    for (programs, at, files) in [
        ("--cgidir", "a", "a"),
        ("--cgidir", "a", "a/b"),
        ("--dir", "a", "a"),
    ] {
        let output = run(&[&tree.flag(programs, at), &tree.flag("--staticdir", files)]);
        assert_eq!(output.code, Some(2), "{output:?}");
        let line = output.stderr.lines().next().unwrap_or_default();
        assert!(
            line.contains("--staticdir") && line.contains(programs),
            "{line}"
        );
    }
}
