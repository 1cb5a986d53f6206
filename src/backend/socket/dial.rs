//! From an address to a connected socket.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::{address::HostPort, error::ConnectFailure, resolver::Resolver};

/// When the next address is tried beside one that does not answer (RFC 8305 §8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How long a target may be silent before it is probed, the time between two probes, and how many remain unanswered
/// before it is lost (tcp(7)): two minutes together. Shorter wakes machines for nothing, longer keeps sessions with
/// one that has gone without a word.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 6;

/// Connects to the first address of a host that answers: each is tried in turn, the next one when one fails or keeps
/// us waiting. Cancel safe: yes.
pub(super) async fn tcp(
    place: &HostPort,
    resolver: &Resolver,
) -> Result<TcpStream, ConnectFailure> {
    let found = resolver.look_up(place).await;
    let addresses = found.map_err(ConnectFailure::of_look_up)?;
    let stream = first_to_answer(addresses).await?;
    set_options(&stream).map_err(ConnectFailure::of_connecting)?;
    Ok(stream)
}

async fn first_to_answer(addresses: Vec<SocketAddr>) -> Result<TcpStream, ConnectFailure> {
    let mut waiting = addresses.into_iter().peekable();
    let mut attempts = FuturesUnordered::new();
    let mut failure = None;
    loop {
        attempts.extend(waiting.next().map(attempt));
        let delay = match waiting.peek() {
            Some(_) => ATTEMPT_DELAY,
            None => Duration::MAX,
        };
        match timeout(delay, attempts.next()).await {
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err(error))) => {
                let error = ConnectFailure::of_connecting(error);
                // That one of its addresses is of a family which is not here says less than that nobody listens.
                if !matches!(
                    (&failure, &error),
                    (
                        Some(ConnectFailure::Refused(_)),
                        ConnectFailure::Exhausted(_)
                    )
                ) {
                    failure = Some(error);
                }
            }
            // All have failed.
            Ok(None) => return Err(failure.unwrap_or_else(no_address)),
            Err(_) => {}
        }
    }
}

async fn attempt(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Where nobody listens, a port that the system hands out for our end may be the very one (simultaneous open, RFC
    // 9293 §3.5): we would talk to ourselves.
    match stream.local_addr()? == stream.peer_addr()? {
        true => Err(io::ErrorKind::ConnectionRefused.into()),
        false => Ok(stream),
    }
}

fn no_address() -> ConnectFailure {
    ConnectFailure::Name(io::ErrorKind::NotFound.into())
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Connects to a unix socket; a path that begins with NUL is an abstract name.
pub(super) async fn unix(path: &Path) -> Result<UnixStream, ConnectFailure> {
    let connected = UnixStream::connect(path).await;
    connected.map_err(ConnectFailure::of_connecting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};
    use tokio::net::TcpListener;

    fn loopback() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    /// An address where connecting neither works nor fails, for as long as these are kept.
    fn silent() -> (SocketAddr, Vec<Socket>) {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let listener = socket();
        listener.bind(&loopback().into()).expect("a port");
        listener.listen(0).expect("it is bound");
        let address = listener.local_addr().expect("its address");
        let mut kept = vec![listener];
        // What comes when its queue is full is not answered.
        for _ in 0..3 {
            let client = socket();
            client.set_nonblocking(true).expect("an option");
            let _ = client.connect(&address);
            kept.push(client);
        }
        (address.as_socket().expect("an IP address"), kept)
    }

    #[tokio::test]
    async fn next_address_is_tried_beside_one_that_is_silent_and_behind_one_that_fails() {
        let (silent, _kept) = silent();
        let listener = TcpListener::bind(loopback()).await.expect("a port");
        let good = listener.local_addr().expect("its address");
        // Port 1 is nobody's.
        let refusing = SocketAddr::from(([127, 0, 0, 1], 1));
        for addresses in [
            vec![silent, good],
            vec![refusing, good],
            vec![refusing, silent, good],
        ] {
            let stream = first_to_answer(addresses).await.expect("one answers");
            assert_eq!(stream.peer_addr().expect("its address"), good);
        }
    }

    #[tokio::test]
    async fn last_failure_is_told_when_nobody_answers() {
        let refusing = SocketAddr::from(([127, 0, 0, 1], 1));
        let failure = first_to_answer(vec![refusing, refusing])
            .await
            .expect_err("nobody listens");
        assert!(matches!(failure, ConnectFailure::Refused(_)), "{failure}");
        let failure = first_to_answer(Vec::new())
            .await
            .expect_err("there is none");
        assert!(matches!(failure, ConnectFailure::Name(_)), "{failure}");
    }
}
