//! Access control: who may ask, and how much at a time.
//!
//! Each file is one rule, and decides nothing for the others. In which order a request passes them is
//! `http::checks`' to say.

mod authentication;
mod connection_limits;
mod cors;
mod descriptor_budget;
mod forwarded;
mod guesses;
mod host;
mod identity;
mod origin;
mod origin_pattern;
mod process_limit;
mod route_access;
mod secret_digest;
mod token;

pub(in crate::http) use authentication::{
    AskedKind, Asking, Authenticated, Login, Logins, Withheld, check_foreign_page, clear_cookie,
    fetch_site, is_embedded, is_of_foreign_origin, keep_query_token, withhold, without_query_token,
};
pub use authentication::{
    Authentication, Certificates, CookieKey, LoginFiles, PasswordFile, TokenFile,
};
pub(in crate::http) use connection_limits::Connections;
pub use connection_limits::{ConnectionLimits, ConnectionPermit, FirstWebSocket, Overload};
pub use cors::Cors;
pub use descriptor_budget::DescriptorBudget;
pub use forwarded::TrustedProxies;
pub(in crate::http) use guesses::Guesses;
pub(in crate::http) use host::is_loopback_name;
pub use host::{Access, Authority};
pub use identity::{AuthKind, Identity};
pub use origin::{AllowedOrigin, Origins};
pub use origin_pattern::{HostPattern, PortPattern};
pub use process_limit::ProcessLimit;
pub(in crate::http) use process_limit::ProcessPermit;
pub use route_access::RouteAccess;
pub(in crate::http) use secret_digest::DigestKey;
pub use token::TokenPlace;
pub(in crate::http) use token::with_tokens_digested;
