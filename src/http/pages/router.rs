//! Who answers a request; pure, but for [`Directory::find`], which looks for a file.

use std::{cmp::Reverse, io, path::Path, sync::Arc};

use hyper::HeaderMap;

use super::{cgi::Scripts, file::Files, root::Root};
use crate::{
    backend::{ProcessAttributes, Program, Streams, Target},
    http::{route_options::RouteOptions, url_path::UrlPath},
};

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
}

/// A program at a path.
#[derive(Debug)]
pub struct Mount {
    /// Where: begins with `/`, and does not end with one unless it is `/` itself.
    pub path: String,
    /// What answers there and beneath.
    pub target: Target,
    /// On which terms.
    pub options: RouteOptions,
}

impl Mount {
    /// How a path is split at this mount; `None` if it is not whole segments of it.
    fn split<'a>(&'a self, path: &'a UrlPath) -> Option<RouteMatch<'a>> {
        let script_name = self.path.trim_end_matches('/');
        let path_info = path.as_str().strip_prefix(script_name)?;
        let is_whole = path_info.is_empty() || path_info.starts_with('/');
        is_whole.then_some(RouteMatch {
            target: &self.target,
            options: &self.options,
            script_name,
            path_info,
        })
    }
}

/// Who answers.
#[derive(Debug)]
pub enum Route<'a> {
    /// A program, through a WebSocket.
    Program(RouteMatch<'a>),
    /// Whatever program the directory has there, through a WebSocket; else what
    /// [`Router::fallback`] gives.
    Directory(&'a Directory),
    /// A program is here, but the request is a plain one.
    ProgramOnly,
    /// The developer console.
    Console,
    /// A static file.
    File(&'a Files),
    /// Nobody.
    Nothing,
}

/// A program, and how the URL's path is split at it (RFC 3875 §4.1.13 and §4.1.5).
#[derive(Debug)]
pub struct RouteMatch<'a> {
    /// The program.
    pub target: &'a Target,
    /// Its terms.
    pub options: &'a RouteOptions,
    /// The part of the path that names it.
    pub script_name: &'a str,
    /// The rest.
    pub path_info: &'a str,
}

impl Router {
    /// Who answers a WebSocket: the mount with the longest path, of several with the same one that which
    /// speaks the subprotocol that the client would like best; else the directory, else the fallback.
    pub fn websocket<'a>(&'a self, path: &'a UrlPath, headers: &HeaderMap) -> Route<'a> {
        let mounts_for = self.mounts_for(path);
        let rank = |found: &RouteMatch<'_>| found.options.subprotocols.rank(headers);
        match (mounts_for.min_by_key(rank), &self.directory) {
            (Some(found), _) => Route::Program(found),
            (None, Some(directory)) => Route::Directory(directory),
            (None, None) => self.fallback(path).map_or(Route::Nothing, Route::Program),
        }
    }

    /// The CGI scripts that may answer a plain request, those of the longest path first; one of them
    /// does if the path leads to it. The console at `/` goes before them.
    pub fn scripts<'a>(&'a self, path: &UrlPath) -> Vec<&'a Scripts> {
        if self.is_console(path) {
            return Vec::new();
        }
        let here = |scripts: &&Scripts| path.beneath(&scripts.path).is_some();
        let mut found: Vec<_> = self.scripts.iter().filter(here).collect();
        found.sort_by_key(|scripts| Reverse(scripts.path.len()));
        found
    }

    /// Who answers a plain request that no script answers.
    pub fn plain<'a>(&'a self, path: &'a UrlPath) -> Route<'a> {
        let is_program = || self.fallback.is_some() || self.mounts_for(path).next().is_some();
        match &self.files {
            _ if self.is_console(path) => Route::Console,
            Some(files) => Route::File(files),
            None if is_program() => Route::ProgramOnly,
            None => Route::Nothing,
        }
    }

    fn is_console(&self, path: &UrlPath) -> bool {
        self.console && path.as_str() == "/"
    }

    /// The program that answers where no other does; all of the path is its PATH_INFO.
    pub fn fallback<'a>(&'a self, path: &'a UrlPath) -> Option<RouteMatch<'a>> {
        self.fallback.as_ref()?.split(path)
    }

    /// The mounts with the longest path that is whole segments of this one.
    fn mounts_for<'a>(&'a self, path: &'a UrlPath) -> impl Iterator<Item = RouteMatch<'a>> {
        let split = |mount: &'a Mount| mount.split(path);
        let found = self.mounts.iter().filter_map(split);
        let longest = found.map(|found| found.script_name.len()).max();
        let found = self.mounts.iter().filter_map(split);
        found.filter(move |found| Some(found.script_name.len()) == longest)
    }

    /// Takes over who holds places from the routes of the same paths in an earlier router.
    pub(in crate::http) fn inherit_permits(&mut self, earlier: &Router) {
        for mount in &mut self.mounts {
            let subprotocols = &mount.options.subprotocols;
            let same = |other: &&Mount| {
                other.path == mount.path && other.options.subprotocols == *subprotocols
            };
            if let Some(earlier) = earlier.mounts.iter().find(same) {
                mount
                    .options
                    .processes
                    .inherit_permits(&earlier.options.processes);
            }
        }
        for scripts in &mut self.scripts {
            let same = |other: &&Scripts| other.path == scripts.path;
            if let Some(earlier) = earlier.scripts.iter().find(same) {
                scripts
                    .options
                    .processes
                    .inherit_permits(&earlier.options.processes);
            }
        }
    }
}

/// Programs that are the executable files of a directory.
#[derive(Debug, Clone)]
pub struct Directory {
    root: Arc<Root>,
    attributes: ProcessAttributes,
    streams: Streams,
    /// The terms of each.
    options: RouteOptions,
}

/// A program of a directory, found.
#[derive(Debug)]
pub struct DirectoryProgram {
    /// The program.
    pub target: Target,
    /// The part of the path that names it.
    pub script_name: String,
    /// The rest.
    pub path_info: String,
}

impl Directory {
    /// The programs beneath a root.
    pub fn new(
        root: Root,
        attributes: ProcessAttributes,
        streams: Streams,
        options: RouteOptions,
    ) -> Self {
        Directory {
            root: Arc::new(root),
            attributes,
            streams,
            options,
        }
    }

    /// The program that a path leads to.
    ///
    /// # StderrTo
    /// `NotFound` if it leads to none.
    pub async fn find(&self, path: &UrlPath) -> io::Result<DirectoryProgram> {
        let script = self.root.search_script(path).await?;
        let program = Program {
            arguments: vec![script.file.clone().into()],
            directory: script.file.parent().map(Path::to_owned),
            file: script.file,
            attributes: self.attributes.clone(),
        };
        Ok(DirectoryProgram {
            target: Target::Program(program, self.streams),
            script_name: script.name,
            path_info: script.info,
        })
    }

    /// A program with the terms that hold for it.
    pub fn found<'a>(&'a self, program: &'a DirectoryProgram) -> RouteMatch<'a> {
        RouteMatch {
            target: &program.target,
            options: &self.options,
            script_name: &program.script_name,
            path_info: &program.path_info,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::StderrTo,
        framing::{Framing, Newline},
    };

    const LINES: Streams = Streams {
        framing: Framing::Lines(Newline::Split),
        max_line: 1,
        flush_after: None,
        errors: StderrTo::Log,
    };

    fn mount(path: &str) -> Mount {
        let program = Program {
            file: path.into(),
            ..Program::default()
        };
        Mount {
            path: path.to_owned(),
            target: Target::Program(program, LINES),
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
        match router.websocket(&path, &HeaderMap::new()) {
            Route::Program(found) => {
                let Target::Program(program, _) = found.target;
                let file = program.file.display().to_string();
                Some((
                    file,
                    found.script_name.to_owned(),
                    found.path_info.to_owned(),
                ))
            }
            _ => None,
        }
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

    #[test]
    fn fallback_answers_where_no_mount_does() {
        let mut router = router(&["/a"]);
        router.fallback = Some(mount("/"));
        let fallback = ("/".to_owned(), String::new(), "/b".to_owned());
        assert_eq!(found(&router, "/b"), Some(fallback));
    }
}
