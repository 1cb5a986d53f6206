//! Many members of one room on one thread: one speaks, or all do, and all hear it.

use crate::connection::{Connection, Heard, PATIENCE};
use crate::outcome::Failure;
use crate::poll::{Interest, Poll};
use crate::wire::{Batch, Echoes};

/// Room to read into: most of a burst, for ten thousand members.
const ROOM: usize = 8 * 1024;

struct Member {
    connection: Connection,
    echoes: Echoes,
}

/// Members that are all there.
pub(crate) struct Audience {
    poll: Poll,
    ready: Vec<usize>,
    members: Vec<Member>,
}

impl Audience {
    /// So many, one after the other.
    pub(crate) fn gather(port: u16, count: usize) -> Result<Self, Failure> {
        let mut audience = Audience {
            poll: Poll::new()?,
            ready: Vec::new(),
            members: Vec::new(),
        };
        for name in 0..count {
            let connection = Connection::open_narrow(port, ROOM)?;
            audience
                .poll
                .add(&connection.stream, name, Interest::Readable)?;
            audience.members.push(Member {
                connection,
                echoes: Echoes::default(),
            });
        }
        Ok(audience)
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The first says all of a batch at once; returns when all have heard it.
    pub(crate) fn hear_all_of(&mut self, batch: &Batch) -> Result<(), Failure> {
        let frames: Vec<u8> = (0..batch.count)
            .flat_map(|place| batch.frame(place).to_vec())
            .collect();
        self.members[0].connection.send(&frames)?;
        self.hear(batch, batch.count as u64)
    }

    /// Each says the one message of a batch; returns when all have heard all of them.
    pub(crate) fn all_speak(&mut self, batch: &Batch) -> Result<(), Failure> {
        for member in &mut self.members {
            member.connection.send(batch.frame(0))?;
        }
        self.hear(batch, self.members.len() as u64)
    }

    fn hear(&mut self, batch: &Batch, count: u64) -> Result<(), Failure> {
        for member in &mut self.members {
            member.echoes = Echoes::default();
        }
        let mut waiting = self.members.len();
        while waiting > 0 {
            self.poll.wait(PATIENCE, &mut self.ready)?;
            if self.ready.is_empty() {
                return Err(Failure::Wrong(format!(
                    "{waiting} members have not heard all"
                )));
            }
            for &name in &self.ready {
                let Member { connection, echoes } = &mut self.members[name];
                let heard = connection.receive(|piece, part| echoes.take(batch, piece, part))?;
                if heard == Heard::End || connection.is_closed() {
                    return Err(Failure::Wrong("a member was closed".into()));
                }
                if heard == Heard::Something && echoes.received == count {
                    // More than that is wrong, and is taken for the next.
                    waiting -= 1;
                }
            }
        }
        Ok(())
    }
}
