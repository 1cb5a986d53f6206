//! Who we are to a broker: [`Credentials`].

use std::fmt;

/// What a broker is shown. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A name, and its password.
    User {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A token; of Redis the password of the default user.
    Token(String),
}

impl Credentials {
    /// `USER:PASSWORD`, which the first colon divides, or `TOKEN`.
    ///
    /// # Errors
    /// What is wrong, without any of it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("it is empty: USER:PASSWORD or TOKEN is expected");
        }
        if text.contains(char::is_control) {
            return Err("it has more than one line, or a control character");
        }
        Ok(match text.split_once(':') {
            Some(("", token)) => Credentials::Token(token.to_owned()),
            Some((user, password)) => Credentials::User {
                user: user.to_owned(),
                password: password.to_owned(),
            },
            None => Credentials::Token(text.to_owned()),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Credentials::User { .. } => "User(***)",
            Credentials::Token(_) => "Token(***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_colon_divides() {
        let user = |user: &str, password: &str| Credentials::User {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        for (text, expected) in [
            ("ann:secret", user("ann", "secret")),
            ("ann:a:b@c/%40", user("ann", "a:b@c/%40")),
            ("ann:", user("ann", "")),
            ("s3cret", Credentials::Token("s3cret".to_owned())),
            (":s3cret", Credentials::Token("s3cret".to_owned())),
        ] {
            assert_eq!(Credentials::parse(text).as_ref(), Ok(&expected), "{text}");
            assert!(!format!("{expected:?}").contains("cret"));
        }
        for text in ["", "ann:a\nb", "a\0b"] {
            assert!(Credentials::parse(text).is_err(), "{text:?}");
        }
    }
}
