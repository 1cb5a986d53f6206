//! Sharing: whether many clients have one program, and on which terms.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use clap::ValueEnum;

use super::{flag_error::FlagError, session::timeouts, zero::unless_zero};
use crate::{
    args::{self, FramingKind, ProgramArgs, ShareKind, SharingArgs, Slow},
    backend::{GroupKind, GroupOptions, MemberOptions, SlowPolicy, Target},
    http::{RouteOptions, ShareBy, ShareOptions, pages::MountTarget},
};

/// What a tagged program is told of who joins.
const JOIN_VARIABLES: [&str; 6] = [
    "REMOTE_ADDR",
    "REMOTE_USER",
    "PATH_INFO",
    "QUERY_STRING",
    "WS_PROTOCOL",
    "UNIQUE_ID",
];

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
        history: sharing.history,
        max_members: unless_zero(sharing.max_members),
        termination: timeouts.termination,
        drain: timeouts.drain,
        member: MemberOptions {
            queue: sharing.member_queue,
            slow: match sharing.slow {
                Slow::Close => SlowPolicy::Close,
                Slow::Drop => SlowPolicy::Drop,
                Slow::Latest => SlowPolicy::Latest,
            },
            max_rate: NonZeroU32::new(u32::try_from(sharing.max_rate).unwrap_or(0)),
            is_readonly: sharing.readonly,
        },
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

/// Whether what answers somewhere can be shared as its terms say.
///
/// # Errors
/// A target that is to be shared.
pub(super) fn check_target(options: &RouteOptions, target: &MountTarget) -> Result<(), FlagError> {
    match (&options.share, target) {
        (None, _) | (_, MountTarget::Fixed(Target::Program(..))) => Ok(()),
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
            () if args.sharing.history > 0 => {
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
