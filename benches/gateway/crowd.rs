//! Many sessions on one thread: each is a small state machine, and the loops
//! below say what the crowd does.

use std::time::{Duration, Instant};

use crate::connection::{Connection, Heard, PATIENCE};
use crate::outcome::Failure;
use crate::poll::{Interest, Poll};
use crate::wire::{Batch, Echoes, close};

/// Bytes of the messages of a crowd.
const MESSAGE: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Dialing,
    Upgrading,
    Open,
    Closing,
}

/// What a session has just done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Step,
    Echoed,
    Ended,
}

struct Session {
    connection: Connection,
    resource: String,
    message: Batch,
    echoes: Echoes,
    stage: Stage,
    began: Instant,
}

/// Sessions of one server, all driven by the calling thread.
pub(crate) struct Crowd {
    port: u16,
    /// What each of them asks for, by its number.
    resource: fn(usize) -> String,
    poll: Poll,
    ready: Vec<usize>,
    sessions: Vec<Session>,
}

/// Connect-echo-close cycles that have been run to their end.
pub(crate) struct Cycles {
    pub(crate) times: Vec<Duration>,
    /// Until the first echo of each.
    pub(crate) echoes: Vec<Duration>,
    /// How many ended without a Close frame from the server.
    pub(crate) abrupt: usize,
}

impl Crowd {
    pub(crate) fn new(port: u16) -> Result<Self, Failure> {
        Self::of(port, |_| "/bench".into())
    }

    /// The same, each of which asks for a resource by its number.
    pub(crate) fn of(port: u16, resource: fn(usize) -> String) -> Result<Self, Failure> {
        Ok(Self {
            port,
            resource,
            poll: Poll::new()?,
            ready: Vec::new(),
            sessions: Vec::new(),
        })
    }

    /// Adds `count` sessions, `at_once` of them on their way at a time, until
    /// each has had an echo.
    pub(crate) fn gather(&mut self, count: usize, at_once: usize) -> Result<(), Failure> {
        let goal = self.sessions.len() + count;
        let mut arriving = 0;
        while arriving > 0 || self.sessions.len() < goal {
            while arriving < at_once && self.sessions.len() < goal {
                let newcomer = self.dial(self.sessions.len())?;
                self.sessions.push(newcomer);
                arriving += 1;
            }
            arriving -= self.advance(|_, deed| Ok(usize::from(deed == Deed::Echoed)))?;
        }
        Ok(())
    }

    /// Keeps one message in flight in every session for `time`; returns the
    /// number of round trips, at least one each.
    pub(crate) fn chatter(&mut self, time: Duration) -> Result<usize, Failure> {
        let end = Instant::now() + time;
        for session in &mut self.sessions {
            session.speak()?;
        }
        let mut talking = self.sessions.len();
        let mut trips = 0;
        while talking > 0 {
            let goes_on = Instant::now() < end;
            let echoed = self.advance(|session, deed| {
                if deed == Deed::Echoed && goes_on {
                    session.speak()?;
                }
                Ok(usize::from(deed == Deed::Echoed))
            })?;
            trips += echoed;
            if !goes_on {
                talking -= echoed;
            }
        }
        Ok(trips)
    }

    /// Round trips of the first session alone, one after the other, while the others do nothing.
    pub(crate) fn solo(&mut self, time: Duration) -> Result<Vec<Duration>, Failure> {
        let end = Instant::now() + time;
        let mut times = Vec::new();
        while Instant::now() < end {
            let start = Instant::now();
            self.sessions[0].speak()?;
            while self.advance(|_, deed| Ok(usize::from(deed == Deed::Echoed)))? == 0 {}
            times.push(start.elapsed());
        }
        Ok(times)
    }

    /// Runs connect-echo-close cycles, `at_once` at a time, for `time` or
    /// until there are `most`.
    pub(crate) fn cycle(
        &mut self,
        at_once: usize,
        time: Duration,
        most: usize,
    ) -> Result<Cycles, Failure> {
        let end = Instant::now() + time;
        let mut cycles = Cycles {
            times: Vec::new(),
            echoes: Vec::new(),
            abrupt: 0,
        };
        for name in 0..at_once {
            let session = self.dial(name)?;
            self.sessions.push(session);
        }
        let mut active = at_once;
        let mut ended = Vec::new();
        while active > 0 {
            self.wait()?;
            for name in std::mem::take(&mut self.ready) {
                let session = &mut self.sessions[name];
                match session.proceed(&self.poll, name)? {
                    Deed::Echoed => {
                        cycles.echoes.push(session.began.elapsed());
                        session.close()?;
                    }
                    Deed::Ended => ended.push(name),
                    Deed::Step => {}
                }
            }
            for name in ended.drain(..) {
                let session = &self.sessions[name];
                cycles.times.push(session.began.elapsed());
                cycles.abrupt += usize::from(!session.connection.is_closed());
                if Instant::now() < end && cycles.times.len() + active <= most {
                    self.sessions[name] = self.dial(name)?;
                } else {
                    active -= 1;
                    // What stays readable at its end would be reported again and again.
                    self.poll.remove(&self.sessions[name].connection.stream)?;
                }
            }
        }
        self.sessions.clear();
        Ok(cycles)
    }

    /// Waits for something to happen, lets `react` see what each session did,
    /// and returns the sum of what it gave.
    fn advance(
        &mut self,
        mut react: impl FnMut(&mut Session, Deed) -> Result<usize, Failure>,
    ) -> Result<usize, Failure> {
        self.wait()?;
        let mut sum = 0;
        for &name in &self.ready {
            let session = &mut self.sessions[name];
            let deed = session.proceed(&self.poll, name)?;
            sum += react(session, deed)?;
        }
        Ok(sum)
    }

    fn wait(&mut self) -> Result<(), Failure> {
        self.poll.wait(PATIENCE, &mut self.ready)?;
        if self.ready.is_empty() {
            let silence = Failure::Cannot(format!("no answer within {PATIENCE:?}"));
            let are_sessions = self.sessions.iter().all(|one| one.connection.is_upgraded);
            return Err(if are_sessions {
                silence.of_session()
            } else {
                silence
            });
        }
        Ok(())
    }

    fn dial(&self, name: usize) -> Result<Session, Failure> {
        let began = Instant::now();
        let connection = Connection::dial(self.port)?;
        self.poll
            .add(&connection.stream, name, Interest::Connected)?;
        Ok(Session {
            connection,
            resource: (self.resource)(name),
            message: Batch::new(name, MESSAGE, 1),
            echoes: Echoes::default(),
            stage: Stage::Dialing,
            began,
        })
    }
}

impl Session {
    fn speak(&mut self) -> Result<(), Failure> {
        self.connection.send(&self.message.frames)
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.stage = Stage::Closing;
        self.connection.send(&close())
    }

    /// Does what its socket is ready for.
    fn proceed(&mut self, poll: &Poll, name: usize) -> Result<Deed, Failure> {
        if self.stage == Stage::Dialing {
            self.connection.ask(&self.resource)?;
            poll.change(&self.connection.stream, name, Interest::Readable)?;
            self.stage = Stage::Upgrading;
            return Ok(Deed::Step);
        }
        let before = self.echoes.received;
        let (echoes, message) = (&mut self.echoes, &self.message);
        let heard = self
            .connection
            .receive(|piece, part| echoes.take(message, piece, part));
        if self.stage == Stage::Closing {
            // A server that leaves without reading all may reset: an end as well.
            return Ok(match heard {
                Ok(Heard::End) | Err(Failure::Cannot(_)) => Deed::Ended,
                Err(wrong) => return Err(wrong),
                Ok(_) => Deed::Step,
            });
        }
        let heard = match heard {
            Ok(Heard::End) => Err(Failure::Cannot("connection ended before its echo".into())),
            heard => heard,
        };
        if self.connection.is_upgraded {
            heard.map_err(Failure::of_session)?;
        } else {
            heard?;
        }
        if self.stage == Stage::Upgrading && self.connection.is_upgraded {
            self.stage = Stage::Open;
            self.speak()?;
        }
        Ok(match self.echoes.received - before {
            0 => Deed::Step,
            1 => Deed::Echoed,
            many => return Err(Failure::Wrong(format!("{many} echoes of one message"))),
        })
    }
}
