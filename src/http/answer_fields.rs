//! Header fields that the checks of a request give its answer: [`AnswerFields`].

use hyper::{
    Response,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

/// What the checks add to an answer, be it a refusal or a 101.
#[derive(Debug, Default)]
pub(super) struct AnswerFields {
    /// For any answer.
    added: HeaderMap,
    /// In the place of what the answer has under the same names.
    set: HeaderMap,
}

/// Fields that are lists, or may be there several times: one more of them takes no other's place.
const LISTS: [HeaderName; 4] = [
    header::LINK,
    header::SET_COOKIE,
    header::VARY,
    header::WWW_AUTHENTICATE,
];

impl AnswerFields {
    /// One more, beside others of the same name.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.added.append(name, value);
    }

    /// What an authorizer gives an answer: lists are made longer, others take the place of what is there.
    pub(super) fn grant(&mut self, granted: &HeaderMap) {
        for name in granted.keys().filter(|name| !LISTS.contains(name)) {
            self.set.remove(name);
        }
        for (name, value) in granted {
            let fields = match LISTS.contains(name) {
                true => &mut self.added,
                false => &mut self.set,
            };
            fields.append(name, value.clone());
        }
    }

    /// Adds them to an answer.
    pub(super) fn add_to<B>(&self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        for name in self.set.keys() {
            headers.remove(name);
        }
        for (name, value) in self.set.iter().chain(&self.added) {
            headers.append(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granted_cookies_stand_beside_the_answerers_and_other_fields_in_its_place() {
        let value = HeaderValue::from_static;
        let mut granted = HeaderMap::new();
        granted.append(header::SET_COOKIE, value("a=1"));
        granted.append(header::SET_COOKIE, value("b=2"));
        granted.append(header::CACHE_CONTROL, value("no-store"));
        let mut fields = AnswerFields::default();
        fields.append(header::SET_COOKIE, value("ours=0"));
        fields.grant(&granted);
        let mut response = Response::new(());
        let headers = response.headers_mut();
        headers.append(header::SET_COOKIE, value("own=0"));
        headers.append(header::CACHE_CONTROL, value("max-age=60"));
        fields.add_to(&mut response);
        let all = |name| -> Vec<_> { response.headers().get_all(name).iter().collect() };
        assert_eq!(all(header::SET_COOKIE), ["own=0", "ours=0", "a=1", "b=2"]);
        assert_eq!(all(header::CACHE_CONTROL), ["no-store"]);
    }
}
