//! Sharing: whether many clients have one program or a room, and on which terms.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use clap::ValueEnum;

use super::{flag_error::FlagError, session::timeouts, zero::unless_zero};
use crate::{
    args::{self, FramingKind, ProgramArgs, ShareKind, SharingArgs, Slow},
    backend::{GroupKind, GroupOptions, MemberOptions, RoomOptions, SlowPolicy, Target},
    http::{
        RouteOptions, ShareBy, ShareOptions,
        pages::{MountTarget, Router},
    },
};

/// What may wait for a member without --member-queue: a burst of some thousand lines, or a second of a fast game.
const MEMBER_QUEUE: usize = 1 << 20;
/// Members of a group without --max-members.
const MAX_MEMBERS: usize = 10_000;
/// Messages a second from a member of a room without --max-rate: more than anybody types, less than keeps others from
/// being heard.
const ROOM_RATE: usize = 1000;

/// What a tagged program is told of who joins.
const JOIN_VARIABLES: [&str; 6] = [
    "REMOTE_ADDR",
    "REMOTE_USER",
    "PATH_INFO",
    "QUERY_STRING",
    "WS_PROTOCOL",
    "UNIQUE_ID",
];

/// What the log says where a program knows nothing of tags, or prints something beside.
const TAGGED_REMEDY: &str = "each line of a tagged program begins with whom it is for: '*' and a TAB before the text is \
    for all; with --share=plain all lines are for all, as they are";

/// On which terms a program is shared; `None` if each client has its own.
pub(super) fn share(
    args: &ProgramArgs,
    drain_timeout: Duration,
) -> Result<Option<Arc<ShareOptions>>, FlagError> {
    let sharing = &args.sharing;
    let Some(kind) = sharing.share else {
        return Ok(None);
    };
    check_streams(args, kind)?;
    check_tagged_flags(sharing, kind)?;
    let timeouts = timeouts(&args.limits, drain_timeout);
    let group = GroupOptions {
        kind: match kind {
            ShareKind::Plain => GroupKind::Plain,
            ShareKind::Tagged => GroupKind::Tagged,
        },
        keep: sharing.share_keep,
        respawn: sharing.respawn,
        tick: sharing.tick,
        max_members: max_members(sharing),
        termination: timeouts.termination,
        drain: timeouts.drain,
        max_message: unless_zero(args.limits.maxframesize),
        member: member(sharing, Slow::Close, 0),
        remedy: TAGGED_REMEDY,
    };
    Ok(Some(Arc::new(ShareOptions {
        group: Arc::new(group),
        by: match sharing.share_by {
            args::ShareBy::Route => ShareBy::Route,
            args::ShareBy::Segment => ShareBy::Segment,
        },
        max_groups: unless_zero(sharing.max_groups),
        join_variables: join_variables(sharing)?,
    })))
}

/// On which terms there are rooms without a program: who is slow loses messages rather than the room, since nobody can
/// say there that it is back.
pub(super) fn rooms(args: &ProgramArgs) -> Arc<RoomOptions> {
    Arc::new(RoomOptions {
        is_binary: args.messages.binary,
        max_members: max_members(&args.sharing),
        max_message: unless_zero(args.limits.maxframesize),
        member: member(&args.sharing, Slow::Drop, ROOM_RATE),
    })
}

fn max_members(sharing: &SharingArgs) -> Option<usize> {
    unless_zero(sharing.max_members.unwrap_or(MAX_MEMBERS))
}

/// The terms of a member, with what holds if nothing is said.
fn member(sharing: &SharingArgs, slow: Slow, rate: usize) -> MemberOptions {
    let rate = sharing.max_rate.unwrap_or(rate);
    MemberOptions {
        queue: sharing.member_queue.unwrap_or(MEMBER_QUEUE),
        slow: match sharing.slow.unwrap_or(slow) {
            Slow::Close => SlowPolicy::Close,
            Slow::Drop => SlowPolicy::Drop,
            Slow::Latest => SlowPolicy::Latest,
        },
        max_rate: NonZeroU32::new(u32::try_from(rate).unwrap_or(0)),
        is_readonly: sharing.readonly,
        history: sharing.history.unwrap_or_default(),
    }
}

/// Refuses flags about members where nobody is one: of COMMAND, or of a route, which has those of COMMAND too. A
/// terminal has one of them.
///
/// # Errors
/// The first of them.
pub(super) fn check_members(
    sharing: &SharingArgs,
    inherited: Option<&SharingArgs>,
    has_terminal: bool,
) -> Result<(), FlagError> {
    let given = |sharing: &SharingArgs| {
        [
            ("--readonly", usize::from(sharing.readonly && !has_terminal)),
            ("--history", number(sharing.history)),
            ("--slow", number(sharing.slow.map(|slow| slow as usize))),
            ("--member-queue", number(sharing.member_queue)),
            ("--max-rate", number(sharing.max_rate)),
            ("--max-members", number(sharing.max_members)),
        ]
    };
    let known = inherited.map(given).unwrap_or_default();
    let is_own = |(flag, value): &&(&str, usize)| *value > 0 && !known.contains(&(flag, *value));
    match given(sharing).iter().find(is_own) {
        Some((flag, _)) => {
            let reason = match *flag {
                "--readonly" => {
                    "needs somebody who can say something: give --share, --room or --terminal too"
                }
                _ => "needs members: give --share or --room too",
            };
            Err(FlagError::about(flag, reason))
        }
        None => Ok(()),
    }
}

/// A number that is told from none.
fn number(value: Option<usize>) -> usize {
    value.map_or(0, |value| value.saturating_add(1))
}

/// Refuses to share where there is no program at all.
///
/// # Errors
/// There is none, be it that there are rooms, which are shared without.
pub(super) fn check_programs(sharing: &SharingArgs, router: &Router) -> Result<(), FlagError> {
    match sharing.share.is_some() && !router.has_programs() {
        true => Err(FlagError::about(
            "--share",
            "is about a program: give a COMMAND, --route or --dir too, or leave it out, since rooms are shared by themselves",
        )),
        false => Ok(()),
    }
}

/// Whether what answers somewhere can be shared as its terms say.
///
/// # Errors
/// A target that is to be shared.
pub(super) fn check_target(options: &RouteOptions, target: &MountTarget) -> Result<(), FlagError> {
    match (&options.share, target) {
        (None, _) | (_, MountTarget::Fixed(Target::Program(..)) | MountTarget::Rooms(_)) => Ok(()),
        (Some(_), _) => Err(FlagError::about(
            "--share",
            "and --target exclude each other: a target is shared by itself, or is not",
        )),
    }
}

fn join_variables(sharing: &SharingArgs) -> Result<Vec<String>, FlagError> {
    if sharing.join_env.is_empty() {
        return Ok(JOIN_VARIABLES.map(str::to_owned).to_vec());
    }
    let is_wrong = |name: &&String| {
        name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match sharing.join_env.iter().find(is_wrong) {
        Some(name) => {
            let reason = "expected the names of variables";
            Err(FlagError::new("--join-env", name, reason))
        }
        None => Ok(sharing.join_env.clone()),
    }
}

/// Streams that cannot be shared, or have no room for an address.
fn check_streams(args: &ProgramArgs, kind: ShareKind) -> Result<(), FlagError> {
    let messages = &args.messages;
    let framing = messages.framing.and_then(|kind| kind.to_possible_value());
    let framing = framing.map(|value| format!("--framing={}", value.get_name()));
    let excluded = |flag: &str, other: &str, reason: &str| {
        let reason = format!("and {other} exclude each other: {reason}");
        Err(FlagError::about(flag, reason))
    };
    let framing = framing.unwrap_or_default();
    if messages.framing == Some(FramingKind::Control) {
        return excluded(
            "--share",
            &framing,
            "a Close of --share=tagged says for whom it is",
        );
    }
    if kind == ShareKind::Plain {
        return Ok(());
    }
    let address = "an address needs a line, or --framing=length";
    match messages.framing {
        _ if messages.binary => excluded("--share=tagged", "--binary", address),
        None | Some(FramingKind::Lines | FramingKind::Length) => match () {
            () if messages.flush_after.is_some() => {
                let reason = "half a line may be half an address";
                excluded("--share=tagged", "--flush-after", reason)
            }
            () if args.sharing.history.is_some() => {
                let reason = "a tagged program greets its members itself";
                excluded("--share=tagged", "--history", reason)
            }
            () => Ok(()),
        },
        Some(_) => excluded("--share=tagged", &framing, address),
    }
}

/// Flags about lines that a plain program has not.
fn check_tagged_flags(sharing: &SharingArgs, kind: ShareKind) -> Result<(), FlagError> {
    let given = [
        ("--tick", sharing.tick.is_some()),
        ("--join-env", !sharing.join_env.is_empty()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) if kind == ShareKind::Plain => {
            let reason = "is about tagged programs: give --share=tagged";
            Err(FlagError::about(flag, reason))
        }
        _ => Ok(()),
    }
}
