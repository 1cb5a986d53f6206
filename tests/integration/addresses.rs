//! Which addresses are listened on, and what the start says of them.

use std::{
    fs,
    net::{SocketAddr, SocketAddrV6, TcpListener},
    process::Command,
};

use tempfile::TempDir;

use crate::support::{
    Client, Gateway, Server, Signal, address_in, forget_caller, http, own_address, run,
    terminal::Terminal,
};

/// The loopback addresses, which are `localhost` together.
const LOOPBACK: [&str; 2] = ["127.0.0.1", "[::1]"];

fn address(ip: &str, port: u16) -> SocketAddr {
    format!("{ip}:{port}").parse().expect("an address")
}

fn echo(at: SocketAddr) {
    let mut client = Client::connect(at, "/", &[]);
    client.send("hello");
    assert_eq!(client.text(), "hello", "{at}");
    client.close();
}

/// What curl, in the server's own network, finds at a URL.
fn curl(server: &Server, url: &str) -> String {
    let output = forget_caller(&mut Command::new("nsenter"))
        .args(["-t", &server.pid().to_string(), "-U", "-n"])
        .args(["--preserve-credentials", "curl", "-sS", "-g", url])
        .output()
        .expect("nsenter is there");
    assert!(output.status.success(), "{url}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// A wsd in a network of its own, where a Python program has done something first.
fn in_own_network(first: &str) -> Gateway {
    let program = format!(
        "import fcntl, os, socket, struct, sys\n\
         control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         def write(name, text): open('/proc/sys/net/' + name, 'w').write(text)\n\
         def up(name): fcntl.ioctl(control, 0x8914, struct.pack('16sh', name, 1))\n\
         {first}\n\
         os.execvp(sys.argv[1], sys.argv[1:])"
    );
    let wrapper = ["unshare", "-r", "-n", "python3", "-c", &program];
    Gateway::new().under(&wrapper)
}

#[test]
fn default_is_both_loopback_addresses_by_one_name() {
    for words in ["cat", "--address=localhost cat", "--reuseport cat"] {
        let mut server = Gateway::with(words).start();
        let port = server.port();
        assert_eq!(server.url, format!("ws://localhost:{port}/"));
        for ip in LOOPBACK {
            echo(address(ip, port));
        }
        assert!(std::net::TcpStream::connect(address("127.0.0.2", port)).is_err());
        server.signal(Signal::TERM);
        assert_eq!(server.wait().code(), Some(0));
        let log = server.log();
        assert_eq!(log.matches("serving on").count(), 1, "{log}");
        assert!(!log.contains("WARN"), "{log}");
    }
}

#[test]
fn port_taken_on_either_loopback_address_is_named() {
    for ip in LOOPBACK {
        let listener = TcpListener::bind(address(ip, 0)).expect("a free port");
        let taken = listener.local_addr().expect("an address");
        let output = run(&[&format!("--port={}", taken.port()), "cat"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        // Somebody else may have the same port on the other one.
        let named = |taken: SocketAddr| output.stderr.contains(&format!("listen on {taken}: "));
        let is_named = named(taken) || named(address(LOOPBACK[0], taken.port()));
        assert!(
            is_named && output.stderr.contains("already in use"),
            "{output:?}"
        );
    }
}

#[test]
fn machine_without_ipv6_has_one_loopback_address_and_no_warning() {
    let gateway = in_own_network("write('ipv6/conf/all/disable_ipv6', '1'); up(b'lo')");
    let mut server = gateway.args(["--devconsole", "cat"]).start();
    assert_eq!(server.url, format!("http://localhost:{}/", server.port()));
    assert!(curl(&server, &server.url).contains("<html"));
    server.signal(Signal::TERM);
    server.wait();
    assert!(!server.log().contains("WARN"), "{}", server.log());
    // Who asks for it is told.
    let gateway = in_own_network("write('ipv6/conf/all/disable_ipv6', '1'); up(b'lo')");
    let output = gateway.args(["--address=::1", "cat"]).output();
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("[::1]:"), "{output:?}");
}

#[test]
fn free_port_is_free_on_all_addresses() {
    // Of four ports three are taken, each on one address.
    let first = "up(b'lo'); write('ipv4/ip_local_port_range', '40000 40003')\n\
                 held = []\n\
                 for family, ip, port in (socket.AF_INET6, '::1', 40000), (socket.AF_INET, '127.0.0.1', 40001), (socket.AF_INET6, '::1', 40002):\n    \
                     held.append(socket.socket(family)); held[-1].bind((ip, port)); held[-1].listen(); \
                     held[-1].set_inheritable(True)";
    let server = in_own_network(first).args(["--devconsole", "cat"]).start();
    assert_eq!(server.port(), 40003);
    // Listening (proc_pid_net_tcp), since no port is left for a client.
    for (table, ip) in [
        ("tcp", "0100007F"),
        ("tcp6", "00000000000000000000000001000000"),
    ] {
        let table = fs::read_to_string(format!("/proc/{}/net/{table}", server.pid()));
        let listening = format!(" {ip}:{:04X} ", 40003);
        assert!(table.expect("a table").contains(&listening), "{ip}");
    }
}

#[test]
fn start_that_opens_it_to_the_network_prints_the_machines_addresses() {
    let Some(own) = own_address() else {
        return eprintln!("skipped: this machine has no address but loopback");
    };
    for words in [
        "--address=0.0.0.0",
        "--address=::",
        "--address=0.0.0.0 --address=::",
    ] {
        let mut server = Gateway::with(words).args(["cat"]).start();
        let port = server.port();
        assert_eq!(server.url, format!("ws://localhost:{port}/"));
        echo(SocketAddr::new(own, port));
        server.signal(Signal::TERM);
        server.wait();
        let log = server.log();
        let line = format!("from other machines: ws://{own}:{port}/");
        assert_eq!(log.matches(&line).count(), 1, "{words}: {log}");
        assert!(
            !log.contains("machines: ws://127.") && !log.contains("ws://[::1]"),
            "{log}"
        );
        assert_eq!(log.matches("serving on").count(), 1, "{log}");
    }
    let mut server = Gateway::with("cat").start();
    server.signal(Signal::TERM);
    server.wait();
    assert!(!server.log().contains("from other machines"));
}

/// What the start says of how other machines are let in.
const REMEDY: &str = "--address=0.0.0.0 lets other machines and phones in";

#[test]
fn start_for_this_machine_alone_names_the_remedy_to_who_has_a_console() {
    for (words, is_said) in [
        ("--devconsole cat", true),
        ("--devconsole --admin=127.0.0.1:0 cat", true),
        ("cat", false),
        ("--devconsole --address=127.0.0.1 cat", false),
        ("--devconsole --address=0.0.0.0 cat", false),
        ("--devconsole --host=dev.example cat", false),
        ("--devconsole --trust-proxy=127.0.0.1 cat", false),
    ] {
        let mut server = Gateway::with(words).start();
        server.signal(Signal::TERM);
        server.wait();
        let log = server.log();
        assert_eq!(
            log.matches(REMEDY).count(),
            usize::from(is_said),
            "{words}: {log}"
        );
    }
}

#[test]
fn start_for_this_machine_alone_names_the_remedy_on_a_terminal() {
    let mut terminal = Terminal::run("$WSD --port=0 cat");
    terminal.wait_for(REMEDY);
}

/// Gives the loopback interface an address that others could reach it by.
const WITH_ADDRESS: &str = "up(b'lo'); fcntl.ioctl(control, 0x8916, struct.pack('16sHH4s8x', b'lo:1', socket.AF_INET, 0, \
     socket.inet_aton('192.0.2.7')))";

/// The names that the certificate of `--ssl-selfsigned` is for, as the start says them, and what curl says that trusts it.
fn self_signed(flags: &[&str], url: &str) -> (String, String) {
    let directory = TempDir::with_prefix("wsd-").expect("a directory");
    let gateway = in_own_network(WITH_ADDRESS).args(["--ssl-selfsigned", "--devconsole"]);
    let mut server = gateway.args(flags).args(["cat"]).start();
    let names = server.wait_for_line("fingerprint");
    let certificate = directory.path().join("certificate.pem");
    let fetch = format!(
        "openssl s_client -connect localhost:{port} </dev/null 2>/dev/null | openssl x509 > {certificate}; \
         curl -sS -o {certificate}.page --cacert {certificate} {url}:{port}/ 2>&1",
        port = server.port(),
        certificate = certificate.display(),
    );
    let output = forget_caller(&mut Command::new("nsenter"))
        .args(["-t", &server.pid().to_string(), "-U", "-n"])
        .args(["--preserve-credentials", "sh", "-c", &fetch])
        .output()
        .expect("nsenter is there");
    (names, String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn self_signed_certificate_is_for_the_addresses_that_the_start_names() {
    let host = Command::new("hostname")
        .output()
        .expect("hostname is there");
    let host = String::from_utf8(host.stdout)
        .expect("a name")
        .trim()
        .to_ascii_lowercase();
    for flags in [
        &["--address=0.0.0.0"][..],
        &["--address=::"],
        &["--address=localhost", "--address=192.0.2.7"],
    ] {
        let (names, said) = self_signed(flags, "https://192.0.2.7");
        let expected = format!("for localhost, 127.0.0.1, ::1, 192.0.2.7, {host};");
        assert!(names.contains(&expected), "{flags:?}: {names}");
        assert_eq!(said, "", "{flags:?}");
    }
    let (names, said) = self_signed(&[], "https://192.0.2.7");
    assert!(names.contains("for localhost, 127.0.0.1, ::1; "), "{names}");
    assert!(said.contains("curl: "), "{said}");
}

#[test]
fn operators_and_the_way_to_tls_have_both_loopback_addresses_too() {
    let words = "--ssl-selfsigned --redirport=0 --admin=localhost:0 cat";
    let mut server = Gateway::with(words).start();
    let mut port = |line: &str| {
        let log = server.log();
        let found = log.lines().find(|found| found.contains(line));
        let found = found.map(str::to_owned);
        address_in(&found.unwrap_or_else(|| server.wait_for_line(line))).port()
    };
    let way = port("sending http://localhost");
    let admin = port("telling operators about it on http://localhost");
    for ip in LOOPBACK {
        let request = format!("GET /x HTTP/1.1\r\nHost: {ip}\r\nConnection: close\r\n\r\n");
        let (status, headers, _) = http(address(ip, way), &request);
        let location = format!("https://{ip}:{}/x", server.port());
        assert_eq!((status, &headers["location"]), (308, &location));
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {ip}\r\nConnection: close\r\n\r\n");
        assert_eq!(http(address(ip, admin), &request).0, 200);
    }
}

/// A link-local address of this machine, with the index and the name of its interface (proc_net_if_inet6).
fn link_local() -> Option<(SocketAddrV6, String)> {
    let table = fs::read_to_string("/proc/net/if_inet6").ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let ip = u128::from_str_radix(fields.first()?, 16).ok()?;
        let index = u32::from_str_radix(fields.get(1)?, 16).ok()?;
        // Not one that is not sure yet whether another machine has it (IFA_F_TENTATIVE).
        let is_sure = u32::from_str_radix(fields.get(4)?, 16).ok()? & 0x40 == 0;
        let address = SocketAddrV6::new(ip.into(), 0, 0, index);
        let is_link_local = address.ip().is_unicast_link_local() && is_sure;
        is_link_local.then(|| (address, (*fields.last().expect("fields")).to_owned()))
    })
}

#[test]
fn address_of_a_link_keeps_its_zone() {
    let Some((mut at, name)) = link_local() else {
        return eprintln!("skipped: this machine has no link-local address");
    };
    let ip = *at.ip();
    for word in [
        format!("{ip}%{name}"),
        format!("[{ip}%{name}]"),
        format!("{ip}%{}", at.scope_id()),
    ] {
        let server = Gateway::new()
            .args([
                format!("--address={word}"),
                "--sameorigin".to_owned(),
                "env".to_owned(),
            ])
            .start();
        at.set_port(server.port());
        let origin = format!("--origin=http://[{ip}]:{}", server.port());
        let found = run(&["--connect", &server.url, &origin]);
        assert!(
            found.stdout.contains(&format!("SERVER_NAME=[{ip}]\n")),
            "{found:?}"
        );
        assert_eq!(
            server.url,
            format!("ws://[{ip}%25{name}]:{}/", server.port())
        );
        // Clients leave the zone out of the Host, or do not; pages are the server's own either way.
        for host in [
            format!("[{ip}]:{}", at.port()),
            format!("[{ip}%25{name}]:{}", at.port()),
        ] {
            let headers = [format!("Host: {host}"), format!("Origin: http://{host}")];
            let headers: Vec<_> = headers.iter().map(String::as_str).collect();
            let mut client = Client::connect(at.into(), "/", &headers);
            let mut lines = Vec::new();
            while let Ok(frame) = client.try_receive() {
                lines.push(String::from_utf8_lossy(&frame.payload).into_owned());
            }
            for line in [format!("SERVER_NAME=[{ip}]"), format!("REMOTE_ADDR={ip}")] {
                assert!(lines.contains(&line), "{host}: {lines:?}");
            }
        }
    }
}

#[test]
fn address_of_a_link_without_its_interface_is_refused() {
    for (word, parts) in [
        (
            "fe80::1%nope0",
            &["there is no network interface 'nope0'", "lo"][..],
        ),
        ("[fe80::1%4000000000]", &["there is no network interface"]),
        ("fe80::1%", &["there is no network interface"]),
        ("fe80::1", &["fe80::1%eth0"]),
        ("::%lo", &["link-local address (fe80::…) alone"]),
        ("[fe80::1%lo]:80", &["--port"]),
    ] {
        let flag = format!("--address={word}");
        let output = run(&[&flag, "cat"]);
        assert_eq!(output.code, Some(2), "{word}: {output:?}");
        let first = output.stderr.lines().next().expect("a line");
        let beginning = format!("error: invalid value '{word}' for '--address': ");
        assert!(first.starts_with(&beginning), "{first}");
        assert!(parts.iter().all(|part| first.contains(part)), "{first}");
    }
    let output = run(&["--admin=fe80::1%nope0:80", "cat"]);
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.stderr.contains("'nope0'"), "{output:?}");
}

#[test]
fn address_of_a_link_that_is_not_the_interfaces_is_named_with_its_zone() {
    let output = run(&["--port=0", "--address=fe80::1%lo", "cat"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("[fe80::1%lo]:0"), "{output:?}");
    assert!(
        output
            .stderr
            .contains("--address takes one of this machine's own"),
        "{output:?}"
    );
}
