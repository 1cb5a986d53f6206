//! Behind the real nginx and HAProxy, configured by the very files in `examples/proxy/`: whatever the way,
//! wsd serves as if there were nothing between, and knows who its clients are.

use std::{
    collections::HashMap,
    fs,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::support::{
    Client, Gateway, PATIENCE, Server, Signal,
    client::CLOSE,
    eventually, forget_caller,
    proxy::{Proxy, free_address},
    script,
};

/// The name by which clients know the proxy.
const HOST: &str = "Host: chat.example";

const ALICE: &str = "127.0.0.2";
const BOB: &str = "127.0.0.3";

/// What it was asked, as a CGI script finds it, and the body.
const SCRIPT: &str = "#!/bin/sh\necho Content-Type: text/plain\necho\nenv\ncat\n";

/// A way from a client to wsd.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// The configuration.
    file: &'static str,
    /// Where it says that clients come in.
    listens: &'static str,
    /// Which of its servers is ours.
    server: Endpoint,
    /// Whether wsd is told the client's port.
    tells_port: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Tcp,
    Unix,
}

const WAYS: [Way; 6] = [
    Way {
        file: "nginx.conf",
        listens: "127.0.0.1:8000",
        server: Endpoint::Tcp,
        tells_port: true,
    },
    Way {
        file: "nginx.conf",
        listens: "127.0.0.1:8001",
        server: Endpoint::Unix,
        tells_port: true,
    },
    Way {
        file: "haproxy-http.cfg",
        listens: "127.0.0.1:8000",
        server: Endpoint::Tcp,
        tells_port: false,
    },
    Way {
        file: "haproxy-http.cfg",
        listens: "127.0.0.1:8000",
        server: Endpoint::Unix,
        tells_port: false,
    },
    Way {
        file: "haproxy-tcp.cfg",
        listens: "127.0.0.1:8000",
        server: Endpoint::Tcp,
        tells_port: true,
    },
    Way {
        file: "haproxy-tcp.cfg",
        listens: "127.0.0.1:8000",
        server: Endpoint::Unix,
        tells_port: true,
    },
];

impl Way {
    fn is_http(self) -> bool {
        self.file != "haproxy-tcp.cfg"
    }
}

/// A wsd for a configuration, and what it serves: `cat`, the environment at `/env` and at `/env.sh`, a file.
struct Behind {
    server: Server,
    /// The port of --admin.
    admin: u16,
    /// The unix socket.
    path: String,
    _directory: TempDir,
}

impl Behind {
    fn start(way: Way, words: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let (scripts, files) = (root.join("scripts"), root.join("files"));
        fs::create_dir(&scripts).expect("a directory");
        fs::create_dir(&files).expect("a directory");
        script(&scripts, "env.sh", SCRIPT);
        fs::write(files.join("page.html"), "a page").expect("a file");
        let path = root.join("wsd.sock").to_str().expect("text").to_owned();
        let listens = match way.server {
            Endpoint::Tcp => "--port=0".to_owned(),
            Endpoint::Unix => format!("--unixsocket={path}"),
        };
        let trusts = match way.is_http() {
            true => "--trust-proxy=127.0.0.1,unix",
            false => "--proxy-protocol",
        };
        let shared = [
            "--admin=127.0.0.1:0",
            "--host=chat.example",
            "--route=/env=env",
        ];
        let mut server = Gateway::without_port()
            .args([&*listens, trusts])
            .args(shared)
            .args([format!("--cgidir={}", scripts.display())])
            .args([format!("--staticdir={}", files.display())])
            .args(words)
            .args(["cat"])
            .start();
        let line = server.wait_for_line("telling operators about it on ");
        let port = line.trim_end_matches(['/', '"']).rsplit(':').next();
        Behind {
            admin: port.and_then(|port| port.parse().ok()).expect("a port"),
            server,
            path,
            _directory: directory,
        }
    }
}

/// Starts the proxy of a way, whose listener gets further options; a gateway that there is none of gets an
/// address that nobody listens on.
fn proxy(
    way: Way,
    options: &str,
    tcp: Option<&Behind>,
    unix: Option<&Behind>,
) -> (SocketAddr, Proxy) {
    let address = free_address();
    let nobody = || (free_address().to_string(), 1);
    let (by_tcp, tcp_admin) = tcp.map_or_else(nobody, |gateway| {
        (gateway.server.address.to_string(), gateway.admin)
    });
    let (by_unix, unix_admin) = unix.map_or(("no.sock".to_owned(), 1), |gateway| {
        (gateway.path.clone(), gateway.admin)
    });
    let mut addresses = vec![(way.listens, format!("{address}{options}"))];
    match way.file {
        "nginx.conf" => {
            let other = ["127.0.0.1:8000", "127.0.0.1:8001"]
                .map(|listens| (listens, free_address().to_string()));
            addresses.extend(
                other
                    .into_iter()
                    .filter(|(listens, _)| *listens != way.listens),
            );
            addresses.push(("127.0.0.1:8080", by_tcp));
            addresses.push(("unix:wsd.sock", format!("unix:{by_unix}")));
        }
        _ => {
            addresses.push(("127.0.0.1:8080", by_tcp));
            addresses.push(("port 9080", format!("port {tcp_admin}")));
            addresses.push(("unix@wsd.sock", format!("unix@{by_unix}")));
            addresses.push(("port 9081", format!("port {unix_admin}")));
        }
    }
    let proxy = Proxy::start(way.file, &addresses, address);
    (address, proxy)
}

/// wsd behind a proxy.
struct Site {
    /// The proxy's.
    address: SocketAddr,
    gateway: Behind,
    _proxy: Proxy,
}

impl Site {
    fn start(way: Way, words: &[&str]) -> Self {
        let gateway = Behind::start(way, words);
        let (tcp, unix) = match way.server {
            Endpoint::Tcp => (Some(&gateway), None),
            Endpoint::Unix => (None, Some(&gateway)),
        };
        let (address, proxy) = proxy(way, "", tcp, unix);
        Site {
            address,
            gateway,
            _proxy: proxy,
        }
    }

    /// A WebSocket of a client with an address of its own; panics if there is none.
    fn connect(&self, from: &str, target: &str, headers: &[&str]) -> Client {
        let client = self.ask(from, target, headers);
        assert_eq!(client.status(), 101, "{}", client.head);
        client
    }

    fn ask(&self, from: &str, target: &str, headers: &[&str]) -> Client {
        let stream = connect(from, self.address);
        Client::over(stream.into(), target, &[&[HOST], headers].concat())
    }

    /// The environment of a program, and the client's port.
    fn environment(&self, from: &str, headers: &[&str]) -> (HashMap<String, String>, String) {
        let mut client = self.connect(from, "/env", headers);
        let port = client.stream.local_addr().expect("its address").port();
        let mut lines = String::new();
        loop {
            let frame = client.receive();
            if frame.opcode == CLOSE {
                break;
            }
            lines.push_str(&String::from_utf8(frame.payload).expect("text"));
            lines.push('\n');
        }
        (variables(&lines), port.to_string())
    }

    /// A request of a client with an address of its own: the status, and the body.
    fn request(&self, from: &str, request: &str, body: &str) -> (u16, String) {
        let mut stream = connect(from, self.address);
        exchange(&mut stream, request, body)
    }
}

fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let from: IpAddr = from.parse().expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::new(from, 0).into())
        .expect("a loopback address");
    socket.connect(&to.into()).expect("the proxy listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends `METHOD TARGET` and reads the answer to the end.
fn exchange(stream: &mut (impl Read + Write), request: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{request} HTTP/1.1\r\n{HOST}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream
        .write_all(request.as_bytes())
        .expect("the proxy reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    (status.expect("a status"), body.expect("a head"))
}

fn variables(lines: &str) -> HashMap<String, String> {
    let variables = lines.lines().filter_map(|line| line.split_once('='));
    variables
        .map(|(name, value)| (name.to_owned(), value.trim_end().to_owned()))
        .collect()
}

#[test]
fn messages_pass_every_proxy() {
    for way in WAYS {
        let site = Site::start(way, &[]);
        let mut client = site.connect(ALICE, "/", &[]);
        let long = "x".repeat(200_000);
        for text in ["hello", &long, ""] {
            client.send(text);
            assert_eq!(client.text(), text, "{way:?}");
        }
        client.close();
    }
}

#[test]
fn programs_and_the_log_see_the_client() {
    for way in WAYS {
        let mut site = Site::start(way, &[]);
        let (found, port) = site.environment(ALICE, &[]);
        assert_eq!(found["REMOTE_ADDR"], ALICE, "{way:?}");
        assert_eq!(found["REMOTE_HOST"], ALICE, "{way:?}");
        let expected = if way.tells_port { &port } else { "" };
        assert_eq!(found["REMOTE_PORT"], expected, "{way:?}");
        assert_eq!(found["SERVER_NAME"], "chat.example", "{way:?}");
        assert_eq!(found.get("HTTPS"), None, "{way:?}");
        let line = site.gateway.server.wait_for_line("/env");
        let remote = match way.tells_port {
            true => format!("remote={ALICE}:{port} "),
            false => format!("remote={ALICE} "),
        };
        assert!(line.contains(&remote), "{way:?}: {line}");
    }
}

#[test]
fn scripts_and_files_pass_every_proxy() {
    for way in WAYS {
        let site = Site::start(way, &[]);
        let (status, body) = site.request(ALICE, "POST /env.sh/extra?a=b", "the body");
        assert_eq!(status, 200, "{way:?}");
        let found = variables(&body);
        assert_eq!(found["REMOTE_ADDR"], ALICE, "{way:?}");
        assert_eq!(found["REQUEST_URI"], "/env.sh/extra?a=b", "{way:?}");
        assert!(body.contains("the body"), "{way:?}: {body}");
        let page = site.request(ALICE, "GET /page.html", "");
        assert_eq!(page, (200, "a page".to_owned()), "{way:?}");
    }
}

#[test]
fn pages_of_the_public_name_may_connect_and_no_others() {
    for way in WAYS {
        let site = Site::start(way, &[]);
        for (origin, status) in [
            ("Origin: http://chat.example", 101),
            // A proxy in front may end TLS.
            ("Origin: https://chat.example", 101),
            ("Origin: http://evil.example", 403),
            ("Origin: http://127.0.0.1", 403),
        ] {
            let answered = site.ask(ALICE, "/", &[origin]).status();
            assert_eq!(answered, status, "{way:?} {origin}");
        }
    }
}

#[test]
fn public_name_is_that_of_the_proxy_and_needs_host() {
    for way in WAYS {
        let site = Site::start(way, &[]);
        let stream = connect(ALICE, site.address);
        let client = Client::over(stream.into(), "/", &["Host: evil.example"]);
        // A unix socket answers to any name, and so does what is reached by no loopback address.
        let expected = if way.server == Endpoint::Unix && way.is_http() {
            101
        } else {
            403
        };
        assert_eq!(client.status(), expected, "{way:?}");
    }
}

#[test]
fn what_clients_claim_is_not_believed() {
    for way in WAYS {
        let site = Site::start(way, &[]);
        for claims in [
            &["X-Forwarded-For: 192.0.2.1"][..],
            &["X-Forwarded-For: 192.0.2.1, 127.0.0.1"],
            &["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: unknown"],
            &["Forwarded: for=192.0.2.1;proto=https;host=evil.example"],
            &["Forwarded: for=\""],
            &["X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example"],
            &["X-Forwarded-Proto: https", "X-Forwarded-Proto: https"],
            &["X_Forwarded_For: 192.0.2.1"],
        ] {
            let (found, _) = site.environment(ALICE, claims);
            assert_eq!(found["REMOTE_ADDR"], ALICE, "{way:?} {claims:?}");
            assert_eq!(found["SERVER_NAME"], "chat.example", "{way:?} {claims:?}");
            assert_eq!(found.get("HTTPS"), None, "{way:?} {claims:?}");
        }
    }
}

#[test]
fn limit_per_address_counts_clients_and_not_the_proxy() {
    for way in WAYS {
        let site = Site::start(way, &["--max-connections-per-ip=1"]);
        let first = site.connect(ALICE, "/", &[]);
        assert_eq!(site.ask(ALICE, "/", &[]).status(), 429, "{way:?}");
        site.connect(BOB, "/", &[]).close();
        first.close();
        eventually("a place is free again", || {
            site.ask(ALICE, "/", &[]).status() == 101
        });
    }
}

/// By HTTPS, with curl: what a script finds.
fn found_by_https(address: SocketAddr) -> HashMap<String, String> {
    let port = address.port();
    let output = forget_caller(&mut Command::new("curl"))
        .args(["-sSk", "--max-time", "20", "--interface", ALICE])
        .args(["--connect-to", &format!("chat.example:{port}:{address}")])
        .arg(format!("https://chat.example:{port}/env.sh"))
        .output()
        .expect("curl is there");
    let body = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{body} {:?}", output.stderr);
    variables(&body)
}

#[test]
fn tls_goes_through_a_proxy_of_bytes() {
    for way in WAYS.into_iter().filter(|way| !way.is_http()) {
        let site = Site::start(way, &["--ssl-selfsigned"]);
        let found = found_by_https(site.address);
        assert_eq!(found["REMOTE_ADDR"], ALICE, "{way:?}");
        assert_eq!(found["HTTPS"], "on", "{way:?}");
    }
}

#[test]
fn tls_of_the_proxy_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let pem = directory.path().join("both.pem");
    let issued =
        rcgen::generate_simple_self_signed(["chat.example".to_owned()]).expect("a certificate");
    let both = issued.cert.pem() + &issued.signing_key.serialize_pem();
    fs::write(&pem, both).expect("a file");
    let pem = pem.display();
    for way in [WAYS[0], WAYS[2], WAYS[4]] {
        let gateway = Behind::start(way, &[]);
        let options = match way.file {
            "nginx.conf" => format!(" ssl; ssl_certificate {pem}; ssl_certificate_key {pem}"),
            _ => format!(" ssl crt {pem}"),
        };
        let (address, _proxy) = proxy(way, &options, Some(&gateway), None);
        let found = found_by_https(address);
        assert_eq!(found["REMOTE_ADDR"], ALICE, "{way:?}");
        assert_eq!(found["HTTPS"], "on", "{way:?}");
        assert_eq!(found["SERVER_PORT"], address.port().to_string(), "{way:?}");
    }
}

/// Clients that come without a pause, one after the other, until they are told to stop.
struct Crowd {
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<Vec<String>>>,
}

/// What went wrong, if anything did.
type Visit = Box<dyn FnMut() -> Result<(), String> + Send>;

impl Crowd {
    fn start(visits: Vec<Visit>) -> Self {
        let (answered, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let come = |mut visit: Visit| {
            let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
            thread::spawn(move || {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match visit() {
                        Ok(()) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                        Err(failure) => failures.push(failure),
                    }
                }
                failures
            })
        };
        let threads = visits.into_iter().map(come).collect();
        Crowd {
            answered,
            stop,
            threads,
        }
    }

    /// Waits for so many visits more.
    fn wait(&self, visits: usize) {
        let enough = self.answered.load(Ordering::Relaxed) + visits;
        eventually("all are answered", || {
            self.answered.load(Ordering::Relaxed) >= enough
        });
    }

    fn failures(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let threads = self.threads.into_iter();
        threads
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    }
}

fn visit_page(address: SocketAddr) -> Result<(), String> {
    let mut stream = connect(ALICE, address);
    match exchange(&mut stream, "GET /env.sh", "") {
        (200, _) => Ok(()),
        answer => Err(format!("{answer:?}")),
    }
}

/// Asks again and again over one connection.
fn visit_pages(stream: &mut TcpStream) -> Result<(), String> {
    let request = format!("GET /page.html HTTP/1.1\r\n{HOST}\r\n\r\n");
    let mut answer = Vec::new();
    let outcome = stream.write_all(request.as_bytes()).and_then(|()| {
        while !answer.ends_with(b"\r\n\r\na page") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        Ok(())
    });
    match outcome {
        Ok(()) if answer.starts_with(b"HTTP/1.1 200 ") => Ok(()),
        outcome => Err(format!("{outcome:?}: {}", answer.escape_ascii())),
    }
}

fn visit_program(address: SocketAddr) -> Result<(), String> {
    let stream = connect(BOB, address);
    let mut client = Client::over(stream.into(), "/", &[HOST]);
    if client.status() != 101 {
        return Err(client.head);
    }
    client.send("hello");
    match client.text().as_str() {
        "hello" => client.close(),
        other => return Err(other.to_owned()),
    }
    Ok(())
}

/// Stops one of two gateways behind HAProxy while clients come without a pause.
fn drain_one(way: Way) {
    let words = ["--drain-delay=3"];
    let tcp = Way {
        server: Endpoint::Tcp,
        ..way
    };
    let unix = Way {
        server: Endpoint::Unix,
        ..way
    };
    let (mut leaving, staying) = (Behind::start(tcp, &words), Behind::start(unix, &words));
    let (address, _proxy) = proxy(way, "", Some(&leaving), Some(&staying));
    let mut visits: Vec<Visit> = vec![
        Box::new(move || visit_page(address)),
        Box::new(move || visit_program(address)),
    ];
    if way.is_http() {
        // HAProxy takes each of its requests to where it is best answered.
        let mut stream = connect(ALICE, address);
        visits.push(Box::new(move || visit_pages(&mut stream)));
    }
    let crowd = Crowd::start(visits);
    crowd.wait(50);
    leaving.server.signal(Signal::TERM);
    let status = leaving.server.wait();
    crowd.wait(50);
    assert_eq!(crowd.failures(), Vec::<String>::new());
    assert_eq!(status.code(), Some(0));
    // Both had their share before.
    assert!(leaving.server.log().contains("/env.sh"), "{way:?}");
}

#[test]
fn draining_gateway_is_left_by_http_without_a_failure() {
    drain_one(WAYS[2]);
}

#[test]
fn draining_gateway_is_left_by_connections_without_a_failure() {
    drain_one(WAYS[4]);
}
