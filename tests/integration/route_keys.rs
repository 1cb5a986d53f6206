//! What a `[[route]]` of the configuration file may have of its own.

use std::{fs, process::Command};

use crate::support::{self, Client, Gateway, Output, Signal, script};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn messages_travel_as_the_route_says() {
    let server = Gateway::new()
        .file(
            "binary = true\ncommand = 'cat'\nmaxframesize = 100\n\
         [[route]]\npath = '/lines'\ncommand = 'cat'\nframing = 'lines'\nnewline = 'space'\n\
         [[route]]\npath = '/length'\ncommand = 'cat'\nframing = 'length'\nmaxframesize = 5\n\
         [[route]]\npath = '/same'\ncommand = 'cat'\n",
        )
        .start();
    let mut lines = server.connect_to("/lines");
    lines.send("a\nb");
    assert_eq!(lines.text(), "a b");
    let mut length = server.connect_to("/length");
    length.send("a\nb");
    assert_eq!(length.text(), "a\nb");
    length.send("123456");
    assert_eq!(length.closed().0, 1009);
    for target in ["/same", "/"] {
        let mut client = server.connect_to(target);
        client.send_binary(b"123456\xff");
        assert_eq!(client.binary(), b"123456\xff", "{target}");
    }
}

#[test]
fn environment_and_directory_are_the_routes_own() {
    let server = Gateway::new()
        .file(
            "command = 'printenv GREETING PLACE'\nenv = { GREETING = 'hello', PLACE = 'top' }\n\
         [[route]]\npath = '/env'\ncommand = 'printenv GREETING NUMBER'\n\
         env = { GREETING = 'a=b c', NUMBER = 5 }\n\
         [[route]]\npath = '/without'\ncommand = ['sh', '-c', 'echo \"<$PATH>\"']\npassenv = 'NOTHING'\n\
         [[route]]\npath = '/dir'\ncommand = ['pwd']\nworkdir = 'DIR'\n",
        )
        .start();
    let lines = |target: &str| {
        let mut client = server.connect_to(target);
        [client.text(), client.text()]
    };
    assert_eq!(lines("/"), ["hello", "top"]);
    assert_eq!(lines("/env"), ["a=b c", "5"]);
    // Without a PATH of its own a shell makes one up, but it is not ours.
    assert_ne!(server.text("/without"), format!("<{}>", env!("PATH")));
    assert_eq!(
        server.text("/dir"),
        server.directory().display().to_string()
    );
}

#[test]
fn relative_command_is_looked_up_from_here_whatever_its_workdir_is() {
    let server = Gateway::new()
        .file("[[route]]\npath = '/count'\ncommand = 'examples/count/count.sh'\nworkdir = 'DIR'\n")
        .start();
    assert_eq!(server.text("/count"), "1");
}

#[test]
fn access_is_the_routes_own() {
    let server = Gateway::new()
        .file(
            "command = 'cat'\norigin = 'http://top.example'\nsubprotocol = 'top'\n\
         header = 'X-All: 1'\nheader-ws = 'X-Top: 1'\n\
         [[route]]\npath = '/r'\ncommand = 'cat'\norigin = ['http://route.example']\nsubprotocol = 'route'\n\
         header-ws = 'X-Route: 1'\n\
         [[route]]\npath = '/strict'\ncommand = 'cat'\nsameorigin = true\n",
        )
        .start();
    for (target, origin, expected) in [
        ("/", "top", 101),
        ("/", "route", 403),
        ("/r", "top", 403),
        ("/r", "route", 101),
        ("/strict", "top", 101),
    ] {
        let origin = format!("Origin: http://{origin}.example");
        assert_eq!(
            server.status(target, &[&origin]),
            expected,
            "{target} {origin}"
        );
    }
    assert_eq!(server.status("/strict", &[]), 403);
    let offer = ["Sec-WebSocket-Protocol: top, route"];
    let head = Client::connect(server.address, "/r", &offer)
        .head
        .to_lowercase();
    assert!(head.contains("sec-websocket-protocol: route\r\n"), "{head}");
    assert!(
        head.contains("x-all: 1") && head.contains("x-route: 1"),
        "{head}"
    );
    assert!(!head.contains("x-top"), "{head}");
}

#[test]
fn places_of_a_route_are_its_own_and_within_the_servers() {
    let mut server = Gateway::new()
        .file(
            "command = 'cat'\nmaxforks = 2\n[[route]]\npath = '/one'\ncommand = 'cat'\nmaxforks = 1\n",
        )
        .start();
    let one = server.connect_to("/one");
    assert_eq!(server.status("/one", &[]), 503);
    let other = server.connect();
    assert_eq!(server.status("/", &[]), 503);
    other.close();
    // Who holds a place holds it after a reload too.
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
    support::eventually("there is a place at the top again", || {
        server.status("/", &[]) == 101
    });
    assert_eq!(server.status("/one", &[]), 503);
    one.close();
    support::eventually("the route has its place again", || {
        server.status("/one", &[]) == 101
    });
}

#[test]
fn time_limits_are_the_routes_own() {
    let mut server = Gateway::new()
        .file(
            "command = 'cat'\n\
         [[route]]\npath = '/idle'\ncommand = ['sh', '-c', 'echo hello; cat; echo bye']\nidle-timeout = 1\n\
         [[route]]\npath = '/short'\ncommand = 'yes'\nmax-lifetime = 1\n",
        )
        .start();
    let mut idle = server.connect_to("/idle");
    assert_eq!(idle.text(), "hello");
    // Its input ends, and what it still has to say is delivered.
    assert_eq!(idle.text(), "bye");
    assert_eq!(
        idle.closed(),
        (1001, "there was no message for 1 s".to_owned())
    );
    let mut top = server.connect();
    let short = server.connect_to("/short");
    drop(short);
    server.wait_for_line("session ended");
    top.send("still here");
    assert_eq!(top.text(), "still here");
}

#[test]
fn lifetime_ends_a_session_whatever_it_does() {
    let server = Gateway::new()
        .file(
            "[[route]]\npath = '/'\ncommand = ['sh', '-c', 'while read -r line; do echo \"$line\"; done']\nmax-lifetime = 1\n",
        )
        .start();
    let mut client = server.connect();
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(
        client.closed(),
        (1001, "the session has lasted for 1 s".to_owned())
    );
}

#[test]
fn resource_limits_hold_for_the_routes_programs() {
    let server = Gateway::new()
        .file(
            "command = ['sh', '-c', 'ulimit -n']\n\
         [[route]]\npath = '/limits'\ncommand = ['sh', '-c', 'ulimit -n; ulimit -t; ulimit -v']\n\
         limits = { nofile = 64, cpu-seconds = 7, memory = 1_073_741_824 }\n\
         [[route]]\npath = '/spin'\ncommand = ['sh', '-c', 'while :; do :; done']\nlimits = { cpu-seconds = 1 }\n",
        )
        .start();
    let mut limits = server.connect_to("/limits");
    assert_eq!(
        [limits.text(), limits.text(), limits.text()],
        ["64", "7", "1048576"]
    );
    assert_ne!(server.text("/"), "64");
    // The soft and the hard limit are the same, which is SIGKILL.
    let killed = server.connect_to("/spin").closed();
    assert_eq!(killed.0, 4128 + 9, "{killed:?}");
}

#[test]
fn program_runs_as_the_user_that_its_route_names() {
    let text_of_file =
        "[[route]]\npath = '/'\ncommand = ['sh', '-c', 'id -u; id -g; id -G']\nuser = 'nobody'\n";
    let gateway = Gateway::new().file(text_of_file);
    if !is_root() {
        let Output { code, stderr, .. } = gateway.args(["--check-config"]).output();
        assert_eq!(code, Some(2));
        assert!(
            stderr.contains(":4: route.user: ") && stderr.contains("only root"),
            "{stderr}"
        );
        return;
    }
    let nobody = |option: &str| {
        let output = Command::new("id").args([option, "nobody"]).output();
        let output = output.expect("id(1)").stdout;
        String::from_utf8(output).expect("text").trim().to_owned()
    };
    let server = gateway.start();
    let mut client = server.connect();
    assert_eq!(
        [client.text(), client.text(), client.text()],
        [nobody("-u"), nobody("-g"), nobody("-G")]
    );
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn group_and_processes_need_root_and_a_user() {
    if !is_root() {
        return;
    }
    let server = Gateway::new()
        .file(
            "[[route]]\npath = '/group'\ncommand = ['sh', '-c', 'id -u; id -G']\ngroup = '12345'\n\
         [[route]]\npath = '/number'\ncommand = ['sh', '-c', 'id -u; id -G']\nuser = '54321'\ngroup = 'daemon'\n\
         [[route]]\npath = '/fork'\ncommand = ['sh', '-c', '(exec sleep 60) & wait']\nuser = '54322'\ngroup = '54322'\n\
         limits = { processes = 1 }\n",
        )
        .start();
    let mut group = server.connect_to("/group");
    assert_eq!([group.text(), group.text()], ["0", "12345"]);
    let mut number = server.connect_to("/number");
    assert_eq!([number.text(), number.text()], ["54321", "1"]);
    // It may not start another process.
    assert!(server.connect_to("/fork").closed().0 > 4000);
}

#[test]
fn number_that_changes_nobody_is_refused() {
    // With it setresuid(2) leaves the user as it is, which is root.
    const LINES: [&str; 2] = ["user = '4294967295'\ngroup = '1'", "group = '4294967295'"];
    for line in LINES {
        let Output { code, stderr, .. } = Gateway::without_port()
            .file(&format!("[[route]]\npath = '/'\ncommand = 'id'\n{line}\n"))
            .args(["--check-config"])
            .output();
        assert_eq!(code, Some(2), "{line}");
        let reason = if is_root() { "no user" } else { "only root" };
        assert!(stderr.contains(reason), "{stderr}");
    }
}

#[test]
fn no_variable_is_passed_on_where_an_empty_list_says_so() {
    let server = Gateway::new()
        .file(
            "passenv = 'HOME'\n\
         [[route]]\npath = '/list'\ncommand = '/bin/sh -c \"printenv PATH HOME || echo none\"'\npassenv = []\n\
         [[route]]\npath = '/word'\ncommand = '/bin/sh -c \"printenv PATH HOME || echo none\"'\npassenv = ''\n",
        )
        .start();
    for target in ["/list", "/word"] {
        assert_eq!(server.text(target), "none", "{target}");
    }
}

#[test]
fn user_that_stops_its_processes_does_not_stop_the_server() {
    if !is_root() {
        return;
    }
    // Whoever is this user already stops each process that becomes it, before it has executed anything.
    const STOP: &str = "echo go; while :; do kill -STOP -1; done";
    let stop = format!("command = ['/bin/sh', '-c', '{STOP}']");
    let server = Gateway::new()
        .file(&format!(
            "user = '54329'\ngroup = '54329'\nworkdir = '/'\n\
         [[route]]\npath = '/stop'\n{stop}\n\
         [[route]]\npath = '/stopped'\ncommand = '/bin/cat'\n\
         [[route]]\npath = '/other'\ncommand = ['/bin/sh', '-c', 'echo fine']\nuser = 'root'\n"
        ))
        .start();
    let mut stopper = server.connect_to("/stop");
    assert_eq!(stopper.text(), "go");
    let address = server.address;
    let victims: Vec<_> = (0..20)
        .map(|_| std::thread::spawn(move || Client::ask(address, "/stopped", &[]).status()))
        .collect();
    for _ in 0..20 {
        assert_eq!(server.text("/other"), "fine");
    }
    for victim in victims {
        let status = victim.join().expect("a status");
        assert!(matches!(status, 101 | 503), "{status}");
    }
}

#[test]
fn program_of_another_user_ends_with_its_session() {
    if !is_root() {
        return;
    }
    let server = Gateway::new()
        .file(
            "[[route]]\npath = '/'\ncommand = ['sh', '-c', 'echo $$; trap \"\" INT TERM; sleep 600']\nuser = 'nobody'\n",
        )
        .start();
    let mut client = server.connect();
    let pid = client.text().parse().expect("a number");
    client.close();
    support::wait_until_gone(pid);
}

#[test]
fn directory_of_cgi_scripts_answers_beneath_its_path() {
    let gateway = Gateway::new().file(
        "staticdir = 'DIR'\ncgidir = 'DIR/top'\n\
         [[route]]\npath = '/api/v1'\ncgi = 'DIR/inner'\nenv = { GREETING = 'hello' }\n\
         [[route]]\npath = '/api/v1/ws'\ncommand = 'cat'\n",
    );
    let hello = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s %s %s' \"$GREETING\" \"$SCRIPT_NAME\" \"$PATH_INFO\"\n";
    for inner in ["inner", "top"] {
        fs::create_dir(gateway.directory().join(inner)).expect("a directory");
        script(&gateway.directory().join(inner), "hello.sh", hello);
    }
    fs::write(gateway.directory().join("page.txt"), "a page").expect("a file");
    let server = gateway.start();
    let body = |target: &str| {
        let (status, _, body) = server.get(target);
        let body = String::from_utf8_lossy(&body).into_owned();
        // A script without a Content-Length is sent in one chunk.
        let text = body.lines().nth(1).unwrap_or(&body).to_owned();
        (status, text)
    };
    let ok = |text: &str| (200, text.to_owned());
    assert_eq!(body("/api/v1/hello.sh/x"), ok("hello /api/v1/hello.sh /x"));
    assert_eq!(body("/hello.sh"), ok(" /hello.sh "));
    assert_eq!(body("/page.txt"), ok("a page"));
    // Neither is a script's source a file.
    for target in [
        "/inner/hello.sh",
        "/top/hello.sh",
        "/api/v1x/hello.sh",
        "/api/v1",
    ] {
        assert_eq!(body(target).0, 404, "{target}");
    }
    let mut client = server.connect_to("/api/v1/ws");
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(server.status("/api/v1/hello.sh", &[]), 404);
}

#[test]
fn what_is_typed_wins_over_a_route() {
    let gateway = Gateway::new().file(
        "framing = 'length'\n[[route]]\npath = '/'\ncommand = 'printenv GREETING'\n\
         env = { GREETING = 'written' }\nmaxforks = 1\nframing = 'length'\n",
    );
    let words = [
        "--env=GREETING=typed",
        "--maxforks=5",
        "--binary",
        "--idle-timeout=60",
    ];
    let server = gateway.args(words).start();
    let _other = server.connect();
    assert_eq!(server.connect().binary(), b"typed\n");
}

#[test]
fn error_names_the_place_of_the_value() {
    const ROUTE: &str = "[[route]]\npath = '/a'\ncommand = 'cat'\n";
    let Output { code, stderr, .. } = Gateway::without_port()
        .file(&format!("port = 0\nworkdir = '/nowhere'\n{ROUTE}"))
        .args(["--check-config"])
        .output();
    assert_eq!(code, Some(2));
    assert!(stderr.contains("wsd.toml:2: workdir: "), "{stderr}");
    let Output { code, stderr, .. } = Gateway::without_port()
        .file("workdir = '/'\ncommand = 'cat'\n")
        .args(["--workdir=/nowhere", "--check-config"])
        .output();
    assert_eq!(code, Some(2));
    assert!(!stderr.contains("wsd.toml"), "{stderr}");
}

#[test]
fn routes_of_one_path_are_told_apart_by_their_subprotocols() {
    let server = Gateway::new()
        .file(
            "command = 'echo top'\n\
         [[route]]\npath = '/chat'\ncommand = 'echo one'\nsubprotocol = 'v1.chat'\n\
         [[route]]\npath = '/chat'\ncommand = 'echo two'\nsubprotocol = ['v2.chat', 'v3.chat']\n\
         [[route]]\npath = '/chat'\ncommand = 'echo any'\n",
        )
        .start();
    let answer = |offer: &str| {
        let offer = format!("Sec-WebSocket-Protocol: {offer}");
        let mut client = Client::connect(server.address, "/chat", &[&offer]);
        let head = client.head.to_lowercase();
        let selected = head
            .split("sec-websocket-protocol: ")
            .nth(1)
            .and_then(|rest| rest.lines().next())
            .map(str::to_owned);
        (client.text(), selected)
    };
    for (offer, program, selected) in [
        ("v1.chat", "one", "v1.chat"),
        ("v3.chat, v1.chat", "two", "v3.chat"),
        ("v9.chat, v1.chat, v2.chat", "one", "v1.chat"),
        ("v9.chat", "any", "v9.chat"),
    ] {
        assert_eq!(
            answer(offer),
            (program.to_owned(), Some(selected.to_owned())),
            "{offer}"
        );
    }
    assert_eq!(server.text("/chat"), "any");
    assert_eq!(server.text("/"), "top");
}

#[test]
fn error_in_a_route_names_its_place() {
    const ROUTE: &str = "port = 0\n[[route]]\npath = '/a'\ncommand = 'cat'\n";
    for (lines, parts) in [
        ("framing = 'words'", &[":5: route.framing: ", "words"][..]),
        (
            "port = 80",
            &[":5: route.port: ", "before the first [[route]]"],
        ),
        (
            "frming = 'lines'",
            &[":5: route.frming: ", "did you mean 'framing'"],
        ),
        ("workdir = '/nowhere'", &[":5: route.workdir: ", "/nowhere"]),
        (
            "env = { PATH_INFO = '/x' }",
            &[":5: route.env: ", "PATH_INFO"],
        ),
        ("env = { X = true }", &[":5: route.env: ", "'X'"]),
        (
            "\nlimits = { files = 3 }",
            &[":6: route.limits: ", "nofile"],
        ),
        ("limits = { nofile = 2 }", &[":5: route.limits: ", "pipes"]),
        ("env = { 'A=B' = 'x' }", &[":5: route.env: ", "'A=B'"]),
        ("env = { \"A\\u0000\" = 'x' }", &[":5: route.env: ", "NUL"]),
        (
            "[[route]]\npath = '/b'\ncommand = []",
            &[":7: route.command: ", "missing"],
        ),
        (
            "[[route]]\npath = '/b'\ncommand = ' '",
            &[":7: route.command: ", "missing"],
        ),
        (
            "[[route]]\npath = '/b'\ncommand = ['echo', \"a\\u0000\"]",
            &[":7: route.command: ", "NUL"],
        ),
        // No kernel lets a process have so many.
        (
            "limits = { nofile = 99_999_999_999 }",
            &[":5: route.limits: ", "nofile=99999999999"],
        ),
        ("limits = { nofile = -3 }", &[":5: route.limits: ", "-3"]),
        ("user = 'nobody-at-all'", &[":5: route.user: "]),
        ("origin = 'a b'", &[":5: route.origin: ", "a b"]),
        ("subprotocol = 'a b'", &[":5: route.subprotocol: "]),
        ("header-ws = 'none'", &[":5: route.header-ws: "]),
        (
            "idle-timeout = 'soon'",
            &[":5: route.idle-timeout: ", "a number"],
        ),
        ("cgi = '/tmp'", &["route: ", "'command' and 'cgi'"]),
        (
            "passstderr = true\nbinary = true",
            &["route.", "exclude each other"],
        ),
        (
            "[[route]]\npath = '/a/'\ncommand = 'cat'",
            &[":6: route.path: ", "already"],
        ),
        (
            "[[route]]\npath = '/b/../c'\ncommand = 'cat'",
            &[":6: route.path: ", "dot segment"],
        ),
        (
            "[[route]]\npath = '/b'\ncommand = '/nowhere/x'",
            &[":7: route.command: ", "/nowhere/x"],
        ),
        (
            "[[route]]\npath = '/b'\ncgi = '/nowhere'",
            &[":7: route.cgi: ", "/nowhere"],
        ),
        (
            "[[route]]\ncommand = 'cat'",
            &[":5: route: ", "'path' is missing"],
        ),
    ] {
        let output = Gateway::without_port()
            .file(&format!("{ROUTE}{lines}\n"))
            .args(["--check-config"])
            .output();
        assert_eq!(output.code, Some(2), "{lines}: {output:?}");
        let first = output.stderr.lines().next().expect("a message");
        for part in parts.iter().chain(&["wsd.toml"]) {
            assert!(first.contains(part), "{lines}: {part:?} is not in {first}");
        }
    }
}
