//! Who answers a request; pure.

use super::{cgi::Scripts, file::Files, path::UrlPath};
use crate::backend::Target;

/// What this server has.
#[derive(Debug)]
pub struct Router {
    /// The program that every WebSocket is joined to.
    pub target: Option<Target>,
    /// The developer console at `/`.
    pub console: bool,
    /// CGI scripts.
    pub scripts: Option<Scripts>,
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
    /// A CGI script, if the path leads to one; else what [`Router::beside_scripts`] says.
    Cgi(&'a Scripts),
    /// A static file.
    File(&'a Files),
    /// Nobody.
    Nothing,
}

impl Router {
    /// A WebSocket goes to the program. A plain request goes to the console if it is for `/`, else to
    /// the script that its path leads to, else to the static files.
    pub fn route(&self, path: &UrlPath, is_websocket: bool) -> Route<'_> {
        match (&self.target, &self.scripts) {
            (Some(target), _) if is_websocket => Route::Program(target),
            _ if is_websocket => Route::Nothing,
            _ if self.console && path.as_str() == "/" => Route::Console,
            (_, Some(scripts)) => Route::Cgi(scripts),
            _ => self.beside_scripts(),
        }
    }

    /// Who answers a plain request that no script answers.
    pub fn beside_scripts(&self) -> Route<'_> {
        let has_page = self.console || self.scripts.is_some();
        match (&self.target, &self.files) {
            (_, Some(files)) => Route::File(files),
            (Some(_), None) if !has_page => Route::ProgramOnly,
            _ => Route::Nothing,
        }
    }
}
