//! Routes: who answers one request. A WebSocket and a plain request have different answerers, so each has a
//! type of its own, without a case that cannot be.

use super::{
    cgi::Scripts,
    client_script::ClientScript,
    directory::Directory,
    file::Files,
    mount::{MountMatch, MountTarget},
    route_match::RouteMatch,
    terminal,
};
use crate::{
    backend::Target,
    http::{
        access::{Cors, Origins},
        answerer::Answerer,
        refusal::Refusal,
        route_options::RouteOptions,
        url_path::UrlPath,
    },
};

/// Who answers a WebSocket.
#[derive(Debug)]
pub enum WebSocketRoute<'a> {
    /// A program at a path.
    Mount(MountMatch<'a>),
    /// Whatever program of the directory the path leads to; where it leads to none, the other.
    Directory(&'a Directory, Option<MountMatch<'a>>),
}

/// Who answers a plain request.
#[derive(Debug)]
pub enum PlainRoute<'a> {
    /// The script of these that the path leads to, the first first; where it leads to none, a page.
    Scripts(Vec<&'a Scripts>, Option<Page<'a>>, &'a RouteOptions),
    /// The page of a terminal, if the path leads to a program of the directory; else the other.
    Terminals(&'a Directory, Option<Box<PlainRoute<'a>>>),
    /// A page.
    Page(Page<'a>, &'a RouteOptions),
}

/// What answers without starting anything.
#[derive(Debug, Clone, Copy)]
pub enum Page<'a> {
    /// The developer console.
    Console,
    /// What the console is told beside its messages.
    ConsoleFeed,
    /// The terminal page.
    Terminal,
    /// The script of that, which is nobody's secret.
    TerminalScript,
    /// The client script, for pages.
    ClientScript(ClientScript),
    /// A static file.
    File(&'a Files),
    /// What OPTIONS asks for: these methods are answered here.
    Options(&'static str),
    /// What a page of another origin may ask for.
    Preflight(&'a Cors),
    /// The same of a session without a WebSocket, for pages of these origins.
    SessionPreflight(&'a Origins),
    /// What has a browser forget its user's password.
    Logout,
    /// The script by which open pages load anew.
    WatchScript,
    /// What that is told.
    WatchStream,
    /// Only a program is here, which a WebSocket is needed for.
    UpgradeRequired,
    /// The same, and a POST is answered by it, too.
    UpgradeOrPost,
}

impl<'a> PlainRoute<'a> {
    /// The terms, which are known before a disk is asked what is there: those of the scripts with the longest
    /// path, also for a page behind them; of a terminal's page its program's; of another, those of the top level.
    pub(in crate::http) fn options(&self) -> &'a RouteOptions {
        match self {
            PlainRoute::Scripts(_, _, options) | PlainRoute::Page(_, options) => options,
            PlainRoute::Terminals(directory, _) => directory.options(),
        }
    }

    /// The script of a terminal's page in place of that, if it is asked for. It tells nothing of which programs there
    /// are: where they are beneath a path, it is at each.
    pub(in crate::http) fn for_query(self, query: Option<&str>) -> Self {
        match self {
            PlainRoute::Terminals(..) | PlainRoute::Page(Page::Terminal, _)
                if terminal::is_for_script(query) =>
            {
                PlainRoute::Page(Page::TerminalScript, self.options())
            }
            route => route,
        }
    }

    /// Who answers; of scripts it is not known yet whether another does.
    pub(in crate::http) fn answerer(&self) -> Answerer {
        match self {
            PlainRoute::Scripts(..) => Answerer::Cgi,
            PlainRoute::Terminals(..)
            | PlainRoute::Page(Page::Terminal | Page::TerminalScript, _) => Answerer::Terminal,
            PlainRoute::Page(Page::Console, _) => Answerer::Console,
            PlainRoute::Page(Page::ClientScript(_), _) => Answerer::ClientScript,
            PlainRoute::Page(Page::ConsoleFeed, _) => Answerer::ConsoleFeed,
            PlainRoute::Page(Page::File(_), _) => Answerer::File,
            PlainRoute::Page(Page::UpgradeRequired | Page::UpgradeOrPost, _) => Answerer::Program,
            PlainRoute::Page(
                Page::Options(_)
                | Page::Preflight(_)
                | Page::SessionPreflight(_)
                | Page::Logout
                | Page::WatchScript
                | Page::WatchStream,
                _,
            ) => Answerer::Nobody,
        }
    }

    /// How a path is split into what names the answerer, and the rest; of scripts only their path is known yet.
    pub(in crate::http) fn split<'p>(&'p self, path: &'p UrlPath) -> (&'p str, &'p str) {
        let path = path.as_str();
        match self {
            PlainRoute::Scripts(scripts, ..) => {
                let script_name = scripts.first().map_or("", |scripts| &scripts.path);
                (script_name, path.strip_prefix(script_name).unwrap_or(path))
            }
            PlainRoute::Terminals(..) | PlainRoute::Page(..) => ("", path),
        }
    }
}

impl<'a> WebSocketRoute<'a> {
    /// The terms, which are known before it is known which program it is.
    pub(in crate::http) fn options(&self) -> &'a RouteOptions {
        match self {
            WebSocketRoute::Mount(found) => &found.mount.options,
            WebSocketRoute::Directory(directory, _) => directory.options(),
        }
    }

    /// Who answers, for counting; of a directory it is not known yet whether another does.
    pub(in crate::http) fn answerer(&self) -> Answerer {
        match self {
            WebSocketRoute::Mount(found) => match found.mount.target {
                MountTarget::Fixed(Target::Program(..)) => Answerer::Program,
                MountTarget::Fixed(Target::Socket(_))
                | MountTarget::ByToken(_)
                | MountTarget::ByAuthorizer(_) => Answerer::Target,
                MountTarget::Fixed(Target::Room(_)) | MountTarget::Rooms(_) => Answerer::Room,
            },
            WebSocketRoute::Directory(..) => Answerer::Program,
        }
    }

    /// Whether the authorizer names the target.
    pub(in crate::http) fn is_authorizers(&self) -> bool {
        match self {
            WebSocketRoute::Mount(found) => {
                matches!(found.mount.target, MountTarget::ByAuthorizer(_))
            }
            WebSocketRoute::Directory(..) => false,
        }
    }

    /// How a path is split into what names the answerer, and the rest; of a directory that is not known yet.
    pub(in crate::http) fn split<'p>(&'p self, path: &'p UrlPath) -> (&'p str, &'p str) {
        match self {
            WebSocketRoute::Mount(found) => (found.mount.script_name(), &found.path_info),
            WebSocketRoute::Directory(..) => ("", path.as_str()),
        }
    }

    /// The program, or the target.
    ///
    /// # Errors
    /// 404 if there is none; 503 if that cannot be told, for want of descriptors or memory.
    pub(in crate::http) async fn find(self, path: &UrlPath) -> Result<RouteMatch<'a>, Refusal> {
        match self {
            WebSocketRoute::Mount(found) => Ok(found.into()),
            WebSocketRoute::Directory(directory, otherwise) => match directory.find(path).await {
                Ok(Some(found)) => Ok(found),
                Ok(None) => otherwise.map(RouteMatch::from).ok_or(Refusal::NotFound),
                Err(error) => Err(Refusal::Start(error)),
            },
        }
    }
}
