//! Who may ask beneath a path: [`RouteAccess`].

use std::sync::Arc;

use super::authentication::Authentication;
use crate::http::authorize::Authorizer;

/// Who may ask beneath a path, whoever answers there; of several paths the longest that leads to a request holds.
#[derive(Debug, Clone, Default)]
pub struct RouteAccess {
    /// Where: begins with `/`, and does not end with one unless it is `/` itself.
    pub path: String,
    /// How clients show who they are; `None` if nobody asks.
    pub authentication: Option<Arc<Authentication>>,
    /// Who decides about each request; `None` if nobody is asked.
    pub authorizer: Option<Arc<Authorizer>>,
}

impl RouteAccess {
    /// Whether somebody has to be somebody to come in.
    pub fn has_login(&self) -> bool {
        self.authentication.is_some() || self.authorizer.is_some()
    }
}
