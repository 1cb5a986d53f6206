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
    /// Whether another asks for the same.
    pub fn is_like(&self, other: &RouteAccess) -> bool {
        let shows_itself = match (&self.authentication, &other.authentication) {
            (None, None) => true,
            (Some(own), Some(other)) => own.is_like(other),
            _ => false,
        };
        shows_itself
            && match (&self.authorizer, &other.authorizer) {
                (None, None) => true,
                (Some(own), Some(other)) => own.is_like(other),
                _ => false,
            }
    }

    /// Whether somebody has to be somebody to come in.
    pub fn has_login(&self) -> bool {
        self.authentication.is_some() || self.authorizer.is_some()
    }
}
