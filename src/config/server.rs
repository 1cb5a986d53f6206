//! A server, as its flags say it: [`Config`].

use std::{path::PathBuf, time::Duration};

use super::{
    access::{access, connections, process_limit},
    auth_warnings,
    config_error::ConfigError,
    flag_error::FlagError,
    headers::added_headers,
    hub, listeners,
    log::LogOptions,
    pages, recording, rooms,
    route::Route,
    router::router,
    servers::Servers,
    session::{drain_time, write_timeout},
    tls, watch,
};
use crate::{
    args::Args,
    backend::SupervisedProgram,
    http::{self, access::Cors, pages::Router},
    hub::HubOptions,
    server::{self, ListenOptions, rooms::SocketOptions, tls::TlsConfig},
};

/// A server, ready to be started.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: ListenOptions,
    /// Whether there is but one connection to serve, on stdin.
    pub inetd: bool,
    /// Threads that serve connections; `None` is one for each CPU.
    pub workers: Option<usize>,
    /// What is started before, and kept running.
    pub servers: Servers,
    /// The same looked up, or why one cannot be executed, and where that stands; it is for who starts them to fail.
    pub found_servers: Result<Vec<SupervisedProgram>, ConfigError>,
    /// The broker through which rooms reach other machines, if there is one.
    pub hub: Option<HubOptions>,
    /// Where processes of the same user reach its rooms.
    pub rooms: Option<SocketOptions>,
    /// TLS, if it is spoken.
    pub tls: Option<TlsConfig>,
    /// The scheme of the URL to open: `http` where there is a page, else `ws`; with TLS `https` or `wss`.
    pub scheme: &'static str,
    /// Whether nobody has said where it listens or by whom clients come: it is for this machine alone, perhaps unawares.
    pub is_local_by_default: bool,
    /// How it lives: what its connections are, and what a stop allows.
    pub server: server::Options,
    /// What answers there.
    pub http: http::Options,
    /// What is logged.
    pub log: LogOptions,
    /// The configuration file, where it is read again when it changes.
    pub watched_file: Option<PathBuf>,
    /// What was typed and is hardly what was meant, to be said at the start.
    pub warnings: Vec<String>,
}

impl Config {
    /// Checks everything that can be checked before anything is started.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(args: &Args) -> Result<Self, ConfigError> {
        Self::with_routes(args, &Route::typed(args)?)
    }

    /// The same with routes that were not typed.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn with_routes(args: &Args, routes: &[Route]) -> Result<Self, ConfigError> {
        let hub = hub::hub(&args.hub)?;
        let rooms = rooms::socket(args, routes)?;
        let servers = Servers::new(args, rooms.as_ref())?;
        let own = [servers.warning(), recording::warning(&args.operation)];
        let mut warnings: Vec<String> = own.into_iter().flatten().collect();
        warnings.extend(hub::warnings(args, routes, hub.as_ref()));
        warnings.extend(auth_warnings::warnings(args, routes)?);
        let mut router = router(args, routes, &mut warnings)?;
        for options in router.options_mut() {
            rooms::tell(rooms.as_ref(), &mut options.environ.passed);
            recording::keep_messages(&args.operation, options);
        }
        let has_page = router.has_pages();
        let site = listeners::sockets(args)?;
        Ok(Config {
            tls: tls::config(args, &site)?,
            listen: ListenOptions {
                site,
                redirect: listeners::redirect(args)?,
                admin: listeners::admin(args)?,
            },
            log: LogOptions::new(args),
            watched_file: watch::config_file(args)?,
            warnings,
            found_servers: servers.find().map_err(ConfigError::from),
            servers,
            rooms,
            inetd: args.listen.inetd,
            workers: args.operation.workers,
            hub,
            scheme: match (has_page, tls::is_on(&args.tls)) {
                (true, true) => "https",
                (true, false) => "http",
                (false, true) => "wss",
                (false, false) => "ws",
            },
            is_local_by_default: is_local_by_default(args),
            server: server::Options {
                drain_delay: args.operation.drain_delay,
                drain_timeout: drain_timeout(args, routes),
                proxy_protocol: args.listen.proxy_protocol,
                h2c: tls::h2c(args)?,
                keepalive_timeout: args.operation.keepalive_timeout,
                write_timeout: write_timeout(&args.program.limits),
                reverse_lookup: args.access.reverselookup,
            },
            http: http::Options {
                access: access(args)?,
                cors: cors(args, &router)?,
                processes: process_limit(&args.program),
                connections: connections(&args.access),
                headers: added_headers(&[
                    ("--header", &args.pages.header),
                    ("--header-http", &args.pages.header_http),
                ])?,
                record: recording::directory(&args.operation, &router)?,
                watch: watch::watch(args, &router)?,
                router,
            },
        })
    }
}

impl Config {
    /// Has `locate` put its place before what was found wrong and kept for later.
    pub(super) fn with_location(self, locate: impl FnOnce(ConfigError) -> ConfigError) -> Self {
        Config {
            found_servers: self.found_servers.map_err(locate),
            ..self
        }
    }
}

fn is_local_by_default(args: &Args) -> bool {
    let (listen, access) = (&args.listen, &args.access);
    let is_told = !listen.address.is_empty()
        || !listen.unixsocket.is_empty()
        || !listen.host.is_empty()
        || !access.trust_proxy.is_empty();
    !is_told && !listen.proxy_protocol && !listen.inetd
}

fn cors(args: &Args, router: &Router) -> Result<Option<Cors>, FlagError> {
    let cors = pages::cors(&args.pages)?;
    if cors.is_some() && router.files.is_none() && router.scripts.is_empty() {
        return Err(FlagError::about(
            "--cors",
            "is about files and CGI scripts: give --staticdir or --cgidir too; --origin is for WebSockets",
        ));
    }
    Ok(cors.map(|cors| cors.with_user_headers(router.user_headers.clone())))
}

/// As long as the most patient program may take.
fn drain_timeout(args: &Args, routes: &[Route]) -> Duration {
    let time = |limits| drain_time(limits, args.operation.drain_timeout);
    let routes = routes.iter().map(|route| time(&route.program.limits));
    routes.fold(time(&args.program.limits), Duration::max)
}
