//! Admission: what an authorizer is asked about a request that has passed all checks before, and what becomes of the
//! request when it is let in.

use std::{borrow::Cow, sync::Arc};

use hyper::http::request::Parts;

use super::{
    access::{AuthKind, Authenticated, Authority},
    answer_fields::AnswerFields,
    answerer::Answerer,
    asked::Asked,
    authorize::{Authorizer, Grant, Question, Transport, authorize},
    options::Options,
    pages::{Page, PlainRoute, Scripts, WebSocketRoute},
    plain::{self, Wanted},
    refusal::Refusal,
    request::{ClientRequest, METHOD_OF_SESSIONS},
    state::State,
    url_path::UrlPath,
};
use crate::connection::ConnectionInfo;

/// A request that wants to come in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// As it was sent.
    pub(super) sent: &'a Parts,
    /// As programs may see it.
    pub(super) shown: &'a Parts,
    pub(super) connection: &'a ConnectionInfo,
    pub(super) host: Option<&'a Authority>,
    pub(super) path: &'a UrlPath,
}

/// One that has come in.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Who the client is, by the name that the authorizer gives it.
    pub(super) client: Option<Authenticated>,
    pub(super) grant: Option<Arc<Grant>>,
}

/// Asks the authorizer about a request, if there is one. What it selects is selected, and what it adds to the
/// answer is in `fields`.
///
/// Cancel safe: yes.
///
/// # Errors
/// The authorizer's refusal; 500 and 503 where it has failed.
pub(super) async fn admit(
    options: &Options,
    state: &State,
    authorizer: Option<&Authorizer>,
    candidate: Candidate<'_>,
    asked: &mut Asked<'_>,
    client: Option<Authenticated>,
    fields: &mut AnswerFields,
) -> Result<Admitted, Refusal> {
    let Some(authorizer) = authorizer else {
        let grant = None;
        return Ok(Admitted { client, grant });
    };
    // Whoever has the answer from a cache was not asked about.
    fields.set_private();
    // In a box, or every request would have the room that a question takes.
    let asking = Box::pin(async {
        let router = &options.router;
        let sessions = router.websocket(candidate.path, &candidate.shown.headers);
        let answering = answering(asked, sessions.as_ref(), candidate.path).await;
        let (transport, subprotocol) = transport(asked, candidate.sent);
        let question = Question {
            request: ClientRequest {
                parts: candidate.shown,
                host: candidate.host,
                connection: candidate.connection,
                client: client.as_ref(),
                grant: None,
            },
            sent: candidate.sent,
            path: candidate.path,
            method: match transport {
                Some(Transport::WebSocket) => &METHOD_OF_SESSIONS,
                Some(Transport::Post | Transport::Events) | None => &candidate.sent.method,
            },
            options: asked.options(),
            route: router.route_at(candidate.path),
            handler: answering.by.name(),
            transport,
            script_name: &answering.script_name,
            path_info: &answering.path_info,
            subprotocol,
            names_target: sessions
                .as_ref()
                .is_some_and(WebSocketRoute::is_authorizers),
        };
        authorize(state, &options.access.trust, authorizer, question).await
    });
    let grant = asking.await?;
    fields.grant(&grant.headers);
    if let (Asked::WebSocket(handshake, _), Some(name)) = (asked, &grant.subprotocol) {
        handshake.select(name)?;
    }
    Ok(Admitted {
        client: named(client, &grant),
        grant: Some(grant),
    })
}

/// How the messages of a session are to travel, and the subprotocol of them; nothing where it is no session.
fn transport<'a>(asked: &'a Asked<'_>, request: &Parts) -> (Option<Transport>, Option<&'a str>) {
    match asked {
        Asked::WebSocket(handshake, _) | Asked::NoProgram(handshake, _) => {
            (Some(Transport::WebSocket), handshake.subprotocol())
        }
        Asked::Session(..) => {
            let transport = match plain::wanted(request) {
                Ok(Wanted::Conversation) => Transport::Post,
                // What is malformed is refused later.
                Ok(_) | Err(_) => Transport::Events,
            };
            (Some(transport), None)
        }
        Asked::Plain(_) => (None, None),
    }
}

/// Who is going to answer, and how the path is split there (RFC 3875 §4.1.13, §4.1.5).
#[derive(Debug)]
struct Answering<'a> {
    by: Answerer,
    script_name: Cow<'a, str>,
    path_info: Cow<'a, str>,
}

impl<'a> Answering<'a> {
    fn new(by: Answerer, (script_name, path_info): (&'a str, &'a str)) -> Self {
        Answering {
            by,
            script_name: script_name.into(),
            path_info: path_info.into(),
        }
    }
}

/// Who is going to answer. Which script it is a disk has to be asked; what it says is for the authorizer alone, and
/// where it says nothing, that there are scripts has to do.
async fn answering<'a>(
    asked: &'a Asked<'_>,
    sessions: Option<&'a WebSocketRoute<'_>>,
    path: &'a UrlPath,
) -> Answering<'a> {
    match (asked, sessions) {
        (Asked::WebSocket(_, route), _)
        | (
            Asked::Plain(PlainRoute::Page(Page::UpgradeRequired | Page::UpgradeOrPost, _)),
            Some(route),
        ) => of_session(route, path).await,
        (Asked::NoProgram(..), _) => Answering::new(Answerer::Program, ("", path.as_str())),
        (Asked::Session(route, scripts), _) => match of_script(scripts, path).await {
            Some(script) => script,
            None => of_session(route, path).await,
        },
        (Asked::Plain(route), _) => {
            if let PlainRoute::Scripts(scripts, page, options) = route {
                if let Some(script) = of_script(scripts, path).await {
                    return script;
                }
                if let Some(page) = page {
                    let page = PlainRoute::Page(*page, options);
                    return Answering::new(page.answerer(), ("", path.as_str()));
                }
            }
            Answering::new(route.answerer(), route.split(path))
        }
    }
}

/// The script that answers, if one does.
async fn of_script<'a>(scripts: &[&Scripts], path: &UrlPath) -> Option<Answering<'a>> {
    for scripts in scripts {
        if let Ok(Some(script)) = scripts.find(path).await {
            return Some(Answering {
                by: Answerer::Cgi,
                script_name: script.name.into(),
                path_info: script.info.into(),
            });
        }
    }
    None
}

async fn of_session<'a>(route: &'a WebSocketRoute<'_>, path: &'a UrlPath) -> Answering<'a> {
    if let WebSocketRoute::Directory(directory, otherwise) = route {
        if let Ok(Some(found)) = directory.find(path).await {
            return Answering {
                by: Answerer::Program,
                script_name: found.script_name.into_owned().into(),
                path_info: found.path_info.into(),
            };
        }
        if let Some(found) = otherwise {
            return Answering::new(Answerer::Program, ("", &found.path_info));
        }
    }
    Answering::new(route.answerer(), route.split(path))
}

/// The client by the name that an authorizer gives it. What its session rests on stays.
fn named(client: Option<Authenticated>, grant: &Grant) -> Option<Authenticated> {
    if grant.user.is_none() && grant.auth_type.is_none() {
        return client;
    }
    let nobody = || Authenticated::new("", AuthKind::Named(String::new()));
    let mut client = client.unwrap_or_else(nobody);
    if let Some(user) = &grant.user {
        client.identity.user.clone_from(user);
    }
    if let Some(auth_type) = &grant.auth_type {
        client.identity.kind = AuthKind::Named(auth_type.clone());
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorizer_names_the_client_as_far_as_it_says() {
        let known = || Some(Authenticated::new("ann", AuthKind::Basic));
        let grant = |user: Option<&str>, auth_type: Option<&str>| Grant {
            user: user.map(str::to_owned),
            auth_type: auth_type.map(str::to_owned),
            ..Grant::default()
        };
        for (client, user, auth_type, expected) in [
            (None, None, None, None),
            (known(), None, None, Some(("ann", "Basic"))),
            (known(), Some("bob"), None, Some(("bob", "Basic"))),
            (known(), None, Some("Ticket"), Some(("ann", "Ticket"))),
            (None, Some("bob"), None, Some(("bob", ""))),
            (None, Some("bob"), Some("Ticket"), Some(("bob", "Ticket"))),
        ] {
            let named = named(client, &grant(user, auth_type));
            let identity = named.as_ref().map(|named| &named.identity);
            let found = identity.map(|identity| (identity.user.as_str(), identity.kind.name()));
            assert_eq!(found, expected);
        }
    }
}
