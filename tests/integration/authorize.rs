//! A program that decides about each request: what its answers do.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use hyper::Method;

use crate::support::{
    Client, Gateway, PATIENCE,
    hooks::{HookedSite, PRINTS},
    http,
    http2::{Connection, soon},
    installed::find,
    is_alive, script, wait_until_gone,
};

/// All that the log has said when it says that a request was refused.
fn refusal(site: &mut HookedSite) -> String {
    site.server.wait_for_line("refused")
}

#[test]
fn exit_status_decides_about_files_scripts_and_websockets_alike_and_nobody_learns_what_there_is() {
    let site = HookedSite::new(PRINTS, "");
    for (status, expected) in [
        (0, None),
        (1, Some(403)),
        (2, Some(500)),
        (127, Some(500)),
        (255, Some(500)),
    ] {
        let code = |target: &str| site.server.get(&format!("{target}?nothing,{status}")).0;
        assert_eq!(code("/page.txt"), expected.unwrap_or(200));
        assert_eq!(code("/run"), expected.unwrap_or(200));
        assert_eq!(code("/missing"), expected.unwrap_or(404));
        let code = site.server.status(&format!("/?nothing,{status}"), &[]);
        assert_eq!(code, expected.unwrap_or(101));
    }
}

#[test]
fn hook_that_is_killed_lets_nobody_in_and_the_log_says_why() {
    let mut site = HookedSite::new("kill -9 $$", "");
    assert_eq!(site.server.get("/page.txt").0, 500);
    let line = site.server.wait_for_line("the authorizer failed");
    assert!(line.contains("signal 9"), "{line}");
    let line = refusal(&mut site);
    assert!(line.contains("reason=\"authorizer failed\""), "{line}");
    assert!(line.contains("status=500"), "{line}");
}

#[test]
fn header_without_a_status_or_of_2xx_lets_in_with_its_headers_and_without_its_body() {
    let site = HookedSite::new(PRINTS, "");
    let header = "Status: 200 Fine\nSet-Cookie: a=1\nX-Seen: yes\nContent-Type: text/html\nContent-Length: 4\n\nbody";
    site.answer("ok", header);
    site.answer("bare", "X-Seen: yes\n\n");
    for target in ["/page.txt?ok", "/page.txt?bare", "/run?ok"] {
        let (code, headers, body) = site.server.get(target);
        assert_eq!(code, 200, "{target}");
        assert_eq!(headers["x-seen"], "yes");
        assert!(
            headers["content-type"].starts_with("text/plain"),
            "{headers:?}"
        );
        assert_ne!(body, b"body");
    }
    let (code, headers, _) = site.server.get("/missing?ok");
    assert_eq!((code, headers["set-cookie"].as_str()), (404, "a=1"));
    let mut client = site.server.connect_to("/?ok");
    let head = client.head.to_lowercase();
    assert!(
        head.contains("set-cookie: a=1") && head.contains("x-seen: yes"),
        "{head}"
    );
    assert!(!head.contains("content-"), "{head}");
    assert_eq!(client.text(), "|||");
}

#[test]
fn other_status_is_the_answer_with_headers_and_body() {
    let mut site = HookedSite::new(PRINTS, "");
    site.answer(
        "login",
        "Status: 401 Who are you\nWWW-Authenticate: Basic realm=\"x\"\nSet-Cookie: a=1\nSet-Cookie: b=2\n\
         Content-Type: text/html\nContent-Length: 99\nVariable-A: b\n\n<form>\n\n",
    );
    let (code, headers, body) = site.server.get("/page.txt?login");
    assert_eq!((code, &body[..]), (401, &b"<form>\n\n"[..]));
    assert_eq!(headers["www-authenticate"], "Basic realm=\"x\"");
    assert_eq!(headers["content-type"], "text/html");
    assert!(!headers.contains_key("variable-a"), "{headers:?}");
    let line = refusal(&mut site);
    assert!(
        line.contains("reason=\"unauthorized\"") && line.contains("status=401"),
        "{line}"
    );
    let mut client = site.server.ask("/?login", &[]);
    assert!(
        client.head.starts_with("HTTP/1.1 401 Who are you"),
        "{}",
        client.head
    );
    assert_eq!(
        client.head.matches("et-Cookie: ").count(),
        2,
        "{}",
        client.head
    );
    assert_eq!(client.body(), "<form>\n\n");
    for (name, header, status) in [
        ("moved", "Status: 303\nLocation: /login\n\n", 303),
        ("sent", "Location: https://login.example/\n\n", 302),
        ("here", "Location: /login\n\n", 302),
        ("busy", "Status: 503\n\n", 503),
    ] {
        site.answer(name, header);
        assert_eq!(
            site.server.get(&format!("/page.txt?{name}")).0,
            status,
            "{name}"
        );
        assert_eq!(
            site.server.status(&format!("/?{name}"), &[]),
            status,
            "{name}"
        );
    }
}

#[test]
fn body_of_an_answer_is_cut_at_64_kib() {
    let site = HookedSite::new(PRINTS, "");
    let page = [b"Status: 403\n\n", &vec![b'x'; (64 << 10) + 1][..]].concat();
    site.answer("long", page);
    let (code, _, body) = site.server.get("/page.txt?long");
    assert_eq!((code, body.len()), (403, 64 << 10));
}

#[test]
fn status_444_closes_the_connection_without_a_byte() {
    let mut site = HookedSite::new(PRINTS, "");
    site.answer("gone", "Status: 444\n\n");
    let mut stream = TcpStream::connect(site.server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    let request = "GET /page.txt?gone HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end");
    assert_eq!(answer, b"");
    let line = refusal(&mut site);
    assert!(
        line.contains("status=444 reason=\"unauthorized\""),
        "{line}"
    );
    let client = Client::ask(site.server.address, "/?gone", &[]);
    assert_eq!(client.head, "");
}

#[test]
fn what_makes_no_sense_lets_nobody_in() {
    let site = HookedSite::new(PRINTS, "");
    let long = format!("X: {}\n\n", "x".repeat(8 << 10));
    for (index, output) in [
        "Status: 200\n",
        "?",
        "\n",
        "\n\n",
        "garbage\n\n",
        "X: y\ngarbage\n\n",
        "Status: 101\n\n",
        "Status: 600\n\n",
        "Status: 200\nStatus: 200\n\n",
        "HTTP/1.1 200 OK\n\n",
        "Connection: close\n\n",
        "Transfer-Encoding: chunked\n\n",
        "Upgrade: websocket\n\n",
        "Sec-WebSocket-Accept: x\n\n",
        "Sec-WebSocket-Protocol: unheard\n\n",
        "Target: localhost:1\n\n",
        "Target: nowhere\n\n",
        &long,
    ]
    .iter()
    .enumerate()
    {
        site.answer(&index.to_string(), output);
        let target = format!("/?{index}");
        assert_eq!(site.server.status(&target, &[]), 500, "{output:?}");
        let (code, _, body) = site.server.get(&format!("/page.txt?{index}"));
        assert_eq!(code, 500, "{output:?}");
        let body = String::from_utf8(body).expect("text");
        assert!(
            !body.contains("hook"),
            "what it is called is nobody's: {body}"
        );
    }
    site.answer("words", "X: y\n\n");
    assert_eq!(site.server.get("/page.txt?words,1").0, 500);
    assert_eq!(site.server.get("/page.txt?words,3").0, 500);
}

#[test]
fn header_is_up_to_8_kib() {
    let site = HookedSite::new(PRINTS, "");
    let header = |size: usize| format!("X: {}\n\n", "x".repeat(size - 5));
    site.answer("fits", header(8 << 10));
    site.answer("over", header((8 << 10) + 1));
    assert_eq!(site.server.get("/page.txt?fits").0, 200);
    assert_eq!(site.server.get("/page.txt?over").0, 500);
}

#[test]
fn output_without_end_is_cut_short() {
    let mut site = HookedSite::new("echo $$ >&2; exec yes", "");
    assert_eq!(site.server.get("/page.txt").0, 500);
    let line = site.server.wait_for_line("stderr: ");
    let pid = line
        .rsplit(' ')
        .next()
        .expect("a word")
        .parse()
        .expect("a pid");
    wait_until_gone(pid);
}

#[test]
fn variables_and_the_user_are_the_programs_and_the_scripts() {
    let site = HookedSite::new(PRINTS, "");
    site.answer(
        "ann",
        "Variable-tenant: blue\nVariable-REMOTE_USER: ann\nVariable-AUTH_TYPE: Ticket\n\n",
    );
    assert_eq!(site.server.text("/?ann"), "ann|Ticket|blue|");
    assert_eq!(site.server.get("/run?ann").2, b"ann|Ticket|blue|");
    assert_eq!(site.server.text("/"), "|||");
}

#[test]
fn variable_that_could_make_another_program_of_it_lets_nobody_in() {
    let site = HookedSite::new(PRINTS, "");
    for name in [
        "PATH",
        "LD_PRELOAD",
        "DYLD_X",
        "MANPATH",
        "ENV",
        "IFS",
        "BASH_ENV",
        "PYTHONSTARTUP",
        "PERL5OPT",
        "RUBYOPT",
        "NODE_OPTIONS",
        "JAVA_OPTS",
        "HTTP_COOKIE",
        "WSD_ROUTE",
        "REMOTE_ADDR",
        "QUERY_STRING",
        "X-Y",
    ] {
        site.answer(name, format!("Variable-{name}: x\n\n"));
        assert_eq!(site.server.status(&format!("/?{name}"), &[]), 500, "{name}");
    }
}

#[test]
fn subprotocol_that_was_offered_is_selected() {
    let site = HookedSite::new(PRINTS, "");
    site.answer("chat", "Sec-WebSocket-Protocol: chat\n\n");
    let offer = ["Sec-WebSocket-Protocol: first, chat"];
    let mut client = site.server.ask("/?chat", &offer);
    assert!(
        client.head.contains("Sec-Websocket-Protocol: chat\r\n"),
        "{}",
        client.head
    );
    assert_eq!(client.text(), "|||chat");
    assert_eq!(
        site.server
            .status("/?chat", &["Sec-WebSocket-Protocol: first"]),
        500
    );
}

#[test]
fn hook_that_is_too_slow_is_503_and_it_and_what_it_has_started_are_killed() {
    let mut site = HookedSite::new(
        "sleep 1000 & echo $! > \"$0.pids\"; echo $$ >> \"$0.pids\"; wait",
        "--authorize-timeout=1s",
    );
    let (code, headers, _) = site.server.get("/page.txt");
    assert_eq!(code, 503);
    assert!(headers.contains_key("retry-after"), "{headers:?}");
    for pid in site.lines("hook.pids", 2) {
        wait_until_gone(pid.parse().expect("a pid"));
    }
    let line = site.server.wait_for_line("the authorizer failed");
    assert!(line.contains("has not answered within 1s"), "{line}");
}

#[test]
fn what_a_hook_leaves_running_is_killed_at_its_end() {
    let site = HookedSite::new(
        "sleep 1000 > /dev/null & echo $! > \"$0.pids\"; sleep 1000 & echo $! >> \"$0.pids\"; exit 0",
        "",
    );
    assert_eq!(site.server.get("/page.txt").0, 200);
    for pid in site.lines("hook.pids", 2) {
        wait_until_gone(pid.parse().expect("a pid"));
    }
}

#[test]
fn hook_is_killed_when_its_client_goes() {
    let site = HookedSite::new(
        "echo $$ > \"$0.pids\"; exec sleep 1000",
        "--authorize-timeout=1h",
    );
    let mut stream = TcpStream::connect(site.server.address).expect("it listens");
    let request = "GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it reads");
    let pid = site.lines("hook.pids", 1)[0].parse().expect("a pid");
    assert!(is_alive(pid));
    drop(stream);
    wait_until_gone(pid);
}

#[test]
fn four_are_asked_at_a_time_for_one_address_and_sixteen_in_all() {
    let site = HookedSite::new(
        "echo $$ >> \"$0.pids\"; while [ ! -e \"$0.go\" ]; do sleep 0.01; done",
        "--authorize-timeout=1h --trust-proxy=127.0.0.1",
    );
    let ask = |client: usize| {
        let address = site.server.address;
        let request = format!(
            "GET /page.txt HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.{client}\r\nConnection: close\r\n\r\n"
        );
        thread::spawn(move || http(address, &request).0)
    };
    let mut asked: Vec<_> = (0..6).map(|_| ask(1)).collect();
    site.lines("hook.pids", 4);
    // Others have theirs while two of these wait.
    asked.extend((2..5).flat_map(|client| [client; 6]).map(ask));
    site.lines("hook.pids", 16);
    assert_eq!(site.server.children().len(), 16);
    asked.push(ask(5));
    // Whose turn it is they learn when somebody has ended.
    fs::write(site.path("hook.go"), "").expect("a file");
    for asked in asked {
        assert_eq!(asked.join().expect("an answer"), 200);
    }
    assert_eq!(site.lines("hook.pids", 25).len(), 25);
}

#[test]
fn who_waits_for_a_turn_in_vain_is_503() {
    let hook = "echo $$ >> \"$0.pids\"; exec sleep 1000";
    let mut site = HookedSite::new(hook, "--authorize-timeout=1s");
    let address = site.server.address;
    let request = "GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let asked: Vec<_> = (0..9)
        .map(|_| thread::spawn(move || http(address, request).0))
        .collect();
    for asked in asked {
        assert_eq!(asked.join().expect("an answer"), 503);
    }
    let line = site.server.wait_for_line("as many run as may");
    assert!(line.contains("the authorizer failed"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn status_444_by_http_2_resets_the_stream_and_leaves_others_alone() {
    let site = HookedSite::new(PRINTS, "--h2c");
    site.answer("gone", "Status: 444\n\n");
    let connection = Connection::plain(site.server.address).await;
    let request = connection.request(Method::GET, "/page.txt?gone");
    let mut sender = connection.sender.clone();
    let (response, _) = sender.send_request(request, true).expect("a stream");
    assert!(soon(response).await.expect_err("no answer").is_reset());
    assert_eq!(connection.get("/page.txt").await.0.status, 200);
}

#[test]
fn hook_that_cannot_be_started_any_more_is_503() {
    let mut site = HookedSite::new("exit 0", "");
    assert_eq!(site.server.get("/page.txt").0, 200);
    fs::remove_file(site.path("hook")).expect("a file");
    assert_eq!(site.server.get("/page.txt").0, 503);
    let line = refusal(&mut site);
    assert!(line.contains("reason=\"authorizer failed\""), "{line}");
}

#[test]
fn hook_takes_none_of_maxforks() {
    let site = HookedSite::new("exit 0", "--maxforks=1");
    let _first = site.server.connect();
    assert_eq!(site.server.get("/page.txt").0, 200);
    assert_eq!(site.server.status("/", &[]), 503);
}

#[test]
fn hook_is_told_who_asks_for_what_and_whom() {
    let hook = "printf '%s %s %s [%s] [%s] [%s] %s\\n' \"$WSD_HANDLER\" \"$REQUEST_METHOD\" \"$REQUEST_URI\" \
        \"$WSD_TRANSPORT\" \"$WSD_ROUTE\" \"$SCRIPT_NAME\" \"$PATH_INFO\" >> \"$0.told\"; cat >> \"$0.told\"";
    let site = HookedSite::new(
        hook,
        "--devconsole --route=/p=cat --room=/rooms --target=/t=localhost:1",
    );
    let server = &site.server;
    server.get("/");
    server.request("POST", "/page.txt", "Content-Length: 3\r\n");
    server.get("/run/x%20y?z");
    server.get("/p/q");
    server.connect_to("/p/q").close();
    server.connect_to("/rooms/blue").close();
    assert_eq!(server.status("/t", &[]), 502);
    server.connect_to("/else").close();
    assert_eq!(
        site.lines("hook.told", 8),
        [
            "console GET / [] [] [] /",
            "file POST /page.txt [] [] [] /page.txt",
            "cgi GET /run/x%20y?z [] [] [/run] /x y",
            "file GET /p/q [] [/p] [] /p/q",
            "program GET /p/q [websocket] [/p] [/p] /q",
            "room GET /rooms/blue [websocket] [/rooms] [/rooms] /blue",
            "target GET /t [websocket] [/t] [/t] ",
            "program GET /else [websocket] [] [] /else",
        ]
    );
}

#[test]
fn hook_has_credentials_as_they_were_sent_and_nothing_on_its_stdin() {
    let hook = "read -r line; printf '%s|%s|%s|%s\\n' \"$HTTP_AUTHORIZATION\" \"$HTTP_COOKIE\" \"$line\" \"$REMOTE_ADDR\" > \"$0.told\"";
    let site = HookedSite::new(hook, "");
    let headers = "Authorization: Bearer xyz\r\nCookie: a=b\r\nContent-Length: 4\r\n";
    assert_eq!(site.server.request("GET", "/page.txt", headers).0, 200);
    assert_eq!(site.lines("hook.told", 1), ["Bearer xyz|a=b||127.0.0.1"]);
}

#[test]
fn its_stderr_is_in_the_log() {
    let mut site = HookedSite::new("echo 'the database is gone' >&2; exit 1", "");
    assert_eq!(site.server.get("/page.txt").0, 403);
    let line = site.server.wait_for_line("the database is gone");
    assert!(line.contains("authorizer{id="), "{line}");
}

#[test]
fn local_redirect_of_a_script_is_asked_about_anew() {
    let hook = "echo \"$WSD_HANDLER $REQUEST_URI\" >> \"$0.told\"; case $REQUEST_URI in /page*) exit 1 ;; esac";
    let site = HookedSite::new(hook, "");
    let to = "#!/bin/sh\nprintf 'Location: /page.txt\\n\\n'\n";
    script(&site.path("scripts"), "on", to);
    assert_eq!(site.server.get("/on").0, 403);
    assert_eq!(site.lines("hook.told", 2), ["cgi /on", "file /page.txt"]);
}

#[test]
fn options_to_a_script_is_asked_about_and_to_what_wsd_answers_is_not() {
    let site = HookedSite::new("exit 1", "--cors=http://other.example");
    assert_eq!(site.server.request("OPTIONS", "/run", "").0, 403);
    assert_eq!(site.server.request("OPTIONS", "*", "").0, 204);
    let preflight = "Origin: http://other.example\r\nAccess-Control-Request-Method: PUT\r\n";
    assert_eq!(site.server.request("OPTIONS", "/run", preflight).0, 204);
}

#[test]
fn foreign_page_is_refused_before_anybody_is_asked() {
    let site = HookedSite::new("echo asked >> \"$0.told\"", "");
    assert_eq!(
        site.server.status("/", &["Origin: http://evil.example"]),
        403
    );
    assert!(!site.path("hook.told").exists());
}

#[test]
fn hook_itself_is_never_served() {
    let site = HookedSite::new("exit 0", "");
    // Of a root that has it in it.
    let flag = format!("--authorize={}", site.path("hook").display());
    let root = format!("--staticdir={}", site.path("").display());
    let server = Gateway::new().args([flag, root]).start();
    assert_eq!(server.get("/hook").0, 404);
    assert_eq!(server.get("/www/page.txt").0, 200);
}

#[test]
fn hooks_may_be_written_in_python_and_perl() {
    let languages = [
        (
            "python3",
            "import os\nprint('Variable-REMOTE_USER: ' + os.environ['QUERY_STRING'])\nprint()",
        ),
        (
            "perl",
            "print \"Variable-REMOTE_USER: $ENV{QUERY_STRING}\\n\\n\";",
        ),
    ];
    for (name, text) in languages {
        let interpreter = find(name).unwrap_or_else(|| panic!("{name} is not installed"));
        let hook = format!("#!{}\n{text}\n", interpreter.display());
        let site = HookedSite::with(&hook, "");
        assert_eq!(site.server.text("/?ann"), "ann|||", "{name}");
    }
}
