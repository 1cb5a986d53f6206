//! TLS as clients speak it: one that asks once, and a tunnel for those that speak none themselves.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
};

use tokio::{io::copy_bidirectional, net::TcpListener, runtime};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
        SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
        version::TLS13,
    },
};

use super::{PATIENCE, certificates::Issued};

/// Who trusts `roots`, and shows a certificate if there is one.
pub(crate) fn config(roots: Arc<RootCertStore>, shown: Option<&Issued>) -> Arc<ClientConfig> {
    config_of(&TLS13, roots, shown)
}

/// The same, of a version.
pub(crate) fn config_of(
    version: &'static SupportedProtocolVersion,
    roots: Arc<RootCertStore>,
    shown: Option<&Issued>,
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots);
    Arc::new(match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let key = PrivateKeyDer::try_from(shown.key.serialize_der()).expect("a key");
            let chain = vec![shown.certificate.clone()];
            builder
                .with_client_auth_cert(chain, key)
                .expect("a certificate")
        }
    })
}

/// What a client has found.
pub(crate) struct Found {
    pub(crate) answer: String,
    pub(crate) kind: HandshakeKind,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) protocol: Option<Vec<u8>>,
}

impl Found {
    /// The value of a line `NAME=VALUE` of the answer.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let mut lines = self.answer.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Connects as to `name`, and sends a GET for `target`.
pub(crate) fn get(
    server: SocketAddr,
    config: &Arc<ClientConfig>,
    name: &str,
    target: &str,
) -> io::Result<Found> {
    let socket = TcpStream::connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, socket);
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let certificates = stream.conn.peer_certificates().expect("a certificate");
    Ok(Found {
        answer,
        kind: stream.conn.handshake_kind().expect("a handshake"),
        certificate: certificates[0].clone(),
        protocol: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
    })
}

/// How a tunnel ends when its client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With close_notify.
    Said,
    /// Without.
    Silent,
}

/// An address where one client's bytes go to the server by TLS.
pub(crate) fn tunnel(server: SocketAddr, config: &Arc<ClientConfig>, end: End) -> SocketAddr {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let connector = TlsConnector::from(Arc::clone(config));
    let name = ServerName::try_from("localhost").expect("a name");
    let (listener, mut stream) = runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(server)
            .await
            .expect("it listens");
        let stream = connector.connect(name, socket).await.expect("a handshake");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        (listener, stream)
    });
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        runtime.block_on(async {
            let (mut client, _) = listener.accept().await.expect("the test connects");
            let copied = async {
                match end {
                    End::Said => drop(copy_bidirectional(&mut client, &mut stream).await),
                    End::Silent => {
                        let (mut read, mut write) = client.split();
                        let (mut from, mut to) = tokio::io::split(&mut stream);
                        tokio::select! {
                            _ = tokio::io::copy(&mut read, &mut to) => {}
                            _ = tokio::io::copy(&mut from, &mut write) => {}
                        }
                    }
                }
            };
            let _ = tokio::time::timeout(PATIENCE, copied).await;
        });
    });
    address
}
