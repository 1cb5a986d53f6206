//! Authentication (RFC 9110 §11): which credentials of a request show who its client is.

/// How clients of a route show who they are.
#[derive(Debug, Clone, Default)]
pub struct Authentication {}
