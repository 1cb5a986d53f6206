//! What a session waits for, and how its messages travel.

use std::time::Duration;

use super::zero::unless_zero;
use crate::{
    args::{LimitArgs, ProgramArgs},
    backend::TerminationTimeouts,
    session::SessionTimeouts,
    transport::websocket::{self, Delivery, deflate::DeflateParams},
};

/// What the termination ladder allows without `--closems`: enough for a program that listens to the
/// signal, short enough that a closed tab leaves nothing behind for long.
pub(super) const PATIENCE: TerminationTimeouts = TerminationTimeouts {
    eof: Duration::from_millis(100),
    interrupt: Duration::from_millis(250),
    terminate: Duration::from_millis(500),
    finish: None,
};

/// How long a download may take nothing without `--write-timeout`. Shorter would cut off clients that are in a
/// tunnel; longer lets those that have gone hold a descriptor each.
const DOWNLOAD: Duration = Duration::from_secs(60);

/// How long a client may take nothing of an answer. Always limited: what is not a session has no ping that
/// would find it gone.
pub(super) fn write_timeout(args: &LimitArgs) -> Duration {
    unless_zero(args.write_timeout).unwrap_or(DOWNLOAD)
}

/// What a WebSocket may do, whichever end of it we are.
pub(super) fn websocket(args: &LimitArgs, timeouts: &SessionTimeouts) -> websocket::Options {
    websocket::Options {
        // Who is told by many is known when it is opened.
        is_told_by_many: false,
        max_message: unless_zero(args.maxframesize),
        // Two pings without any byte from the other end.
        silence: timeouts.keepalive.map(|period| 2 * period),
        write_timeout: unless_zero(args.write_timeout),
        delivery: Delivery::Whole,
    }
}

/// What a drain takes at most: what a program gets to end by itself, and to be made to.
pub(super) fn drain_time(args: &LimitArgs, drain_timeout: Duration) -> Duration {
    let timeouts = timeouts(args, drain_timeout);
    timeouts.drain + timeouts.termination.total()
}

/// The ladder; `--closems` adds to each step of it.
pub(super) fn termination(args: &LimitArgs) -> TerminationTimeouts {
    let more = args.closems;
    TerminationTimeouts {
        eof: PATIENCE.eof + more,
        interrupt: PATIENCE.interrupt + more,
        terminate: PATIENCE.terminate + more,
        finish: unless_zero(args.finish_timeout).map(|time| time + more),
    }
}

/// What is waited for.
pub(super) fn timeouts(args: &LimitArgs, drain_timeout: Duration) -> SessionTimeouts {
    let termination = termination(args);
    SessionTimeouts {
        keepalive: unless_zero(args.pingms),
        termination,
        // What is left of the whole when the ladder has had its time.
        drain: drain_timeout.saturating_sub(termination.total()),
        idle: unless_zero(args.idle_timeout),
        lifetime: unless_zero(args.max_lifetime),
    }
}

/// Whether messages are compressed, and how; those of a program that is shared each by itself.
pub(super) fn compression(args: &ProgramArgs) -> Option<DeflateParams> {
    let messages = &args.messages;
    messages.compress.then_some(DeflateParams {
        level: messages.compress_level,
        threshold: messages.compress_threshold,
        keeps_context: args.sharing.share.is_none(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;

    #[test]
    fn download_is_limited_whatever_the_flag_says() {
        for (words, expected) in [
            (&["cat"][..], DOWNLOAD),
            (&["--write-timeout=0", "cat"], DOWNLOAD),
            (&["--write-timeout=5", "cat"], Duration::from_millis(5)),
        ] {
            let words = words.iter().copied().map(Into::into);
            let args = Args::parse_from_words(words).expect("flags");
            assert_eq!(write_timeout(&args.program.limits), expected);
        }
    }
}
