//! What a `[[route]]` of the configuration file may have of its own.

use std::{fs, process::Command};

use crate::support::{self, Client, Output, TestServer, get, run, script};

/// A directory with `wsd.toml` in it, and the flag that names the file.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let text = text.replace("DIR", &directory.path().display().to_string());
    fs::write(directory.path().join("wsd.toml"), text).expect("a file");
    let flag = format!("--config={}/wsd.toml", directory.path().display());
    (directory, flag)
}

fn start(text: &str) -> (tempfile::TempDir, TestServer) {
    let (directory, flag) = file(text);
    let server = TestServer::start(&flag);
    (directory, server)
}

fn connect(server: &TestServer, target: &str) -> Client {
    Client::connect(server.address, target, &[])
}

fn text(server: &TestServer, target: &str) -> String {
    connect(server, target).text()
}

fn status(server: &TestServer, target: &str, headers: &[&str]) -> u16 {
    Client::ask(server.address, target, headers).status()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn messages_travel_as_the_route_says() {
    let (_directory, server) = start(
        "binary = true\ncommand = 'cat'\nmaxframesize = 100\n\
         [[route]]\npath = '/lines'\ncommand = 'cat'\nframing = 'lines'\nnewline = 'space'\n\
         [[route]]\npath = '/length'\ncommand = 'cat'\nframing = 'length'\nmaxframesize = 5\n\
         [[route]]\npath = '/same'\ncommand = 'cat'\n",
    );
    let mut lines = connect(&server, "/lines");
    lines.send("a\nb");
    assert_eq!(lines.text(), "a b");
    let mut length = connect(&server, "/length");
    length.send("a\nb");
    assert_eq!(length.text(), "a\nb");
    length.send("123456");
    assert_eq!(length.closed().0, 1009);
    for target in ["/same", "/"] {
        let mut client = connect(&server, target);
        client.send_binary(b"123456\xff");
        assert_eq!(client.binary(), b"123456\xff", "{target}");
    }
}

#[test]
fn environment_and_directory_are_the_routes_own() {
    let (directory, server) = start(
        "command = 'printenv GREETING PLACE'\nenv = { GREETING = 'hello', PLACE = 'top' }\n\
         [[route]]\npath = '/env'\ncommand = 'printenv GREETING NUMBER'\n\
         env = { GREETING = 'a=b c', NUMBER = 5 }\n\
         [[route]]\npath = '/without'\ncommand = ['sh', '-c', 'echo \"<$PATH>\"']\npassenv = 'NOTHING'\n\
         [[route]]\npath = '/dir'\ncommand = ['pwd']\nworkdir = 'DIR'\n",
    );
    let lines = |target: &str| {
        let mut client = connect(&server, target);
        [client.text(), client.text()]
    };
    assert_eq!(lines("/"), ["hello", "top"]);
    assert_eq!(lines("/env"), ["a=b c", "5"]);
    // Without a PATH of its own a shell makes one up, but it is not ours.
    assert_ne!(text(&server, "/without"), format!("<{}>", env!("PATH")));
    assert_eq!(
        text(&server, "/dir"),
        directory.path().display().to_string()
    );
}

#[test]
fn relative_command_is_looked_up_from_here_whatever_its_workdir_is() {
    let (_directory, server) =
        start("[[route]]\npath = '/count'\ncommand = 'examples/count/count.sh'\nworkdir = 'DIR'\n");
    assert_eq!(text(&server, "/count"), "1");
}

#[test]
fn access_is_the_routes_own() {
    let (_directory, server) = start(
        "command = 'cat'\norigin = 'http://top.example'\nsubprotocol = 'top'\n\
         header = 'X-All: 1'\nheader-ws = 'X-Top: 1'\n\
         [[route]]\npath = '/r'\ncommand = 'cat'\norigin = ['http://route.example']\nsubprotocol = 'route'\n\
         header-ws = 'X-Route: 1'\n\
         [[route]]\npath = '/strict'\ncommand = 'cat'\nsameorigin = true\n",
    );
    for (target, origin, expected) in [
        ("/", "top", 101),
        ("/", "route", 403),
        ("/r", "top", 403),
        ("/r", "route", 101),
        ("/strict", "top", 101),
    ] {
        let origin = format!("Origin: http://{origin}.example");
        assert_eq!(
            status(&server, target, &[&origin]),
            expected,
            "{target} {origin}"
        );
    }
    assert_eq!(status(&server, "/strict", &[]), 403);
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
    let (_directory, mut server) = start(
        "command = 'cat'\nmaxforks = 2\n[[route]]\npath = '/one'\ncommand = 'cat'\nmaxforks = 1\n",
    );
    let one = connect(&server, "/one");
    assert_eq!(status(&server, "/one", &[]), 503);
    let other = connect(&server, "/");
    assert_eq!(status(&server, "/", &[]), 503);
    other.close();
    // Who holds a place holds it after a reload too.
    server.signal(1);
    server.wait_for_line("was read again");
    support::eventually("there is a place at the top again", || {
        status(&server, "/", &[]) == 101
    });
    assert_eq!(status(&server, "/one", &[]), 503);
    one.close();
    support::eventually("the route has its place again", || {
        status(&server, "/one", &[]) == 101
    });
}

#[test]
fn time_limits_are_the_routes_own() {
    let (_directory, mut server) = start(
        "command = 'cat'\n\
         [[route]]\npath = '/idle'\ncommand = ['sh', '-c', 'cat; echo bye']\nidle-timeout = 1\n\
         [[route]]\npath = '/short'\ncommand = 'yes'\nmax-lifetime = 1\n",
    );
    let mut idle = connect(&server, "/idle");
    idle.send("hello");
    assert_eq!(idle.text(), "hello");
    // Its input ends, and what it still has to say is delivered.
    assert_eq!(idle.text(), "bye");
    assert_eq!(
        idle.closed(),
        (1001, "there was no message for 1 s".to_owned())
    );
    let mut top = connect(&server, "/");
    let short = connect(&server, "/short");
    drop(short);
    server.wait_for_line("session ended");
    top.send("still here");
    assert_eq!(top.text(), "still here");
}

#[test]
fn lifetime_ends_a_session_whatever_it_does() {
    let (_directory, server) = start(
        "[[route]]\npath = '/'\ncommand = ['sh', '-c', 'while read -r line; do echo \"$line\"; done']\nmax-lifetime = 1\n",
    );
    let mut client = connect(&server, "/");
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(
        client.closed(),
        (1001, "the session has lasted for 1 s".to_owned())
    );
}

#[test]
fn resource_limits_hold_for_the_routes_programs() {
    let (_directory, server) = start(
        "command = ['sh', '-c', 'ulimit -n']\n\
         [[route]]\npath = '/limits'\ncommand = ['sh', '-c', 'ulimit -n; ulimit -t; ulimit -v']\n\
         limits = { nofile = 64, cpu-seconds = 7, memory = 1_073_741_824 }\n\
         [[route]]\npath = '/spin'\ncommand = ['sh', '-c', 'while :; do :; done']\nlimits = { cpu-seconds = 1 }\n",
    );
    let mut limits = connect(&server, "/limits");
    assert_eq!(
        [limits.text(), limits.text(), limits.text()],
        ["64", "7", "1048576"]
    );
    assert_ne!(text(&server, "/"), "64");
    // The soft and the hard limit are the same, which is SIGKILL.
    let killed = connect(&server, "/spin").closed();
    assert_eq!(killed.0, 4128 + 9, "{killed:?}");
}

#[test]
fn program_runs_as_the_user_that_its_route_names() {
    let text_of_file =
        "[[route]]\npath = '/'\ncommand = ['sh', '-c', 'id -u; id -g; id -G']\nuser = 'nobody'\n";
    let (_directory, flag) = file(text_of_file);
    if !is_root() {
        let Output { code, stderr, .. } = run(&[&flag, "--check-config"]);
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
    let server = TestServer::start(&flag);
    let mut client = connect(&server, "/");
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
    let (_directory, server) = start(
        "[[route]]\npath = '/group'\ncommand = ['sh', '-c', 'id -u; id -G']\ngroup = '12345'\n\
         [[route]]\npath = '/number'\ncommand = ['sh', '-c', 'id -u; id -G']\nuser = '54321'\ngroup = 'daemon'\n\
         [[route]]\npath = '/fork'\ncommand = ['sh', '-c', '(exec sleep 60) & wait']\nuser = '54322'\ngroup = '54322'\n\
         limits = { processes = 1 }\n",
    );
    let mut group = connect(&server, "/group");
    assert_eq!([group.text(), group.text()], ["0", "12345"]);
    let mut number = connect(&server, "/number");
    assert_eq!([number.text(), number.text()], ["54321", "1"]);
    // It may not start another process.
    assert!(connect(&server, "/fork").closed().0 > 4000);
}

#[test]
fn number_that_changes_nobody_is_refused() {
    // With it setresuid(2) leaves the user as it is, which is root.
    const LINES: [&str; 2] = ["user = '4294967295'\ngroup = '1'", "group = '4294967295'"];
    for line in LINES {
        let (_directory, flag) = file(&format!("[[route]]\npath = '/'\ncommand = 'id'\n{line}\n"));
        let Output { code, stderr, .. } = run(&[&flag, "--check-config"]);
        assert_eq!(code, Some(2), "{line}");
        let reason = if is_root() { "nobody" } else { "only root" };
        assert!(stderr.contains(reason), "{stderr}");
    }
}

#[test]
fn no_variable_is_passed_on_where_an_empty_list_says_so() {
    let (_directory, server) = start(
        "passenv = 'HOME'\n\
         [[route]]\npath = '/list'\ncommand = '/bin/sh -c \"printenv PATH HOME || echo none\"'\npassenv = []\n\
         [[route]]\npath = '/word'\ncommand = '/bin/sh -c \"printenv PATH HOME || echo none\"'\npassenv = ''\n",
    );
    for target in ["/list", "/word"] {
        assert_eq!(text(&server, target), "none", "{target}");
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
    let (_file, server) = start(&format!(
        "user = '54329'\ngroup = '54329'\nworkdir = '/'\n\
         [[route]]\npath = '/stop'\n{stop}\n\
         [[route]]\npath = '/stopped'\ncommand = '/bin/cat'\n\
         [[route]]\npath = '/other'\ncommand = ['/bin/sh', '-c', 'echo fine']\nuser = 'root'\n"
    ));
    let mut stopper = connect(&server, "/stop");
    assert_eq!(stopper.text(), "go");
    let address = server.address;
    let victims: Vec<_> = (0..20)
        .map(|_| std::thread::spawn(move || Client::ask(address, "/stopped", &[]).status()))
        .collect();
    for _ in 0..20 {
        assert_eq!(text(&server, "/other"), "fine");
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
    let (_directory, server) = start(
        "[[route]]\npath = '/'\ncommand = ['sh', '-c', 'echo $$; trap \"\" INT TERM; sleep 600']\nuser = 'nobody'\n",
    );
    let mut client = connect(&server, "/");
    let pid = client.text().parse().expect("a number");
    client.close();
    support::wait_until_gone(pid);
}

#[test]
fn directory_of_cgi_scripts_answers_beneath_its_path() {
    let (directory, flag) = file(
        "staticdir = 'DIR'\ncgidir = 'DIR/top'\n\
         [[route]]\npath = '/api/v1'\ncgi = 'DIR/inner'\nenv = { GREETING = 'hello' }\n\
         [[route]]\npath = '/api/v1/ws'\ncommand = 'cat'\n",
    );
    let hello = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s %s %s' \"$GREETING\" \"$SCRIPT_NAME\" \"$PATH_INFO\"\n";
    for inner in ["inner", "top"] {
        fs::create_dir(directory.path().join(inner)).expect("a directory");
        script(&directory.path().join(inner), "hello.sh", hello);
    }
    fs::write(directory.path().join("page.txt"), "a page").expect("a file");
    let server = TestServer::start(&flag);
    let body = |target: &str| {
        let (status, _, body) = get(&server, target);
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
    let mut client = connect(&server, "/api/v1/ws");
    client.send("hello");
    assert_eq!(client.text(), "hello");
    assert_eq!(status(&server, "/api/v1/hello.sh", &[]), 404);
}

#[test]
fn what_is_typed_wins_over_a_route() {
    let (_directory, flag) = file(
        "framing = 'length'\n[[route]]\npath = '/'\ncommand = 'printenv GREETING'\n\
         env = { GREETING = 'written' }\nmaxforks = 1\nframing = 'length'\n",
    );
    let words = [
        &flag,
        "--env=GREETING=typed",
        "--maxforks=5",
        "--binary",
        "--idle-timeout=60",
    ];
    let server = TestServer::start_with(&words);
    let _other = connect(&server, "/");
    assert_eq!(connect(&server, "/").binary(), b"typed\n");
}

#[test]
fn error_names_the_place_of_the_value() {
    const ROUTE: &str = "[[route]]\npath = '/a'\ncommand = 'cat'\n";
    let (_directory, flag) = file(&format!("port = 0\nworkdir = '/nowhere'\n{ROUTE}"));
    let Output { code, stderr, .. } = run(&[&flag, "--check-config"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("wsd.toml:2: workdir: "), "{stderr}");
    let (_directory, flag) = file("workdir = '/'\ncommand = 'cat'\n");
    let Output { code, stderr, .. } = run(&[&flag, "--workdir=/nowhere", "--check-config"]);
    assert_eq!(code, Some(2));
    assert!(!stderr.contains("wsd.toml"), "{stderr}");
}

#[test]
fn routes_of_one_path_are_told_apart_by_their_subprotocols() {
    let (_directory, server) = start(
        "command = 'echo top'\n\
         [[route]]\npath = '/chat'\ncommand = 'echo one'\nsubprotocol = 'v1.chat'\n\
         [[route]]\npath = '/chat'\ncommand = 'echo two'\nsubprotocol = ['v2.chat', 'v3.chat']\n\
         [[route]]\npath = '/chat'\ncommand = 'echo any'\n",
    );
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
    assert_eq!(text(&server, "/chat"), "any");
    assert_eq!(text(&server, "/"), "top");
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
        ("limits = { nofile = -3 }", &[":5: route.limits: ", "-3"]),
        ("user = 'nobody-at-all'", &[":5: route.user: "]),
        ("origin = 'a b'", &[":5: route.origin: ", "a b"]),
        ("subprotocol = 'a b'", &[":5: route.subprotocol: "]),
        ("header-ws = 'none'", &[":5: route.header-ws: "]),
        (
            "idle-timeout = '5'",
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
        let (_directory, flag) = file(&format!("{ROUTE}{lines}\n"));
        let output = run(&[&flag, "--check-config"]);
        assert_eq!(output.code, Some(2), "{lines}: {output:?}");
        let first = output.stderr.lines().next().expect("a message");
        for part in parts.iter().chain(&["wsd.toml"]) {
            assert!(first.contains(part), "{lines}: {part:?} is not in {first}");
        }
    }
}
