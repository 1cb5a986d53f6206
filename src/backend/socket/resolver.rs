//! Host name look-up, off the threads that serve: [`Resolver`].

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use tokio::{sync::Semaphore, task::spawn_blocking};

use super::address::HostPort;
use crate::loopback::or_loopback;

/// Look-ups at a time. Each takes a thread for as long as a name server is silent; files and scripts need these
/// threads too. Fewer would let one slow name hold up others, more leaves nothing for those.
const LOOK_UPS: usize = 64;

/// Looks up names, so many at a time; clones share that.
#[derive(Debug, Clone)]
pub struct Resolver(Arc<Semaphore>);

impl Default for Resolver {
    fn default() -> Self {
        Resolver(Arc::new(Semaphore::new(LOOK_UPS)))
    }
}

impl Resolver {
    /// The addresses of a host in the order to try them: that of getaddrinfo(3), with IPv6 and IPv4 alternating
    /// (RFC 8305 §4). Cancel safe: yes; a look-up that nobody waits for goes on, and counts until it has ended.
    ///
    /// # Errors
    /// The look-up's; `NotFound` for a name without an address.
    pub(super) async fn look_up(&self, place: &HostPort) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = place.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, place.port)]);
        }
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let (host, port) = (place.host.clone(), place.port);
        let looking = spawn_blocking(move || {
            let _permit = permit;
            let found = (host.as_str(), port).to_socket_addrs();
            or_loopback(&host, port, found.map(Vec::from_iter))
        });
        let addresses = looking.await.map_err(io::Error::other)??;
        match addresses.is_empty() {
            true => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the name has no address",
            )),
            false => Ok(alternating(addresses)),
        }
    }
}

/// The same with the families taking turns, the first one first.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().map(SocketAddr::is_ipv6);
    let (own, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| Some(address.is_ipv6()) == first);
    let (mut own, mut other) = (own.into_iter(), other.into_iter());
    let mut mixed = Vec::new();
    loop {
        let turn = [own.next(), other.next()];
        if turn == [None, None] {
            return mixed;
        }
        mixed.extend(turn.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        let address = |word: &str| SocketAddr::new(word.parse().expect(word), 1);
        text.split(' ').map(address).collect()
    }

    #[test]
    fn families_take_turns() {
        for (found, expected) in [
            ("::1 ::2 1.1.1.1 2.2.2.2", "::1 1.1.1.1 ::2 2.2.2.2"),
            ("1.1.1.1 2.2.2.2 ::1", "1.1.1.1 ::1 2.2.2.2"),
            ("::1 1.1.1.1 2.2.2.2 3.3.3.3", "::1 1.1.1.1 2.2.2.2 3.3.3.3"),
            ("::1", "::1"),
        ] {
            assert_eq!(alternating(addresses(found)), addresses(expected));
        }
    }
}
