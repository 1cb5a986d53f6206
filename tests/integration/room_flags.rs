//! Flags and keys about rooms: what is refused at the start, and what a route may have of its own.

use crate::support::{Gateway, assert_refused, run};

#[test]
fn what_cannot_be_is_refused_with_both_names() {
    for (words, parts) in [
        ("--room=/ --share cat", ["--room", "--share"]),
        ("--room=/ --share=tagged cat", ["--room", "--share"]),
        (
            "--room=/x --connect=ws://localhost/",
            ["--room", "--connect"],
        ),
        (
            "--rooms-socket=/x --connect=ws://localhost/",
            ["--rooms-socket", "--connect"],
        ),
        ("--room=/x --room=/x/", ["--room", "/x/"]),
        ("--room=/x --route=/x=cat", ["--room", "/x"]),
        ("--room=/a%20b", ["--room", "/a%20b"]),
        ("--room=/a*", ["--room", "/a*"]),
        ("--room=/x/..", ["--room", "/x/.."]),
        ("--room=/a//b", ["--room", "/a//b"]),
        ("--room=//a", ["--room", "//a"]),
        ("--room=x", ["--room", "x"]),
        ("--room=/x --slow=often", ["--slow", "often"]),
        ("--slow=drop cat", ["--slow", "--room"]),
        ("--member-queue=1 cat", ["--member-queue", "--room"]),
        ("--max-members=1 cat", ["--max-members", "--room"]),
        ("--max-rate=1 cat", ["--max-rate", "--room"]),
        ("--history=1 cat", ["--history", "--room"]),
        ("--readonly cat", ["--readonly", "--room"]),
        ("--tick=50 --room=/x", ["--tick", "--share"]),
        ("--rooms-socket=@x --room=/x", ["--rooms-socket", "@x"]),
        ("--pub=/x/y --sub=/x/y", ["--pub", "--sub"]),
        ("--pub=/x/y --port=1", ["--pub", "--port"]),
        ("--sub=/x/y cat", ["--sub", "COMMAND"]),
        ("--pub=/x/y", ["--pub", "--rooms-socket"]),
        ("--sub=/x/y", ["--sub", "--rooms-socket"]),
        (
            "--pub=/x/y --newline=space --rooms-socket=/s",
            ["--pub", "--newline"],
        ),
        ("--sub=lobby --rooms-socket=/s", ["--sub", "lobby"]),
    ] {
        assert_refused(words, &parts);
    }
}

#[test]
fn what_may_be_is_no_error() {
    for words in [
        "--room=/x",
        "--room=/x --share cat",
        "--room=/x --share=tagged --slow=latest cat",
        "--room=/x/y.z --room=/x --history=1 --readonly --slow=close --max-members=0 --max-rate=0",
        "--room=/ cat",
        "--room=/x --binary --devconsole",
        "--rooms-socket=/nowhere/socket cat",
    ] {
        let words: Vec<&str> = words.split(' ').chain(["--check-config"]).collect();
        // Options end where the command begins.
        let at = words.iter().position(|word| *word == "cat");
        let mut words = words;
        if let Some(at) = at {
            words.remove(at);
            words.push("cat");
        }
        let output = run(&words);
        assert_eq!(output.code, Some(0), "{words:?}: {}", output.stderr);
    }
}

#[test]
fn route_may_be_rooms_with_terms_of_its_own() {
    let server = Gateway::new()
        .file(
            "command = 'cat'\n\
             [[route]]\npath = '/chat'\nroom = true\nhistory = 1\nmax-members = 2\n\
             [[route]]\npath = '/news'\nroom = true\nreadonly = true\nbinary = true\n",
        )
        .start();
    let mut chat = server.connect_to("/chat/x");
    chat.send("one");
    assert_eq!(chat.text(), "one");
    let mut late = server.connect_to("/chat/x");
    assert_eq!(late.text(), "one");
    assert_eq!(server.status("/chat/x", &[]), 503);
    let mut news = server.connect_to("/news/x");
    news.send_binary(b"nobody hears this");
    let mut program = server.connect();
    program.send("mine");
    assert_eq!(program.text(), "mine");
}

#[test]
fn route_of_rooms_has_no_program() {
    for (keys, parts) in [
        ("command = 'cat'", ["command", "room"]),
        ("target = 'localhost:1'", ["target", "room"]),
        ("cgi = '/tmp'", ["cgi", "room"]),
        ("share = 'plain'", ["share", "rooms"]),
        ("user = 'nobody'", ["user", "rooms"]),
        ("unbuffer = true", ["unbuffer", "rooms"]),
        ("pty = true", ["pty", "rooms"]),
        ("terminal = true", ["terminal", "rooms"]),
        ("closems = 5", ["closems", "rooms"]),
        ("finish-timeout = 5", ["finish-timeout", "rooms"]),
        ("maxlinesize = 5", ["maxlinesize", "rooms"]),
        ("framing = 'text'", ["framing", "rooms"]),
        ("newline = 'space'", ["newline", "rooms"]),
        ("flush-after = 5", ["flush-after", "rooms"]),
        ("maxforks = 5", ["maxforks", "rooms"]),
        ("cgi-timeout = 5", ["cgi-timeout", "rooms"]),
        ("env = ['A=B']", ["env", "rooms"]),
        ("passenv = ['A']", ["passenv", "rooms"]),
    ] {
        let output = Gateway::without_port()
            .file(&format!("[[route]]\npath = '/x'\nroom = true\n{keys}\n"))
            .args(["--check-config"])
            .output();
        assert_eq!(output.code, Some(2), "{keys}: {}", output.stderr);
        assert!(
            parts.iter().all(|part| output.stderr.contains(part)),
            "{keys}: {}",
            output.stderr
        );
    }
    for key in ["unbuffer", "pty"] {
        let output = Gateway::without_port()
            .file(&format!(
                "[[route]]\npath = '/x'\ntarget = 'h:1'\n{key} = true\n"
            ))
            .args(["--check-config"])
            .output();
        let expected = format!("route.{key}: is about a program");
        assert!(output.stderr.contains(&expected), "{}", output.stderr);
    }
    let output = Gateway::without_port()
        .file("[[route]]\npath = '/x'\nroom = '/y'\n")
        .args(["--check-config"])
        .output();
    assert!(output.stderr.contains("expected true"), "{}", output.stderr);
}

#[test]
fn flag_about_members_is_refused_in_a_route_without_them() {
    let check = |text: &str| {
        let gateway = Gateway::without_port().file(text);
        gateway.args(["--check-config"]).output()
    };
    let output = check("room = '/r'\n[[route]]\npath = '/x'\ncommand = 'cat'\nhistory = 1\n");
    assert_eq!(output.code, Some(2));
    assert!(
        output.stderr.contains(":5: route.history"),
        "{}",
        output.stderr
    );
    // What is said at the top is for the rooms.
    let output = check("room = '/r'\nhistory = 1\n[[route]]\npath = '/x'\ncommand = 'cat'\n");
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}
