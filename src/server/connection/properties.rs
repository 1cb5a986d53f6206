//! What holds for whatever a client sends before there is a session.
//!
//! The clock stands still while anything is done (`tokio::time::pause`), so that a client which waits for
//! the server to give up gets its time limits at once. It goes on when the server has ended: what is waited for
//! then happens outside of this program, where that clock does not count.

use std::{os::unix::net, sync::LazyLock, time::Duration};

use hyper::header::{HeaderName, HeaderValue};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    runtime::Builder,
    time::{resume, timeout},
};

use super::ConnectionRole;
use crate::{
    backend::{MaxLine, Program, Spawner, StderrTo, StreamOptions, Target},
    connection::{ConnectionInfo, Endpoint},
    framing::{Framing, Newline},
    http::{
        AddedHeaders, Options, RouteOptions,
        access::{Access, ConnectionLimits, ProcessLimit},
        pages::{Mount, Router},
        websocket::Subprotocols,
    },
    server::{self, Server, io::Stream},
    transport::websocket::deflate::DeflateParams,
};

/// Longer than all time limits of a connection together.
const LONGEST: Duration = Duration::from_secs(600);

/// What a client does behind its last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Leaves,
    Waits,
}

/// Every connection ends, with answers that are answers or without any.
pub(crate) fn connection(input: &[u8]) {
    for answer in answers(input) {
        // By HTTP/2 frames are answered.
        if !answer.is_empty() && !input.starts_with(b"PRI ") {
            check_answer(&answer, input.trim_ascii_start().starts_with(b"HEAD "));
        }
    }
}

/// What a client gets that leaves, and one that waits.
pub(super) fn answers(input: &[u8]) -> [Vec<u8>; 2] {
    [Then::Leaves, Then::Waits].map(|then| {
        let ends = net::UnixStream::pair().expect("two descriptors");
        answer(input, then, ends)
    })
}

/// What one gets over a stream of which the first end is the server's.
pub(super) fn answer(
    input: &[u8],
    then: Then,
    ends: (net::UnixStream, net::UnixStream),
) -> Vec<u8> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    let runtime = runtime.expect("a runtime");
    let answer = runtime.block_on(async {
        let (near, far) = (registered(ends.0), registered(ends.1));
        timeout(LONGEST, talk(input, then, near, far)).await
    });
    answer.expect("it ends")
}

/// A stream for the runtime.
fn registered(stream: net::UnixStream) -> UnixStream {
    stream.set_nonblocking(true).expect("a socket");
    UnixStream::from_std(stream).expect("a runtime")
}

/// What a client is answered.
async fn talk(input: &[u8], then: Then, near: UnixStream, mut far: UnixStream) -> Vec<u8> {
    let connection = ConnectionInfo::new(Endpoint::Unix(None), Endpoint::Unix(None));
    let client = async {
        let mut answer = Vec::new();
        // That it is not listened to any more is no failure.
        let _ = far.write_all(input).await;
        if then == Then::Leaves {
            let _ = far.shutdown().await;
        }
        let _ = far.read_to_end(&mut answer).await;
        answer
    };
    let stream = Stream::Right(near).into();
    let serving = async {
        let site = SITE.clone();
        super::serve(stream, Box::new(connection), ConnectionRole::Site, site).await;
        // The client gets its end when nobody has the server's any more: a process that another test starts has a
        // copy of all descriptors from its fork(2) to its execve(2). Nothing is left here that a clock which jumps would
        // wait for meanwhile.
        resume();
    };
    tokio::join!(client, serving).0
}

/// No program may be started: a handshake that is right gets 503.
static SITE: LazyLock<Server> =
    LazyLock::new(|| site(&Program::default(), ProcessLimit::new(Some(0))));

/// A server of one program at two paths, and of the console.
pub(super) fn site(program: &Program, processes: ProcessLimit) -> Server {
    let mount = |path: &str, subprotocols| Mount {
        path: path.to_owned(),
        target: Target::Program(
            program.clone(),
            StreamOptions {
                framing: Framing::Lines(Newline::Split),
                max_line: MaxLine {
                    bytes: 64,
                    set_by: "",
                },
                flush_after: None,
            },
            StderrTo::Log,
        )
        .into(),
        options: RouteOptions {
            subprotocols,
            compression: Some(DeflateParams {
                level: 1,
                threshold: 0,
                keeps_context: true,
            }),
            ..RouteOptions::default()
        },
    };
    let listed = Subprotocols::Listed(vec!["ex1".to_owned()]);
    let router = Router {
        mounts: vec![mount("/listed", listed)],
        fallback: Some(mount("/", Subprotocols::Offered)),
        console: true,
        ..Router::default()
    };
    let options = Options {
        router,
        access: Access::default(),
        processes,
        connections: ConnectionLimits::default(),
        cors: None,
        headers: AddedHeaders::default(),
        record: None,
        watch: None,
    };
    let server = server::Options {
        drain_delay: Duration::ZERO,
        drain_timeout: Duration::ZERO,
        proxy_protocol: false,
        h2c: true,
        keepalive_timeout: Duration::from_secs(75),
        write_timeout: Duration::from_secs(60),
        reverse_lookup: false,
    };
    let spawner = Spawner::start().expect("a thread");
    Server::new(server, options, spawner)
}

/// A head (RFC 9112 §4), and as much of a body as that says.
fn check_answer(answer: &[u8], is_head: bool) {
    let shown = answer.escape_ascii();
    let end = memmem::find(answer, b"\r\n\r\n");
    let (head, body) = answer.split_at(end.unwrap_or_else(|| panic!("half a head: {shown}")) + 4);
    let head = std::str::from_utf8(head).expect("ASCII");
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().and_then(|line| {
        let rest = line
            .strip_prefix("HTTP/1.1 ")
            .or(line.strip_prefix("HTTP/1.0 "))?;
        rest.split_once(' ')?.0.parse::<u16>().ok()
    });
    assert!(
        status.is_some_and(|status| (200..600).contains(&status)),
        "{shown}"
    );
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        assert!(HeaderName::from_bytes(name.as_bytes()).is_ok(), "{line}");
        assert!(HeaderValue::from_str(value).is_ok(), "{line}");
        if name.eq_ignore_ascii_case("content-length") && !is_head {
            let length: usize = value.parse().expect("a number");
            assert!(body.len() >= length, "half a body: {shown}");
        }
    }
}
