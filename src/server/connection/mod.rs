//! One accepted stream: HTTP over it, of whichever version, until it closes or becomes a WebSocket.

mod http1;
mod http2;
mod phase;
mod preface;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod streams;

use std::{net::IpAddr, sync::Arc, time::Duration};

use hyper::{Request, Response, body::Incoming};
use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Server, tls::MaybeTls};
use crate::{
    connection::ConnectionInfo,
    http::{
        Admin, Body,
        access::{ConnectionPermit, Overload},
        pages::Destination,
    },
};
pub(super) use phase::HANDSHAKE_RECORD;

/// What a request's head may take. Shorter would cut off slow lines, longer lets idle connections pile
/// up (slowloris).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may wait for its next request. Shorter costs browsers a connection per click,
/// longer holds a descriptor for a reader who has left.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a request's head, beyond which hyper answers 431 (it reads a little further). A variable of
/// the program's environment is made of each header, and execve(2) takes 128 KiB of one.
const LARGEST_HEAD: usize = 32 * 1024;
/// What looking up a client's name may take before the address has to do.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Who answers a connection's requests.
pub(super) enum Service {
    /// The handler in force.
    Site,
    /// The handler in force, by sending on.
    Redirect(Destination),
    /// Somebody who tells operators about the handler in force.
    Admin(Admin),
    /// Nobody: there are too many connections.
    TurnAway(Overload),
}

/// What is spoken on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// HTTP/1.1 or 1.0.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Serves a connection, over whatever carries its bytes.
pub(super) async fn serve(
    stream: MaybeTls,
    mut connection: ConnectionInfo,
    service: Service,
    server: Server,
    admitted: Option<ConnectionPermit>,
) {
    let options = server.options();
    if let Some(address) = connection.remote.ip().filter(|_| options.reverse_lookup) {
        connection.remote_name = name_of(address).await;
    }
    let drain = match service {
        // As long as there is a server there is something to ask about it.
        Service::Admin(_) => CancellationToken::new(),
        _ => server.lifecycle.tokens.drain.clone(),
    };
    let may_begin_so = options.h2c && matches!(service, Service::Site | Service::TurnAway(_));
    let protocol = match (&stream, may_begin_so) {
        (MaybeTls::Tls(_), _) if stream.is_http2() => Some(Protocol::Http2),
        (MaybeTls::Tls(_), _) | (_, false) => Some(Protocol::Http1),
        (_, true) => {
            let told = drain.run_until_cancelled(preface::protocol(&stream));
            told.await.flatten()
        }
    };
    let exchange = Arc::new(Exchange {
        connection,
        service,
        server,
    });
    match protocol {
        Some(Protocol::Http1) => http1::serve(stream, exchange, drain, admitted).await,
        // Boxed, since it is large, and most connections are not of its kind.
        Some(Protocol::Http2) => {
            Box::pin(http2::serve(stream, exchange, drain, admitted)).await;
        }
        None => {}
    }
}

/// Who asks, and who answers.
struct Exchange {
    connection: ConnectionInfo,
    service: Service,
    server: Server,
}

impl Exchange {
    /// Answers one request by the handler that is in force when it comes.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send {
        let handler = self.server.handler();
        async move {
            let connection = &self.connection;
            match &self.service {
                Service::Site => handler.handle(request, connection).await,
                Service::Redirect(to) => handler.redirect(request, connection, to),
                Service::Admin(admin) => admin.handle(request, connection),
                Service::TurnAway(overload) => handler.turn_away(request.version(), *overload),
            }
        }
    }
}

/// The name of an address, by the system's resolver.
async fn name_of(address: IpAddr) -> Option<String> {
    let lookup = spawn_blocking(move || dns_lookup::lookup_addr(&address).ok());
    timeout(LOOKUP_TIMEOUT, lookup).await.ok()?.ok()?
}

#[cfg(test)]
mod tests {
    use super::properties;
    use proptest::prelude::*;

    /// What is looked for is found: answers of the handler, not of what stands before it.
    #[test]
    fn seeds_get_as_far_as_they_should() {
        for (seed, status) in [
            ("rfc", "503"),
            ("listed", "503"),
            ("version_8", "426"),
            ("two_keys", "400"),
            ("foreign_origin", "403"),
            ("console", "200"),
            ("not_found", "426"),
        ] {
            let head = std::fs::read(format!("fuzz/seeds/handshake/{seed}")).expect(seed);
            let start = format!("HTTP/1.1 {status} ");
            let [_, answer] = properties::answers(&head);
            let shown = answer.escape_ascii();
            assert!(answer.starts_with(start.as_bytes()), "{seed}: {shown}");
        }
    }

    proptest! {
        // Each is a connection that is made.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn all_that_holds_for_requests_does(
            line in "(GET|GET|HEAD|POST|[A-Z]{1,4}) /?(chat|listed|%[0-9a-f]{2}|\\.\\.|/){0,3} HTTP/1\\.[01]",
            fields in prop::collection::vec(
                "(Host: (localhost|a b|evil)|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: (13|8)|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Sec-WebSocket-Protocol: (ex1|ex2|,| )|Origin: (null|http://localhost)|Content-Length: [0-9]|Transfer-Encoding: chunked|Expect: 100-continue|[a-z:\u{e9} ]{0,9})\r\n",
                0..8,
            ),
            behind in "(\r\n[a-z\r\n]{0,9})?",
        ) {
            properties::connection(format!("{line}\r\n{}{behind}", fields.concat()).as_bytes());
        }
    }
}
