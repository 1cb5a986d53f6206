//! The table of all slots of a server.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    definition::SharedRoute,
    slot::{Occupied, Slot},
};
use crate::{
    backend::{ChangedFiles, Figures, Group},
    http::{pages::Router, refusal::Refusal},
};

/// Programs that many clients have together, by path.
#[derive(Debug, Default)]
pub(in crate::http) struct Groups {
    /// More than one is at a path only where a reload has changed what answers there.
    slots: Mutex<BTreeMap<String, Vec<Arc<Slot>>>>,
    /// How often the configuration has changed.
    generation: AtomicU64,
    pub(in crate::http) figures: Arc<Figures>,
}

impl Groups {
    /// None; what happens in them is counted there.
    pub(in crate::http) fn new(figures: Arc<Figures>) -> Self {
        Groups {
            figures,
            ..Groups::default()
        }
    }

    /// The slot of a program, as a configuration has it; there is one afterwards. Is that configuration not in force any
    /// more, nobody but who asks will join what is started in a new one.
    pub(super) fn slot(&self, shared: SharedRoute<'_>, generation: u64) -> Arc<Slot> {
        let definition = shared.definition();
        let mut slots = self.slots.lock();
        let there = slots.get(&shared.name()).into_iter().flatten();
        let is_same = |slot: &&Arc<Slot>| !slot.is_retired() && slot.definition == definition;
        if let Some(slot) = there.clone().find(is_same) {
            return Arc::clone(slot);
        }
        // Whoever asks makes one, so those that have served are swept out here.
        slots.retain(|_, there| {
            there.retain(|slot| !slot.is_vacant() || Arc::strong_count(slot) > 1);
            !there.is_empty()
        });
        let is_late = generation != self.generation.load(Ordering::Relaxed);
        let slot = Arc::new(Slot::new(shared, definition, is_late));
        let there = slots.entry(slot.name.clone()).or_default();
        there.push(Arc::clone(&slot));
        slot
    }

    /// Occupies a slot; of those by segment there may be so many of a route. One without members yields its place.
    ///
    /// # Errors
    /// 503 when there are as many as may be.
    pub(super) fn occupy(
        &self,
        slot: &Arc<Slot>,
        max_groups: Option<usize>,
    ) -> Result<Occupied, Refusal> {
        let slots = self.slots.lock();
        let (Some(most), Some(_)) = (max_groups, &slot.room) else {
            return Ok(slot.occupy());
        };
        let is_open = |other: &&Arc<Slot>| {
            other.script_name == slot.script_name && other.room.is_some() && other.is_occupied()
        };
        let open: Vec<_> = slots.values().flatten().filter(is_open).collect();
        let mut missing = (open.len() + 1).saturating_sub(most);
        for other in open {
            let yields = |group: Arc<Group>| group.yield_place();
            if missing > 0 && other.live().is_some_and(yields) {
                missing -= 1;
            }
        }
        match missing {
            0 => Ok(slot.occupy()),
            _ => Err(Refusal::TooManyGroups(most)),
        }
    }

    /// Retires those that a new router does not lead to; the others go on, on its terms.
    /// Gives the number of the configuration.
    pub(in crate::http) fn reconfigure(&self, router: &Router) -> u64 {
        let slots = self.slots.lock();
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        for slot in slots.values().flatten() {
            let room = slot.room.as_deref();
            match slot.definition.find(router, &slot.script_name, room) {
                None => slot.retire(),
                Some(shared) => {
                    if let Some(group) = slot.live() {
                        group.set_options(&shared.share.group);
                    }
                }
            }
        }
        generation
    }

    /// Has programs end whose files are others by now; how many members these have.
    pub(in crate::http) fn replace_changed_programs(&self, changed: &ChangedFiles) -> usize {
        let slots: Vec<_> = self.slots.lock().values().flatten().cloned().collect();
        // It looks at files, which nobody waits for.
        let is_replaced = |slot: &&Arc<Slot>| changed.concern(&slot.definition.program().files());
        let mut members = 0;
        for slot in slots.iter().filter(is_replaced) {
            members += slot.live().map_or(0, |group| group.members());
            slot.replace_program();
        }
        members
    }

    /// The names of all groups that are there, and how many members each has.
    pub(in crate::http) fn list(&self) -> Vec<(String, usize)> {
        let slots = self.slots.lock();
        let groups = slots.values().flatten();
        let live = groups.filter_map(|slot| Some((slot.name.clone(), slot.live()?.members())));
        live.collect()
    }
}
