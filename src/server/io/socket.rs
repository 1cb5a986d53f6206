//! The byte stream of an accepted connection, whatever kind of socket it came through: [`Stream`].
//!
//! What is laid over it (TLS, the time limits of HTTP) takes any such stream, and knows nothing of
//! sockets.

use std::{io, time::Duration};

use rustix::net::{RecvFlags, recv};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::Interest,
    net::{TcpStream, UnixStream},
};
use tokio_util::either::Either;

use crate::http::sendfile::SendfileStream;

/// An accepted stream: tcp(7) of either family on the left, unix(7) on the right.
pub(in crate::server) type Stream = Either<SendfileStream, UnixStream>;

/// The stream of a TCP socket.
pub(in crate::server) fn tcp_stream(socket: TcpStream) -> Stream {
    Either::Left(SendfileStream::new(socket))
}

/// What a client may leave unanswered, be it what it was sent, or a question whether it is there (tcp(7),
/// `TCP_USER_TIMEOUT`, `SO_KEEPALIVE`). Shorter ends those in a tunnel; longer keeps sessions for those that have gone.
const SILENCE: Duration = Duration::from_secs(60);
/// When a client is asked, and how often then.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Has the kernel fail a connection whose client is gone without a word, or not any more.
///
/// # Errors
/// setsockopt(2)'s.
pub(super) fn notice_loss(socket: &TcpStream, is_wanted: bool) -> io::Result<()> {
    let socket = SockRef::from(socket);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(is_wanted.then_some(SILENCE))?;
    if !is_wanted {
        return socket.set_keepalive(false);
    }
    let probes = (SILENCE - KEEPALIVE_IDLE).as_secs() / KEEPALIVE_INTERVAL.as_secs();
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(probes as u32);
    socket.set_tcp_keepalive(&keepalive)
}

/// [`peek_until`], of any kind of socket.
macro_rules! peek_until {
    ($socket:expr, $buffer:expr, $told_by:expr) => {
        loop {
            let ready = $socket.ready(Interest::READABLE).await?;
            let peek = || {
                let (length, _) = recv($socket, &mut *$buffer, RecvFlags::PEEK)?;
                match $told_by(&$buffer[..length]) {
                    // The wait is for more bytes then: the system tells of each that comes (epoll(7), `EPOLLET`).
                    None if length > 0 => Err(io::ErrorKind::WouldBlock.into()),
                    told => Ok(told),
                }
            };
            match $socket.try_io(Interest::READABLE, peek) {
                // The end had come before this look at what came before it. A closed socket stays ready: to wait
                // for more would be to look again for ever, without a pause for anything else.
                Err(error) if is_wait(&error) && ready.is_read_closed() => break Ok(None),
                Err(error) if is_wait(&error) => {}
                told => break told,
            }
        }
    };
}

fn is_wait(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Waits until the first bytes tell something, and leaves them where they are; `None` if there will be none.
/// No more of them are seen than the buffer holds, and nobody says when there will be no more than some.
///
/// Cancel safe: yes.
///
/// # Errors
/// recv(2)'s.
pub(in crate::server) async fn peek_until<T>(
    stream: &Stream,
    buffer: &mut [u8],
    told_by: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<Option<T>> {
    match stream {
        Either::Left(tcp) => peek_until!(tcp.socket(), buffer, told_by),
        Either::Right(unix) => peek_until!(unix, buffer, told_by),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::IoSlice;
    use tokio::{
        io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::TcpListener,
    };

    #[tokio::test]
    async fn several_buffers_go_out_at_once() {
        let (near, mut far) = UnixStream::pair().expect("two ends");
        let mut stream = Stream::Right(near);
        assert!(stream.is_write_vectored());
        let buffers = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
        assert_eq!(stream.write_vectored(&buffers).await.expect("room"), 4);
        stream.shutdown().await.expect("the other end is there");
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.expect("all of it");
        assert_eq!(read, b"abcd");
    }

    /// Looks for something that does not come, at a stream whose other end says a byte and leaves.
    async fn look_in_vain(
        near: Stream,
        mut far: impl AsyncWrite + Unpin,
    ) -> io::Result<Option<()>> {
        let mut buffer = [0; 4];
        let looking = peek_until(&near, &mut buffer, |_| None);
        let leaving = async {
            far.write_all(b"P").await.expect("room");
            tokio::task::yield_now().await;
            far.shutdown().await.expect("it is open");
        };
        tokio::join!(looking, leaving).0
    }

    #[tokio::test]
    async fn nothing_is_waited_for_behind_the_end_of_a_unix_stream() {
        let (near, far) = UnixStream::pair().expect("two ends");
        let told = look_in_vain(Stream::Right(near), far).await;
        assert_eq!(told.expect("a look"), None);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_behind_the_end_of_a_tcp_stream() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let far = TcpStream::connect(address).await.expect("it listens");
        let (near, _) = listener.accept().await.expect("a client");
        let told = look_in_vain(tcp_stream(near), far).await;
        assert_eq!(told.expect("a look"), None);
    }
}
