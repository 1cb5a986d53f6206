//! Who answers a request; pure.

use super::{file::Files, path::UrlPath};
use crate::backend::Target;

/// What this server has.
#[derive(Debug)]
pub struct Router {
    /// The program that every WebSocket is joined to.
    pub target: Option<Target>,
    /// The developer console at `/`.
    pub console: bool,
    /// Static files.
    pub files: Option<Files>,
}

/// Who answers.
#[derive(Debug)]
pub enum Route<'a> {
    /// A program, through a WebSocket.
    Program(&'a Target),
    /// A program is here, but the request is a plain one.
    ProgramOnly,
    /// The developer console.
    Console,
    /// A static file.
    File(&'a Files),
    /// Nobody.
    Nothing,
}

impl Router {
    /// A WebSocket goes to the program. A plain request goes to the console if it is for `/`, else to
    /// the static files.
    pub fn route(&self, path: &UrlPath, is_websocket: bool) -> Route<'_> {
        match (&self.target, &self.files) {
            (Some(target), _) if is_websocket => Route::Program(target),
            _ if is_websocket => Route::Nothing,
            _ if self.console && path.as_str() == "/" => Route::Console,
            (_, Some(files)) => Route::File(files),
            (Some(_), None) if !self.console => Route::ProgramOnly,
            _ => Route::Nothing,
        }
    }
}
