//! What waits in a queue: a message, or what is left of a burst.

use std::sync::Arc;

use crate::{
    message::Shared,
    wire::{Burst, Sending},
};

/// What a message takes in a queue beside its bytes.
pub(in crate::backend::group) const OVERHEAD: usize = 64;

/// To whom a message goes, as far as queues tell that apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend::group) enum Destination {
    /// To all members.
    All,
    /// To those of the room of this number.
    Room(u32),
    /// To some by their numbers: never left out.
    Members,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) content: Content,
    pub(super) to: Destination,
}

#[derive(Debug)]
pub(super) enum Content {
    One(Arc<Shared>),
    /// What was said to all at once, from this message on.
    Burst(Arc<Burst>, u32),
}

impl Entry {
    pub(super) fn one(message: &Arc<Shared>, to: Destination) -> Self {
        Entry {
            content: Content::One(Arc::clone(message)),
            to,
        }
    }

    pub(super) fn messages(&self) -> &[Arc<Shared>] {
        match &self.content {
            Content::One(message) => std::slice::from_ref(message),
            Content::Burst(burst, next) => &burst.messages()[*next as usize..],
        }
    }

    pub(super) fn size(&self) -> usize {
        size(self.messages())
    }

    /// As it can be written; `None` for what is left of a burst.
    pub(super) fn as_sending(&self) -> Option<Sending<'_>> {
        match &self.content {
            Content::One(message) => Some(Sending::One(message)),
            Content::Burst(burst, 0) => Some(Sending::Burst(burst)),
            Content::Burst(..) => None,
        }
    }

    pub(super) fn is_to_many(&self) -> bool {
        self.to != Destination::Members
    }
}

/// What messages take in a queue.
pub(in crate::backend::group) fn size(messages: &[Arc<Shared>]) -> usize {
    let sizes = messages
        .iter()
        .map(|shared| shared.message().len() + OVERHEAD);
    sizes.sum()
}
