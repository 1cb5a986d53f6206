//! A directory of programs: each executable file beneath it answers at its path: [`Directory`].

use std::{borrow::Cow, io, path::Path, sync::Arc};

use super::{root::Root, route_match::RouteMatch};
use crate::{
    backend::{ProcessAttributes, Program, StderrTo, StreamOptions, Target},
    http::{route_options::RouteOptions, url_path::UrlPath},
};

/// Programs that are the executable files of a directory.
#[derive(Debug, Clone)]
pub struct Directory {
    root: Arc<Root>,
    attributes: ProcessAttributes,
    streams: StreamOptions,
    stderr: StderrTo,
    /// What holds for each.
    options: RouteOptions,
}

impl Directory {
    /// The programs beneath a root.
    pub fn new(
        root: Root,
        attributes: ProcessAttributes,
        streams: StreamOptions,
        stderr: StderrTo,
        options: RouteOptions,
    ) -> Self {
        Directory {
            root: Arc::new(root),
            attributes,
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
        program.attributes == self.attributes && program.file.starts_with(self.root.path())
    }

    /// What holds for each of them.
    pub(in crate::http) fn options(&self) -> &RouteOptions {
        &self.options
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
            file: script.file,
            entry: Some(script.entry),
            attributes: self.attributes.clone(),
        };
        Ok(Some(RouteMatch {
            target: Cow::Owned(Target::Program(program, self.streams, self.stderr).into()),
            options: &self.options,
            script_name: Cow::Owned(script.name),
            path_info: script.info,
        }))
    }
}
