//! Subprotocols (RFC 6455 §1.9): which one an opening handshake selects; pure.

use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};

use crate::http::{
    fields::{is_token, list_elements},
    refusal::Refusal,
};

/// Which subprotocols a program speaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subprotocols {
    /// Whatever is offered first.
    #[default]
    Offered,
    /// These; the client's order decides.
    Listed(Vec<String>),
    /// None: the header stays off.
    Off,
}

impl Subprotocols {
    /// How far from what a client wants this is, for a choice between programs: a list by the position of
    /// its first name among the offers, then a program without a list, then a list that was not asked for.
    pub(in crate::http) fn rank(&self, headers: &HeaderMap) -> usize {
        match self {
            Subprotocols::Listed(names) => {
                let mut offers = list_elements(headers, &header::SEC_WEBSOCKET_PROTOCOL);
                let position = offers.position(|offer| names.iter().any(|name| name == offer));
                position.unwrap_or(usize::MAX)
            }
            Subprotocols::Offered | Subprotocols::Off => usize::MAX - 1,
        }
    }

    /// Whether two programs at one path could not be told apart by these.
    pub fn collides_with(&self, other: &Subprotocols) -> bool {
        match (self, other) {
            (Subprotocols::Listed(names), Subprotocols::Listed(others)) => {
                names.iter().any(|name| others.contains(name))
            }
            (Subprotocols::Listed(_), _) | (_, Subprotocols::Listed(_)) => false,
            _ => true,
        }
    }

    /// The first offered subprotocol that the program speaks.
    ///
    /// # Errors
    /// 400 if an offer is no token.
    pub(super) fn select(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
        let mut selected = None;
        for offer in list_elements(headers, &header::SEC_WEBSOCKET_PROTOCOL) {
            let value = HeaderValue::from_str(offer).ok();
            let Some(value) = value.filter(|_| is_token(offer)) else {
                return Err(Refusal::BadRequest(
                    "a subprotocol that was offered is not a token".to_owned(),
                ));
            };
            if self.speaks(offer) {
                selected.get_or_insert(value);
            }
        }
        Ok(selected)
    }

    fn speaks(&self, offer: &str) -> bool {
        match self {
            Subprotocols::Offered => true,
            Subprotocols::Listed(names) => names.iter().any(|name| name == offer),
            Subprotocols::Off => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(offers: &[&str]) -> HeaderMap {
        let offers = offers.iter().map(|offer| {
            let value = HeaderValue::from_str(offer).expect("a value");
            (header::SEC_WEBSOCKET_PROTOCOL, value)
        });
        offers.collect()
    }

    fn selected(offers: &[&str], spoken: &Subprotocols) -> Option<String> {
        let value = spoken.select(&headers(offers)).expect("tokens");
        value.map(|value| value.to_str().expect("a token").to_owned())
    }

    #[test]
    fn subprotocol_is_chosen_in_the_clients_order() {
        let listed = Subprotocols::Listed(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            selected(&["ex1, ex2"], &Subprotocols::Offered).as_deref(),
            Some("ex1")
        );
        assert_eq!(selected(&["x", "b, a"], &listed).as_deref(), Some("b"));
        assert_eq!(selected(&["x"], &listed), None);
        assert_eq!(selected(&["a"], &Subprotocols::Off), None);
        assert_eq!(selected(&[], &Subprotocols::Offered), None);
    }

    #[test]
    fn offer_that_is_no_token_is_refused() {
        assert!(Subprotocols::Offered.select(&headers(&["a b"])).is_err());
    }
}
