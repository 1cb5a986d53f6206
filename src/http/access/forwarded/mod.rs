//! Forwarded headers: what proxies say of the client that they speak for, in `Forwarded` (RFC 7239), and in
//! `X-Forwarded-For`, `-Proto` and `-Host`, which came before it.
//!
//! Anybody can send these headers, so they are believed only as far as trusted proxies wrote them. Each
//! proxy adds what it has seen at the right; from there every hop that is trusted vouches for the next,
//! and the first that is not is the client.
//!
//! Where there are both, `Forwarded` wins. A proxy that does not write it has to remove a client's own.
//!
//! A proxy that has the site beneath a path, and takes that off, says so in `X-Forwarded-Prefix`, which counts if it is
//! wanted.

mod custom;
mod hop;
mod prefix;
mod standard;
mod trust;

pub use trust::TrustedProxies;
