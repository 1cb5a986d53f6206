//! Options of a program that many clients have together: [`ShareOptions`].

use std::sync::Arc;

use crate::backend::GroupOptions;

/// On which terms a program is shared.
#[derive(Debug, Clone)]
pub struct ShareOptions {
    /// Those of each group.
    pub group: Arc<GroupOptions>,
    /// What has a group of its own.
    pub by: ShareBy,
    /// Groups by segment at a time; `None` has no limit.
    pub max_groups: Option<usize>,
    /// What a tagged program is told of who joins.
    pub join_variables: Vec<String>,
}

/// What has a group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareBy {
    /// The route.
    Route,
    /// Each first segment of the path beneath it.
    Segment,
}
