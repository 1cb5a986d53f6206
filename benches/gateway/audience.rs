//! Many members of one room on one thread: one speaks, or all do, and all hear it.

use std::time::{Duration, Instant};

use crate::connection::{Connection, Heard, PATIENCE};
use crate::hearing::{Hearing, Membership};
use crate::nats;
use crate::outcome::Failure;
use crate::poll::{Interest, Poll};
use crate::reach::Reach;
use crate::stream::Stream;
use crate::wire::Batch;

/// Room to read into: most of a burst, for ten thousand members.
const ROOM: usize = 8 * 1024;

/// Members that are on their way at a time.
const AT_ONCE: usize = 16;

struct Member {
    connection: Connection<Stream>,
    hearing: Hearing,
}

/// Members that are all there.
pub(crate) struct Audience {
    poll: Poll,
    ready: Vec<usize>,
    members: Vec<Member>,
    membership: Membership,
}

impl Member {
    /// Connects and asks; `join` is due.
    fn ask(port: u16, membership: Membership) -> Result<Self, Failure> {
        let asked = match membership {
            Membership::Nats => ("/", ""),
            Membership::Compressed => {
                ("/bench", "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            }
            Membership::Plain | Membership::Tls => ("/bench", ""),
        };
        let stream = Stream::connect(port, membership == Membership::Tls)?;
        Ok(Member {
            connection: Connection::request(stream, ROOM, asked)?,
            hearing: Hearing::of(membership),
        })
    }

    /// From now on nothing blocks.
    fn join(&mut self, membership: Membership) -> Result<(), Failure> {
        let Member {
            connection,
            hearing,
        } = self;
        let nothing = Batch::new(0, 16, 1);
        connection.wait_for_upgrade(|piece, part| hearing.take(&nothing, piece, part))?;
        match membership {
            Membership::Compressed => connection.expect_compressed(),
            Membership::Nats => connection.send(&nats::greeting())?,
            Membership::Plain | Membership::Tls => {}
        }
        while matches!(hearing, Hearing::Nats(stream) if !stream.is_greeted) {
            connection.listen(|piece, part| hearing.take(&nothing, piece, part))?;
        }
        Ok(connection.stream.socket().set_nonblocking(true)?)
    }

    /// Reads once, or what TLS has made of it, and checks what came.
    fn listen(&mut self, batch: &Batch) -> Result<(), Failure> {
        let Member {
            connection,
            hearing,
        } = self;
        loop {
            let heard = connection.receive(|piece, part| hearing.take(batch, piece, part))?;
            if let Hearing::Nats(stream) = hearing
                && std::mem::take(&mut stream.is_asked)
            {
                connection.send(&nats::pong())?;
            }
            if heard == Heard::End || connection.is_closed() {
                return Err(Failure::Wrong("a member was closed".into()));
            }
            // epoll(7) does not know of what lies within.
            let is_tls = matches!(connection.stream, Stream::Tls(_));
            if heard == Heard::Nothing || !is_tls {
                return Ok(());
            }
        }
    }
}

impl Audience {
    /// So many, some of them on their way at a time.
    pub(crate) fn gather(port: u16, count: usize, membership: Membership) -> Result<Self, Failure> {
        let mut audience = Audience {
            poll: Poll::new()?,
            ready: Vec::new(),
            members: Vec::new(),
            membership,
        };
        while audience.members.len() < count {
            let first = audience.members.len();
            for _ in first..count.min(first + AT_ONCE) {
                audience.members.push(Member::ask(port, membership)?);
            }
            for (name, member) in audience.members.iter_mut().enumerate().skip(first) {
                member.join(membership)?;
                let socket = member.connection.stream.socket();
                audience.poll.add(socket, name, Interest::Readable)?;
            }
        }
        Ok(audience)
    }

    fn frames(&self, batch: &Batch) -> Vec<u8> {
        match self.membership {
            Membership::Nats => nats::publish(batch),
            _ => batch.frames.clone(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// One in the middle, who is told neither first nor last, says all of a batch at once; returns when all have heard it.
    pub(crate) fn hear_all_of(&mut self, batch: &Batch) -> Result<Reach, Failure> {
        let frames = self.frames(batch);
        let speaker = self.members.len() / 2;
        let start = Instant::now();
        self.members[speaker].connection.send(&frames)?;
        let mut own = Duration::ZERO;
        self.hear(batch, batch.count as u64, |name| {
            if name == speaker {
                own = start.elapsed();
            }
        })?;
        let all = start.elapsed();
        Ok(Reach { own, all })
    }

    /// Each says the one message of a batch; returns when all have heard all of them.
    pub(crate) fn all_speak(&mut self, batch: &Batch) -> Result<(), Failure> {
        let frames = self.frames(batch);
        for member in &mut self.members {
            member.connection.send(&frames)?;
        }
        self.hear(batch, self.members.len() as u64, |_| {})
    }

    /// Waits until each has heard so many messages, and says who has.
    fn hear(
        &mut self,
        batch: &Batch,
        count: u64,
        mut has_heard: impl FnMut(usize),
    ) -> Result<(), Failure> {
        for member in &mut self.members {
            member.hearing.begin_anew();
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
                let member = &mut self.members[name];
                let before = member.hearing.received();
                member.listen(batch)?;
                let received = member.hearing.received();
                if before < count && received >= count {
                    // More than that is wrong, and is taken for the next.
                    waiting -= 1;
                    has_heard(name);
                }
            }
        }
        Ok(())
    }
}
