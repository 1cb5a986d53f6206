//! Who may ask: how clients show who they are.

use std::sync::Arc;

use super::{authorize::authorizer, flag_error::FlagError, route::Entry};
use crate::{
    args::{Args, ProgramArgs},
    http::access::{Authentication, RouteAccess},
};

/// Whether a program has a login of its own, or of the server's.
pub(super) fn has_login(server: &Args, program: &ProgramArgs) -> bool {
    let auth = &program.auth;
    auth.basic_auth.is_some()
        || auth.bearer_tokens.is_some()
        || auth.auth_header.is_some()
        || server.tls.sslca.is_some()
        || program.authorize.authorize.is_some()
}

/// Who may ask beneath a path.
///
/// # Errors
/// The first flag that is wrong.
pub(super) fn route_access(
    path: &str,
    server: &Args,
    program: &ProgramArgs,
    entry: Entry,
) -> Result<RouteAccess, FlagError> {
    let is_asked = entry == Entry::Checked && has_login(server, program);
    let authentication = is_asked.then(|| Arc::new(Authentication::default()));
    Ok(RouteAccess {
        path: path.to_owned(),
        authentication,
        authorizer: match entry {
            Entry::Checked => authorizer(program)?,
            Entry::Open => None,
        },
    })
}
