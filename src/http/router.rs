//! Who answers a request; pure, but for [`Directory::find`], which looks for a file.

use std::{io, path::Path, sync::Arc};

use super::{
    cgi::Scripts,
    file::Files,
    path::{Reach, Root, UrlPath},
};
use crate::backend::{Program, Target};

/// What this server has.
#[derive(Debug, Default)]
pub struct Router {
    /// Programs by path.
    pub mounts: Vec<Mount>,
    /// Programs that are the files of a directory.
    pub directory: Option<Directory>,
    /// The program that answers where no other does.
    pub target: Option<Target>,
    /// The developer console at `/`.
    pub console: bool,
    /// CGI scripts.
    pub scripts: Option<Scripts>,
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
}

/// Who answers.
#[derive(Debug)]
pub enum Route<'a> {
    /// A program, through a WebSocket.
    Program(Found<'a>),
    /// Whatever program the directory has there, through a WebSocket; else what
    /// [`Router::fallback`] gives.
    Directory(&'a Directory),
    /// A program is here, but the request is a plain one.
    ProgramOnly,
    /// The developer console.
    Console,
    /// A CGI script, if the path leads to one; else what [`Router::beside_scripts`] says.
    Cgi(&'a Scripts),
    /// A static file.
    File(&'a Files),
    /// Nobody.
    Nothing,
}

/// A program, and how the URL's path is split at it (RFC 3875 §4.1.13 and §4.1.5).
#[derive(Debug)]
pub struct Found<'a> {
    /// The program.
    pub target: &'a Target,
    /// The part of the path that names it.
    pub script_name: &'a str,
    /// The rest.
    pub path_info: &'a str,
}

impl Router {
    /// A WebSocket goes to the mount with the longest path, else to the directory, else to the fallback.
    /// A plain request goes to the console if it is for `/`, else to the script that its path leads to,
    /// else to the static files.
    pub fn route<'a>(&'a self, path: &'a UrlPath, is_websocket: bool) -> Route<'a> {
        if is_websocket {
            return match (self.mounted(path), &self.directory) {
                (Some(found), _) => Route::Program(found),
                (None, Some(directory)) => Route::Directory(directory),
                (None, None) => self.fallback(path).map_or(Route::Nothing, Route::Program),
            };
        }
        match &self.scripts {
            _ if self.console && path.as_str() == "/" => Route::Console,
            Some(scripts) => Route::Cgi(scripts),
            None => self.beside_scripts(path),
        }
    }

    /// Who answers a plain request that no script answers.
    pub fn beside_scripts<'a>(&'a self, path: &'a UrlPath) -> Route<'a> {
        match &self.files {
            Some(files) => Route::File(files),
            None if self.target.is_some() || self.mounted(path).is_some() => Route::ProgramOnly,
            None => Route::Nothing,
        }
    }

    /// The program that answers where no other does; all of the path is its PATH_INFO.
    pub fn fallback<'a>(&'a self, path: &'a UrlPath) -> Option<Found<'a>> {
        self.target.as_ref().map(|target| Found {
            target,
            script_name: "",
            path_info: path.as_str(),
        })
    }

    /// The mount with the longest path that is whole segments of this one.
    fn mounted<'a>(&'a self, path: &'a UrlPath) -> Option<Found<'a>> {
        let split = |mount: &'a Mount| {
            let script_name = mount.path.trim_end_matches('/');
            let path_info = path.as_str().strip_prefix(script_name)?;
            let is_whole = path_info.is_empty() || path_info.starts_with('/');
            is_whole.then_some(Found {
                target: &mount.target,
                script_name,
                path_info,
            })
        };
        let found = self.mounts.iter().filter_map(split);
        found.max_by_key(|found| found.script_name.len())
    }
}

/// Programs that are the executable files of a directory.
#[derive(Debug, Clone)]
pub struct Directory {
    root: Arc<Root>,
    /// How each is run, but for its file and directory.
    like: Program,
}

/// A program of a directory.
#[derive(Debug)]
pub struct Entry {
    /// The program.
    pub target: Target,
    /// The part of the path that names it.
    pub script_name: String,
    /// The rest.
    pub path_info: String,
}

impl Directory {
    /// The programs beneath a root; each is run as `like` says.
    pub fn new(root: Root, like: Program) -> Self {
        Directory {
            root: Arc::new(root),
            like,
        }
    }

    /// The program that a path leads to.
    ///
    /// # Errors
    /// `NotFound` if it leads to none.
    pub async fn find(&self, path: &UrlPath) -> io::Result<Entry> {
        let (root, path) = (Arc::clone(&self.root), path.clone());
        let search = tokio::task::spawn_blocking(move || root.find_script(&path, Reach::Disk));
        let script = search.await.map_err(io::Error::other)??;
        Ok(Entry {
            target: Target::Program(Program {
                arguments: vec![script.file.clone().into()],
                directory: script.file.parent().map(Path::to_owned),
                file: script.file,
                ..self.like.clone()
            }),
            script_name: script.name,
            path_info: script.info,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::Errors,
        framing::{Framing, Newline},
    };

    fn program(name: &str) -> Target {
        Target::Program(Program {
            file: name.into(),
            arguments: vec![name.into()],
            directory: None,
            framing: Framing::Lines(Newline::Split),
            max_line: 1,
            flush_after: None,
            errors: Errors::Log,
        })
    }

    fn router(mounts: &[&str]) -> Router {
        let mount = |path: &&str| Mount {
            path: (*path).to_owned(),
            target: program(path),
        };
        Router {
            mounts: mounts.iter().map(mount).collect(),
            ..Router::default()
        }
    }

    /// The program, SCRIPT_NAME and PATH_INFO of a path.
    fn found(router: &Router, raw: &str) -> Option<(String, String, String)> {
        let path = UrlPath::decode(raw).expect(raw);
        match router.route(&path, true) {
            Route::Program(found) => {
                let Target::Program(program) = found.target;
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
        router.target = Some(program("cat"));
        let fallback = ("cat".to_owned(), String::new(), "/b".to_owned());
        assert_eq!(found(&router, "/b"), Some(fallback));
    }
}
