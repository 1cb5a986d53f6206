//! A directory of programs: each executable file beneath it answers at its path: [`Directory`].

use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::task::spawn_blocking;

use super::{root::Root, route_match::RouteMatch};
use crate::{
    backend::{Program, StderrTo, StreamOptions, Target, Unbuffer, WriteAt},
    http::{route_options::RouteOptions, url_path::UrlPath},
};

/// Programs that are the executable files of a directory.
#[derive(Debug, Clone)]
pub struct Directory {
    root: Arc<Root>,
    /// What each is like.
    like: Program,
    /// When they write, if they are asked to write earlier.
    write_at: Option<WriteAt>,
    streams: StreamOptions,
    stderr: StderrTo,
    /// What holds for each.
    options: RouteOptions,
}

impl Directory {
    /// The programs beneath a root, each like another but for its file.
    pub fn new(
        root: Root,
        like: Program,
        write_at: Option<WriteAt>,
        streams: StreamOptions,
        stderr: StderrTo,
        options: RouteOptions,
    ) -> Self {
        Directory {
            root: Arc::new(root),
            like,
            write_at,
            streams,
            stderr,
            options,
        }
    }

    /// Where they are.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// How their streams are framed.
    pub(in crate::http) fn streams(&self) -> &StreamOptions {
        &self.streams
    }

    /// Whether a program lies in it, and is run as its programs are.
    pub(in crate::http) fn is_of(&self, program: &Program) -> bool {
        program.attributes == self.like.attributes && program.file.starts_with(self.root.path())
    }

    /// What holds for each of them.
    pub(in crate::http) fn options(&self) -> &RouteOptions {
        &self.options
    }

    /// The same, to be changed.
    pub(super) fn options_mut(&mut self) -> &mut RouteOptions {
        &mut self.options
    }

    /// The program that a path leads to, if it leads to one.
    ///
    /// # Errors
    /// When that cannot be told, for want of descriptors or memory.
    pub(in crate::http) async fn find(&self, path: &UrlPath) -> io::Result<Option<RouteMatch<'_>>> {
        let Some(script) = self.root.search_script(path).await? else {
            return Ok(None);
        };
        let program = Program {
            arguments: vec![script.file.clone().into()],
            directory: script.file.parent().map(Path::to_owned),
            unbuffer: self.unbuffer(&script.file).await,
            file: script.file,
            entry: Some(Box::new(script.entry)),
            ..self.like.clone()
        };
        Ok(Some(RouteMatch {
            target: Cow::Owned(Target::Program(program, self.streams, self.stderr).into()),
            options: &self.options,
            script_name: Cow::Owned(script.name),
            path_info: script.info,
        }))
    }

    /// What keeps a program from holding back output. Its file is looked into.
    async fn unbuffer(&self, file: &Path) -> Option<Arc<Unbuffer>> {
        let write_at = self.write_at?;
        let file: PathBuf = file.to_owned();
        let mut passed = self.options.environ.passed.iter();
        let path = passed.find_map(|(name, value)| (name == "PATH").then(|| value.clone()));
        let looking =
            spawn_blocking(move || Unbuffer::new(write_at, &file, file.parent(), path.as_deref()));
        looking.await.ok().map(Arc::new)
    }
}
