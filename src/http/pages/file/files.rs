//! The directory of static files, and how it is served: [`Files`].

use std::sync::Arc;

use super::{content_type::MimeTypes, open_file_cache::OpenFileCache};
use crate::http::pages::root::Root;

/// How files are described, and what is answered where there is none.
#[derive(Debug, Clone, Default)]
pub struct FileOptions {
    /// A directory without an index is listed.
    pub listing: bool,
    /// An unknown path that a browser goes to, or without an extension, is the index of the root: a page that
    /// routes by itself.
    pub spa: bool,
    /// What the operator says of content types.
    pub types: MimeTypes,
    /// Something is added to pages, which are sent whole for that, whatever of them a client has.
    pub pages_are_added_to: bool,
}

/// The files of one directory.
#[derive(Debug, Clone)]
pub struct Files {
    pub(super) root: Arc<Root>,
    pub(super) options: FileOptions,
    pub(super) open_files: Arc<OpenFileCache>,
}

impl Files {
    /// The files beneath a root.
    pub fn new(root: Root, options: FileOptions) -> Self {
        Files {
            root: Arc::new(root),
            options,
            open_files: Arc::default(),
        }
    }

    /// Where they are.
    pub fn root(&self) -> &Root {
        &self.root
    }
}
