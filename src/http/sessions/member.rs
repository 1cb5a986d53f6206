//! A session that shares its program with others: it joins what runs, or what is started for it first.

use std::sync::Arc;

use tracing::Instrument;

use super::session_request::{Opened, SessionRequest};
use crate::{
    backend::{Environment, GroupKind, Program, StreamOptions, is_room_name},
    environ,
    http::{
        groups::{self, Joined, SharedRoute},
        launch::{Launch, Launched, Purpose},
        refusal::Refusal,
        registry::GroupMember,
        share_options::{ShareBy, ShareOptions},
        state::State,
    },
};

/// Joins a session to the program that it shares.
///
/// # Errors
/// Those of [`groups::join`]; 404 where each segment has a program, and there is none or it is no name.
pub(super) async fn join(
    state: &State,
    asked: &SessionRequest<'_>,
    share: &Arc<ShareOptions>,
    program: &Program,
    streams: &StreamOptions,
) -> Result<Launched<Opened>, Refusal> {
    let route = &asked.found.route;
    let (room, path_info) = match share.by {
        ShareBy::Route => (None, route.path_info.as_str()),
        ShareBy::Segment => {
            let (room, rest) = first_segment(&route.path_info).ok_or(Refusal::NotFound)?;
            (Some(room), rest)
        }
    };
    let shared = SharedRoute {
        program,
        streams,
        options: route.options,
        share,
        script_name: &route.script_name,
        room,
    };
    let launch = Launch::prepare(state, route.options, Purpose::Member)?;
    let variables = match share.group.kind {
        GroupKind::Plain => Vec::new(),
        GroupKind::Tagged => {
            let name = shared.name();
            let script_name = if room.is_some() {
                &*name
            } else {
                &*route.script_name
            };
            let request = environ::RequestInfo {
                script_name,
                path_info,
                ..asked.to_environ()
            };
            let connection = asked.request.connection;
            let environment = launch.environment(&route.options.environ, connection, request);
            chosen(&environment, &share.join_variables)
        }
    };
    let span = launch.span().clone();
    let joined = groups::join(state, shared, &variables)
        .instrument(span)
        .await?;
    let Joined {
        backend,
        membership,
        group,
    } = joined;
    let id = membership.id();
    Ok(launch.joined(Opened {
        backend,
        first_line: None,
        member: Some((Box::new(membership), Box::new(GroupMember { group, id }))),
    }))
}

/// The first segment of a path, where it may be a name, and what follows it.
fn first_segment(path_info: &str) -> Option<(&str, &str)> {
    let path = path_info.strip_prefix('/')?;
    let end = path.find('/').unwrap_or(path.len());
    let (segment, rest) = path.split_at(end);
    is_room_name(segment.as_bytes()).then_some((segment, rest))
}

/// The variables of these names, in this order.
fn chosen(environment: &Environment, names: &[String]) -> Vec<(String, String)> {
    let chosen = names.iter().filter_map(|name| {
        let (_, value) = environment.iter().find(|(other, _)| *other == **name)?;
        Some((name.clone(), value.to_string_lossy().into_owned()))
    });
    chosen.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_segment_is_a_name_and_the_rest_a_path() {
        for (path, found) in [
            ("/blue", Some(("blue", ""))),
            ("/blue/", Some(("blue", "/"))),
            ("/blue/x/y", Some(("blue", "/x/y"))),
            ("", None),
            ("/", None),
            ("//x", None),
            ("/a b", None),
        ] {
            assert_eq!(first_segment(path), found, "{path}");
        }
    }
}
