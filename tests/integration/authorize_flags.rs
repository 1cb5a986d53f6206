//! Flags and keys about authorizers: what is refused at the start, whom an authorizer concerns.

use std::fs;

use crate::support::{Gateway, Target, assert_refused, run, script};

#[test]
fn what_cannot_be_is_refused_with_flag_value_and_remedy() {
    for (words, parts) in [
        (
            "--authorize=/nonexistent/hook cat",
            &["'/nonexistent/hook' for '--authorize'", "no such file"][..],
        ),
        (
            "--authorize=no-such-hook cat",
            &["'no-such-hook' for '--authorize'", "not in PATH"],
        ),
        (
            "--authorize='x cat",
            &["for '--authorize'", "a quote is not closed"],
        ),
        (
            "--authorize= cat",
            &["for '--authorize'", "the command is missing"],
        ),
        (
            "--authorize=/etc cat",
            &["'/etc' for '--authorize'", "it is a directory"],
        ),
        (
            "--authorize=http:// cat",
            &["'http://' for '--authorize'", "URL"],
        ),
        (
            "--authorize=https://a:99999/ cat",
            &["'https://a:99999/'", "port"],
        ),
        (
            "--authorize=http://u:p@a/ cat",
            &["for '--authorize'", "password"],
        ),
        ("--authorize=http://a/#b cat", &["for '--authorize'", "'#'"]),
        (
            "--authorize=unix:relative cat",
            &["'unix:relative'", "begin with '/'"],
        ),
        (
            "--authorize=unix:/run/a:b cat",
            &["'unix:/run/a:b'", "begin with '/'"],
        ),
        (
            "--authorize=true --authorize-timeout=0 cat",
            &["'0' for '--authorize-timeout", "more than 0"],
        ),
        (
            "--authorize=true --authorize-timeout=x cat",
            &["'x' for '--authorize-timeout", "seconds"],
        ),
        (
            "--authorize=true --authorize-cache=-1 cat",
            &["'-1' for '--authorize-cache", "seconds"],
        ),
        (
            "--authorize-timeout=1 cat",
            &["--authorize-timeout is about", "--authorize"],
        ),
        (
            "--authorize-cache=1 cat",
            &["--authorize-cache is about", "--authorize"],
        ),
        (
            "--target=authorize",
            &["'authorize' for '--target'", "--authorize"],
        ),
        (
            "--target=/a=authorize cat",
            &["'/a=authorize' for '--target'", "--authorize"],
        ),
        (
            "--connect=ws://a/ --authorize=true",
            &["--authorize", "--connect"],
        ),
    ] {
        assert_refused(words, parts);
    }
}

#[test]
fn script_that_cannot_run_is_refused_at_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let hook = script(directory.path(), "hook", "#!/nowhere/sh\n");
    let output = run(&[&format!("--authorize={}", hook.display()), "cat"]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("/nowhere/sh"), "{}", output.stderr);
}

/// A server whose configuration is this, with hooks `no`, which refuses, and `yes` in DIR.
fn configured(text: &str) -> Gateway {
    let gateway = Gateway::new().file(text);
    script(gateway.directory(), "no", "#!/bin/sh\nexit 1\n");
    script(
        gateway.directory(),
        "yes",
        "#!/bin/sh\nprintf 'X-Hook: %s %s\\n\\n' \"$1\" \"$2\"\n",
    );
    fs::create_dir(gateway.directory().join("www")).expect("a directory");
    fs::write(gateway.directory().join("www/page"), "page").expect("a file");
    gateway
}

#[test]
fn authorizer_of_a_route_holds_beneath_its_path_and_no_auth_opens_one() {
    let server = configured(
        "authorize = 'DIR/no'\nstaticdir = 'DIR/www'\n\
         [[route]]\npath = '/inherits'\ncommand = 'cat'\n\
         [[route]]\npath = '/own'\ncommand = 'cat'\nauthorize = ['DIR/yes', 'a b', \"c'd\"]\n\
         [[route]]\npath = '/own/open'\ncommand = 'cat'\nno-auth = true\n",
    )
    .start();
    for (path, page, websocket) in [
        ("/page", 403, None),
        ("/inherits/x", 403, Some(403)),
        ("/own", 404, Some(101)),
        ("/own/open/x", 404, Some(101)),
        ("/ownother", 403, None),
    ] {
        let (code, headers, _) = server.get(path);
        assert_eq!(code, page, "{path}");
        let expected = (path == "/own").then_some("a b c'd");
        assert_eq!(
            headers.get("x-hook").map(String::as_str),
            expected,
            "{path}"
        );
        if let Some(status) = websocket {
            assert_eq!(server.status(path, &[]), status, "{path}");
        }
    }
}

#[test]
fn keys_of_a_route_are_refused_with_their_line() {
    for (text, parts) in [
        (
            "[[route]]\npath = '/a'\ncommand = 'cat'\nauthorize = '/nonexistent'\n",
            &["wsd.toml:4: route.authorize", "no such file"][..],
        ),
        (
            "[[route]]\npath = '/a'\ncommand = 'cat'\nauthorize-timeout = 3\n",
            &["wsd.toml:4: route.authorize-timeout", "is about"],
        ),
        (
            "[[route]]\npath = '/a'\ncommand = 'cat'\nno-auth = true\nauthorize = 'true'\n",
            &["wsd.toml:5: route.authorize", "no-auth"],
        ),
        (
            "[[route]]\npath = '/a'\ncommand = 'cat'\nno-auth = true\nbasic-auth = 'users'\n",
            &["wsd.toml:5: route.basic-auth", "no-auth"],
        ),
        (
            "bearer-tokens = 'tokens'\n[[route]]\npath = '/a'\nbearer-tokens = 'tokens'\ncommand = 'cat'\nno-auth = true\n",
            &["wsd.toml:4: route.bearer-tokens", "no-auth"],
        ),
        (
            "[[route]]\npath = '/a'\ncommand = 'cat'\nauth-header = 'X-User'\nno-auth = true\n",
            &["wsd.toml:4: route.auth-header", "no-auth"],
        ),
        (
            "[[route]]\npath = '/a'\ntarget = 'authorize'\n",
            &["wsd.toml:3: route.target", "--authorize"],
        ),
        (
            "authorize = 'true'\n[[route]]\npath = '/a'\ntarget = 'authorize'\nno-auth = true\n",
            &["wsd.toml:4: route.target", "no-auth"],
        ),
    ] {
        let output = Gateway::new().file(text).output();
        let first = output.stderr.lines().next().unwrap_or_default().to_owned();
        assert_eq!(output.code, Some(2), "{text}: {first}");
        assert!(
            parts.iter().all(|part| first.contains(part)),
            "{text}: {first}"
        );
    }
}

#[test]
fn time_limit_of_the_top_is_for_routes_too() {
    let server = Gateway::new()
        .file("authorize-timeout = 9\n[[route]]\npath = '/a'\ncommand = 'cat'\nauthorize = 'true'\n[[route]]\npath = '/b'\ncommand = 'cat'\n")
        .start();
    assert_eq!(server.status("/a", &[]), 101);
    assert_eq!(server.status("/b", &[]), 101);
}

#[test]
fn target_that_the_authorizer_names_is_connected_to() {
    let target = Target::echo();
    let directory = tempfile::tempdir().expect("a directory");
    let text =
        "#!/bin/sh\n[ -z \"$QUERY_STRING\" ] || printf 'Target: %s\\n\\n' \"$QUERY_STRING\"\n";
    let hook = script(directory.path(), "hook", text);
    let flag = format!("--authorize={}", hook.display());
    for words in ["--target=authorize", "--target=/t=authorize"] {
        let mut server = Gateway::with(words).args([&flag]).start();
        let mut client = server.connect_to(&format!("/t?{}", target.address()));
        client.send("hello");
        assert_eq!(client.binary(), b"hello");
        let line = server.wait_for_line("session started");
        assert!(
            line.contains(&format!("target=tcp:{}", target.address())),
            "{line}"
        );
        assert_eq!(server.status("/t", &[]), 500, "it names none");
        assert_eq!(server.status("/t?nowhere", &[]), 500);
        let socket = directory.path().join("none").display().to_string();
        assert_eq!(server.status(&format!("/t?unix:{socket}"), &[]), 502);
        assert_eq!(server.get("/t").0, 426, "a page needs no target");
    }
    let server = Gateway::new().args([&flag, "cat"]).start();
    assert_eq!(server.status(&format!("/?{}", target.address()), &[]), 500);
}

#[test]
fn what_a_route_lets_its_targets_be_holds_for_those_of_an_authorizer() {
    let target = Target::echo();
    let directory = tempfile::tempdir().expect("a directory");
    let text = format!("#!/bin/sh\nprintf 'Target: {}\\n\\n'\n", target.address());
    let hook = script(directory.path(), "hook", &text);
    let text = format!(
        "[[route]]\npath = '/'\ntarget = 'authorize'\nframing = 'lines'\nauthorize = '{}'\n",
        hook.display()
    );
    let server = Gateway::new().file(&text).start();
    let mut client = server.connect();
    client.send("a line");
    assert_eq!(client.text(), "a line");
}

#[test]
fn figures_tell_what_came_of_questions() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "#!/bin/sh\ncase $QUERY_STRING in deny) exit 1 ;; fail) exit 2 ;; esac\n";
    let hook = script(directory.path(), "hook", text);
    let flag = format!("--authorize={}", hook.display());
    let words = [&flag, "--authorize-cache=1h", "cat"];
    let (server, admin) = crate::support::operators::start(&words);
    for target in ["/", "/", "/?deny", "/?deny", "/?fail", "/?fail"] {
        server.status(target, &[]);
    }
    let figures = crate::support::operators::figures(admin);
    for (name, value) in [
        ("wsd_authorize_total{result=\"allow\"}", 1.0),
        ("wsd_authorize_total{result=\"deny\"}", 1.0),
        ("wsd_authorize_total{result=\"cached\"}", 2.0),
        ("wsd_authorize_total{result=\"error\"}", 2.0),
        ("wsd_authorize_seconds_count", 4.0),
        ("wsd_refusals_total{reason=\"unauthorized\"}", 2.0),
        ("wsd_refusals_total{reason=\"authorizer\"}", 2.0),
    ] {
        assert_eq!(figures.get(name), Some(&value), "{name}: {figures:?}");
    }
}
