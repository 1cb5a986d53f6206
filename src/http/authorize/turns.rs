//! Turns: how many programs are asked at a time, in all and for one client.
//!
//! Each is a process. Who has none yet waits; who asks much waits for itself, before it keeps others waiting.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Programs at a time. Fewer would let some slow ones hold up everybody, more are a crowd that a small machine feels.
const AT_A_TIME: usize = 16;
/// Of these, for the clients of one address. Fewer would hold up a page and its files, more would let one client have
/// all.
const OF_AN_ADDRESS: usize = 4;

/// Gives out turns.
#[derive(Debug)]
pub(in crate::http) struct Turns {
    all: Arc<Semaphore>,
    by_address: Mutex<HashMap<IpAddr, Queue>>,
}

/// The turns of one address, as long as somebody has one or waits.
#[derive(Debug)]
struct Queue {
    turns: Arc<Semaphore>,
    /// Who has one or waits.
    visitors: usize,
}

/// A turn. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    _of_all: Option<OwnedSemaphorePermit>,
    // In this order, so that the permit is back before its queue may go.
    _own: Option<OwnedSemaphorePermit>,
    _visitor: Option<Visitor<'a>>,
}

/// Somebody in a queue.
#[derive(Debug)]
struct Visitor<'a> {
    turns: &'a Turns,
    address: IpAddr,
}

impl Default for Turns {
    fn default() -> Self {
        Turns {
            all: Arc::new(Semaphore::new(AT_A_TIME)),
            by_address: Mutex::default(),
        }
    }
}

impl Turns {
    /// Waits for a turn; a client without an address of its own waits for those of all. Cancel safe: yes.
    pub(super) async fn take(&self, address: Option<IpAddr>) -> Turn<'_> {
        let (own, visitor) = match address {
            Some(address) => {
                let (turns, visitor) = self.enter(address);
                (turns.acquire_owned().await.ok(), Some(visitor))
            }
            None => (None, None),
        };
        // Never an error: nobody closes them.
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        Turn {
            _of_all: of_all,
            _own: own,
            _visitor: visitor,
        }
    }

    fn enter(&self, address: IpAddr) -> (Arc<Semaphore>, Visitor<'_>) {
        let mut queues = self.by_address.lock();
        let queue = queues.entry(address).or_insert_with(|| Queue {
            turns: Arc::new(Semaphore::new(OF_AN_ADDRESS)),
            visitors: 0,
        });
        queue.visitors += 1;
        let visitor = Visitor {
            turns: self,
            address,
        };
        (Arc::clone(&queue.turns), visitor)
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.by_address.lock();
        if let Some(queue) = queues.get_mut(&self.address) {
            queue.visitors -= 1;
            if queue.visitors == 0 {
                queues.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    #[test]
    fn address_that_has_its_turns_waits_and_others_do_not() {
        let turns = Turns::default();
        let now = |who| turns.take(who).now_or_never();
        let mut own: Vec<_> = (0..OF_AN_ADDRESS).map(|_| now(address(1))).collect();
        assert!(own.iter().all(Option::is_some));
        assert!(now(address(1)).is_none());
        assert!(now(address(2)).is_some());
        assert!(now(None).is_some());
        own.pop();
        assert!(now(address(1)).is_some());
        drop(own);
        assert!(turns.by_address.lock().is_empty());
    }

    #[test]
    fn all_together_have_so_many_and_no_more() {
        let turns = Turns::default();
        let now = |who| turns.take(who).now_or_never();
        let mut taken: Vec<_> = (0..AT_A_TIME).map(|n| now(address(n as u8))).collect();
        assert!(taken.iter().all(Option::is_some));
        assert!(now(address(200)).is_none());
        assert!(now(None).is_none());
        taken.pop();
        assert!(now(None).is_some());
    }
}
