//! A server that decides about each request, as reverse proxies ask one: `--authorize URL`.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use crate::support::{
    Gateway, Server, Target,
    auth_server::{AuthServer, answer, field},
    certificates::Authority,
    proxy::installed,
    script,
};

/// A server with a file and a program, that asks there.
fn site(flag: &str, flags: &str) -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("page.txt"), "page\n").expect("a file");
    let root = format!("--staticdir={}", directory.path().display());
    let gateway = Gateway::with(flags).args([flag, &root]);
    let server = gateway
        .program("echo \"$REMOTE_USER|$AUTH_TYPE|$TENANT|$WS_PROTOCOL\"; cat")
        .start();
    (server, directory)
}

#[test]
fn status_of_2xx_lets_in_with_user_variables_subprotocol_and_cookies_and_nothing_else() {
    let auth = AuthServer::new(|_| {
        let lines = [
            "Remote-User: ann",
            "Variable-Tenant: blue",
            "Variable-AUTH_TYPE: Ticket",
            "Sec-WebSocket-Protocol: chat",
            "Set-Cookie: a=1",
            "Set-Cookie: b=2",
            "X-Other: y",
            "Sec-WebSocket-Accept: z",
        ];
        answer("202 Accepted", &lines, "dropped")
    });
    let (server, _root) = site(&auth.flag(), "");
    let mut client = server.ask("/", &["Sec-WebSocket-Protocol: first, chat"]);
    assert_eq!(client.status(), 101);
    assert_eq!(
        client.head.matches("et-Cookie: ").count(),
        2,
        "{}",
        client.head
    );
    assert!(!client.head.contains("X-Other"), "{}", client.head);
    assert_eq!(client.text(), "ann|Ticket|blue|chat");
}

#[test]
fn other_status_goes_to_the_client_with_few_of_its_headers() {
    let auth = AuthServer::new(|head| {
        let status = match field(head, "X-Forwarded-Uri").unwrap_or_default() {
            "/page.txt?302" => "302 Found",
            "/page.txt?403" => "403 Forbidden",
            _ => "401 Unauthorized",
        };
        let lines = [
            "Location: https://login.example/",
            "WWW-Authenticate: Basic",
            "Set-Cookie: a=1",
            "Content-Type: text/html",
            "X-Secret: y",
        ];
        answer(status, &lines, "<form>")
    });
    let (mut server, _root) = site(&auth.flag(), "");
    for status in [302, 403, 401] {
        let (code, headers, body) = server.get(&format!("/page.txt?{status}"));
        assert_eq!((code, &body[..]), (status, &b"<form>"[..]));
        assert_eq!(headers["location"], "https://login.example/");
        assert_eq!(headers["www-authenticate"], "Basic");
        assert_eq!(headers["set-cookie"], "a=1");
        assert_eq!(headers["content-type"], "text/html");
        assert!(!headers.contains_key("x-secret"), "{headers:?}");
        let line = server.wait_for_line("refused");
        assert!(line.contains("reason=\"unauthorized\""), "{line}");
    }
    assert_eq!(server.status("/", &[]), 401);
}

#[test]
fn body_is_cut_at_64_kib() {
    let auth = AuthServer::new(|_| answer("403 Forbidden", &[], &"x".repeat((64 << 10) + 1)));
    let (server, _root) = site(&auth.flag(), "");
    let (code, _, body) = server.get("/page.txt");
    assert_eq!((code, body.len()), (403, 64 << 10));
}

#[test]
fn it_is_told_who_asks_for_what_and_nothing_that_the_client_says_of_that() {
    let auth = AuthServer::new(|_| answer("200 OK", &[], ""));
    let (server, _root) = site(&auth.flag(), "");
    let headers = "Cookie: a=b\r\nAuthorization: Bearer x\r\nOrigin: http://page.example\r\nUser-Agent: test\r\n\
        Accept-Language: de\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Uri: /other\r\nX-Real-IP: 192.0.2.1\r\n\
        X-Forwarded-Method: GET\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Auth-User: root\r\n\
        X-Auth-Type: Basic\r\nX-Other: y\r\nContent-Length: 3\r\n\r\nabc";
    let request = format!(
        "POST /page%2etxt?a=%20b HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n{headers}",
        server.port()
    );
    crate::support::http(server.address, &request);
    let head = auth.asked();
    assert!(head.starts_with("GET /auth HTTP/1.1\n"), "{head}");
    let host = auth.address.to_string();
    let own = format!("localhost:{}", server.port());
    for (name, value) in [
        ("Host", Some(&*host)),
        ("Cookie", Some("a=b")),
        ("Authorization", Some("Bearer x")),
        ("Origin", Some("http://page.example")),
        ("User-Agent", Some("test")),
        ("Accept-Language", Some("de")),
        ("X-Forwarded-Method", Some("POST")),
        ("X-Forwarded-Proto", Some("http")),
        ("X-Forwarded-Host", Some(&*own)),
        ("X-Forwarded-Uri", Some("/page.txt?a=%20b")),
        ("X-Forwarded-For", Some("127.0.0.1")),
        ("X-Real-Ip", Some("127.0.0.1")),
        ("X-Auth-User", None),
        ("X-Auth-Type", None),
        ("X-Other", None),
        ("Content-Length", None),
        ("Transfer-Encoding", None),
    ] {
        assert_eq!(field(&head, name), value, "{name}: {head}");
        let line = format!("\n{}: ", name.to_lowercase());
        let times = head.to_lowercase().matches(&line).count();
        assert_eq!(times, usize::from(value.is_some()), "{name}: {head}");
    }
}

#[test]
fn it_is_told_the_path_as_it_was_routed() {
    let auth = AuthServer::new(|_| answer("200 OK", &[], ""));
    let (server, _root) = site(&auth.flag(), "");
    for (target, uri) in [
        ("/a%20b/%C3%A9", "/a%20b/%C3%A9"),
        ("/%70age.txt", "/page.txt"),
        ("/a;b:c@d", "/a%3Bb%3Ac%40d"),
        ("/%253f", "/%253f"),
    ] {
        server.get(target);
        let head = auth.asked();
        assert_eq!(field(&head, "X-Forwarded-Uri"), Some(uri));
    }
    server.connect().close();
    let head = auth.asked();
    assert_eq!(field(&head, "X-Forwarded-Method"), Some("GET"));
}

#[test]
fn server_that_fails_or_is_not_there_lets_nobody_in() {
    for (name, text) in [
        ("fails", answer("500 Oh", &[], "")),
        ("is overloaded", answer("503 Later", &[], "")),
        (
            "switches",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
                .to_owned(),
        ),
        ("is none", "SSH-2.0-OpenSSH\r\n".to_owned()),
        ("says nothing", String::new()),
        (
            "breaks off",
            "HTTP/1.1 403 No\r\nContent-Length: 9\r\nConnection: close\r\n\r\nx".to_owned(),
        ),
        (
            "has a large head",
            answer("200 OK", &[&format!("X: {}", "x".repeat(300 << 10))], ""),
        ),
    ] {
        let auth = AuthServer::new(move |_| text.clone());
        let (mut server, _root) = site(&auth.flag(), "");
        let (code, headers, _) = server.get("/page.txt");
        assert_eq!(code, 503, "{name}");
        assert!(headers.contains_key("retry-after"));
        let line = server.wait_for_line("refused");
        assert!(line.contains("reason=\"authorizer failed\""), "{line}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let flag = format!(
        "--authorize=http://{}/",
        closed.local_addr().expect("its address")
    );
    drop(closed);
    let (server, _root) = site(&flag, "");
    assert_eq!(server.get("/page.txt").0, 503);
    assert_eq!(server.status("/", &[]), 503);
}

#[test]
fn what_is_not_its_to_set_lets_nobody_in() {
    for line in [
        "Variable-PATH: /tmp",
        "Target: localhost:1",
        "Sec-WebSocket-Protocol: unheard",
    ] {
        let auth = AuthServer::new(move |_| answer("200 OK", &[line], ""));
        let (server, _root) = site(&auth.flag(), "");
        assert_eq!(server.get("/page.txt").0, 500, "{line}");
    }
}

#[test]
fn server_that_is_silent_is_503_in_time() {
    let silent = Target::listen();
    let flag = format!("--authorize=http://{}/", silent.address());
    let (mut server, _root) = site(&flag, "--authorize-timeout=1s");
    assert_eq!(server.get("/page.txt").0, 503);
    let line = server.wait_for_line("the authorizer failed");
    assert!(line.contains("has not answered within 1s"), "{line}");
}

#[test]
fn connection_is_kept_and_replaced_when_the_server_has_closed_it() {
    let auth = AuthServer::new(|head| match head.contains("/page.txt?last") {
        true => answer("200 OK", &["Connection: close"], ""),
        false => answer("200 OK", &[], "body"),
    });
    let (server, _root) = site(&auth.flag(), "");
    for _ in 0..5 {
        assert_eq!(server.get("/page.txt").0, 200);
    }
    assert_eq!(auth.connections(), 1);
    for _ in 0..2 {
        assert_eq!(server.get("/page.txt?last").0, 200);
        assert_eq!(server.get("/page.txt").0, 200);
    }
    assert_eq!(auth.connections(), 3);
}

#[test]
fn server_that_closes_without_a_word_is_asked_anew() {
    // Each connection has one answer, whatever it says.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let flag = format!(
        "--authorize=http://{}/",
        listener.local_addr().expect("its address")
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().expect("a descriptor")).lines();
            lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .for_each(drop);
            let text = answer("200 OK", &[], "");
            std::io::Write::write_all(&mut stream, text.as_bytes()).expect("it reads");
        }
    });
    let (server, _root) = site(&flag, "");
    for _ in 0..5 {
        assert_eq!(server.get("/page.txt").0, 200);
    }
}

#[test]
fn unix_socket_is_asked_for_the_top_or_for_another_path() {
    let directory = tempfile::tempdir().expect("a directory");
    for (more, line) in [
        ("", "GET / HTTP/1.1"),
        (":/auth?x=y", "GET /auth?x=y HTTP/1.1"),
    ] {
        let path = directory.path().join(format!("s{}", more.len()));
        let auth = AuthServer::on(&path, |_| answer("200 OK", &[], ""));
        let (server, _root) = site(&format!("--authorize=unix:{}{more}", path.display()), "");
        assert_eq!(server.get("/page.txt").0, 200);
        let head = auth.asked();
        assert_eq!(head.lines().next(), Some(line));
        assert_eq!(field(&head, "Host"), Some("localhost"));
    }
}

#[test]
fn server_by_tls_has_to_be_whom_the_system_trusts() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("A root");
    authority.write(directory.path(), "ca.pem");
    let flags = authority
        .issue(&["localhost"])
        .write(directory.path(), "server");
    // Another wsd is the one that decides, by what it has a page for.
    let pages = tempfile::tempdir().expect("a directory");
    std::fs::write(pages.path().join("page.txt"), "page\n").expect("a file");
    let served = Gateway::new().args(["--ssl", &flags[0], &flags[1]]);
    let served = served
        .args([format!("--staticdir={}", pages.path().display())])
        .start();
    let ca = directory.path().join("ca.pem");
    for (authorities, path, status) in [
        (Some(&ca), "page.txt", 101),
        (Some(&ca), "missing", 404),
        (None, "page.txt", 503),
    ] {
        let flag = format!("--authorize=https://localhost:{}/{path}", served.port());
        let mut gateway = Gateway::new().args([&*flag]);
        gateway = match authorities {
            Some(ca) => gateway.env("SSL_CERT_FILE", ca),
            None => gateway.env(
                "SSL_CERT_FILE",
                flags[0].rsplit('=').next().expect("a file"),
            ),
        };
        let server = gateway.program("cat").start();
        assert_eq!(server.status("/", &[]), status, "{path} {authorities:?}");
    }
}

#[test]
fn limits_of_programs_are_not_those_of_servers() {
    // As many as one page asks for at once.
    let auth = AuthServer::new(|_| answer("200 OK", &[], ""));
    let (server, _root) = site(&auth.flag(), "");
    let clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    assert_eq!(clients.len(), 20);
}

/// A small server in Python, which says where it listens.
struct PythonServer {
    child: Child,
    port: u16,
}

impl PythonServer {
    fn start(text: &str) -> (Self, tempfile::TempDir) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = script(directory.path(), "auth.py", text);
        let mut child = Command::new(installed("python3"))
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("a port");
        (PythonServer { child, port }, directory)
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As one for nginx's auth_request: 2xx, 401 or 403 by a cookie, and nothing else.
const FOR_NGINX: &str = r#"
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Auth(BaseHTTPRequestHandler):
    def do_GET(self):
        session = dict(part.strip().split('=', 1) for part in self.headers.get('Cookie', '').split(';') if '=' in part)
        user = session.get('session')
        self.send_response(401 if user is None else 403 if user == 'mallory' else 200)
        if user:
            self.send_header('X-Auth-Request-User', user)
        self.end_headers()

server = ThreadingHTTPServer(('127.0.0.1', 0), Auth)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// As one for Traefik's ForwardAuth: it sends those it does not know to a login, and back to where they came from.
const FOR_TRAEFIK: &str = r#"
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Auth(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        of = lambda name: self.headers.get('X-Forwarded-' + name)
        if self.headers.get('Authorization') == 'Bearer good':
            self.send_response(200)
            self.send_header('Remote-User', 'ann')
        else:
            self.send_response(307)
            back = of('Proto') + '://' + of('Host') + of('Uri')
            self.send_header('Location', 'https://login.example/?to=' + back)
        self.send_header('Content-Length', '0')
        self.end_headers()

server = ThreadingHTTPServer(('127.0.0.1', 0), Auth)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[test]
fn server_that_was_written_for_nginx_decides() {
    let (auth, _directory) = PythonServer::start(FOR_NGINX);
    let (server, _root) = site(&format!("--authorize=http://127.0.0.1:{}", auth.port), "");
    assert_eq!(server.get("/page.txt").0, 401);
    assert_eq!(server.status("/", &["Cookie: session=mallory"]), 403);
    let mut client = server.ask("/", &["Cookie: session=ann"]);
    assert_eq!(client.text(), "ann|||");
    assert_eq!(
        server
            .request("GET", "/page.txt", "Cookie: session=ann\r\n")
            .0,
        200
    );
}

#[test]
fn server_that_was_written_for_traefik_decides() {
    let (auth, _directory) = PythonServer::start(FOR_TRAEFIK);
    let (server, _root) = site(
        &format!("--authorize=http://127.0.0.1:{}/auth", auth.port),
        "",
    );
    let (code, headers, _) = server.get("/page.txt?a=b");
    assert_eq!(code, 307);
    let to = format!(
        "https://login.example/?to=http://localhost:{}/page.txt?a=b",
        server.port()
    );
    assert_eq!(headers["location"], to);
    for _ in 0..2 {
        let mut client = server.ask("/", &["Authorization: Bearer good"]);
        assert_eq!(client.text(), "ann|||");
    }
}
