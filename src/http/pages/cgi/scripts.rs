//! The scripts of one directory, and what each may take: [`Scripts`].

use std::{io, sync::Arc, time::Duration};

use crate::{
    backend::ProcessAttributes,
    http::{
        pages::root::{Root, Script},
        route_options::RouteOptions,
        url_path::UrlPath,
    },
};

/// What a script and its request may take.
#[derive(Debug, Clone, Default)]
pub struct CgiLimits {
    /// Until a script's header is complete, and then between two pieces of its output, while it does not
    /// wait for its client; until the client sends the next piece of its body.
    pub timeout: Option<Duration>,
    /// The largest body of a request, in bytes.
    pub max_body: Option<u64>,
}

/// The scripts of one directory.
#[derive(Debug)]
pub struct Scripts {
    /// The path that they lie beneath; empty for the top.
    pub path: String,
    /// The directory.
    pub root: Arc<Root>,
    /// What each may take of time and bytes.
    pub limits: CgiLimits,
    /// What each is held to.
    pub attributes: ProcessAttributes,
    /// The terms of each, as far as they are not a WebSocket's.
    pub options: RouteOptions,
}

impl Scripts {
    /// The script that a path leads to; one whose name is hidden, such as `.git/hooks/…`, is none.
    ///
    /// # Errors
    /// When that cannot be told, for want of descriptors or memory.
    pub(in crate::http) async fn find(&self, path: &UrlPath) -> io::Result<Option<Script>> {
        let Some(path) = path.beneath(&self.path) else {
            return Ok(None);
        };
        let found = self.root.search_script(&path).await?;
        Ok(found
            .filter(|script| !script.is_hidden())
            .map(|mut script| {
                script.name.insert_str(0, &self.path);
                script
            }))
    }
}
