//! From a target to a backend: connected, framed.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_rustls::rustls::ClientConfig;

use super::{
    address::SocketAddress,
    connect::connect,
    error::{ConnectError, ConnectFailure},
    input::input,
    output::output,
    proxy_header::ProxyHeader,
    resolver::Resolver,
    starts::RecentStarts,
    stream::SocketStream,
};
use crate::{
    backend::{
        interface::{AfterOutput, Backend},
        stream_options::StreamOptions,
    },
    connection::ConnectionInfo,
    timer::timeout,
};

/// The pause before a server that is just starting is tried again. Shorter burns a processor that the server needs,
/// longer keeps its first client.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Where a target listens, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Socket {
    /// Where.
    pub address: SocketAddress,
    /// How; one for all targets of a route.
    pub options: Arc<SocketOptions>,
}

/// How the targets of a route are spoken to.
#[derive(Debug, Clone)]
pub struct SocketOptions {
    /// How messages travel.
    pub streams: StreamOptions,
    /// TLS, for targets that want it; without it these are not reached, for this reason.
    pub tls: Result<Arc<ClientConfig>, String>,
    /// The header that tells of the client.
    pub proxy_header: Option<ProxyHeader>,
    /// What look-up, connecting and TLS may take together.
    pub timeout: Duration,
}

/// What connecting takes at run time; one for all targets.
#[derive(Debug, Clone, Default)]
pub struct ConnectResources {
    /// Looks up names.
    pub resolver: Resolver,
    /// Tells whether a target may be just starting.
    pub recent_starts: RecentStarts,
}

impl Socket {
    /// Connects for a client. Cancel safe: yes.
    ///
    /// # Errors
    /// Why there is no connection.
    pub(in crate::backend) async fn open(
        &self,
        resources: &ConnectResources,
        client: &ConnectionInfo,
    ) -> Result<Backend, ConnectError> {
        let limit = self.options.timeout;
        // In a box, or every request would have the room that connecting takes.
        let connecting = Box::pin(self.connect(resources, client));
        let connected = timeout(limit, connecting).await;
        let connected = connected.unwrap_or(Err(ConnectFailure::TimedOut(limit)));
        let stream = connected.map_err(|failure| ConnectError {
            target: self.address.clone(),
            failure,
        })?;
        let (read, write) = stream.split();
        let intake = write.intake().clone();
        let streams = &self.options.streams;
        Ok(Backend {
            output: output(read, streams),
            input: input(write, streams),
            after_output: AfterOutput::EndInput,
            farewell: None,
            process: None,
            connection: Some(intake),
            cut: None,
            attach: None,
            member: None,
        })
    }

    /// Connects; while servers are young that refuses, again and again.
    async fn connect(
        &self,
        resources: &ConnectResources,
        client: &ConnectionInfo,
    ) -> Result<SocketStream, ConnectFailure> {
        let limit = self.options.timeout;
        let deadline = Instant::now() + limit;
        loop {
            let failure = match self.connect_once(&resources.resolver, client).await {
                Err(failure) if failure.is_too_early() => failure,
                outcome => return outcome,
            };
            let next = Instant::now() + TRY_AGAIN;
            match resources.recent_starts.young_until(limit) {
                Some(until) if next < until.min(deadline) => sleep_until(next).await,
                _ => return Err(failure),
            }
        }
    }

    async fn connect_once(
        &self,
        resolver: &Resolver,
        client: &ConnectionInfo,
    ) -> Result<SocketStream, ConnectFailure> {
        let header = self.options.proxy_header;
        let header = header
            .map(|header| header.bytes(client))
            .unwrap_or_default();
        let tls = self.options.tls.as_ref();
        let tls = tls.map_err(|reason| reason.clone());
        connect(&self.address, tls, &header, resolver).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::stream_options::MaxLine, connection::Endpoint, framing::Framing};
    use tokio::net::UnixListener;

    const LIMIT: Duration = Duration::from_secs(10);

    fn socket(address: SocketAddress) -> Socket {
        let max_line = MaxLine {
            bytes: 1,
            set_by: "",
        };
        let options = SocketOptions {
            streams: StreamOptions {
                framing: Framing::Chunks,
                max_line,
                flush_after: None,
            },
            tls: Err(String::new()),
            proxy_header: None,
            timeout: LIMIT,
        };
        Socket {
            address,
            options: Arc::new(options),
        }
    }

    async fn open(socket: &Socket, resources: &ConnectResources) -> Result<(), ConnectFailure> {
        let nobody = Endpoint::Unix(None);
        let client = ConnectionInfo::new(nobody, nobody);
        let opened = socket.open(resources, &client).await;
        opened.map(drop).map_err(|error| error.failure)
    }

    #[tokio::test]
    async fn server_that_was_just_started_is_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let socket = socket(SocketAddress::Unix(path.clone()));
        let resources = ConnectResources::default();
        assert!(open(&socket, &resources).await.is_err());
        resources.recent_starts.note();
        let listening = async {
            // Behind the first attempt.
            tokio::time::sleep(2 * TRY_AGAIN).await;
            UnixListener::bind(&path).expect("a free path")
        };
        let (opened, _listener) = tokio::join!(open(&socket, &resources), listening);
        opened.expect("it listens now");
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_never_listens_is_refused_when_it_is_young_no_more() {
        let socket = socket(SocketAddress::Unix("/nonexistent/socket".into()));
        let resources = ConnectResources::default();
        resources.recent_starts.note();
        let start = Instant::now();
        let failure = open(&socket, &resources).await.expect_err("nobody listens");
        assert!(matches!(failure, ConnectFailure::Refused(_)), "{failure}");
        assert!(start.elapsed() > LIMIT / 2);
        assert!(open(&socket, &resources).await.is_err());
        assert!(start.elapsed() <= LIMIT);
    }
}
