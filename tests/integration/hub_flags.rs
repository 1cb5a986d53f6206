//! Flags and keys about the hub: what is refused and warned of at the start, and that no secret is told.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::support::{Gateway, assert_refused, certificates::Authority, run};

#[test]
fn what_cannot_be_is_refused() {
    for (words, parts) in [
        (
            "--hub=http://h cat",
            ["'--hub'", "expected nats://, tls://, redis:// or rediss://"],
        ),
        ("--hub=broker:4222 cat", ["'--hub'", "nats://"]),
        ("--hub=nats:// cat", ["'--hub'", "host is missing"]),
        ("--hub=nats://h/x cat", ["'--hub'", "nothing behind"]),
        ("--hub=redis://h:0 cat", ["'--hub'", "port"]),
        (
            "--hub=nats://h --hub-prefix=a.b cat",
            ["'a.b' for '--hub-prefix'", "letters"],
        ),
        (
            "--hub=nats://h --hub-prefix= cat",
            ["--hub-prefix", "1 to 64"],
        ),
        ("--hub-prefix=x cat", ["--hub-prefix", "--hub"]),
        ("--hub-ca=x cat", ["--hub-ca", "--hub"]),
        ("--hub-credentials=x cat", ["--hub-credentials", "--hub"]),
        (
            "--hub=nats://h --connect=ws://h cat",
            ["--hub", "--connect"],
        ),
        (
            "--hub=nats://h --hub-credentials=/nonexistent cat",
            ["--hub-credentials", "cannot be read"],
        ),
        (
            "--hub=nats://h --hub-credentials=/ cat",
            ["--hub-credentials", "is no file"],
        ),
        (
            "--hub=tls://h --hub-ca=/nonexistent cat",
            ["--hub-ca", "/nonexistent"],
        ),
        (
            "--hub=tls://h --hub-ca=/etc/hostname cat",
            ["--hub-ca", "/etc/hostname"],
        ),
        (
            "--hub=redis://h --hub-ca=/etc/hostname cat",
            ["--hub-ca", "rediss://"],
        ),
        (
            "--hub=nats://a:b@h --hub-credentials=/etc/hostname cat",
            ["--hub-credentials", "--hub"],
        ),
    ] {
        assert_refused(words, &parts);
    }
}

fn write(directory: &Path, text: &str, mode: u32) -> String {
    let file = directory.join("credentials");
    fs::write(&file, text).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("its mode");
    format!("--hub-credentials={}", file.display())
}

#[test]
fn credentials_are_in_a_file_of_one_reader() {
    let directory = tempfile::tempdir().expect("a directory");
    for (text, mode, reason) in [
        ("ann:s3cret\n", 0o640, "others than its owner"),
        ("ann:s3cret\n", 0o604, "others than its owner"),
        ("", 0o600, "it is empty"),
        ("\n", 0o600, "it is empty"),
        ("ann:s3cret\n\n", 0o600, "more than one line"),
        ("ann:s3cret\nbob:s3cret\n", 0o600, "more than one line"),
    ] {
        let flag = write(directory.path(), text, mode);
        let output = run(&["--hub=nats://h", &flag, "--check-config", "cat"]);
        assert_eq!(output.code, Some(2), "{text:?}: {}", output.stderr);
        assert!(
            output.stderr.contains(reason),
            "{text:?}: {}",
            output.stderr
        );
        assert!(!output.stderr.contains("s3cret"), "{}", output.stderr);
    }
    for text in ["ann:s3cret", "ann:s3cret\n", "s3cret", "ann:a:b@c/%"] {
        let flag = write(directory.path(), text, 0o400);
        let output = run(&["--hub=nats://h", &flag, "--check-config", "cat"]);
        assert_eq!(output.code, Some(0), "{text:?}: {}", output.stderr);
    }
}

#[test]
fn secrets_of_a_url_are_never_told() {
    for url in [
        "http://ann:s3cret@h",
        "nats://ann:s3cret@",
        "nats://ann:s3cret@h:x",
        "nats://ann:s3cret@h/x",
        "nats://s3cret@h:0",
        "redis://:s3cret@h/x",
        "s3cret@h",
    ] {
        let flag = format!("--hub={url}");
        let output = run(&[&flag, "--check-config", "cat"]);
        assert_eq!(output.code, Some(2), "{url}: {}", output.stderr);
        assert!(!output.stderr.contains("s3cret"), "{}", output.stderr);
        let output = Gateway::without_port()
            .file(&format!("command = [\"cat\"]\nhub = \"{url}\"\n"))
            .args(["--check-config"])
            .output();
        assert_eq!(output.code, Some(2), "{url}: {}", output.stderr);
        assert!(
            output.stderr.contains("wsd.toml:2: hub"),
            "{}",
            output.stderr
        );
        assert!(!output.stderr.contains("s3cret"), "{}", output.stderr);
    }
}

#[test]
fn keys_of_a_file_are_the_flags() {
    let authority = Authority::new("Brokers");
    let gateway = Gateway::without_port().file(
        "command = [\"cat\"]\nhub = \"tls://ann:s3cret@h\"\nhub-prefix = \"x\"\nhub-ca = \"DIR/ca.pem\"\n",
    );
    authority.write(gateway.directory(), "ca.pem");
    let output = gateway.args(["--check-config"]).output();
    assert_eq!(
        (output.code, &*output.stdout),
        (Some(0), "the configuration is fine\n"),
        "{}",
        output.stderr
    );
}

#[test]
fn credentials_that_anybody_can_read_on_their_way_are_warned_of() {
    let warns = |url: &str| {
        let hub = format!("--hub={url}");
        let mut server = Gateway::with(&hub).args(["--room=/chat"]).start();
        let log = server.log();
        assert!(!log.contains("s3cret"), "{log}");
        log.contains("may be read on its way")
    };
    // Addresses for documentation, at which nobody is (RFC 5737).
    assert!(warns("nats://ann:s3cret@192.0.2.1"));
    assert!(warns("redis://:s3cret@192.0.2.1"));
    for url in [
        "nats://192.0.2.1",
        "nats://ann:s3cret@127.0.0.1:1",
        "tls://ann:s3cret@192.0.2.1",
    ] {
        assert!(!warns(url), "{url}");
    }
}

#[test]
fn hub_without_rooms_is_warned_of() {
    let warns = |words: &str| {
        let mut server = Gateway::with("--hub=nats://127.0.0.1:1")
            .args(words.split_whitespace())
            .start();
        server.log().contains("there are no rooms")
    };
    assert!(warns("cat"));
    assert!(warns("--share cat"));
    assert!(!warns("--share=tagged cat"));
    assert!(!warns("--room=/chat"));
}
