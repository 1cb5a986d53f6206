//! `--watch` and its key: what is refused at the start, and where nobody else may come.

use crate::support::{Gateway, Output, assert_refused, run};

#[test]
fn what_cannot_be_watched_is_refused() {
    for (words, parts) in [
        (
            "--watch=/nowhere/x cat",
            &["--watch", "'/nowhere/x'", "No such file"][..],
        ),
        ("--watch=/,/nowhere cat", &["--watch", "'/nowhere'"]),
        ("--watch=~/x cat", &["--watch", "~/x"]),
        ("--watch= cat", &["--watch"]),
        (
            "--watch --target=localhost:1",
            &["--watch", "nothing to watch", "--staticdir"],
        ),
        ("--watch --room=/r", &["--watch", "nothing to watch"]),
        (
            "--watch --connect=ws://localhost/",
            &["--watch", "--connect"],
        ),
    ] {
        assert_refused(words, parts);
    }
}

fn check(words: &str) -> Output {
    let words: Vec<&str> = words.split_whitespace().collect();
    run(&[&["--check-config"], &words[..]].concat())
}

#[test]
fn server_that_is_open_to_the_network_needs_a_login_to_watch() {
    for (flags, named) in [
        ("--address=0.0.0.0", "--address=0.0.0.0"),
        ("--address=::", "--address=::"),
        ("--trust-proxy=127.0.0.1", "--trust-proxy"),
        ("--proxy-protocol", "--proxy-protocol"),
        ("--host=example.com", "--host"),
        ("--unixsocket=@x", "--unixsocket"),
        ("--inetd", "--inetd"),
    ] {
        let output = check(&format!("{flags} --watch cat"));
        assert_eq!(output.code, Some(2), "{flags}: {output:?}");
        for part in ["--watch", named, "--basic-auth"] {
            assert!(output.stderr.contains(part), "{flags}: {part}: {output:?}");
        }
        let allowed = check(&format!("{flags} --authorize=true --watch cat"));
        assert_eq!(allowed.code, Some(0), "{flags}: {allowed:?}");
        let off = check(&format!("{flags} cat"));
        assert_eq!(off.code, Some(0), "{flags}: {off:?}");
    }
}

#[test]
fn page_of_another_origin_that_may_connect_opens_nothing_of_it() {
    for flags in ["--origin=*", "--address=127.0.0.1", "--address=localhost"] {
        let output = check(&format!("{flags} --watch cat"));
        assert_eq!(output.code, Some(0), "{flags}: {output:?}");
    }
}

fn checked_file(text: &str) -> Output {
    Gateway::without_port()
        .file(text)
        .args(["--check-config"])
        .output()
}

#[test]
fn key_is_a_switch_or_a_list_of_paths() {
    for text in [
        "watch = true",
        "watch = false",
        "watch = \"DIR\"",
        "watch = [\"DIR\", \"/\"]",
    ] {
        let output = checked_file(&format!("{text}\ncommand = \"cat\"\n"));
        assert_eq!(output.code, Some(0), "{text}: {output:?}");
    }
    for (text, part) in [
        ("watch = \"/nowhere\"", "wsd.toml:1: watch:"),
        ("watch = [\n\"/\",\n\"/nowhere\"]", "wsd.toml:3: watch:"),
        ("watch = 1", "wsd.toml:1: watch:"),
        ("address = \"0.0.0.0\"\nwatch = true", "wsd.toml:2: watch:"),
    ] {
        let output = checked_file(&format!("{text}\ncommand = \"cat\"\n"));
        assert_eq!(output.code, Some(2), "{text}: {output:?}");
        assert!(output.stderr.contains(part), "{text}: {output:?}");
    }
}

#[test]
fn it_is_no_key_of_a_route() {
    let output = checked_file("[[route]]\npath = \"/a\"\ncommand = \"cat\"\nwatch = true\n");
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("for the whole server"), "{output:?}");
}
