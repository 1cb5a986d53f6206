//! A client's connection, by TLS or not. Certificates are not checked, as servers make their own.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, Error, StreamOwned};
use wsd::client::{ClientTls, Trust};

use crate::connection::PATIENCE;
use crate::outcome::Failure;

/// A connection, secured or not.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Connects; reads and writes block as long as patience lasts.
    pub(crate) fn connect(port: u16, is_tls: bool) -> Result<Self, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(match is_tls {
            true => Self::Tls(Box::new(StreamOwned::new(secured()?, stream))),
            false => Self::Plain(stream),
        })
    }

    /// What it is on.
    pub(crate) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

fn secured() -> Result<ClientConnection, Failure> {
    let wrong = |error: Error| Failure::Cannot(error.to_string());
    let terms = ClientTls::new(Trust::Anybody, None).map_err(Failure::Cannot)?;
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(Arc::clone(terms.config()), name).map_err(wrong)
}
