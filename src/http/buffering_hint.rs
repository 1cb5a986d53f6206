//! The answer to the first question of every newcomer, why nothing comes back: [`BufferingHint`].

use std::sync::{Arc, Once};

use tracing::info;

use super::refusal::CAME_AT_END;

/// A line of the log that is there once, whichever program it is about first. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct BufferingHint(Arc<Said>);

#[derive(Debug)]
struct Said(Once);

impl Default for Said {
    fn default() -> Self {
        Said(Once::new())
    }
}

impl BufferingHint {
    /// Says it, if nobody has.
    pub(super) fn say(&self) {
        self.0.0.call_once(|| info!("{CAME_AT_END}"));
    }
}
