//! From what was typed to what is true: [`Config`] holds the values that the runtime modules own,
//! checked. An error names the flag, the value and the remedy.

mod account;
pub mod client;
mod command;
mod confinement;
mod doctor;
pub mod file;
mod listeners;
mod pages;
mod program;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod route;
mod service;
mod task;
mod tls;

use std::{net::IpAddr, time::Duration};

use anyhow::{Result, bail};
use ipnet::IpNet;
use tokio::sync::Semaphore;

use crate::{
    args::Args,
    http::{
        self, RouteOptions,
        access::{Access, Authority, ConnectionLimits, ProcessLimit, TrustedProxies},
        pages::{Directory, Mount, Root, Router, Scripts},
    },
    server::{self, ListenOptions, tls::TlsConfig},
};
use confinement::confinement;
use program::{stderr_to, streams, target};
pub use route::Route;
use service::{added_headers, drain_time, service};
pub use task::{LogOptions, Task};

/// A server, ready to be started.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: ListenOptions,
    /// Whether there is but one connection to serve, on stdin.
    pub inetd: bool,
    /// Threads that serve connections; `None` is one for each CPU.
    pub workers: Option<usize>,
    /// TLS, if it is spoken.
    pub tls: Option<TlsConfig>,
    /// The scheme of the URL to open: `http` where there is a page, else `ws`; with TLS `https` or `wss`.
    pub scheme: &'static str,
    /// How it lives: what its connections are, and what a stop allows.
    pub server: server::Options,
    /// What answers there.
    pub http: http::Options,
    /// What is logged.
    pub log: LogOptions,
}

impl Config {
    /// Checks everything that can be checked before anything is started.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(args: &Args) -> Result<Self> {
        Self::with_routes(args, &Route::typed(args)?)
    }

    /// The same with routes that were not typed.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn with_routes(args: &Args, routes: &[Route]) -> Result<Self> {
        client::check_is_server(args)?;
        let router = router(args, routes)?;
        check_something_answers(&router)?;
        let has_page = router.console || router.files.is_some() || !router.scripts.is_empty();
        Ok(Config {
            listen: ListenOptions {
                site: listeners::sockets(args)?,
                redirect: listeners::redirect(args)?,
                admin: listeners::admin(args)?,
            },
            log: LogOptions::new(args),
            inetd: args.listen.inetd,
            workers: args.operation.workers,
            tls: tls::config(args)?,
            scheme: match (has_page, tls::is_on(args)) {
                (true, true) => "https",
                (true, false) => "http",
                (false, true) => "wss",
                (false, false) => "ws",
            },
            server: server::Options {
                drain_delay: Duration::from_secs(args.operation.drain_delay),
                drain_timeout: drain_timeout(args, routes),
                proxy_protocol: args.listen.proxy_protocol,
                h2c: tls::h2c(args)?,
                reverse_lookup: args.access.reverselookup,
            },
            http: http::Options {
                access: access(args)?,
                processes: process_limit(args),
                connections: ConnectionLimits {
                    all: unless_zero(args.access.max_connections),
                    per_address: unless_zero(args.access.max_connections_per_ip),
                },
                headers: added_headers(&[
                    ("--header", &args.pages.header),
                    ("--header-http", &args.pages.header_http),
                ])?,
                router,
            },
        })
    }
}

/// Zero is how a flag says "none".
fn unless_zero<N: PartialEq + From<u8>>(number: N) -> Option<N> {
    (number != N::from(0)).then_some(number)
}

fn router(args: &Args, routes: &[Route]) -> Result<Router> {
    let files = pages::files(args)?;
    // Whatever answers at the top has the limit of the whole server alone.
    let options = service(args, files.as_ref(), ProcessLimit::default())?;
    let mut router = Router {
        console: args.pages.devconsole,
        directory: directory(args, &options)?,
        ..Router::default()
    };
    if let Some(target) = target(args)? {
        router.fallback = Some(Mount {
            path: "/".to_owned(),
            target,
            options: options.clone(),
        });
    }
    for route in routes {
        let added = add_route(&mut router, args, route, files.as_ref());
        added.map_err(|error| route.locate(error))?;
    }
    if let Some(directory) = &args.pages.cgidir {
        let scripts = pages::scripts(args, "--cgidir", directory, "", options)?;
        router.scripts.push(scripts);
    }
    router.files = files
        .map(|root| pages::served(args, root, &router.scripts))
        .transpose()?;
    Ok(router)
}

fn add_route(
    router: &mut Router,
    server: &Args,
    route: &Route,
    files: Option<&Root>,
) -> Result<()> {
    let path = route.path()?;
    let processes = match route.args.program.maxforks == server.program.maxforks {
        true => ProcessLimit::default(),
        false => process_limit(&route.args),
    };
    let options = service(&route.args, files, processes)?;
    let collides = |mount: &Mount| {
        let other = &mount.options.subprotocols;
        mount.path == path && other.collides_with(&options.subprotocols)
    };
    let is_script = |scripts: &Scripts| scripts.path == path.trim_end_matches('/');
    if router.mounts.iter().any(collides) || router.scripts.iter().any(is_script) {
        return Err(route.wrong_path("there is a route for this path already"));
    }
    if let Some(directory) = route.cgi() {
        let scripts = pages::scripts(&route.args, "--cgi", directory, &path, options)?;
        router.scripts.push(scripts);
    } else if let Some(target) = target(&route.args)? {
        router.mounts.push(Mount {
            path,
            target,
            options,
        });
    }
    Ok(())
}

fn check_something_answers(router: &Router) -> Result<()> {
    let has_program =
        router.fallback.is_some() || router.directory.is_some() || !router.mounts.is_empty();
    if router.console && !has_program {
        bail!("--devconsole is for trying a program: give a COMMAND, --route or --dir too");
    }
    if !has_program && router.files.is_none() && router.scripts.is_empty() {
        bail!(
            "no COMMAND is given, and no --route, --dir, --staticdir or --cgidir\n\nUsage: wsd [OPTIONS] COMMAND [ARGS...]"
        );
    }
    Ok(())
}

fn directory(args: &Args, options: &RouteOptions) -> Result<Option<Directory>> {
    let Some(path) = &args.pages.dir else {
        return Ok(None);
    };
    let root = pages::root("--dir", path)?;
    let directory = Directory::new(
        root,
        confinement(args)?,
        streams(args)?,
        stderr_to(args),
        options.clone(),
    );
    Ok(Some(directory))
}

fn process_limit(args: &Args) -> ProcessLimit {
    ProcessLimit::new(
        unless_zero(args.program.maxforks).map(|most| most.min(Semaphore::MAX_PERMITS)),
    )
}

/// As long as the most patient program may take.
fn drain_timeout(args: &Args, routes: &[Route]) -> Duration {
    let routes = routes.iter().map(|route| drain_time(&route.args));
    routes.fold(drain_time(args), Duration::max)
}

fn access(args: &Args) -> Result<Access> {
    let mut hosts = Vec::new();
    for word in &args.listen.host {
        match word.parse() {
            Ok(Authority { name, port: None }) => hosts.push(name),
            _ => bail!(
                "invalid value '{word}' for '--host': a name without a scheme or port is wanted"
            ),
        }
    }
    Ok(Access {
        hosts,
        trust: trust(args)?,
    })
}

fn trust(args: &Args) -> Result<TrustedProxies> {
    let mut trust = TrustedProxies::default();
    for word in &args.access.trust_proxy {
        let address = word.parse().map(IpNet::from as fn(IpAddr) -> IpNet);
        match (word.as_str(), word.parse().or(address)) {
            ("unix", _) => trust.unix = true,
            (_, Ok(network)) => trust.networks.push(network),
            (_, Err(_)) => bail!(
                "invalid value '{word}' for '--trust-proxy': an address, a network such as 10.0.0.0/8, or 'unix' is wanted"
            ),
        }
    }
    Ok(trust)
}

#[cfg(test)]
mod tests {
    use super::properties;
    use proptest::prelude::*;

    proptest! {
        // Each key is a command line of its own.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn all_that_holds_for_files_does(lines in prop::collection::vec(
            "(\\[\\[route\\]\\]|path = \"/[a-z]?\"|(command|framing|port|origin|route|maxforks|header|env|cgi|x) = (\"(cat|a b|'|A=b)\"|[0-9]{1,6}|true|\\[(\"a\")?\\]|\\{ A = \"b\" \\})|[a-z =\"]{0,9})\n",
            0..6,
        )) {
            properties::config_file(&lines.concat());
        }
    }
}
