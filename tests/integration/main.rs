//! What wsd does, seen from outside: a module a theme, and in `support` what they share.
//!
//! They are one program, so that there is one link and an unused helper is a warning. So no test may
//! change what the process has but once: its environment, its working directory, its limits. What needs
//! such a thing gives it to a process of its own (`sh -c 'ulimit -n 28; exec wsd …'`).
//!
//! `cargo test --test integration sessions::` runs one theme.

mod support;

mod addresses;
mod admin;
mod browser;
mod certificate_chains;
mod cgi;
mod client_compression;
mod client_mode;
mod client_trust;
mod clients;
mod command_line;
mod completions;
mod compression;
mod config;
mod conformance;
mod connections;
mod content_types;
mod cors;
mod doctor;
mod environment;
mod group_life;
mod handshake;
mod headers;
mod hostile_paths;
mod http2;
mod hub_brokers;
mod hub_flags;
mod hub_rooms;
mod listeners;
mod listening;
mod manual;
mod members_wires;
mod memory;
mod pages;
mod pauses;
mod pictures;
mod plain_requests;
mod prefix;
mod processes;
mod proxies;
mod pub_sub;
mod readme;
mod real_programs;
mod recordings;
mod refused_bodies;
mod relay;
mod request_heads;
mod room_flags;
mod rooms;
mod roots;
mod route_keys;
mod routes;
mod scarcity;
mod scripts;
mod service_manager;
mod session_ends;
mod sessions;
mod sharing;
mod sharing_flags;
mod slow_members;
mod slow_readers;
mod socket_examples;
mod stalled_downloads;
mod started_servers;
mod static_files;
mod stop;
mod tagged;
mod takeover;
mod target_flags;
mod target_servers;
mod target_tokens;
mod targets;
mod terminals;
mod tls;
mod users;
