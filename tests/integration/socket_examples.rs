//! The examples that lead to sockets, each with its own server, in a real browser: chat, telnet, VNC.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use crate::{
    browser::browse,
    support::{
        Gateway, Server, Signal, children_of, eventually, interpreter, kill, wait_until_gone,
    },
};

/// A port that was free a moment ago; what takes it says so if it is not any more.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn start(flags: &[&str], start: &str, port: u16) -> Server {
    let start = format!("--start={}", start.replace("PORT", &port.to_string()));
    let target = format!("--target=127.0.0.1:{port}");
    Gateway::new().args(flags).args([start, target]).start()
}

#[test]
fn pages_chat_through_a_socket_of_the_python_server() {
    let flags = ["--staticdir=examples/chat", "--framing=lines"];
    let server = start(&flags, "examples/chat/chat_server.py PORT", free_port());
    browse("chat", &[&server.url]);
}

#[test]
fn chat_page_is_told_that_its_server_has_ended_and_finds_the_next_one() {
    let flags = ["--framing=lines", "--target-timeout=60"];
    let mut server = start(&flags, "examples/chat/chat_server.py PORT", free_port());
    let mut client = server.connect();
    assert_eq!(client.text(), "* someone joined, 1 here: someone");
    let [chat_server] = server.children()[..] else {
        panic!("{:?}", server.children());
    };
    kill(chat_server, Signal::KILL);
    assert_eq!(client.closed().0, 1000);
    // Until it is gone it may still listen, and reset who comes.
    wait_until_gone(chat_server);
    // Refused for as long as the next one does not listen, which the client does not see.
    let mut client = server.connect();
    assert_eq!(client.text(), "* someone joined, 1 here: someone");
    let children = server.children();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    children.into_iter().for_each(wait_until_gone);
}

#[test]
fn telnet_page_logs_in() {
    let flags = ["--staticdir=examples/telnet"];
    let server = start(&flags, "examples/telnet/telnet_server.py PORT", free_port());
    browse("telnet", &[&server.url]);
}

#[test]
fn telnet_client_understands_all_that_is_negotiated() {
    interpreter::node("telnet.mjs", &[]);
}

const NOVNC: &str = "/usr/share/novnc";
const VNC_SERVER: &str = "/usr/bin/Xtigervnc";
/// Shows a window, and prints what is typed into it.
const XEV: &str = "/usr/bin/xev";

#[test]
fn novnc_shows_a_desktop_takes_keys_and_tells_its_end() {
    for needed in [NOVNC, VNC_SERVER, XEV] {
        if !Path::new(needed).exists() {
            eprintln!(
                "skipped: {needed} is missing (Debian: novnc tigervnc-standalone-server x11-utils)"
            );
            return;
        }
    }
    let port = free_port();
    // It finds a free display by itself, and says which.
    let command = format!(
        "{VNC_SERVER} -displayfd 1 -rfbport PORT -localhost -SecurityTypes None -geometry 800x600 -AlwaysShared"
    );
    let mut server = start(&["--staticdir=/usr/share/novnc"], &command, port);
    let display = loop {
        let line = server.wait_for_line("stdout: ");
        let word = line.rsplit("stdout: ").next().unwrap_or_default();
        if let Ok(number) = word.trim().parse::<u32>() {
            break number;
        }
    };
    let mut window = Window::open(display);
    let page = format!("{}vnc.html?autoconnect=true", server.url);
    let [vnc_server] = server.children()[..] else {
        panic!("{:?}", server.children());
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            window.wait_until_typed("typed");
            kill(vnc_server, Signal::KILL);
        });
        browse("vnc", &[&page]);
    });
    drop(window);
    server.signal(Signal::TERM);
    server.wait();
    assert!(children_of(vnc_server).is_empty());
}

/// A window of `xev`.
struct Window {
    child: Child,
}

impl Window {
    fn open(display: u32) -> Self {
        let child = Command::new(XEV)
            .args([
                "-display",
                &format!(":{display}"),
                "-geometry",
                "700x500+20+20",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Window {
            child: child.expect("xev starts"),
        }
    }

    /// Waits until these letters were typed, one after the other.
    fn wait_until_typed(&mut self, letters: &str) {
        let stdout = self.child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        for letter in letters.chars() {
            let part = format!("\"{letter}\"");
            let is_it =
                |line: String| line.contains("XLookupString gives 1 bytes") && line.contains(&part);
            assert!(lines.any(is_it), "xev saw no {letter}");
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let mut rest = Vec::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            let _ = stdout.read_to_end(&mut rest);
        }
        eventually("xev has ended", || {
            self.child.try_wait().is_ok_and(|status| status.is_some())
        });
    }
}
