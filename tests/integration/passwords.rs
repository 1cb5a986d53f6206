//! `--basic-auth`: what `docs/access.md` says of passwords.

use std::{fs, process::Command};

use crate::support::{
    Signal, address_in, eventually,
    gateway::{Output, assert_refused},
    installed::find_or_skip,
    login::{ALICE, BOB, WHO, alice, basic, cookie_of_alice, replace, site, write_users},
    operators,
};

const FILE: &str = "basic-auth = \"DIR/users\"\nstaticdir = \"DIR/www\"\ncgidir = \"DIR/cgi\"\n";

#[test]
fn program_sees_the_user_and_no_password() {
    let server = site("", FILE).program(WHO).start();
    for (header, user) in [(alice(), "alice"), (basic("bob", "hunter2"), "bob")] {
        let mut client = server.ask("/x", &[&header]);
        assert_eq!(client.status(), 101, "{}", client.head);
        let said = client.text();
        assert!(
            said.starts_with(&format!("user={user} type=Basic authorization= cookie= ")),
            "{said}"
        );
    }
}

#[test]
fn nobody_is_let_in_without_a_password_whoever_answers() {
    let server = site("--devconsole", FILE).program("cat").start();
    let challenge = "Basic realm=\"wsd\", charset=\"UTF-8\"";
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/index.html"),
        ("HEAD", "/index.html"),
        ("GET", "/missing"),
        ("GET", "/who.sh"),
        ("POST", "/who.sh"),
        ("OPTIONS", "/who.sh"),
        ("GET", "/.well-known/wsd-other"),
    ] {
        let (status, headers, _) = server.request(method, target, "");
        assert_eq!(status, 401, "{method} {target}");
        assert_eq!(headers["www-authenticate"], challenge, "{method} {target}");
    }
    let client = server.ask("/", &[]);
    assert_eq!(client.status(), 401);
    assert!(
        client
            .head
            .to_lowercase()
            .contains("www-authenticate: basic realm="),
        "{}",
        client.head
    );
    let header = format!("{}\r\n", alice());
    for (target, status) in [
        ("/", 200),
        ("/index.html", 200),
        ("/missing", 404),
        ("/who.sh", 200),
    ] {
        assert_eq!(server.request("GET", target, &header).0, status, "{target}");
    }
}

#[test]
fn what_is_wrong_whoever_asks_is_told_before_anybody_is_asked() {
    let server = site(
        "",
        "[[route]]\npath = \"/a\"\ncommand = \"cat\"\nbasic-auth = \"DIR/users\"\n",
    )
    .start();
    assert_eq!(server.status("/b", &[]), 404);
    assert_eq!(server.status("/a", &["Host: evil.example"]), 403);
    assert_eq!(server.status("/a", &["Sec-WebSocket-Version: 8"]), 426);
    assert_eq!(server.status("/a", &["Origin: http://evil.example"]), 403);
    assert_eq!(server.status("/a", &[]), 401);
    assert_eq!(server.get("/a").0, 401);
    assert_eq!(
        server.request("GET", "/a", &format!("{}\r\n", alice())).0,
        426
    );
}

#[test]
fn names_of_programs_cannot_be_probed() {
    let file = format!(
        "{FILE}bearer-tokens = \"DIR/tokens\"\n[[route]]\npath = \"/there\"\ncommand = \"cat\"\n"
    );
    let server = site("", &file).start();
    for headers in [
        &[][..],
        &["Sec-WebSocket-Version: 8"],
        &["Origin: http://evil.example"],
        &["Sec-WebSocket-Protocol: bearer.x"],
        &[&*basic("alice", "wrong")],
    ] {
        let [there, missing] = ["/there", "/missing"].map(|path| {
            let head = server.ask(path, headers).head;
            head.lines()
                .filter(|line| !line.starts_with("Date: "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        assert_eq!(there, missing);
    }
    assert_eq!(server.status("/there", &[&alice()]), 101);
    assert_eq!(server.status("/missing", &[&alice()]), 404);
}

#[test]
fn what_is_wrong_is_401_and_the_log_says_which() {
    let mut server = site("", FILE).program("cat").start();
    for (header, reason) in [
        ("X: y".to_owned(), "unauthenticated"),
        ("Authorization: Digest x".to_owned(), "unauthenticated"),
        ("Authorization: Basic ???".to_owned(), "unauthenticated"),
        (format!("{}\r\n{}", alice(), alice()), "unauthenticated"),
        (basic("alice", "Secret"), "wrong password"),
        (basic("alice", ""), "wrong password"),
        (basic("carol", "secret"), "wrong password"),
    ] {
        assert_eq!(server.status("/", &[&header]), 401, "{header}");
        let line = server.wait_for_line("refused");
        assert!(
            line.contains(&format!("reason=\"{reason}\"")),
            "{header}: {line}"
        );
    }
}

#[test]
fn password_that_is_too_long_is_wrong() {
    let server = site("", FILE).program("cat").start();
    let tail = "x".repeat(600);
    for name in ["alice", "bob"] {
        assert_eq!(server.status("/", &[&basic(name, &tail)]), 401);
    }
    assert_eq!(server.status("/", &[&alice()]), 101);
}

#[test]
fn route_may_be_open_and_holds_for_all_beneath_it() {
    let file = format!(
        "{FILE}[[route]]\npath = \"/open\"\ncommand = \"cat\"\nno-auth = true\n\
         [[route]]\npath = \"/open/not\"\ncommand = \"cat\"\n"
    );
    let gateway = site("", &file);
    fs::create_dir_all(gateway.directory().join("www/open/not")).expect("a directory");
    for name in ["open/a.txt", "open/not/a.txt"] {
        fs::write(gateway.directory().join("www").join(name), "a").expect("a file");
    }
    let server = gateway.program("cat").start();
    for (target, status) in [
        ("/open", 101),
        ("/open/x", 101),
        ("/open/not", 401),
        ("/opener", 401),
    ] {
        assert_eq!(server.status(target, &[]), status, "{target}");
    }
    for (target, status) in [
        ("/open/a.txt", 200),
        ("/open/not/a.txt", 401),
        ("/index.html", 401),
    ] {
        assert_eq!(server.get(target).0, status, "{target}");
    }
}

#[test]
fn route_may_have_users_of_its_own() {
    let file = "basic-auth = \"DIR/users\"\n[[route]]\npath = \"/own\"\ncommand = \"cat\"\nbasic-auth = \"DIR/others\"\n";
    let gateway = site("", file);
    fs::write(gateway.directory().join("others"), BOB).expect("a file");
    let server = gateway.program("cat").start();
    assert_eq!(server.status("/own", &[&basic("bob", "hunter2")]), 101);
    assert_eq!(server.status("/own", &[&alice()]), 401);
    assert_eq!(server.status("/", &[&alice()]), 101);
}

#[test]
fn routes_of_one_path_let_in_the_same_clients() {
    let file = "[[route]]\npath = \"/a\"\ncommand = \"cat\"\nsubprotocol = \"x\"\nbasic-auth = \"DIR/users\"\n\
                [[route]]\npath = \"/a\"\ncommand = \"cat\"\nsubprotocol = \"y\"\n";
    let Output { code, stderr, .. } = site("", file).output();
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("another route of this path"), "{stderr}");
}

#[test]
fn hashes_that_real_programs_make_are_read() {
    let (Some(htpasswd), Some(mkpasswd)) = (find_or_skip("htpasswd"), find_or_skip("mkpasswd"))
    else {
        return;
    };
    let run = |command: &mut Command| {
        let output = command.output().expect("it runs");
        String::from_utf8(output.stdout)
            .expect("text")
            .trim()
            .to_owned()
    };
    let mut lines = vec![run(Command::new(&htpasswd).args([
        "-nbB",
        "u0",
        "päss wörd",
    ]))];
    for (index, method) in ["sha-256", "sha-512", "bcrypt", "bcrypt-a"]
        .iter()
        .enumerate()
    {
        let hash = run(Command::new(&mkpasswd).args(["-m", method, "päss wörd"]));
        lines.push(format!("u{}:{hash}", index + 1));
    }
    let gateway = site("", FILE);
    let users: Vec<&str> = lines.iter().map(String::as_str).collect();
    write_users(gateway.directory(), &users);
    let server = gateway.program("cat").start();
    for line in &lines {
        let name = line.split(':').next().expect("a name");
        assert_eq!(
            server.status("/", &[&basic(name, "päss wörd")]),
            101,
            "{line}"
        );
    }
}

#[test]
fn file_that_is_wrong_is_refused_at_the_start_by_its_line() {
    for (text, number, word) in [
        (format!("{ALICE}\nbob:hunter2\n"), 2, "htpasswd -B"),
        (format!("# users\n\n{ALICE}\n{ALICE}\n"), 4, "further up"),
        (
            "bob:$apr1$x$EnSyuLk.OSkTxA0.DFvjZ1\n".to_owned(),
            1,
            "htpasswd -B",
        ),
        (
            "bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n".to_owned(),
            1,
            "htpasswd -B",
        ),
        (":x\n".to_owned(), 1, "empty"),
        ("hunter2\n".to_owned(), 1, "NAME:HASH"),
    ] {
        for words in ["", "--check-config"] {
            let gateway = site(words, FILE);
            fs::write(gateway.directory().join("users"), &text).expect("a file");
            let Output {
                code,
                stderr,
                stdout,
            } = gateway.program("cat").output();
            assert_eq!(code, Some(2), "{stderr}");
            let expected = [
                format!("line {number}: "),
                word.to_owned(),
                "basic-auth".to_owned(),
            ];
            assert!(
                expected.iter().all(|part| stderr.contains(part)),
                "{stderr}"
            );
            assert!(
                !stderr.contains("hunter2") && !stdout.contains("hunter2"),
                "{stderr}"
            );
        }
    }
    assert_refused(
        "--basic-auth=/nonexistent cat",
        &["/nonexistent", "--basic-auth", "cannot be read"],
    );
}

#[test]
fn file_of_windows_with_comments_is_read() {
    let gateway = site("", FILE);
    fs::write(
        gateway.directory().join("users"),
        format!("# users\r\n\r\n{ALICE}\r\n"),
    )
    .expect("a file");
    let server = gateway.program("cat").start();
    assert_eq!(server.status("/", &[&alice()]), 101);
}

#[test]
fn change_of_the_file_is_in_force_and_a_broken_one_or_none_keeps_what_was() {
    let mut server = site("", FILE).program("cat").start();
    let users = server.directory().join("users");
    write_users(server.directory(), &[BOB]);
    server.wait_for_line("were read again");
    assert_eq!(server.status("/", &[&basic("bob", "hunter2")]), 101);
    assert_eq!(server.status("/", &[&alice()]), 401);
    replace(&users, "bob:plain\n");
    let line = server.wait_for_line("line 1: ");
    assert!(line.contains("stays") && !line.contains("plain:"), "{line}");
    assert_eq!(server.status("/", &[&basic("bob", "hunter2")]), 101);
    fs::remove_file(&users).expect("it is there");
    server.wait_for_line("cannot be read");
    assert_eq!(server.status("/", &[&basic("bob", "hunter2")]), 101);
}

#[test]
fn hangup_reads_the_file_again() {
    let mut server = site("", FILE).program("cat").start();
    write_users(server.directory(), &[BOB]);
    server.signal(Signal::HUP);
    server.wait_for_line("the configuration was read again");
    assert_eq!(server.status("/", &[&alice()]), 401);
    replace(&server.directory().join("users"), "bob:plain\n");
    server.signal(Signal::HUP);
    server.wait_for_line("the configuration stays as it is");
    assert_eq!(server.status("/", &[&basic("bob", "hunter2")]), 101);
}

#[test]
fn no_secret_is_in_any_line_of_the_log() {
    let file = format!("{FILE}bearer-tokens = \"DIR/tokens\"\n");
    for level in ["debug", "trace", "access"] {
        let mut server = site(&format!("--loglevel={level}"), &file)
            .program("cat")
            .start();
        let cookie = cookie_of_alice(&server);
        for headers in [
            &[&*alice()][..],
            &[&*basic("alice", "wr0ng-one")],
            &[&*cookie],
            &["Authorization: Bearer t0ken.of-ci"],
            &["Sec-WebSocket-Protocol: bearer.t0ken.of-ci, chat"],
        ] {
            let _ = server.ask("/", headers);
        }
        let _ = server.ask("/?access_token=t0ken.of-ci&x=y", &[]);
        let _ = server.ask("/%zz?access_token=t0ken.of-ci", &[]);
        let _ = server.ask("/ ?access_token=t0ken.of-ci", &[]);
        let _ = server.get("/?next=%2Fws%3Faccess_token%3Dt0ken.of-ci");
        drop(server.ask("/last", &[]));
        server.wait_for_line("/last");
        let log = server.log();
        let value = cookie.split('.').next_back().expect("a signature");
        let hash = ALICE.split('$').next_back().expect("a hash");
        for secret in ["secret", "wr0ng-one", "t0ken", "YWxpY2U6", value, hash] {
            assert!(!log.contains(secret), "{level}: {secret} in {log}");
        }
    }
}

#[test]
fn session_tells_its_user_in_the_log_and_to_operators() {
    let gateway = site("--admin=127.0.0.1:0", FILE);
    let mut server = gateway.program("cat").start();
    let admin = address_in(&server.wait_for_line("telling operators"));
    let client = server.ask("/", &[&alice()]);
    let started = server.wait_for_line("session started");
    assert!(started.contains("user=\"alice\""), "{started}");
    let sessions = operators::sessions(admin);
    assert_eq!(sessions[0]["user"], "alice");
    client.close();
    let ended = server.wait_for_line("session ended");
    assert!(ended.contains("user=\"alice\""), "{ended}");
    assert_eq!(server.status("/", &[]), 401);
    eventually("the refusal is counted", || {
        let figures = operators::figures(admin);
        figures.get("wsd_refusals_total{reason=\"unauthenticated\"}") == Some(&1.0)
    });
}

#[test]
fn warnings_are_said_of_what_is_hardly_meant() {
    for (words, expected) in [
        ("--address=0.0.0.0", Some("come in clear")),
        ("--address=0.0.0.0 --trust-proxy=192.0.2.1", None),
        ("--address=127.0.0.2", None),
        ("--address=0.0.0.0 --ssl-selfsigned", None),
        (
            "--address=0.0.0.0 --ssl-selfsigned --ssl-optional",
            Some("come in clear"),
        ),
        ("--origin=*", Some("--origin=* beside")),
        ("--origin=null", Some("--origin=null beside")),
        ("--origin=https://app.example", None),
    ] {
        let mut server = site(words, FILE).program("cat").start();
        let log = server.log();
        match expected {
            Some(expected) => assert!(log.contains(expected), "{words}: {log}"),
            None => assert!(!log.contains(" WARN "), "{words}: {log}"),
        }
    }
}
