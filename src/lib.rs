//! Any program that reads lines and writes lines becomes a WebSocket server.
//!
//! wsd joins one WebSocket client to one running program. Everything else (static files, the
//! developer console, logs) exists so that this joint is easy to reach.
//!
//! ```text
//! listener ─accept─▶ stream ─TLS─▶ connection ─HTTP─▶ checks ─▶ router ─▶ file │ CGI script │ page ─▶ response
//!  tcp│unix│inherited      (rustls)  (hyper)          (one list)  └▶ launch: permit, environment, program
//!                                                                       └▶ opening handshake (101) ─▶ SESSION (one task)
//!                                                                                    │
//!    CLIENT  incoming ── Message ──▶ ┌ upstream ──────┐ ──▶ input   BACKEND  Framing ▶ stdin
//!            outgoing ◀─ Outbound ── └ downstream ────┘ ◀── output           Framing ◀ stdout
//!            WebSocket │ bodies │ events                (process: group, exit status, ladder; or a socket)
//! ```
//!
//! Left of the session everything is HTTP and knows nothing of processes, but for CGI scripts, which
//! have no session; right of it nothing knows HTTP. What crosses the middle is a [`message::Message`],
//! and at the end a [`message::Close`].
//!
//! # Layers
//! A module imports only lower layers, or files of its own folder; but `config` and `logging` read [`args`],
//! and `main` calls `commands`. `backend` and `transport` never see each other. `tests/architecture` reads the
//! imports against this table.
//!
//! | layer | module | what it is |
//! |---|---|---|
//! | 7 | `properties` | what holds for any input, for tests and for fuzzing |
//! | 7 | `main` | arguments → command → exit status |
//! | 7 | `commands` | what the binary can do: serve, connect, doctor, process 1 of a container |
//! | 6 | [`args`] | what was typed |
//! | 6 | [`config`] | what was typed, checked, as the values that the runtime modules own |
//! | 6 | [`logging`] | `tracing` to stderr |
//! | 6 | [`service_manager`] | what a service manager is told |
//! | 5 | [`client`] | the other end: a program, or stdin and stdout, joined to a server elsewhere |
//! | 5 | [`doctor`] | what this machine allows, and how many sessions follow |
//! | 5 | [`server`] | accept loops, TLS, connections, signals, the orderly stop |
//! | 4 | [`http`] | one request → one response: checks, router, handshake, launch, files, CGI, console, terminal page |
//! | 3 | [`session`] | one client joined to one backend until it has ended |
//! | 3 | [`environ`] | RFC 3875 meta-variables |
//! | 2 | [`backend`] | what a client is joined to: a program and its process, of one client or of many, or a socket |
//! | 2 | [`transport`] | how a client's messages travel: WebSocket, the bodies of plain HTTP, event streams |
//! | 2 | [`hub`] | a broker, through which rooms of several machines meet |
//! | 1 | [`connection`] | who the client is: addresses, peer, TLS, what proxies say |
//! | 1 | [`tls_failure`] | why TLS with a server failed, in words |
//! | 1 | [`recording`] | a session in a file |
//! | 1 | [`file_watch`] | which of some files change, burst by burst |
//! | 1 | [`wire`] | a client's wire, as who speaks to many sees it |
//! | 1 | [`framing`] | where a message begins and ends in a program's streams |
//! | 0 | [`message`] | what crosses the middle |
//! | 0 | [`printable`] | text of others, safe to print |
//! | 0 | [`quantity`] | quantities in words |
//! | 0 | [`fingerprint`] | the SHA-256 of a certificate |
//! | 0 | `masked` | secrets in text that people read, masked |
//! | 0 | `file_stamp` | whether a file is the one that it was, and when one that changes is to be read |
//! | 0 | `regular_file` | files that are read again |
//! | 0 | `send_queue` | what a socket was given and the other end has not taken |
//! | 0 | `room` | memory that may be refused, or goes back |
//! | 0 | [`start_code`] | what of the program's files was looked at to start |
//! | 0 | `timer` | a deadline that moves with what happens, or is held against somebody |
//! | 0 | [`backoff`] | how long to wait before what has ended is tried again |
//! | 0 | `loopback` | `localhost`, where nobody knows that name |
//! | 0 | `percent` | percent-encoding, done and undone |
//! | 0 | `trusted_roots` | the authorities that this system trusts |
//! | 0 | [`exit_status`] | exit statuses of the process |
//! | 0 | `pieces` | in which pieces bytes may come, for `properties` |
//!
//! # Embedding
//! A Rust program can serve a program of its own choosing, on sockets that it has bound, until any
//! future says stop:
//!
//! ```
//! use std::net::TcpListener;
//! use wsd::{args::Args, backend::Spawner, config::Config, server::{Server, listener::Listener}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new(&Args::parse_from_words(["cat".into()])?)?;
//! let spawner = Spawner::start()?;
//! tokio::runtime::Runtime::new()?.block_on(async {
//!     let listener: Listener = TcpListener::bind("127.0.0.1:0")?.try_into()?;
//!     let server = Server::new(config.server, config.http, spawner);
//!     let stop = async { /* wait for whatever ends the server */ };
//!     server.run(vec![listener.into()], stop).await;
//!     Ok(())
//! })
//! # }
//! ```

pub mod args;
pub mod backend;
pub mod backoff;
pub mod client;
pub mod config;
pub mod connection;
pub mod doctor;
pub mod environ;
pub mod exit_status;
mod file_stamp;
pub mod file_watch;
pub mod fingerprint;
pub mod framing;
pub mod http;
pub mod hub;
pub mod logging;
mod loopback;
mod masked;
pub mod message;
mod percent;
#[cfg(any(test, fuzzing))]
mod pieces;
pub mod printable;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod properties;
pub mod quantity;
pub mod recording;
mod regular_file;
pub mod room;
mod send_queue;
pub mod server;
pub mod service_manager;
pub mod session;
pub mod start_code;
mod timer;
pub mod tls_failure;
pub mod transport;
mod trusted_roots;
pub mod wire;
