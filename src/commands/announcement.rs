//! The lines of a start: where the server can be reached: [`Announcement`].

use std::io::{self, IsTerminal};

use tracing::{Level, event};

use wsd::{
    config::Config,
    quantity::quantity,
    server::{EntryPoint, Role, listener::Listener},
};

/// How many of the machine's addresses are said. A host of many containers has hundreds, and one of the first is what
/// people type.
const SHOWN_ADDRESSES: usize = 8;

/// What is said of where the server can be reached.
pub(super) struct Announcement {
    /// Of the URL to open.
    scheme: &'static str,
    /// Where there is something, if there is nothing at the URL to open.
    places: Option<String>,
    /// Whether somebody may wonder why no other machine reaches it.
    is_for_newcomers: bool,
}

impl Announcement {
    /// What a server of this configuration says, to whom it has: a person at a terminal, or one who has a console, may
    /// not know that it is this machine's alone. Whoever has said where it listens does.
    pub(super) fn of(config: &Config) -> Self {
        let is_read = config.http.router.console || io::stderr().is_terminal();
        Announcement {
            scheme: config.scheme,
            places: config.http.router.places(),
            is_for_newcomers: config.is_local_by_default && is_read,
        }
    }

    /// Makes it; in a word for the service manager, too. What clients know by one name is said once, however many
    /// sockets it has.
    pub(super) fn make(&self, entries: &[EntryPoint]) -> String {
        let mut lines = Vec::new();
        let mut urls = Vec::new();
        let mut sites = Vec::new();
        for EntryPoint { listener, role } in entries {
            let scope = match listener.address() {
                Some(address) if address.ip().is_unspecified() => {
                    " (open to the network: every interface)"
                }
                _ => "",
            };
            match role {
                Role::Redirect(to) => {
                    let (url, port) = (listener.url("http"), to.port);
                    lines.push(format!("sending {url} on to port {port}{scope}"));
                }
                Role::Admin => {
                    let url = listener.url("http");
                    lines.push(format!("telling operators about it on {url}{scope}"));
                }
                Role::Plain | Role::Tls(_) => {
                    let url = listener.url(self.scheme);
                    lines.push(format!("serving on {url}{scope}"));
                    lines.extend(self.for_others(listener));
                    urls.push(url);
                    sites.push(listener);
                }
            }
        }
        let elsewhere = |places| format!("nothing is at / itself, but at {places}");
        lines.extend(self.places.as_ref().map(elsewhere));
        lines.extend(self.remedy(&sites));
        say_once(lines);
        without_repetition(&mut urls);
        format!("Serving on {}", urls.join(", "))
    }

    /// By which URLs other machines reach it.
    fn for_others(&self, listener: &Listener) -> Vec<String> {
        let public = listener.public_urls(self.scheme);
        let shown = public.iter().take(SHOWN_ADDRESSES);
        let mut lines: Vec<_> = shown
            .map(|url| format!("from other machines: {url}"))
            .collect();
        let more = public.len().saturating_sub(SHOWN_ADDRESSES);
        if more > 0 {
            let more = quantity(more as u64, "address", "addresses");
            lines.push(format!("from other machines: {more} more"));
        }
        lines
    }

    /// What lets other machines reach it, where none does.
    fn remedy(&self, sites: &[&Listener]) -> Option<String> {
        let is_local = |listener: &&Listener| {
            let address = listener.address();
            address.is_some_and(|address| address.ip().is_loopback())
        };
        let is_wanted = self.is_for_newcomers && sites.iter().all(is_local);
        let words = "for this machine alone; --address=0.0.0.0 lets other machines and phones in";
        is_wanted.then(|| words.to_owned())
    }
}

fn say_once(mut lines: Vec<String>) {
    without_repetition(&mut lines);
    for line in lines {
        event!(target: "listening", Level::INFO, "{line}");
    }
}

/// Keeps the first of those that are the same.
fn without_repetition(lines: &mut Vec<String>) {
    let mut kept = Vec::new();
    lines.retain(|line| {
        let is_new = !kept.contains(line);
        if is_new {
            kept.push(line.clone());
        }
        is_new
    });
}
