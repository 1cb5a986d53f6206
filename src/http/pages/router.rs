//! Routing: who answers a request, by its path; pure.

use std::cmp::Reverse;

use hyper::{HeaderMap, header::HeaderName};

use super::{
    cgi::Scripts,
    client_script::ClientScript,
    directory::Directory,
    file::Files,
    mount::{Mount, MountTarget},
    route::{Page, PlainRoute, WebSocketRoute},
};
use crate::http::{
    access::{LoginFiles, RouteAccess, TokenPlace},
    page_script::{SCRIPT_PATH, STREAM_PATH},
    route_options::RouteOptions,
    url_path::UrlPath,
};

/// Methods where wsd answers by itself.
const OF_PAGES: &str = "GET, HEAD, OPTIONS";
/// Methods where a session is opened without a WebSocket, too.
const OF_SESSIONS: &str = "GET, HEAD, POST, PUT, OPTIONS";
/// Methods where a script may answer, for all that wsd knows.
const OF_SCRIPTS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// What the paths of wsd's own begin with (RFC 8615).
const OWN_PATHS: &str = "/.well-known/wsd";
/// Where the console is told of its sessions.
const CONSOLE_FEED: &str = "/.well-known/wsd-console";
/// Where browsers forget a password.
const LOGOUT: &str = "/.well-known/wsd-logout";

/// What this server has.
#[derive(Debug, Default)]
pub struct Router {
    /// Programs by path.
    pub mounts: Vec<Mount>,
    /// Programs that are the files of a directory.
    pub directory: Option<Directory>,
    /// The program that answers where no other does, at the path `/`.
    pub fallback: Option<Mount>,
    /// The developer console at `/`.
    pub console: bool,
    /// CGI scripts by path.
    pub scripts: Vec<Scripts>,
    /// Static files.
    pub files: Option<Files>,
    /// Whether open pages load anew when files change.
    pub watch: bool,
    /// The terms of the top level, which hold for what has none of its own: the console, files.
    pub page_options: RouteOptions,
    /// The files by which clients show who they are.
    pub logins: LoginFiles,
    /// Who may ask, where no route says.
    pub access: RouteAccess,
    /// Who may ask beneath the paths of routes.
    pub route_access: Vec<RouteAccess>,
    /// The headers in which trusted proxies name users, of all routes.
    pub user_headers: Vec<HeaderName>,
}

impl Router {
    /// Who answers a WebSocket: the mount with the longest path, of several with the same one that which
    /// speaks the subprotocol that the client would like best; else the directory, else the fallback.
    pub fn websocket(&self, path: &UrlPath, headers: &HeaderMap) -> Option<WebSocketRoute<'_>> {
        let fallback = || self.fallback.as_ref()?.matches(path);
        let rank = |mount: &&Mount| mount.options.subprotocols.rank(headers);
        let mounted = self.mounts_at(path).min_by_key(rank);
        match (
            mounted.and_then(|mount| mount.matches(path)),
            &self.directory,
        ) {
            (Some(found), _) => Some(WebSocketRoute::Mount(found)),
            (None, Some(directory)) => Some(WebSocketRoute::Directory(directory, fallback())),
            (None, None) => fallback().map(WebSocketRoute::Mount),
        }
    }

    /// Who answers a request for a session without a WebSocket: whoever answers a WebSocket, if that takes such.
    pub(in crate::http) fn plain_session(
        &self,
        path: &UrlPath,
        headers: &HeaderMap,
    ) -> Option<WebSocketRoute<'_>> {
        if self.own_page(path).is_some() {
            return None;
        }
        let route = self.websocket(path, headers);
        route.filter(|route| route.options().plain_http.is_some())
    }

    /// The methods of a path where sessions are opened without a WebSocket, too; `None` where none are.
    pub(in crate::http) fn session_methods(&self, path: &UrlPath) -> Option<&'static str> {
        let route = self.plain_session(path, &HeaderMap::new());
        route.map(|_| OF_SESSIONS)
    }

    /// The script for pages whose sessions need no WebSocket, where there are such; at whatever path the programs are.
    fn client_script_at(&self, path: &UrlPath) -> Option<Page<'_>> {
        let script = ClientScript::at(path.as_str());
        let script = script.filter(|_| self.has_plain_sessions());
        script.map(Page::ClientScript)
    }

    /// What wsd has at a path of its own, whatever else answers there.
    fn own_page(&self, path: &UrlPath) -> Option<Page<'_>> {
        match path.as_str() {
            LOGOUT if self.logins.has_passwords() => Some(Page::Logout),
            CONSOLE_FEED if self.console => Some(Page::ConsoleFeed),
            SCRIPT_PATH if self.watch => Some(Page::WatchScript),
            STREAM_PATH if self.watch => Some(Page::WatchStream),
            _ => self.client_script_at(path),
        }
    }

    /// Who answers a plain request: wsd at paths of its own; else the page of a terminal at its path; else the console at `/`;
    /// else the script that the path leads to, those of the longest path first; else a file, or the refusal of all but a
    /// WebSocket.
    pub fn plain(&self, path: &UrlPath) -> Option<PlainRoute<'_>> {
        if let Some(page) = self.own_page(path) {
            return Some(PlainRoute::Page(page, &self.page_options));
        }
        if let Some(terminal) = self.terminal_at(path) {
            return Some(PlainRoute::Page(Page::Terminal, &terminal.options));
        }
        let other = self.plain_without_terminals(path);
        match self.terminals_beneath(path) {
            Some(directory) => Some(PlainRoute::Terminals(directory, other.map(Box::new))),
            None => other,
        }
    }

    fn plain_without_terminals(&self, path: &UrlPath) -> Option<PlainRoute<'_>> {
        if self.console && path.as_str() == "/" {
            return Some(PlainRoute::Page(Page::Console, &self.page_options));
        }
        let scripts = self.scripts_at(path);
        let page = match &self.files {
            Some(files) => Some(Page::File(files)),
            None if scripts.is_empty() && self.has_program_at(path) => self.upgrade_required(path),
            None => None,
        };
        match scripts.first().map(|longest| &longest.options) {
            None => page.map(|page| PlainRoute::Page(page, &self.page_options)),
            Some(options) => Some(PlainRoute::Scripts(scripts, page, options)),
        }
    }

    /// Whether sessions are opened without a WebSocket anywhere.
    pub(in crate::http) fn has_plain_sessions(&self) -> bool {
        let mounts = self.mounts.iter().chain(&self.fallback);
        let mut options = mounts
            .map(|mount| &mount.options)
            .chain(self.directory.as_ref().map(Directory::options));
        options.any(|options| options.plain_http.is_some())
    }

    /// Whether the console answers at `/`, whatever else there is.
    pub fn has_console_at_top(&self) -> bool {
        self.console && !self.has_terminal_at_top()
    }

    /// Whether the page of a terminal is at `/`.
    pub fn has_terminal_at_top(&self) -> bool {
        self.terminal_at(&UrlPath::top()).is_some()
    }

    /// Whether a program answers WebSockets anywhere.
    pub fn has_programs(&self) -> bool {
        let mut mounts = self.mounts.iter().chain(&self.fallback);
        self.directory.is_some() || mounts.any(Mount::has_program)
    }

    /// Whether there is something here for a browser to go to.
    pub fn has_pages(&self) -> bool {
        let mut mounts = self.mounts.iter().chain(&self.fallback);
        let directory = self.directory.as_ref().map(Directory::options);
        self.console
            || self.files.is_some()
            || !self.scripts.is_empty()
            || mounts.any(Mount::has_terminal)
            || directory.is_some_and(|options| options.terminal.is_some())
    }

    /// Who answers OPTIONS: wsd at paths of its own and where it has a page of a terminal; else the script that the path leads to, which may know more methods than wsd; else wsd, for
    /// whatever else answers there, be it only WebSockets.
    pub fn options(&self, path: &UrlPath) -> Option<PlainRoute<'_>> {
        if self.own_page(path).is_some() {
            let page = Page::Options(OF_PAGES);
            return Some(PlainRoute::Page(page, &self.page_options));
        }
        if let Some(terminal) = self.terminal_at(path) {
            let page = Page::Options(OF_PAGES);
            return Some(PlainRoute::Page(page, &terminal.options));
        }
        let scripts = self.scripts_at(path);
        let has_page = self.files.is_some() || self.console && path.as_str() == "/";
        match scripts.first().map(|longest| &longest.options) {
            Some(options) => {
                let page = Some(Page::Options(OF_SCRIPTS));
                Some(PlainRoute::Scripts(scripts, page, options))
            }
            None if has_page || self.has_program_at(path) => {
                let page = Page::Options(self.session_methods(path).unwrap_or(OF_PAGES));
                Some(PlainRoute::Page(page, &self.page_options))
            }
            None => None,
        }
    }

    /// Who may ask at a path: what the route with the longest path says, whoever answers; else what the top says, as
    /// for all that is wsd's own.
    pub(in crate::http) fn access_at(&self, path: &UrlPath) -> &RouteAccess {
        let leads_here =
            |access: &&RouteAccess| path.beneath(access.path.trim_end_matches('/')).is_some();
        let routes = self.route_access.iter().filter(leads_here);
        let is_own = path.as_str().starts_with(OWN_PATHS);
        let longest = routes.max_by_key(|access| access.path.len());
        longest.filter(|_| !is_own).unwrap_or(&self.access)
    }

    /// The path of the route that says who may ask at a path; empty where the top does.
    pub(in crate::http) fn route_at(&self, path: &UrlPath) -> &str {
        let access = self.access_at(path);
        match std::ptr::eq(access, &self.access) {
            true => "",
            false => &access.path,
        }
    }

    /// Whether a file or a script may answer at a path, which a page of another origin may ask for.
    pub(in crate::http) fn has_resource_at(&self, path: &UrlPath) -> bool {
        let has_page = self.console && path.as_str() == "/"
            || self.terminal_at(path).is_some()
            || self.own_page(path).is_some();
        !has_page && (self.files.is_some() || !self.scripts_at(path).is_empty())
    }

    /// Who answers `OPTIONS *`, which is about the server as a whole (RFC 9110 §9.3.7).
    pub fn options_of_all(&self) -> PlainRoute<'_> {
        let page = Page::Options(match self.scripts.is_empty() {
            true if self.has_plain_sessions() => OF_SESSIONS,
            true => OF_PAGES,
            false => OF_SCRIPTS,
        });
        PlainRoute::Page(page, &self.page_options)
    }

    /// The program whose terminal has its page at a path, and not only somewhere above it: that of the route there, at
    /// `/` also COMMAND. A slash at the end is what people type.
    fn terminal_at(&self, path: &UrlPath) -> Option<&Mount> {
        let is_its_path = |mount: &Mount| matches!(mount.path_info(path), Some("" | "/"));
        let mut mounts = self
            .mounts
            .iter()
            .filter(|mount| is_its_path(mount))
            .peekable();
        if mounts.peek().is_none() {
            let fallback = self.fallback.as_ref();
            return fallback.filter(|mount| is_its_path(mount) && mount.has_terminal());
        }
        mounts.find(|mount| mount.has_terminal())
    }

    /// The directory whose programs have terminals, where the path may lead to one.
    fn terminals_beneath(&self, path: &UrlPath) -> Option<&Directory> {
        let directory = self.directory.as_ref()?;
        let has_terminals = directory.options().terminal.is_some();
        (has_terminals && self.mounts_at(path).next().is_none()).then_some(directory)
    }

    /// The scripts that a path may lead to, those of the longest path first.
    pub(in crate::http) fn scripts_at(&self, path: &UrlPath) -> Vec<&Scripts> {
        let here = |scripts: &&Scripts| path.beneath(&scripts.path).is_some();
        let mut scripts: Vec<_> = self.scripts.iter().filter(here).collect();
        scripts.sort_by_key(|scripts| Reverse(scripts.path.len()));
        scripts
    }

    /// What a plain request is told where only programs answer. That a browser's own question for an icon needs a
    /// WebSocket is no news to anybody.
    fn upgrade_required(&self, path: &UrlPath) -> Option<Page<'_>> {
        let has_sessions = self.session_methods(path).is_some();
        (path.as_str() != "/favicon.ico").then_some(match has_sessions {
            true => Page::UpgradeOrPost,
            false => Page::UpgradeRequired,
        })
    }

    /// Whether a WebSocket may be answered at a path.
    fn has_program_at(&self, path: &UrlPath) -> bool {
        self.fallback.is_some() || self.directory.is_some() || self.mounts_at(path).next().is_some()
    }

    /// The mounts with the longest path that is whole segments of this one.
    pub(super) fn mounts_at(&self, path: &UrlPath) -> impl Iterator<Item = &Mount> {
        let fits = |mount: &&Mount| mount.path_info(path).is_some();
        let fitting = self.mounts.iter().filter(fits);
        let longest = fitting
            .map(|mount| mount.path.as_str())
            .max_by_key(|path| path.len());
        let mounts = self.mounts.iter();
        mounts.filter(move |mount| Some(mount.path.as_str()) == longest)
    }

    /// Where a request's path and query may have tokens; `None` if nowhere.
    pub(in crate::http) fn token_places(&self, raw_path: &str) -> Option<TokenPlaces> {
        let mut places = None;
        for mount in self.mounts.iter().chain(&self.fallback) {
            let MountTarget::ByToken(targets) = &mount.target else {
                continue;
            };
            let places: &mut TokenPlaces = places.get_or_insert_default();
            match targets.place {
                TokenPlace::Query => places.in_query = true,
                TokenPlace::Path => {
                    places.at_end_of_path = places.at_end_of_path.max(behind(mount, raw_path));
                }
                TokenPlace::Host | TokenPlace::Cookie(_) => {}
            }
        }
        places
    }

    /// Has what holds at the top hold beneath a path, too, whatever holds above that.
    pub fn add_access_of_top(&mut self, path: &str) {
        self.route_access.push(RouteAccess {
            path: path.to_owned(),
            ..self.access.clone()
        });
    }

    /// All terms that there are.
    pub fn options_mut(&mut self) -> impl Iterator<Item = &mut RouteOptions> {
        let mounts = self.mounts.iter_mut().chain(&mut self.fallback);
        let scripts = self.scripts.iter_mut().map(|scripts| &mut scripts.options);
        let directory = self.directory.iter_mut().map(Directory::options_mut);
        let own = std::iter::once(&mut self.page_options);
        let mounts = mounts.map(|mount| &mut mount.options);
        mounts.chain(scripts).chain(directory).chain(own)
    }

    /// Takes over who holds permits from the routes of the same paths in an earlier router.
    pub(in crate::http) fn inherit_permits(&mut self, earlier: &Router) {
        for mount in &mut self.mounts {
            let subprotocols = &mount.options.subprotocols;
            let same = |other: &&Mount| {
                other.path == mount.path && other.options.subprotocols == *subprotocols
            };
            if let Some(earlier) = earlier.mounts.iter().find(same) {
                let processes = &earlier.options.processes;
                mount.options.processes.inherit_permits(processes);
            }
        }
        for scripts in &mut self.scripts {
            let same = |other: &&Scripts| other.path == scripts.path;
            if let Some(earlier) = earlier.scripts.iter().find(same) {
                let processes = &earlier.options.processes;
                scripts.options.processes.inherit_permits(processes);
            }
        }
    }
}

/// Where tokens may be in a request's target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::http) struct TokenPlaces {
    /// In values of the query.
    pub(in crate::http) in_query: bool,
    /// In so many last bytes of the path.
    pub(in crate::http) at_end_of_path: usize,
}

/// How many bytes of a path as it came follow that of a mount and a slash: a slash is never encoded, so segments are
/// told without decoding.
fn behind(mount: &Mount, raw_path: &str) -> usize {
    let Ok(path) = UrlPath::decode(raw_path) else {
        return 0;
    };
    if mount.path_info(&path).is_none() {
        return 0;
    }
    let segments = mount.script_name().matches('/').count();
    let slash = raw_path.match_indices('/').nth(segments);
    slash.map_or(0, |(at, _)| raw_path.len() - at - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{MaxLine, ProcessAttributes, Program, StderrTo, StreamOptions, Target},
        framing::{Framing, Newline},
        http::{
            TerminalOptions,
            pages::{CgiLimits, Root},
        },
    };
    use std::sync::Arc;

    const LINES: StreamOptions = StreamOptions {
        framing: Framing::Lines(Newline::Split),
        max_line: MaxLine {
            bytes: 1,
            set_by: "",
        },
        flush_after: None,
    };

    fn mount(path: &str) -> Mount {
        let program = Program {
            file: path.into(),
            ..Program::default()
        };
        Mount {
            path: path.to_owned(),
            target: Target::Program(program, LINES, StderrTo::Log).into(),
            options: RouteOptions::default(),
        }
    }

    fn router(mounts: &[&str]) -> Router {
        Router {
            mounts: mounts.iter().map(|path| mount(path)).collect(),
            ..Router::default()
        }
    }

    /// The program, SCRIPT_NAME and PATH_INFO of a path.
    fn found(router: &Router, raw: &str) -> Option<(String, String, String)> {
        let path = UrlPath::decode(raw).expect(raw);
        let route = router.websocket(&path, &HeaderMap::new())?;
        let WebSocketRoute::Mount(found) = route else {
            panic!("there is no directory");
        };
        let MountTarget::Fixed(Target::Program(program, ..)) = &found.mount.target else {
            panic!("there are programs alone");
        };
        let file = program.file.display().to_string();
        let script_name = found.mount.script_name().to_owned();
        Some((file, script_name, found.path_info))
    }

    #[test]
    fn longest_path_of_whole_segments_wins() {
        let router = router(&["/a", "/a/b", "/ab"]);
        for (raw, file, info) in [
            ("/a", "/a", ""),
            ("/a/", "/a", "/"),
            ("/a/c", "/a", "/c"),
            ("/a/b/c", "/a/b", "/c"),
            ("/a/bc", "/a", "/bc"),
            ("/ab", "/ab", ""),
        ] {
            let expected = (file.to_owned(), file.to_owned(), info.to_owned());
            assert_eq!(found(&router, raw), Some(expected), "{raw}");
        }
        assert_eq!(found(&router, "/abc"), None);
        assert_eq!(found(&router, "/"), None);
    }

    #[test]
    fn mount_at_the_top_answers_everything_with_an_empty_script_name() {
        let router = router(&["/", "/a"]);
        let top = |info: &str| Some(("/".to_owned(), String::new(), info.to_owned()));
        assert_eq!(found(&router, "/"), top("/"));
        assert_eq!(found(&router, "/b"), top("/b"));
    }

    /// Scripts of whatever directory.
    fn scripts(path: &str) -> Scripts {
        let root = Root::open(std::path::Path::new("/")).expect("a directory");
        Scripts {
            path: path.to_owned(),
            root: Arc::new(root),
            limits: CgiLimits {
                timeout: None,
                max_body: None,
            },
            attributes: ProcessAttributes::default(),
            options: RouteOptions::default(),
        }
    }

    #[test]
    fn plain_request_has_the_options_of_the_longest_path_of_scripts_else_of_the_top() {
        let router = Router {
            console: true,
            scripts: vec![scripts("/a"), scripts("/a/b")],
            ..router(&["/c"])
        };
        let (top, [a, b]) = (&router.page_options, &router.scripts[..]) else {
            panic!("there are two");
        };
        for (raw, expected) in [
            ("/", top),
            ("/a", &a.options),
            ("/a/b/c", &b.options),
            ("/c", top),
        ] {
            let path = UrlPath::decode(raw).expect(raw);
            let route = router.plain(&path).expect(raw);
            assert!(std::ptr::eq(route.options(), expected), "{raw}");
        }
    }

    #[test]
    fn terminal_has_its_page_at_its_path_alone() {
        let terminal = |path| {
            let terminal = Some(TerminalOptions { is_readonly: false });
            let mut mount = mount(path);
            mount.options.terminal = terminal;
            mount
        };
        let mut router = Router {
            console: true,
            scripts: vec![scripts("")],
            ..router(&["/lines"])
        };
        router.mounts.push(terminal("/a"));
        let is_terminal = |router: &Router, raw| {
            let path = UrlPath::decode(raw).expect(raw);
            let plain = router.plain(&path);
            matches!(plain, Some(PlainRoute::Page(Page::Terminal, options)) if options.terminal.is_some())
        };
        for (raw, expected) in [
            ("/a", true),
            ("/a/", true),
            ("/a/b", false),
            ("/ab", false),
            ("/", false),
            ("/lines", false),
        ] {
            assert_eq!(is_terminal(&router, raw), expected, "{raw}");
        }
        router.fallback = Some(terminal("/"));
        assert!(is_terminal(&router, "/"));
        for raw in ["/b", "/lines", "//"] {
            assert!(!is_terminal(&router, raw), "{raw}");
        }
        // Another program is at the path.
        router.mounts.push(mount("/"));
        assert!(!is_terminal(&router, "/"));
    }

    #[test]
    fn fallback_answers_where_no_mount_does() {
        let mut router = router(&["/a"]);
        router.fallback = Some(mount("/"));
        let fallback = ("/".to_owned(), String::new(), "/b".to_owned());
        assert_eq!(found(&router, "/b"), Some(fallback));
    }
}
