//! Figures of all groups of a server, counted where things happen and read by who shows them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::options::SlowPolicy;

/// Something that is counted.
#[derive(Debug, Default)]
pub struct Figure(AtomicU64);

impl Figure {
    /// So many more.
    pub(super) fn add(&self, more: usize) {
        if more > 0 {
            self.0.fetch_add(more as u64, Ordering::Relaxed);
        }
    }

    /// So many less, of what comes and goes.
    pub(super) fn subtract(&self, less: usize) {
        self.0.fetch_sub(less as u64, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted of groups.
#[derive(Debug, Default)]
pub struct Figures {
    /// Groups that are there.
    pub groups_open: Figure,
    /// Members that are there.
    pub members_open: Figure,
    /// Members that have joined.
    pub members: Figure,
    /// Programs that were started.
    pub starts: Figure,
    /// Those of them that were started again while members stayed.
    pub respawns: Figure,
    /// Messages to members, each once for each of them.
    pub deliveries: Figure,
    /// Bytes of these.
    pub delivery_bytes: Figure,
    /// Ticks that were left out since the program had not read the last.
    pub ticks_skipped: Figure,
    /// What was said to or by members and went nowhere.
    pub dropped: DroppedFigures,
    /// Members that took less than they were sent.
    pub slow: SlowFigures,
}

/// What went nowhere, by reason.
#[derive(Debug, Default)]
pub struct DroppedFigures {
    /// The member was too slow.
    pub slow: Figure,
    /// The member has left.
    pub gone: Figure,
    /// The line is none.
    pub malformed: Figure,
    /// Members are only told.
    pub readonly: Figure,
}

/// Slow members, by what became of them.
#[derive(Debug, Default)]
pub struct SlowFigures {
    /// They were closed.
    pub close: Figure,
    /// They got less.
    pub drop: Figure,
    /// They got the newest.
    pub latest: Figure,
}

impl SlowFigures {
    pub(super) fn of(&self, policy: SlowPolicy) -> &Figure {
        match policy {
            SlowPolicy::Close => &self.close,
            SlowPolicy::Drop => &self.drop,
            SlowPolicy::Latest => &self.latest,
        }
    }
}
