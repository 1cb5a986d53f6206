//! Secrets, and the files that they are in: what is said of them, where they must not lie, and how they are read again.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{
    Gateway, Server, Signal,
    line_client::connect,
    login::{ALICE, BOB, CI, WHO, alice, basic, replace, site, write_users},
    run,
};

const FILE: &str =
    "basic-auth = \"DIR/users\"\nbearer-tokens = \"DIR/tokens\"\nstaticdir = \"DIR/www\"\n";
const SECRET: &str = "hunter2";

#[test]
fn secret_that_was_typed_is_not_repeated_when_it_is_refused() {
    for word in [
        "--basic-auth=alice:hunter2",
        "--bearer-tokens=hunter2",
        "--authorize=http://user:hunter2@h/",
        "--authorize=HTTP://user:hunter2@h/",
        "--authorize=https://h/?access_token=hunter2 x",
        "--connect=http//alice:hunter2@h/",
        "--connect=ws://alice:hunter2@h/x y",
        "--connect=ws://alice:hunter2/x@h/",
        "--connect=ws://h/?Access_Token=hunter2#x",
    ] {
        let output = run(&[word, "cat"]);
        assert_eq!(output.code, Some(2), "{word}: {}", output.stderr);
        assert!(!output.stderr.contains(SECRET), "{}", output.stderr);
        let flag = word.split('=').next().expect("a flag");
        assert!(output.stderr.contains(flag), "{}", output.stderr);
    }
    for word in ["--basic-auth=alice:hunter2", "--bearer-tokens=hunter2"] {
        let output = run(&[word, "cat"]);
        let parts = ["FILE", "tip: "];
        assert!(
            parts.iter().all(|part| output.stderr.contains(part)),
            "{}",
            output.stderr
        );
    }
    let file = Gateway::new().file("command = 'cat'\nbasic-auth = 'alice:hunter2'\n");
    let output = file.output();
    assert!(
        output.stderr.contains("wsd.toml:2: basic-auth") && !output.stderr.contains(SECRET),
        "{}",
        output.stderr
    );
}

#[test]
fn secret_is_not_repeated_when_a_hangup_finds_it() {
    let mut server = Gateway::new()
        .file("command = 'cat'\nauthorize = 'true'\n")
        .start();
    replace(
        &server.config(),
        "command = 'cat'\nauthorize = 'http://user:hunter2@h/'\n",
    );
    server.signal(Signal::HUP);
    server.wait_for_line("the configuration stays as it is");
    assert!(!server.log().contains(SECRET));
}

#[test]
fn token_of_the_url_is_in_no_line_of_a_client() {
    let server = site("", FILE).program("cat").start();
    let port = server.port();
    for url in [
        format!("ws://127.0.0.1:{port}/?access_token=t0ken.of-ci"),
        format!("ws://127.0.0.1:{port}/?access_token=wr0ng-t0ken"),
        "ws://127.0.0.1:1/?a;ACCESS_TOKEN=t0ken".to_owned(),
    ] {
        let output = connect(&url, &["--loglevel=trace", "--linger=0"])
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("oken=***") || said.contains("OKEN=***"),
            "{said}"
        );
        assert!(!said.contains("t0ken"), "{said}");
    }
}

#[test]
fn token_is_in_no_line_of_the_log_whatever_stands_before_it() {
    for file in [FILE, "authorize = \"true\"\nstaticdir = \"DIR/www\"\n"] {
        let mut server = site("--loglevel=debug", file).program("cat").start();
        for target in [
            "/?a=b;access_token=t0ken",
            "/?a&amp;access_token=t0ken",
            "/?ACCESS_TOKEN=t0ken",
            "/?a=b?access%5ftoken=t0ken",
            "/?access_token[]=t0ken",
            "/?n=%2Fx%3Faccess_token%3Dt0ken%26x",
            "/?access_token=t0ken",
            "/access_token=t0ken",
            "/ ?access_token= t0ken",
        ] {
            let _ = server.status(target, &[]);
            let _ = server.get(target);
        }
        drop(server.ask("/last", &[]));
        server.wait_for_line("/last");
        assert!(!server.log().contains("t0ken"), "{}", server.log());
    }
}

#[test]
fn program_does_not_see_the_token_in_the_address_of_the_page_before() {
    let who = format!("echo \"$HTTP_REFERER\"; {WHO}");
    let server = site("", FILE).program(&who).start();
    let referer = "Referer: http://localhost/x?a=b&access_token=t0ken.of-ci";
    let mut client = server.ask("/", &[&alice(), referer]);
    assert_eq!(client.text(), "http://localhost/x?a=b&access_token=***");
}

#[test]
fn file_of_secrets_that_could_be_asked_for_is_refused() {
    for (words, flag, part) in [
        (
            "--basic-auth=DIR/www/users --staticdir=DIR/www",
            "--basic-auth",
            "--staticdir",
        ),
        (
            "--basic-auth=DIR/link --staticdir=DIR/www",
            "--basic-auth",
            "--staticdir",
        ),
        (
            "--bearer-tokens=DIR/cgi/sub/tokens --cgidir=DIR/cgi",
            "--bearer-tokens",
            "CGI",
        ),
        (
            "--bearer-tokens=DIR/cgi/sub/tokens --dir=DIR/cgi",
            "--bearer-tokens",
            "--dir",
        ),
        (
            "--basic-auth=DIR/users --cookie-key=DIR/www/key --staticdir=DIR/www",
            "--cookie-key",
            "--staticdir",
        ),
    ] {
        let gateway = site("", "");
        let directory = gateway.directory().to_owned();
        fs::create_dir(directory.join("cgi/sub")).expect("a directory");
        replace(&directory.join("www/users"), ALICE);
        replace(&directory.join("cgi/sub/tokens"), CI);
        replace(&directory.join("www/key"), &"k".repeat(32));
        std::os::unix::fs::symlink("www/users", directory.join("link")).expect("a link");
        let words = words.replace("DIR", &directory.display().to_string());
        let output = gateway.args(words.split(' ')).output();
        let first = output.stderr.lines().next().unwrap_or_default();
        assert_eq!(output.code, Some(2), "{words}: {first}");
        assert!(first.contains(flag) && first.contains(part), "{first}");
    }
    let file = "staticdir = \"DIR/www\"\n[[route]]\npath = \"/a\"\ncommand = \"cat\"\nbasic-auth = \"DIR/www/users\"\n";
    let gateway = site("", file);
    replace(&gateway.directory().join("www/users"), ALICE);
    let output = gateway.output();
    assert!(
        output.stderr.contains("wsd.toml:5: route.basic-auth"),
        "{}",
        output.stderr
    );
}

#[test]
fn file_that_others_may_read_or_write_is_warned_of() {
    for (name, mode, word) in [
        ("users", 0o644, Some("read it")),
        ("users", 0o602, Some("write it")),
        ("users", 0o640, None),
        ("tokens", 0o644, None),
        ("tokens", 0o606, Some("write it")),
    ] {
        let gateway = site("", FILE);
        let file = gateway.directory().join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("its mode");
        let mut server = gateway.program("cat").start();
        let log = server.log();
        match word {
            Some(word) => assert!(
                log.contains(word) && log.contains("chmod"),
                "{mode:o}: {log}"
            ),
            None => assert!(!log.contains(" WARN "), "{mode:o}: {log}"),
        }
    }
}

fn make_pipe(path: &Path) {
    let _ = fs::remove_file(path);
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo").success());
}

#[test]
fn pipe_is_refused_at_the_start() {
    for (flag, more) in [
        ("--basic-auth", ""),
        ("--bearer-tokens", ""),
        ("--cookie-key", "--basic-auth=DIR/users"),
        ("--target-map", ""),
        ("--config", ""),
    ] {
        let gateway = site("", "");
        let directory = gateway.directory().to_owned();
        let pipe = directory.join("pipe");
        make_pipe(&pipe);
        let more = more.replace("DIR", &directory.display().to_string());
        let mut command = Command::new(crate::support::gateway::WSD);
        command
            .arg(format!("{flag}={}", pipe.display()))
            .args(more.split_whitespace());
        if flag != "--target-map" {
            command.arg("cat");
        }
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("a pipe"), "{said}");
    }
}

/// Waits until users and tokens are those of another file, and the watch goes on behind.
fn assert_watched(server: &mut Server) {
    write_users(server.directory(), &[BOB]);
    server.wait_for_line("were read again");
    assert_eq!(server.status("/", &[&alice()]), 401);
    assert_eq!(server.status("/", &[&basic("bob", "hunter2")]), 101);
}

#[test]
fn pipe_in_the_place_of_a_file_keeps_what_was_and_holds_up_nothing() {
    let mut server = site("", FILE).program("cat").start();
    make_pipe(&server.directory().join("tokens"));
    let line = server.wait_for_line("a pipe");
    assert!(line.contains("tokens") && line.contains("stays"), "{line}");
    assert_eq!(server.status("/?access_token=t0ken.of-ci", &[]), 101);
    assert_watched(&mut server);
    make_pipe(&server.config());
    server.signal(Signal::HUP);
    server.wait_for_line("the configuration stays as it is");
}

#[test]
fn file_that_goes_on_changing_is_read_all_the_same() {
    let mut server = site("", FILE).program("cat").start();
    let users = server.directory().join("users");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writing = std::thread::spawn(move || {
        let mut changes = 0;
        // Faster than it is looked at.
        while stopped
            .recv_timeout(std::time::Duration::from_millis(20))
            .is_err()
        {
            changes += 1;
            replace(&users, &format!("{BOB}\n# {}\n", "x".repeat(changes)));
        }
    });
    server.wait_for_line("were read again");
    assert_eq!(server.status("/", &[&alice()]), 401);
    stop.send(()).expect("it runs");
    writing.join().expect("it ends");
}
