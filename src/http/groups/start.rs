//! Joining a shared program, which is started for whoever comes first, or with the server.

use std::{os::unix::process::ExitStatusExt, sync::Arc};

use tokio::{sync::watch, time::sleep};
use tracing::{Instrument, info, warn};

use super::{
    definition::SharedRoute,
    slot::{Occupied, Slot},
};
use crate::{
    backend::{
        Backend, Group, GroupEnd, GroupOptions, Keep, Membership, NotJoined, OpenError,
        SharedProcess, SharedProgram, run_group,
    },
    http::{
        launch::{self, Launch, Launched, Purpose},
        metrics::Metrics,
        pages::Router,
        refusal::Refusal,
        route_options::RouteOptions,
        share_options::ShareOptions,
        state::State,
    },
};

/// Somebody who has joined.
pub(in crate::http) struct Joined {
    pub(in crate::http) backend: Backend,
    pub(in crate::http) membership: Membership,
    /// The group's name for operators.
    pub(in crate::http) group: String,
}

/// Lets a client join the program of a route, which is started if it does not run; a tagged one is told these
/// variables. One that is coming to its end is waited for.
///
/// Cancel safe: yes; what was being started is not.
///
/// # Errors
/// 500 and 503: the program cannot be started; 503 when there are as many members or programs as may be, or it has
/// just failed.
pub(in crate::http) async fn join(
    state: &State,
    shared: SharedRoute<'_>,
    variables: &[(String, String)],
) -> Result<Joined, Refusal> {
    let slot = state.groups.slot(shared, state.generation);
    let options = &shared.share.group;
    let joined = match try_join(&slot, options, variables)? {
        Some(joined) => joined,
        None => {
            let _one_at_a_time = slot.starting.lock().await;
            join_or_start(state, &slot, shared, variables).await?
        }
    };
    let (backend, membership) = joined;
    Ok(Joined {
        backend,
        membership,
        group: slot.name.clone(),
    })
}

/// Joins what runs; `None` if nothing does that could be joined.
fn try_join(
    slot: &Slot,
    options: &Arc<GroupOptions>,
    variables: &[(String, String)],
) -> Result<Option<(Backend, Membership)>, Refusal> {
    let Some(group) = slot.live() else {
        return Ok(None);
    };
    match group.join(options, variables) {
        Ok(joined) => Ok(Some(joined)),
        Err(NotJoined::Over) => Ok(None),
        Err(NotJoined::Full(most)) => Err(Refusal::TooManyMembers(most)),
    }
}

async fn join_or_start(
    state: &State,
    slot: &Arc<Slot>,
    shared: SharedRoute<'_>,
    variables: &[(String, String)],
) -> Result<(Backend, Membership), Refusal> {
    let options = &shared.share.group;
    if let Some(joined) = try_join(slot, options, variables)? {
        return Ok(joined);
    }
    if let Some(group) = slot.live() {
        if slot.is_retired() {
            // It goes on for those who are there, be it for days. Whoever comes after the reload has another.
            return Err(Refusal::Reloaded);
        }
        group.ended().await;
    }
    let source = Source::new(state, slot, shared);
    let started = source.start(state).await?;
    // Before its task runs, which would find nobody there.
    let joined = started.group.join(options, variables);
    if slot.is_retired() {
        // A reload came meanwhile, or before.
        started.group.retire();
    }
    source.run(state, started);
    joined.map_err(|_| Refusal::TooManyMembers(options.max_members.unwrap_or_default()))
}

/// Starts the programs that are there whoever comes, if they do not run.
///
/// # Errors
/// The first that cannot be started, by its path.
pub(in crate::http) async fn start_kept(
    state: &State,
    router: &Router,
) -> Result<(), (String, Refusal)> {
    let is_kept = |shared: &SharedRoute<'_>| shared.share.group.keep == Keep::Always;
    for shared in SharedRoute::all(router).filter(is_kept) {
        let slot = state.groups.slot(shared, state.generation);
        let _one_at_a_time = slot.starting.lock().await;
        if slot.live().is_some() {
            continue;
        }
        let source = Source::new(state, &slot, shared);
        let started = source.start(state).await;
        let started = started.map_err(|refusal| (slot.name.clone(), refusal))?;
        source.run(state, started);
    }
    Ok(())
}

/// What a slot's program is started from, again too.
struct Source {
    slot: Arc<Slot>,
    program: SharedProgram,
    options: RouteOptions,
    share: Arc<ShareOptions>,
}

/// A program that was started, and whose group has no task yet.
struct Started {
    group: Arc<Group>,
    launched: Launched<SharedProcess>,
    occupied: Occupied,
    /// Tells of the next one in its slot.
    successors: watch::Receiver<()>,
}

/// What there is of one that has ended: nothing that keeps its group.
struct Past {
    end: GroupEnd,
    is_kept: bool,
    successors: watch::Receiver<()>,
}

impl Source {
    fn new(state: &State, slot: &Arc<Slot>, shared: SharedRoute<'_>) -> Self {
        Source {
            slot: Arc::clone(slot),
            program: shared.to_program(&state.resources.spawner),
            options: shared.options.clone(),
            share: Arc::clone(shared.share),
        }
    }

    async fn start(&self, state: &State) -> Result<Started, Refusal> {
        let slot = &self.slot;
        launch::check_not_draining(state)?;
        if let Some(rest) = slot.rest_of_pause() {
            return Err(Refusal::BackingOff(rest));
        }
        let occupied = state.groups.occupy(slot, self.share.max_groups)?;
        let launch = Launch::prepare(state, &self.options, Purpose::Group)?;
        let starting = async { Ok::<_, OpenError>(self.program.start().await?) };
        let launched = launch.start(state, Metrics::observe_spawn, starting).await;
        let launched = launched.inspect_err(|_| slot.note_failure())?;
        let group = Arc::new(Group::new(
            &slot.name,
            self.program.streams.framing,
            Arc::clone(&self.share.group),
            Arc::clone(&state.groups.figures),
            state.resources.rooms.outside_of(&slot.name),
            state.drain.clone(),
        ));
        let successors = slot.set_live(&group);
        launched.span.in_scope(|| {
            let pid = launched.started.id();
            info!(target: "access", group = slot.name, pid, "shared program started");
        });
        Ok(Started {
            group,
            launched,
            occupied,
            successors,
        })
    }

    /// Runs a group in a task, which the server's stop waits for.
    fn run(self, state: &State, started: Started) {
        let running = self.keep(state.clone(), started);
        state.tasks.spawn_shared_program(running);
    }

    /// Runs a group to its end, and the next one where its program is kept.
    async fn keep(self, state: State, first: Started) {
        let mut next = Some(first);
        while let Some(started) = next {
            let past = self.live(&state, started).await;
            next = match past.is_kept {
                true => self.start_again(&state, past).await,
                false => None,
            };
        }
    }

    /// One group, from its start to its end.
    async fn live(&self, state: &State, started: Started) -> Past {
        let Started {
            group,
            launched,
            occupied,
            successors,
        } = started;
        let exited = |status| state.metrics.observe_exit(status);
        let program = self.program.clone();
        let running = run_group(Arc::clone(&group), program, launched.started, exited);
        let end = running.instrument(launched.span.clone()).await;
        launched.span.in_scope(|| {
            self.log_end(&end);
            if end.came_at_end && self.program.program.may_hold_back_output() {
                state.buffering_hint.say();
            }
        });
        self.slot.note_end(&end);
        drop((launched.permit, occupied));
        // Behind all that: who waits for it starts the next.
        group.set_ended();
        Past {
            end,
            is_kept: group.is_kept(),
            successors,
        }
    }

    fn log_end(&self, end: &GroupEnd) {
        info!(
            target: "access",
            group = self.slot.name,
            duration_ms = end.lived.as_millis() as u64,
            exit_status = end.status.and_then(|status| status.code()),
            signal = end.status.and_then(|status| status.signal()),
            "shared program ended"
        );
    }

    /// Starts a program that is kept, as soon as that goes; `None` if it is not kept any more, or if somebody who has
    /// joined has started it, for whom another task keeps it.
    async fn start_again(&self, state: &State, past: Past) -> Option<Started> {
        let mut successors = past.successors;
        let mut pause = self.slot.pause_after(&past.end);
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.slot.replaced.notified() => {}
                _ = successors.changed() => return None,
                () = state.drain.cancelled() => return None,
            }
            let _one_at_a_time = self.slot.starting.lock().await;
            if self.slot.is_retired() || successors.has_changed().unwrap_or(true) {
                return None;
            }
            match self.start(state).await {
                Ok(started) => return Some(started),
                Err(Refusal::Draining) => return None,
                Err(refusal) => {
                    warn!(group = self.slot.name, "{refusal}; it is tried again");
                    pause = self.slot.pause_after(&GroupEnd::default());
                }
            }
        }
    }
}
