//! The replay: the last messages that went to all, for those who come later.

use std::{collections::VecDeque, sync::Arc};

use super::queue::OVERHEAD;
use crate::message::Shared;

/// So many of the last messages at most, and so many bytes of them; but one at least.
#[derive(Debug, Default)]
pub(super) struct Replay {
    messages: VecDeque<Arc<Shared>>,
    bytes: usize,
}

impl Replay {
    /// Adds the newest, and forgets what is beyond `most` messages or `limit` bytes.
    pub(super) fn push(&mut self, message: &Arc<Shared>, most: usize, limit: usize) {
        if most == 0 {
            return;
        }
        self.bytes += size(message);
        self.messages.push_back(Arc::clone(message));
        while self.messages.len() > most || self.bytes > limit && self.messages.len() > 1 {
            let oldest = self.messages.pop_front();
            self.bytes -= oldest.as_ref().map_or(0, size);
        }
    }

    /// The last `most`, oldest first.
    pub(super) fn last(&self, most: usize) -> impl DoubleEndedIterator<Item = &Arc<Shared>> {
        let skipped = self.messages.len().saturating_sub(most);
        self.messages.range(skipped..)
    }
}

fn size(message: &Arc<Shared>) -> usize {
    message.message().len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn replay(texts: &[&str], most: usize, limit: usize) -> Vec<usize> {
        let mut replay = Replay::default();
        for text in texts {
            let message = Message::Text((*text).into());
            replay.push(&Arc::new(Shared::new(message)), most, limit);
        }
        let last = replay.last(most);
        last.map(|shared| shared.message().len()).collect()
    }

    #[test]
    fn last_messages_are_kept_oldest_first() {
        assert_eq!(replay(&["", "x", "xx", "xxx"], 2, 1000), [2, 3]);
        assert_eq!(replay(&["x"], 0, 1000), [0; 0]);
    }

    #[test]
    fn bytes_are_limited_but_for_the_newest() {
        let limit = 2 * OVERHEAD + 3;
        assert_eq!(replay(&["", "x", "xx"], 9, limit), [1, 2]);
        let long = "x".repeat(1000);
        assert_eq!(replay(&["x", &long], 9, limit), [1000]);
    }
}
