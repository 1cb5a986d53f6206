//! What an authorizer lets a request have beside its way in: [`Grant`].

use std::ffi::OsString;

use hyper::HeaderMap;

use crate::backend::SocketAddress;

/// What goes with a request that was let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::http) struct Grant {
    /// The user's name, in place of one that was known.
    pub(in crate::http) user: Option<String>,
    /// How the user was known, in the same way.
    pub(in crate::http) auth_type: Option<String>,
    /// Variables of the program, beside those of the request.
    pub(in crate::http) variables: Vec<(String, OsString)>,
    /// The subprotocol that is selected.
    pub(in crate::http) subprotocol: Option<String>,
    /// Whom the session is joined to.
    pub(in crate::http) target: Option<SocketAddress>,
    /// What is added to the answer.
    pub(in crate::http) headers: HeaderMap,
}
