//! HTTP/1.1 and 1.0 over a stream (RFC 9112): by the HTTP library while there is something to say, else without it.

use std::{error::Error as _, future::poll_fn, io, sync::Arc, time::Duration};

use tokio::{io::AsyncWriteExt, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    exchange::Exchange,
    library::{self, HttpStream, Left},
    limits::{HEAD_TIMEOUT, MAX_HEAD},
    streamed_answer::StreamedAnswer,
};
use crate::{
    http::{BreakOff, ConnectionRefusal},
    server::io::{CheckedHeads, HeadTimeout, MaybeTls, Phase},
    timer::timeout,
    transport::{Stalled, TimeoutStream},
};

/// How soon the next request of a client comes that asks for one thing after another. Behind such a one the library is
/// kept for so long, since to make it anew is some of the work for a small file; longer keeps its buffers for
/// those that ask no more.
const PAUSE: Duration = Duration::from_millis(10);

/// Serves until the connection closes or becomes a WebSocket.
///
/// Cancel safe: no; the connection is closed then.
pub(super) async fn serve(stream: MaybeTls, exchange: Arc<Exchange>, drain: CancellationToken) {
    serve_in(Phase::default(), stream, exchange, drain).await;
}

/// The same, in a phase that others can look at.
async fn serve_in(
    phase: Phase,
    stream: MaybeTls,
    exchange: Arc<Exchange>,
    drain: CancellationToken,
) {
    let connection = library::Connection {
        files: stream.sendfile_queue().cloned(),
        exchange,
        phase,
        drain,
    };
    let options = connection.exchange.server.options();
    let mut stream = layered(stream, &connection.phase, options.write_timeout);
    let mut pause = Duration::ZERO;
    loop {
        // In a box of its own, which is given back with all that the library has.
        let goes_on = match Box::pin(library::serve(stream, &connection, pause)).await {
            Left::Over(result) => return log_end(&connection, result),
            Left::AtRest(left) => {
                stream = left;
                let since = Instant::now();
                let limit = options.keepalive_timeout;
                let goes_on = wait_for_head(&mut stream, limit, &connection.drain).await;
                pause = match since.elapsed() < PAUSE {
                    true => PAUSE,
                    false => Duration::ZERO,
                };
                goes_on
            }
            Left::Streaming(left, answer) => {
                stream = left;
                write_stream(&mut stream, answer, &connection).await
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// What lies over the bytes of a connection.
pub(super) fn layered(stream: MaybeTls, phase: &Phase, write_timeout: Duration) -> HttpStream {
    let stream = TimeoutStream::new(stream, None, Some(write_timeout)).measured_by(MaybeTls::sent);
    let stream = HeadTimeout::new(stream, phase.clone(), HEAD_TIMEOUT);
    let stream = stream.telling(|stream, lasts| stream.get_ref().notice_loss(lasts));
    Box::new(CheckedHeads::new(stream, phase.clone(), MAX_HEAD))
}

/// Waits on a connection at rest for another request; whether one begins. If not, it is shut.
async fn wait_for_head(
    stream: &mut HttpStream,
    keepalive_timeout: Duration,
    drain: &CancellationToken,
) -> bool {
    let begun = timeout(
        keepalive_timeout,
        poll_fn(|context| stream.poll_head(context)),
    );
    let has_begun = tokio::select! {
        // First, so that a request that has come is one.
        biased;
        begun = begun => match begun {
            Ok(begun) => begun.unwrap_or(false),
            // As the library does it.
            Err(_) => return false,
        },
        () = drain.cancelled() => false,
    };
    if !has_begun {
        let _ = stream.shutdown().await;
    }
    has_begun
}

/// Writes an event stream to its end; whether another request may follow. If not, the connection is over.
async fn write_stream(
    stream: &mut HttpStream,
    mut answer: StreamedAnswer,
    connection: &library::Connection,
) -> bool {
    let written = poll_fn(|context| answer.poll_write(stream, context)).await;
    if let Err(error) = written {
        log_failure(connection, &error);
        return false;
    }
    let goes_on = !answer.closes() && !connection.drain.is_cancelled();
    if !goes_on {
        let _ = stream.shutdown().await;
    }
    goes_on
}

/// Says how a connection ended that the library had last.
fn log_end(connection: &library::Connection, result: hyper::Result<()>) {
    let exchange = &connection.exchange;
    let remote = &exchange.connection.remote;
    if connection.phase.began_with_tls() {
        info!(target: "access", %remote, "refused: {}", ConnectionRefusal::Tls);
    } else if let Err(error) = result {
        if error.is_parse() {
            // What is not found wrong before the library looks: a chunk of a body.
            exchange.server.handler().count_refusal("bad_request");
            warn!(target: "access", %remote, reason = error.to_string(), "refused");
        } else if let Some(error) = error.source().and_then(|source| source.downcast_ref()) {
            log_failure(connection, error);
        } else {
            debug!(%remote, "connection ended: {error}");
        }
    }
}

/// Says why a connection has failed.
fn log_failure(connection: &library::Connection, error: &io::Error) {
    let remote = &connection.exchange.connection.remote;
    // Its client took nothing of an answer.
    if error.get_ref().is_some_and(|inner| inner.is::<Stalled>()) {
        info!(target: "access", %remote, "an answer is broken off: {}", BreakOff::StalledClient);
    } else {
        debug!(%remote, "connection ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::Program,
        connection::{ConnectionInfo, Endpoint},
        http::access::ProcessLimit,
        server::{
            connection::{exchange::ConnectionRole, properties::site},
            io::Stream,
        },
        transport::websocket::frame,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixStream,
        time::sleep,
    };

    const HANDSHAKE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const REQUEST: &str = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[tokio::test]
    async fn messages_pass_no_limit_on_heads_and_none_that_was_read_ahead_is_lost() {
        let program = Program {
            file: "/bin/cat".into(),
            arguments: vec!["cat".into()],
            ..Program::default()
        };
        let (near, mut far) = UnixStream::pair().expect("two ends");
        // Programs end with it.
        let server = site(&program, ProcessLimit::default());
        let exchange = Exchange {
            connection: ConnectionInfo::new(Endpoint::Unix(None), Endpoint::Unix(None)),
            role: ConnectionRole::Site,
            server: server.clone(),
        };
        let phase = Phase::default();
        let serving = tokio::spawn(serve_in(
            phase.clone(),
            Stream::Right(near).into(),
            Arc::new(exchange),
            CancellationToken::new(),
        ));
        let message = frame::encode(0x81, b"hello", Some([1, 2, 3, 4]));
        let asked = [HANDSHAKE, &message].concat();
        far.write_all(&asked).await.expect("room");
        let mut read = Vec::new();
        while !read.ends_with(b"\x81\x05hello") {
            let more = far.read_buf(&mut read).await.expect("a session");
            assert!(more > 0, "{}", read.escape_ascii());
        }
        serving.await.expect("the connection is the session's");
        assert!(!phase.is_watched(), "a stream of the session looks at it");
    }

    /// The client's end of a connection that is served, and how long that waits between two requests.
    fn served() -> (UnixStream, Duration) {
        let (near, far) = UnixStream::pair().expect("two ends");
        let exchange = Exchange {
            connection: ConnectionInfo::new(Endpoint::Unix(None), Endpoint::Unix(None)),
            role: ConnectionRole::Site,
            server: site(&Program::default(), ProcessLimit::default()),
        };
        let pause = exchange.server.options().keepalive_timeout;
        let stream = Stream::Right(near).into();
        tokio::spawn(serve(stream, Arc::new(exchange), CancellationToken::new()));
        (far, pause)
    }

    /// Waits for the end; how many answers came before it, and after how many seconds it came.
    async fn end_of(mut far: UnixStream) -> (usize, u64) {
        let (begun, mut read) = (Instant::now(), String::new());
        far.read_to_string(&mut read).await.expect("its end");
        (read.matches("\r\n\r\n").count(), begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_says_no_more_is_waited_for_as_long_as_where_it_stopped_says() {
        let old = |fields: &str| format!("HEAD / HTTP/1.0\r\nHost: localhost\r\n{fields}\r\n");
        let kept = &old("Connection: keep-alive\r\n");
        let (_, pause) = served();
        for (said, answers, limit) in [
            (vec![], 0, HEAD_TIMEOUT),
            (vec!["HEAD /"], 0, HEAD_TIMEOUT),
            (vec![REQUEST], 1, pause),
            (vec![REQUEST, REQUEST], 1, pause),
            (vec![REQUEST, "HEAD /"], 0, HEAD_TIMEOUT),
            // What follows has come together with what is answered.
            (vec![&[REQUEST, "HEAD /"].concat()], 1, HEAD_TIMEOUT),
            (vec![&[REQUEST, REQUEST, "H"].concat()], 2, HEAD_TIMEOUT),
            (vec![&old("")], 1, Duration::ZERO),
            (vec![kept], 1, pause),
            (vec![kept, kept], 1, pause),
            (vec![REQUEST, kept], 1, pause),
            (vec![&[REQUEST, kept].concat()], 2, pause),
            (vec![kept, "HEAD /"], 0, HEAD_TIMEOUT),
            (vec![kept, &old("")], 1, Duration::ZERO),
        ] {
            let (mut far, _) = served();
            for (number, words) in said.iter().enumerate() {
                far.write_all(words.as_bytes()).await.expect("room");
                let mut read = Vec::new();
                while number + 1 < said.len() && !read.ends_with(b"\r\n\r\n") {
                    far.read_buf(&mut read).await.expect("an answer");
                }
            }
            assert_eq!(end_of(far).await, (answers, limit.as_secs()), "{said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn head_that_began_behind_another_has_its_own_time() {
        let (mut far, _) = served();
        let (begin, rest) = REQUEST.split_at(10);
        far.write_all(begin.as_bytes()).await.expect("room");
        sleep(HEAD_TIMEOUT * 4 / 5).await;
        let more = [rest, "HEAD /"].concat();
        far.write_all(more.as_bytes()).await.expect("room");
        assert_eq!(end_of(far).await, (1, HEAD_TIMEOUT.as_secs()));
    }
}
