//! Flags and keys about sharing: what is refused at the start, and what a route may have of its own.

use crate::support::{Gateway, assert_refused};

#[test]
fn what_cannot_be_is_refused_with_both_names() {
    for (words, parts) in [
        ("--share --target=h:1", ["--share", "--target"]),
        (
            "--share --target-map=/etc/hostname",
            ["--share", "--target-map"],
        ),
        ("--share --target=/x=h:1 cat", ["--share", "--target"]),
        (
            "--share --framing=control cat",
            ["--share", "--framing=control"],
        ),
        ("--share --passstderr cat", ["--share", "--passstderr"]),
        ("--share --inetd cat", ["--share", "--inetd"]),
        (
            "--share --connect=ws://localhost/ cat",
            ["--share", "--connect"],
        ),
        (
            "--share=tagged --binary cat",
            ["--share=tagged", "--binary"],
        ),
        (
            "--share=tagged --framing=chunks cat",
            ["--share=tagged", "--framing=chunks"],
        ),
        (
            "--share=tagged --framing=text cat",
            ["--share=tagged", "--framing=text"],
        ),
        (
            "--share=tagged --framing=headers cat",
            ["--share=tagged", "--framing=headers"],
        ),
        (
            "--share=tagged --framing=control cat",
            ["--share", "--framing=control"],
        ),
        (
            "--share=tagged --flush-after=5 cat",
            ["--share=tagged", "--flush-after"],
        ),
        (
            "--share=tagged --history=1 cat",
            ["--share=tagged", "--history"],
        ),
        (
            "--share=tagged --history=0 cat",
            ["--share=tagged", "--history"],
        ),
        (
            "--share --member-queue=x cat",
            ["--member-queue", "a whole number"],
        ),
        ("--share --tick=50 cat", ["--tick", "--share=tagged"]),
        ("--share --join-env=X cat", ["--join-env", "--share=tagged"]),
        ("--share=tagged --tick=4 cat", ["--tick", "5 ms"]),
        ("--share=tagged --join-env=A-B cat", ["--join-env", "A-B"]),
        ("--tick=50 cat", ["--tick", "--share"]),
        ("--join-env=X cat", ["--join-env", "--share"]),
        ("--respawn cat", ["--respawn", "--share"]),
        ("--share-by=route cat", ["--share-by", "--share"]),
        ("--share-keep=10 cat", ["--share-keep", "--share"]),
        ("--slow=close cat", ["--slow", "--share"]),
        ("--member-queue=1 cat", ["--member-queue", "--share"]),
        ("--max-members=1 cat", ["--max-members", "--share"]),
        ("--history=1 cat", ["--history", "--share"]),
        ("--readonly cat", ["--readonly", "--share"]),
        ("--share=both cat", ["--share", "both"]),
        ("--share --room=/x", ["--share", "COMMAND"]),
        ("--share=tagged --room=/x", ["--share", "COMMAND"]),
        ("--share --cgidir=.", ["--share", "COMMAND"]),
        ("--share --share-keep=never cat", ["--share-keep", "always"]),
    ] {
        assert_refused(words, &parts);
    }
}

#[test]
fn error_in_the_file_names_line_and_key() {
    for (file, place) in [
        ("command = 'cat'\nshare = 'foo'\n", ":2: share: "),
        (
            "command = 'cat'\nshare = 'tagged'\nhistory = 1\n",
            ":2: share: ",
        ),
        (
            "command = 'cat'\nflush-after = 5\nshare = 'tagged'\n",
            ":3: share: ",
        ),
        (
            "command = 'cat'\nshare = 'tagged'\nbinary = true\n",
            ":2: share: ",
        ),
        (
            "command = 'cat'\nshare = 'tagged'\nframing = 'text'\n",
            ":2: share: ",
        ),
        (
            "command = 'cat'\nshare = true\n[[route]]\npath = '/x'\ncommand = 'cat'\nshare = 'bar'\n",
            ":6: route.share: ",
        ),
    ] {
        let output = Gateway::without_port()
            .file(file)
            .args(["--check-config"])
            .output();
        assert_eq!(output.code, Some(2), "{file}");
        assert!(output.stderr.contains(place), "{file}: {}", output.stderr);
        assert!(!output.stderr.contains("--share["), "{}", output.stderr);
    }
}

#[test]
fn share_takes_its_value_by_an_equals_sign_alone() {
    let server = Gateway::with("--share cat").start();
    let mut clients = [server.connect(), server.connect()];
    clients[0].send("plain");
    assert_eq!(
        clients.each_mut().map(|client| client.text()),
        ["plain", "plain"]
    );
}

#[test]
fn route_may_share_by_itself() {
    let server = Gateway::new()
        .file(
            "command = 'cat'\n\
             [[route]]\npath = '/plain'\ncommand = 'cat'\nshare = true\nshare-keep = 5\nmax-members = 2\n\
             [[route]]\npath = '/tagged'\ncommand = ['sed', '-un', 's/^[0-9]/*!&/p']\n\
             share = 'tagged'\nshare-keep = 'always'\nslow = 'drop'\n",
        )
        .start();
    let mut own = [server.connect(), server.connect()];
    own[0].send("mine");
    assert_eq!(own[0].text(), "mine");
    own[1].send("yours");
    assert_eq!(own[1].text(), "yours");
    let mut plain = [server.connect_to("/plain"), server.connect_to("/plain")];
    plain[0].send("x");
    assert_eq!(plain.each_mut().map(|client| client.text()), ["x", "x"]);
    assert_eq!(server.status("/plain", &[]), 503);
    let mut tagged = [server.connect_to("/tagged"), server.connect_to("/tagged")];
    tagged[0].send("to the other");
    assert_eq!(tagged[1].text(), "to the other");
    tagged[1].send("back");
    assert_eq!(tagged[0].text(), "back");
}

#[test]
fn route_need_not_share_what_the_top_shares() {
    let server = Gateway::new()
        .file("share = true\nhistory = 1\ncommand = 'cat'\n[[route]]\npath = '/own'\ncommand = 'cat'\nshare = false\n")
        .start();
    let mut shared = [server.connect(), server.connect()];
    shared[0].send("to all");
    assert_eq!(
        shared.each_mut().map(|client| client.text()),
        ["to all", "to all"]
    );
    let mut own = [server.connect_to("/own"), server.connect_to("/own")];
    own[0].send("mine");
    own[1].send("yours");
    assert_eq!(
        own.each_mut().map(|client| client.text()),
        ["mine", "yours"]
    );
}

#[test]
fn target_of_a_route_is_not_shared() {
    let output = Gateway::without_port()
        .file("share = 'plain'\n[[route]]\npath = '/x'\ntarget = 'localhost:1'\n")
        .args(["--check-config"])
        .output();
    assert_eq!(output.code, Some(2), "{}", output.stderr);
    assert!(output.stderr.contains("share") && output.stderr.contains("target"));
}
