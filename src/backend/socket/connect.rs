//! From an address to a byte stream, with TLS where the address says so.

use std::{path::PathBuf, sync::Arc};

use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::{
    address::{HostPort, SocketAddress},
    dial,
    error::ConnectFailure,
    resolver::Resolver,
    stream::SocketStream,
};
use crate::tls_failure::TlsFailure;

/// Connects; `first` is sent before all else, TLS too. Without `tls` an address that wants it is not reached, for that
/// reason. Cancel safe: yes.
///
/// # Errors
/// Why there is no connection.
pub async fn connect(
    address: &SocketAddress,
    tls: Result<&Arc<ClientConfig>, String>,
    first: &[u8],
    resolver: &Resolver,
) -> Result<SocketStream, ConnectFailure> {
    let mut stream = match address {
        SocketAddress::Tcp(place) => SocketStream::Tcp(dial::tcp(place, resolver).await?),
        SocketAddress::Unix(path) => SocketStream::Unix(dial::unix(path).await?),
        SocketAddress::Abstract(name) => {
            let path = PathBuf::from(format!("\0{name}"));
            SocketStream::Unix(dial::unix(&path).await?)
        }
        SocketAddress::Tls(place) => {
            let mut stream = dial::tcp(place, resolver).await?;
            let sent = stream.write_all(first).await;
            sent.map_err(ConnectFailure::of_connecting)?;
            let untrusting = |reason| ConnectFailure::Tls(TlsFailure::new(reason));
            return with_tls(place, tls.map_err(untrusting)?, stream).await;
        }
    };
    let sent = stream.write_all(first).await;
    sent.map_err(ConnectFailure::of_connecting)?;
    Ok(stream)
}

async fn with_tls(
    place: &HostPort,
    config: &Arc<ClientConfig>,
    stream: TcpStream,
) -> Result<SocketStream, ConnectFailure> {
    let name = ServerName::try_from(place.host.clone());
    let name = name.map_err(|_| ConnectFailure::Tls(TlsFailure::of_name(&place.host)))?;
    let connector = TlsConnector::from(Arc::clone(config));
    let connected = connector.connect(name, stream).await;
    let failed = |error| ConnectFailure::Tls(TlsFailure::in_handshake(&error));
    let stream = connected.map_err(failed)?;
    Ok(SocketStream::Tls(Box::new(stream)))
}
