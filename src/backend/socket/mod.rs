//! Targets: a socket in a program's place.
//!
//! A [`Socket`] is connected for each session: over TCP, TLS or a unix socket, with a header before all else that
//! tells of the client if that is wanted. What the target sends is the backend's output, what the client sends its
//! input; how messages are told apart in both is [`framing`](crate::framing)'s.

mod address;
mod connect;
mod dial;
mod error;
mod input;
mod map;
mod open;
mod output;
mod proxy_header;
mod resolver;
mod starts;
mod stream;
mod token;

pub use address::{AddressError, HostPort, SocketAddress};
pub use connect::connect;
pub use error::{ConnectError, ConnectFailure};
pub use map::TargetMap;
pub use open::{ConnectResources, Socket, SocketOptions};
pub use output::target_lost;
pub use proxy_header::ProxyHeader;
pub use resolver::Resolver;
pub use starts::RecentStarts;
pub use stream::SocketStream;
pub use token::Token;
