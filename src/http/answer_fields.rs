//! Header fields that the checks of a request give its answer: [`AnswerFields`].

use hyper::{
    Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

/// What the checks add to an answer, be it a refusal or a 101.
#[derive(Debug, Default)]
pub(super) struct AnswerFields {
    /// For any answer.
    added: HeaderMap,
    /// For any answer, in the place of what it has under the same names.
    set: HeaderMap,
    /// Whether who the client is decides about the answer.
    is_private: bool,
    /// Whether a token was in the URL, which is not to be kept or passed on.
    has_token_in_url: bool,
}

/// Fields that are lists, or may be there several times: one more of them takes no other's place.
const LISTS: [HeaderName; 4] = [
    header::LINK,
    header::SET_COOKIE,
    header::VARY,
    header::WWW_AUTHENTICATE,
];

impl AnswerFields {
    /// One more, beside others of the same name, if there is one.
    pub(super) fn extend(&mut self, name: HeaderName, value: Option<HeaderValue>) {
        if let Some(value) = value {
            self.added.append(name, value);
        }
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

    /// Who the client is decides about the answer: no cache may give it to others (RFC 9111 §5.2.2.7, §4.1).
    pub(super) fn set_private(&mut self) {
        self.is_private = true;
    }

    /// A token was in the URL.
    pub(super) fn set_token_in_url(&mut self) {
        self.has_token_in_url = true;
    }

    /// Adds them to an answer. A session has those for any answer alone.
    pub(super) fn add_to<B>(&self, response: &mut Response<B>, is_session: bool) {
        let headers = response.headers_mut();
        for name in self.set.keys() {
            headers.remove(name);
        }
        for (name, value) in self.set.iter().chain(&self.added) {
            headers.append(name, value.clone());
        }
        if is_session || response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return;
        }
        let headers = response.headers_mut();
        if self.is_private {
            restrict_caches(headers, self.has_token_in_url);
            let vary = HeaderValue::from_static("Cookie, Authorization");
            headers.append(header::VARY, vary);
        }
        if self.has_token_in_url {
            let nowhere = HeaderValue::from_static("no-referrer");
            headers.insert(header::REFERRER_POLICY, nowhere);
        }
    }
}

/// Has no cache give an answer to others, nor any cache keep what has a secret. What else is said of caches stays.
fn restrict_caches(headers: &mut HeaderMap, has_token_in_url: bool) {
    let restriction = match has_token_in_url || headers.contains_key(header::SET_COOKIE) {
        true => "no-store",
        false => "private",
    };
    let said = headers.get_all(header::CACHE_CONTROL).iter();
    let said = said.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let said: Vec<&str> = said.map(str::trim).collect();
    let is_kept = |directive: &&str| {
        let name = directive.split('=').next().unwrap_or_default();
        !["", "public", "private", "s-maxage", "no-store"]
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
    };
    let has_no_store = |directive: &&str| directive.eq_ignore_ascii_case("no-store");
    let restriction = match said.iter().any(has_no_store) {
        true => "no-store",
        false => restriction,
    };
    let others = said.into_iter().filter(is_kept);
    let directives: Vec<_> = [restriction].into_iter().chain(others).collect();
    let value = HeaderValue::try_from(directives.join(", "));
    let value = value.unwrap_or(HeaderValue::from_static("no-store"));
    headers.insert(header::CACHE_CONTROL, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_control(said: &[&'static str], fields: &AnswerFields) -> String {
        let mut response = Response::new(());
        for value in said {
            let value = HeaderValue::from_static(value);
            response.headers_mut().append(header::CACHE_CONTROL, value);
        }
        fields.add_to(&mut response, false);
        let value = &response.headers()[header::CACHE_CONTROL];
        value.to_str().expect("text").to_owned()
    }

    #[test]
    fn what_is_for_one_client_is_not_kept_for_others() {
        let mut fields = AnswerFields::default();
        fields.set_private();
        for (said, shown) in [
            (&[][..], "private"),
            (&["public, max-age=60"], "private, max-age=60"),
            (
                &["max-age=60", "S-MaxAge=9, must-revalidate"],
                "private, max-age=60, must-revalidate",
            ),
            (&["No-Store"], "no-store"),
            (&["private"], "private"),
        ] {
            assert_eq!(cache_control(said, &fields), shown);
        }
        fields.extend(header::SET_COOKIE, Some(HeaderValue::from_static("a=b")));
        assert_eq!(cache_control(&["public"], &fields), "no-store");
    }

    #[test]
    fn granted_cookies_stand_beside_the_answerers_and_other_fields_in_its_place() {
        let value = HeaderValue::from_static;
        let mut granted = HeaderMap::new();
        granted.append(header::SET_COOKIE, value("a=1"));
        granted.append(header::SET_COOKIE, value("b=2"));
        granted.append(header::CACHE_CONTROL, value("no-store"));
        let mut fields = AnswerFields::default();
        fields.extend(header::SET_COOKIE, Some(value("ours=0")));
        fields.grant(&granted);
        let mut response = Response::new(());
        let headers = response.headers_mut();
        headers.append(header::SET_COOKIE, value("own=0"));
        headers.append(header::CACHE_CONTROL, value("max-age=60"));
        fields.add_to(&mut response, false);
        let all = |name| -> Vec<_> { response.headers().get_all(name).iter().collect() };
        assert_eq!(all(header::SET_COOKIE), ["own=0", "ours=0", "a=1", "b=2"]);
        assert_eq!(all(header::CACHE_CONTROL), ["no-store"]);
    }

    #[test]
    fn token_in_a_url_is_kept_nowhere() {
        let mut fields = AnswerFields::default();
        fields.set_private();
        fields.set_token_in_url();
        assert_eq!(
            cache_control(&["max-age=60"], &fields),
            "no-store, max-age=60"
        );
    }
}
