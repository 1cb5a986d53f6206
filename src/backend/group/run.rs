//! The life of a group: its processes one after the other, and the end.

use std::{convert::Infallible, pin::pin, process::ExitStatus, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::{
    relay::{Relay, RelayEnd},
    roster::Stage,
    shared_program::{SharedProcess, SharedProgram},
    state::Group,
};
use crate::{
    backend::{
        exit::close_for,
        interface::Output,
        late_output::{Heard, HeardUntil},
        start_error::passes_with_time,
    },
    backoff::Backoff,
    message::Close,
    timer::timeout,
};

/// What the output gets to end when the process group that held it is gone.
const REST: Duration = Duration::from_millis(100);

/// How a group has ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct GroupEnd {
    /// The exit status of its last process, where there was one.
    pub status: Option<ExitStatus>,
    /// How long that lived.
    pub lived: Duration,
    /// It has failed, rather than that it was not needed any more.
    pub has_failed: bool,
    /// What it said was no message: it would not be again.
    pub is_broken: bool,
    /// A process of it was heard at its end alone: what it said may have been written long before.
    pub came_at_end: bool,
}

/// A group whose task this is.
struct Life {
    group: Arc<Group>,
    program: SharedProgram,
    backoff: Backoff,
}

/// What follows the end of a process.
enum Then {
    /// All members end with this, or as their sessions do anyway.
    Finish(Option<Close>),
    /// Members stay, and it is started again.
    Respawn,
}

/// Runs a group from the start of its program to the end of all; each exit of a process is told to `exited`.
///
/// [`Group::ended`] is told by the caller, once it has noted how it ended: who waits for that may start the next.
///
/// Cancel safe: no; dropped, it kills the process, and members hear nothing any more.
pub async fn run(
    group: Arc<Group>,
    program: SharedProgram,
    started: SharedProcess,
    exited: impl Fn(ExitStatus),
) -> GroupEnd {
    let mut life = Life {
        group,
        program,
        backoff: Backoff::default(),
    };
    let mut started = Some(started);
    let mut end = GroupEnd::default();
    while let Some(process) = started.take() {
        let (last, then) = life.live(process).await;
        end = GroupEnd {
            came_at_end: end.came_at_end || last.came_at_end,
            ..last
        };
        if let Some(status) = end.status {
            exited(status);
        }
        if matches!(then, Then::Respawn) {
            started = life.respawn(end.has_failed.then_some(end.lived)).await;
        }
    }
    end
}

impl Life {
    /// One process, from its start to its end. Where nothing follows, members are told before the process is brought
    /// to its end.
    async fn live(&mut self, started: SharedProcess) -> (GroupEnd, Then) {
        let group = Arc::clone(&self.group);
        group.figures().starts.add(1);
        let begun = started.process.started();
        let mut relay = Relay::new(&group, started);
        let mut end = relay.run().await;
        if matches!(end, RelayEnd::Lingered) {
            end = RelayEnd::Exited(self.deliver_rest(&mut relay).await);
        }
        let lived = begun.elapsed();
        let then = self.then(&end);
        if let Then::Finish(close) = &then
            && !matches!(end, RelayEnd::Closed)
        {
            group.finish(close.as_ref());
        }
        let (ended, mut heard) = (Instant::now(), relay.heard);
        let status = self.end_process(relay, &end, &mut heard).await;
        let then = match (&end, then) {
            // Only now it is known how.
            (RelayEnd::Closed, _) => self.then(&RelayEnd::Exited(status)),
            (_, then) => then,
        };
        if let Then::Finish(close) = &then {
            group.finish(close.as_ref());
        }
        let end = GroupEnd {
            status: Some(status),
            lived,
            came_at_end: heard.came_at_end(self.heard_until(&end), ended),
            is_broken: matches!(end, RelayEnd::Broken(_)),
            has_failed: match end {
                RelayEnd::Exited(_) | RelayEnd::Closed => !status.success(),
                RelayEnd::Broken(_) => true,
                RelayEnd::Lingered | RelayEnd::Unused | RelayEnd::Replaced | RelayEnd::Drained => {
                    false
                }
            },
        };
        (end, then)
    }

    /// Whether somebody is there for whom the program runs, or it runs whoever is there.
    fn is_wanted(&self) -> bool {
        let (is_in_use, stage) = self.group.state();
        is_in_use || stage == Stage::Open && self.group.is_kept()
    }

    /// Whether there was somebody to hear a process until its end.
    fn heard_until(&self, end: &RelayEnd) -> HeardUntil {
        match end {
            _ if self.group.drain.is_cancelled() => HeardUntil::Otherwise,
            RelayEnd::Exited(_) => HeardUntil::ItsEnd,
            RelayEnd::Unused => HeardUntil::NobodyIsLeft,
            _ => HeardUntil::Otherwise,
        }
    }

    fn then(&self, end: &RelayEnd) -> Then {
        let is_stopping = self.group.drain.is_cancelled();
        let may_respawn = self.group.options().respawn && self.is_wanted();
        match end {
            RelayEnd::Exited(status) => match status.success() || !may_respawn || is_stopping {
                true => Then::Finish((!is_stopping).then(|| close_for(*status))),
                false => Then::Respawn,
            },
            RelayEnd::Replaced if may_respawn => Then::Respawn,
            RelayEnd::Replaced => Then::Finish(Some(Close::program_changed())),
            RelayEnd::Broken(close) => Then::Finish(Some(close.clone())),
            RelayEnd::Lingered | RelayEnd::Closed | RelayEnd::Unused | RelayEnd::Drained => {
                Then::Finish(None)
            }
        }
    }

    /// The process has ended, but its stdout is still held: with its process group gone that ends.
    async fn deliver_rest(&self, relay: &mut Relay<'_>) -> ExitStatus {
        let status = relay.process.end(&self.group.options().termination).await;
        let Some(output) = &mut relay.output else {
            return status;
        };
        let rest = async {
            while let Some(Ok(said)) = output.next().await {
                self.group.say(said.message().clone());
                if self.group.is_turn_full() {
                    self.group.end_turn().write().await;
                }
            }
        };
        // A process that has left the group may hold it for ever.
        let _ = timeout(REST, rest).await;
        self.group.end_turn().wake();
        status
    }

    /// Brings a process to its end, and what is left of its process group. What it still says nobody hears.
    async fn end_process(&self, relay: Relay<'_>, end: &RelayEnd, heard: &mut Heard) -> ExitStatus {
        let (mut process, output) = relay.into_rest();
        let mut timeouts = self.group.options().termination;
        if matches!(end, RelayEnd::Drained | RelayEnd::Closed) {
            // It has had its time.
            timeouts.eof = Duration::ZERO;
        }
        let mut rest = pin!(discard(output, &mut heard.is_heard_late));
        let status = tokio::select! {
            status = process.end(&timeouts) => status,
            never = &mut rest => match never {},
        };
        // What it said at its very end.
        let _ = rest.now_or_never();
        status
    }

    /// What is waited for before a program is started again that has failed.
    fn pause_after(&mut self, lived: Duration) -> Duration {
        let pause = self.backoff.next_with_jitter(lived);
        warn!("the program is started again in {} ms", pause.as_millis());
        pause
    }

    /// Starts the program again, after a pause if the last process has failed, having `lived` so long; `None` if that is
    /// not to be, and then all members have ended.
    async fn respawn(&mut self, mut lived: Option<Duration>) -> Option<SharedProcess> {
        loop {
            let pause = lived.map_or(Duration::ZERO, |lived| self.pause_after(lived));
            tokio::select! {
                () = sleep(pause) => {}
                // What has failed was another file.
                () = self.group.replaced.notified() => {}
                () = self.group.drain.cancelled() => {
                    self.group.finish(None);
                    return None;
                }
            }
            if !self.is_wanted() && self.group.close_if_empty() {
                self.group.finish(None);
                return None;
            }
            lived = Some(Duration::ZERO);
            match self.program.start().await {
                Ok(started) => {
                    self.group.figures().respawns.add(1);
                    self.group.restart();
                    info!(pid = started.process.id(), "the program was started again");
                    return Some(started);
                }
                Err(error) if passes_with_time(&error) => {}
                Err(_) => {
                    let close = Close::new(Close::INTERNAL, "the program cannot be started");
                    self.group.finish(Some(&close));
                    return None;
                }
            }
        }
    }
}

async fn discard(output: Option<Output>, is_heard: &mut bool) -> Infallible {
    if let Some(mut output) = output {
        while let Some(said) = output.next().await {
            *is_heard |= said.is_ok();
        }
    }
    future::pending().await
}
