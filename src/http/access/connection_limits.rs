//! Connection limits: how many there may be at a time, of all clients and of one.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{connection::Endpoint, http::refusal::Refusal};

/// Connections that are told why they are refused, at a time; others are closed without a word, so that
/// refusing cannot cost more than serving.
const REFUSED_AT_A_TIME: usize = 64;

/// The limits of one server; `None` is no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectionLimits {
    /// Connections at a time.
    pub all: Option<usize>,
    /// Connections of one address at a time; of IPv6 the first 64 bits count, which is what one
    /// customer gets (RFC 6177).
    pub per_address: Option<usize>,
}

/// Which limit stands against a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// That of all connections.
    All(usize),
    /// That of one address.
    PerAddress(usize),
}

impl From<Overload> for Refusal {
    fn from(overload: Overload) -> Self {
        match overload {
            Overload::All(most) => Refusal::TooManyConnections(most),
            Overload::PerAddress(most) => Refusal::TooManyOfAddress(most),
        }
    }
}

/// The connections of one server.
#[derive(Debug, Default)]
pub(in crate::http) struct Connections {
    open: AtomicUsize,
    refused: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that is counted, until this is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    connections: Arc<Connections>,
    counts: Counts,
}

/// What it counts as.
#[derive(Debug)]
enum Counts {
    Connection(Option<IpAddr>),
    /// A request through a trusted proxy, whose own connection is counted already; a WebSocket beside others
    /// of its connection.
    Request(IpAddr),
    /// The one WebSocket that its connection is counted for.
    FirstWebSocket(FirstWebSocket),
    /// A connection that is only told why it is refused.
    Refused(Overload),
}

/// Whether a connection of HTTP/2 has a WebSocket already: put into the extensions of its requests. Clones are
/// the same.
#[derive(Debug, Clone, Default)]
pub struct FirstWebSocket(Arc<AtomicBool>);

impl Connections {
    /// How many are open.
    pub(in crate::http) fn open_count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a connection in, be it to be told that there are too many. A client that others are behind
    /// has no limit of its own.
    ///
    /// # Errors
    /// The limit that stands against it when too many are being told already.
    pub(in crate::http) fn admit(
        self: &Arc<Self>,
        limits: ConnectionLimits,
        client: Option<&Endpoint>,
    ) -> Result<ConnectionPermit, Overload> {
        let address = client.and_then(Endpoint::ip).map(network);
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        let mut admitted = ConnectionPermit {
            connections: Arc::clone(self),
            counts: Counts::Connection(None),
        };
        if let Some(most) = limits.all.filter(|most| open >= *most) {
            return self.refuse(Overload::All(most));
        }
        if let Some(address) = address {
            // Without a limit too: one that a reload brings finds them counted.
            let most = limits.per_address.unwrap_or(usize::MAX);
            if let Err(overload) = self.count_in(address, most) {
                return self.refuse(overload);
            }
            admitted.counts = Counts::Connection(Some(address));
        }
        Ok(admitted)
    }

    /// Counts a request of a client behind a trusted proxy in.
    pub(in crate::http) fn admit_request(
        self: &Arc<Self>,
        limits: ConnectionLimits,
        client: &Endpoint,
    ) -> Result<Option<ConnectionPermit>, Overload> {
        let (Some(most), Some(address)) = (limits.per_address, client.ip().map(network)) else {
            return Ok(None);
        };
        self.count_in(address, most)?;
        Ok(Some(ConnectionPermit {
            connections: Arc::clone(self),
            counts: Counts::Request(address),
        }))
    }

    /// Counts a WebSocket of a connection that can have many. The first is the connection's own; else one client
    /// could have all sessions by one connection.
    pub(in crate::http) fn admit_websocket(
        self: &Arc<Self>,
        limits: ConnectionLimits,
        client: &Endpoint,
        first: &FirstWebSocket,
    ) -> Result<Option<ConnectionPermit>, Overload> {
        if first.0.swap(true, Ordering::Relaxed) {
            return self.admit_request(limits, client);
        }
        Ok(Some(ConnectionPermit {
            connections: Arc::clone(self),
            counts: Counts::FirstWebSocket(first.clone()),
        }))
    }

    /// Counts a client that has lost its connection and may come again, whatever the limit; `None` if it has no address.
    pub(in crate::http) fn count_waiting(
        self: &Arc<Self>,
        client: &Endpoint,
    ) -> Option<ConnectionPermit> {
        let address = client.ip().map(network)?;
        // Never an overload: it was let in.
        self.count_in(address, usize::MAX).ok()?;
        Some(ConnectionPermit {
            connections: Arc::clone(self),
            counts: Counts::Request(address),
        })
    }

    fn refuse(self: &Arc<Self>, overload: Overload) -> Result<ConnectionPermit, Overload> {
        let refused = ConnectionPermit {
            connections: Arc::clone(self),
            counts: Counts::Refused(overload),
        };
        match self.refused.fetch_add(1, Ordering::Relaxed) < REFUSED_AT_A_TIME {
            true => Ok(refused),
            false => Err(overload),
        }
    }

    fn count_in(&self, address: IpAddr, most: usize) -> Result<(), Overload> {
        let mut by_address = self.by_address.lock();
        let count = by_address.entry(address).or_default();
        if *count >= most {
            return Err(Overload::PerAddress(most));
        }
        *count += 1;
        Ok(())
    }

    fn count_out(&self, address: IpAddr) {
        let mut by_address = self.by_address.lock();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

impl ConnectionPermit {
    /// Whether it counts by itself, and not by a connection that it was asked for on.
    pub(in crate::http) fn outlives_connection(&self) -> bool {
        matches!(self.counts, Counts::Request(_))
    }

    /// Why the client is only to be told that it is refused, if so.
    pub fn overload(&self) -> Option<Overload> {
        match self.counts {
            Counts::Refused(overload) => Some(overload),
            Counts::Connection(_) | Counts::Request(_) | Counts::FirstWebSocket(_) => None,
        }
    }
}

/// What one client has: an IPv4 address, 64 bits of an IPv6 one.
pub(in crate::http) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let connections = &self.connections;
        match &self.counts {
            Counts::Connection(address) => {
                connections.open.fetch_sub(1, Ordering::Relaxed);
                if let Some(address) = address {
                    connections.count_out(*address);
                }
            }
            Counts::Request(address) => connections.count_out(*address),
            Counts::FirstWebSocket(first) => first.0.store(false, Ordering::Relaxed),
            Counts::Refused(_) => {
                connections.refused.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn endpoint(address: &str) -> Endpoint {
        let address: IpAddr = address.parse().expect(address);
        SocketAddr::new(address, 1).into()
    }

    const LIMITS: ConnectionLimits = ConnectionLimits {
        all: Some(3),
        per_address: Some(2),
    };

    #[test]
    fn connection_counts_until_it_is_dropped() {
        let connections = Arc::new(Connections::default());
        let admit = |address: &str| {
            let admitted = connections.admit(LIMITS, Some(&endpoint(address)));
            admitted.expect("few are refused")
        };
        let first = admit("192.0.2.1");
        let _second = admit("192.0.2.1");
        assert_eq!(admit("192.0.2.1").overload(), Some(Overload::PerAddress(2)));
        let _third = admit("192.0.2.2");
        assert_eq!(admit("192.0.2.3").overload(), Some(Overload::All(3)));
        assert_eq!(connections.open_count(), 3);
        drop(first);
        let again = admit("192.0.2.1");
        assert_eq!(again.overload(), None);
        assert_eq!(connections.open_count(), 3);
    }

    #[test]
    fn ipv6_clients_count_by_their_network_and_proxies_not_at_all() {
        let connections = Arc::new(Connections::default());
        let limits = ConnectionLimits {
            all: None,
            per_address: Some(1),
        };
        let admit = |address: &str| {
            let admitted = connections.admit(limits, Some(&endpoint(address)));
            admitted.expect("few are refused")
        };
        let _first = admit("2001:db8::1");
        assert!(admit("2001:db8::2").overload().is_some());
        assert!(admit("2001:db8:0:1::1").overload().is_none());
        let _proxy = connections.admit(limits, None).expect("no limit");
        let client = endpoint("192.0.2.1");
        let request = connections.admit_request(limits, &client).expect("room");
        assert!(connections.admit_request(limits, &client).is_err());
        drop(request);
        assert!(connections.admit_request(limits, &client).is_ok());
        assert_eq!(connections.by_address.lock().len(), 1);
    }

    #[test]
    fn only_so_many_are_told_why() {
        let connections = Arc::new(Connections::default());
        let limits = ConnectionLimits {
            all: Some(0),
            per_address: None,
        };
        let told: Vec<_> = (0..REFUSED_AT_A_TIME)
            .map(|_| connections.admit(limits, None).expect("to be told"))
            .collect();
        assert_eq!(
            connections.admit(limits, None).err(),
            Some(Overload::All(0))
        );
        drop(told);
        assert!(connections.admit(limits, None).is_ok());
        assert_eq!(connections.open_count(), 0);
    }
}
