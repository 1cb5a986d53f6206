//! The rule of a route: which kinds of login there are, and which of those that a request carries decides.

use std::sync::Arc;

use hyper::header::{HeaderName, SET_COOKIE};

use super::{
    asking::Asking,
    cookie::{self, Cookie, clear_cookie},
    credentials::{Authorization, Schemes, query_tokens, subprotocol_tokens},
    login::{Login, Source},
    logins::Logins,
    password_file::PasswordFile,
    token_file::TokenFile,
    verifier::Trial,
};
use crate::http::{
    access::{
        guesses::Guesser,
        identity::{AuthKind, Identity},
    },
    answer_fields::AnswerFields,
    refusal::{Challenges, Refusal},
};

/// How clients of a route show who they are. Of what a request carries the first decides, and what is wrong is not
/// passed on to the next.
#[derive(Debug, Clone, Default)]
pub struct Authentication {
    /// What the certificate of a client is.
    pub certificates: Certificates,
    /// The header in which a trusted proxy names the user.
    pub header: Option<HeaderName>,
    /// Users and their passwords.
    pub passwords: Option<Arc<PasswordFile>>,
    /// Tokens.
    pub tokens: Option<Arc<TokenFile>>,
}

/// What the certificate of a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certificates {
    /// Nothing, or a condition that TLS has seen to: another kind tells who the client is.
    #[default]
    Ignored,
    /// A login.
    Login,
}

/// A client that has shown who it is.
#[derive(Debug)]
pub(in crate::http) struct Authenticated {
    pub(in crate::http) identity: Identity,
    /// What its session rests on, if that may go.
    pub(in crate::http) login: Option<Box<Login>>,
}

impl Authenticated {
    pub(in crate::http) fn new(user: &str, kind: AuthKind) -> Self {
        let user = user.to_owned();
        Authenticated {
            identity: Identity { user, kind },
            login: None,
        }
    }

    fn resting_on(self, login: Login) -> Self {
        Authenticated {
            login: Some(Box::new(login)),
            ..self
        }
    }
}

impl Authentication {
    /// Whether a client has to show who it is. Certificates alone ask for nothing more than TLS has.
    pub fn is_required(&self) -> bool {
        self.header.is_some() || self.passwords.is_some() || self.tokens.is_some()
    }

    /// Whether another is the same.
    pub fn is_like(&self, other: &Authentication) -> bool {
        let paths = |rule: &Authentication| {
            let passwords = rule.passwords.as_ref().map(|file| file.path().to_owned());
            (
                passwords,
                rule.tokens.as_ref().map(|file| file.path().to_owned()),
            )
        };
        self.certificates == other.certificates
            && self.header == other.header
            && paths(self) == paths(other)
    }

    /// Whether answers to a client may be for it alone.
    pub(in crate::http) fn concerns(&self, asking: &Asking<'_>) -> bool {
        self.is_required() || self.certificate(asking).is_some()
    }

    /// The schemes of Authorization that are ours.
    pub(super) fn schemes(&self) -> Schemes {
        Schemes {
            basic: self.passwords.is_some(),
            bearer: self.tokens.is_some(),
        }
    }

    /// Who the client is; `None` if it need not be anybody. The cookie that stands for a password, or takes one back, is
    /// put into `fields`.
    ///
    /// # Errors
    /// 401 when nothing is carried, or something wrong; 429 and 503 where that is not even looked at.
    pub(in crate::http) async fn authenticate(
        &self,
        logins: &Logins,
        asking: Asking<'_>,
        fields: &mut AnswerFields,
    ) -> Result<Option<Authenticated>, Refusal> {
        if let Some(user) = self.certificate(&asking) {
            return match user.trim().is_empty() {
                // A name that is none would be everybody's who has none.
                true => Err(self.unauthenticated(&asking)),
                false => Ok(Some(Authenticated::new(user, AuthKind::Certificate))),
            };
        }
        if let Some(user) = self.named_by_proxy(&asking) {
            let user = user.ok_or(self.unauthenticated(&asking))?;
            return Ok(Some(Authenticated::new(&user, AuthKind::Header)));
        }
        let authorization = self.schemes().read(&asking.request.headers);
        let has_password = matches!(authorization, Authorization::Basic { .. });
        if let Some(file) = &self.passwords {
            let key = asking.cookie_key.unwrap_or(&logins.cookie_key);
            match cookie::find(&asking, key, file) {
                Cookie::Valid {
                    name,
                    user,
                    expires,
                } => {
                    let login = Login {
                        expires: Some(expires),
                        ..login(Source::Passwords, file.path(), &name, user.digest)
                    };
                    let known = Authenticated::new(&name, AuthKind::Basic);
                    return Ok(Some(known.resting_on(login)));
                }
                Cookie::Void if !has_password => {
                    fields.extend(SET_COOKIE, clear_cookie(asking.connection, asking.host));
                    return Err(self.unauthenticated(&asking));
                }
                Cookie::Void | Cookie::Missing => {}
            }
        }
        logins.warn_of_untrusted_proxy(&asking);
        match (authorization, &self.passwords, &self.tokens) {
            (Authorization::Basic { name, password }, Some(file), _) => {
                let known = self.check_password(logins, &asking, file, (&name, &password), fields);
                known.await.map(Some)
            }
            (Authorization::Bearer(token), _, Some(file)) => {
                self.check_token(logins, &asking, file, &token).map(Some)
            }
            (Authorization::Malformed, ..) => Err(self.unauthenticated(&asking)),
            (_, _, Some(file)) => match self.carried_token(&asking) {
                Some(token) => self.check_token(logins, &asking, file, &token?).map(Some),
                None => Err(self.unauthenticated(&asking)),
            },
            _ if self.is_required() => Err(self.unauthenticated(&asking)),
            _ => Ok(None),
        }
    }

    /// The subject of the client's certificate, where that is a login; empty where it names nobody.
    fn certificate<'a>(&self, asking: &Asking<'a>) -> Option<&'a str> {
        if self.certificates == Certificates::Ignored {
            return None;
        }
        let certificate = asking.connection.tls.as_ref()?.client.as_ref()?;
        let common_name = certificate.subject_common_name.as_deref();
        let common_name = common_name.filter(|name| !name.trim().is_empty());
        Some(common_name.unwrap_or(&certificate.subject))
    }

    /// The user whom a proxy names; of one who is not trusted the header is gone already. Nothing within if it names
    /// nobody, or more than one.
    fn named_by_proxy(&self, asking: &Asking<'_>) -> Option<Option<String>> {
        let mut values = asking.request.headers.get_all(self.header.as_ref()?).iter();
        let value = values.next()?;
        let is_only = values.next().is_none();
        let user = str::from_utf8(value.as_bytes()).map(str::trim).ok();
        let user = user.filter(|user| is_only && !user.is_empty());
        Some(user.map(str::to_owned))
    }

    async fn check_password(
        &self,
        logins: &Logins,
        asking: &Asking<'_>,
        file: &Arc<PasswordFile>,
        (name, password): (&str, &[u8]),
        fields: &mut AnswerFields,
    ) -> Result<Authenticated, Refusal> {
        let users = file.content();
        let number = logins.verifier.number(name);
        let known = users.find(name);
        let trial = Trial {
            guesser: asking.network().unwrap_or(Guesser::Name(number)),
            file: file.path(),
            name,
            password,
            user: known.or_else(|| users.stand_in(number)),
            is_known: known.is_some(),
            may_try: !asking.is_embedded,
        };
        let is_right = logins.verifier.verify(trial).await?;
        let Some(user) = known.filter(|_| is_right) else {
            return Err(self.wrong(asking));
        };
        let key = asking.cookie_key.unwrap_or(&logins.cookie_key);
        fields.extend(SET_COOKIE, cookie::issue(asking, key, file, (name, user)));
        let login = login(Source::Passwords, file.path(), name, user.digest);
        Ok(Authenticated::new(name, AuthKind::Basic).resting_on(login))
    }

    /// The token that a request carries outside of Authorization.
    ///
    /// # Errors
    /// 401 for more than one in the same place.
    fn carried_token(&self, asking: &Asking<'_>) -> Option<Result<Vec<u8>, Refusal>> {
        let offered: Vec<&str> = subprotocol_tokens(&asking.request.headers).collect();
        let tokens = match offered[..] {
            [] => query_tokens(asking.request),
            _ => offered
                .iter()
                .map(|token| token.as_bytes().to_owned())
                .collect(),
        };
        let mut tokens = tokens.into_iter();
        let token = tokens.next()?;
        Some(match tokens.next() {
            None => Ok(token),
            Some(_) => Err(self.unauthenticated(asking)),
        })
    }

    /// Tokens are not tried in turns, since that takes no time.
    fn check_token(
        &self,
        logins: &Logins,
        asking: &Asking<'_>,
        file: &TokenFile,
        token: &[u8],
    ) -> Result<Authenticated, Refusal> {
        let guesser = asking.network();
        if let Some(guesser) = &guesser {
            let held = logins.guesses.check(guesser);
            held.map_err(|held| Refusal::PasswordsHeld(held.0))?;
        }
        let tokens = file.content();
        let Some((name, digest)) = tokens.find(token) else {
            if let Some(guesser) = guesser.filter(|_| !asking.is_embedded) {
                logins.guesses.count_try(guesser, None);
            }
            return Err(self.wrong(asking));
        };
        let number = logins.verifier.number(name);
        let guesser = asking.network().unwrap_or(Guesser::Name(number));
        logins.guesses.forgive(&guesser, number, None);
        let login = login(Source::Tokens, file.path(), name, digest);
        Ok(Authenticated::new(name, AuthKind::Bearer).resting_on(login))
    }

    fn unauthenticated(&self, asking: &Asking<'_>) -> Refusal {
        Refusal::Unauthenticated(self.challenges(asking))
    }

    fn wrong(&self, asking: &Asking<'_>) -> Refusal {
        Refusal::WrongPassword(self.challenges(asking))
    }

    /// Nobody is asked for a password by a part of a foreign page.
    fn challenges(&self, asking: &Asking<'_>) -> Challenges {
        Challenges {
            basic: self.passwords.is_some() && !asking.is_embedded,
            bearer: self.tokens.is_some() && !asking.is_embedded,
        }
    }
}

fn login(source: Source, path: &std::path::Path, name: &str, digest: [u8; 32]) -> Login {
    Login {
        source,
        path: path.to_owned(),
        name: name.to_owned(),
        digest,
        expires: None,
    }
}
