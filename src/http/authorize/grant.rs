//! What an authorizer lets a request have beside its way in: [`Grant`].

use std::ffi::OsString;

use hyper::{
    HeaderMap, Response,
    header::{self, HeaderName},
};

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

/// Headers that stand beside others of the same name; one of another takes the place of the answerer's.
const LISTS: [HeaderName; 4] = [
    header::LINK,
    header::SET_COOKIE,
    header::VARY,
    header::WWW_AUTHENTICATE,
];

impl Grant {
    /// Adds the headers to an answer.
    pub(in crate::http) fn add_to<B>(&self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        for name in self.headers.keys().filter(|name| !LISTS.contains(name)) {
            headers.remove(name);
        }
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn cookies_stand_beside_the_answerers_and_other_headers_in_its_place() {
        let mut grant = Grant::default();
        let value = HeaderValue::from_static;
        grant.headers.append(header::SET_COOKIE, value("a=1"));
        grant.headers.append(header::SET_COOKIE, value("b=2"));
        grant.headers.append(header::CACHE_CONTROL, value("no-store"));
        let mut response = Response::new(());
        let headers = response.headers_mut();
        headers.append(header::SET_COOKIE, value("own=0"));
        headers.append(header::CACHE_CONTROL, value("max-age=60"));
        grant.add_to(&mut response);
        let all = |name| -> Vec<_> { response.headers().get_all(name).iter().collect() };
        assert_eq!(all(header::SET_COOKIE), ["own=0", "a=1", "b=2"]);
        assert_eq!(all(header::CACHE_CONTROL), ["no-store"]);
    }
}
