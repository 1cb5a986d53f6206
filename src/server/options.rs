//! What a server is told about its connections and its own life: [`Options`].

use std::time::Duration;

/// How a server takes connections, and how it stops. A reload may change all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long it goes on after it was told to stop, before it drains.
    pub drain_delay: Duration,
    /// How long a drain may take: what programs get to end by themselves, and to be made to.
    pub drain_timeout: Duration,
    /// Whether every connection begins with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Whether clients without TLS may begin with HTTP/2 (prior knowledge, RFC 9113 §3.3).
    pub h2c: bool,
    /// How long a connection may wait for its next request. Shorter costs browsers a connection per click, and a
    /// balancer that keeps connections longer sends requests into those that are being closed; longer holds a
    /// descriptor for a reader who has left.
    pub keepalive_timeout: Duration,
    /// How long a client may take nothing of what it is answered; sessions have a limit of their own.
    pub write_timeout: Duration,
    /// Whether clients' names are looked up, for REMOTE_HOST.
    pub reverse_lookup: bool,
}
