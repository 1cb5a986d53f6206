//! From a token to a target: which socket a client is joined to, and how tokens are kept out of the log.

use std::{borrow::Cow, sync::Arc};

use hyper::Uri;

use super::{
    access::{TrustedProxies, with_tokens_digested, without_query_token},
    authorize::AuthorizerFailure,
    pages::{MountTarget, RouteMatch, Router, TokenTargets, is_mount_itself, room_name},
    plain::masked,
    refusal::Refusal,
    request::ClientRequest,
    state::State,
};
use crate::{
    backend::{RoomOptions, RoomTarget, Socket, SocketOptions, Target, Token},
    connection::ConnectionInfo,
    masked::mask_tokens,
};

/// A target that was found.
#[derive(Debug)]
pub(super) struct FoundTarget<'a> {
    /// It, and its terms.
    pub(super) route: RouteMatch<'a, Cow<'a, Target>>,
    /// The digest of the token that led to it.
    pub(super) token: Option<String>,
}

impl<'a> FoundTarget<'a> {
    fn new(route: RouteMatch<'a, Cow<'a, Target>>, token: Option<String>) -> Self {
        FoundTarget { route, token }
    }
}

/// The target that a route names, or that the client's token leads to, or the room that its path names.
///
/// # Errors
/// 404 for what cannot be a room's name. 400 for a token that is missing or malformed, 404 for one that is unknown, 429 after too many of these.
pub(super) async fn find_target<'a>(
    state: &State,
    trust: &TrustedProxies,
    request: ClientRequest<'_>,
    found: RouteMatch<'a, Cow<'a, MountTarget>>,
) -> Result<FoundTarget<'a>, Refusal> {
    let (target, found) = found.take_target();
    let targets = match target {
        Cow::Borrowed(MountTarget::Fixed(target)) => {
            return Ok(FoundTarget::new(found.with(Cow::Borrowed(target)), None));
        }
        Cow::Owned(MountTarget::Fixed(target)) => {
            return Ok(FoundTarget::new(found.with(Cow::Owned(target)), None));
        }
        Cow::Borrowed(MountTarget::ByToken(targets)) => Cow::Borrowed(targets),
        Cow::Owned(MountTarget::ByToken(targets)) => Cow::Owned(targets),
        Cow::Borrowed(MountTarget::ByAuthorizer(options)) => {
            return find_granted(request, found, options);
        }
        Cow::Owned(MountTarget::ByAuthorizer(options)) => {
            return find_granted(request, found, &options);
        }
        Cow::Borrowed(MountTarget::Rooms(options)) => return find_room(found, options),
        Cow::Owned(MountTarget::Rooms(options)) => return find_room(found, &options),
    };
    let token = targets
        .place
        .token(request.parts, request.host, &found.path_info);
    let token = token.inspect_err(|_| state.metrics.count_target_failure(Some("token")))?;
    let socket = find_socket(state, trust, request.connection, &targets, &token).await?;
    let digest = state.digests.digest(token.as_bytes());
    let target = Cow::Owned(Target::Socket(socket));
    Ok(FoundTarget::new(found.with(target), Some(digest)))
}

/// The target that the authorizer has named.
fn find_granted<'a>(
    request: ClientRequest<'_>,
    found: RouteMatch<'a, ()>,
    options: &Arc<SocketOptions>,
) -> Result<FoundTarget<'a>, Refusal> {
    let address = request.grant.and_then(|grant| grant.target.clone());
    let address = address.ok_or(Refusal::Authorizer(AuthorizerFailure::NoTarget))?;
    let target = Target::Socket(Socket {
        address,
        options: Arc::clone(options),
    });
    Ok(FoundTarget::new(found.with(Cow::Owned(target)), None))
}

fn find_room<'a>(
    found: RouteMatch<'a, ()>,
    options: &Arc<RoomOptions>,
) -> Result<FoundTarget<'a>, Refusal> {
    let (script_name, path_info) = (&found.script_name, &found.path_info);
    let room =
        room_name(script_name, path_info).ok_or_else(|| match is_mount_itself(path_info) {
            true => Refusal::RoomsBeneath(script_name.to_string()),
            false => Refusal::NotFound,
        })?;
    let target = Target::Room(RoomTarget {
        name: room,
        options: Arc::clone(options),
    });
    Ok(FoundTarget::new(found.with(Cow::Owned(target)), None))
}

/// Unknown tokens are counted for the client, but not for a proxy that others are behind, nor where there is no
/// address.
async fn find_socket(
    state: &State,
    trust: &TrustedProxies,
    connection: &ConnectionInfo,
    targets: &TokenTargets,
    token: &Token,
) -> Result<Socket, Refusal> {
    let who = trust.network_of(&connection.remote);
    if let Some(who) = &who {
        state.guesses.check(who)?;
    }
    let Some(address) = targets.map.find(token).await else {
        state.metrics.count_target_failure(Some("token"));
        if let Some(who) = who {
            state.guesses.count_wrong(who);
        }
        return Err(Refusal::UnknownToken);
    };
    Ok(Socket {
        address,
        options: targets.options.clone(),
    })
}

/// A request's target, or what looks like one, without the token by which its client shows who it is.
/// And without the name of a session, where there are such.
pub(super) fn shown_target<'a>(router: &Router, target: &'a str) -> Cow<'a, str> {
    let shown = match router.logins.has_tokens() {
        true => without_query_token(target.as_bytes()),
        false => Cow::Borrowed(target.as_bytes()),
    };
    match (masked(&shown), &shown) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) => Cow::Borrowed(target),
        (shown, _) => Cow::Owned(String::from_utf8_lossy(&shown).into_owned()),
    }
}

/// A request's target as the log shows it: a digest stands where a token may be.
pub(super) fn shown_uri(router: &Router, state: &State, uri: &Uri) -> String {
    let text = uri.to_string();
    let text = shown_target(router, &text);
    let digest = |token: &[u8]| state.digests.digest(token);
    let places = router.token_places(uri.path()).unwrap_or_default();
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*text, None),
    };
    let (before, token) = path.split_at(path.len() - places.at_end_of_path);
    let mut shown = before.to_owned();
    if !token.is_empty() {
        shown.push_str(&digest(token.as_bytes()));
    }
    if let Some(query) = query {
        shown.push('?');
        match places.in_query {
            true => shown.push_str(&with_tokens_digested(query, digest)),
            false => shown.push_str(query),
        }
    }
    // Also where nobody here takes them for tokens: another may, such as an authorizer.
    mask_tokens(&shown).into_owned()
}
