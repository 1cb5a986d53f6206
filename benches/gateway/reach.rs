//! How long what one member says takes to reach it, and all.

use std::time::{Duration, Instant};

use crate::outcome::Failure;

/// From the moment in which it was said.
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    /// Until whoever said it has heard it.
    pub(crate) own: Duration,
    /// Until the last has.
    pub(crate) all: Duration,
}

/// Both of them, of messages that are said for so long, one when all have heard the one before.
pub(crate) fn reaches(
    time: Duration,
    mut say: impl FnMut() -> Result<Reach, Failure>,
) -> Result<[Vec<Duration>; 2], Failure> {
    // Caches and lazy allocations.
    say()?;
    let (mut own, mut all) = (Vec::new(), Vec::new());
    let end = Instant::now() + time;
    while Instant::now() < end {
        let reach = say()?;
        own.push(reach.own);
        all.push(reach.all);
    }
    Ok([own, all])
}
