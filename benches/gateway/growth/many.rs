//! What there may be many of, and what is looked at: how fast so many are opened, what memory they take once they are
//! silent, how a session with a program starts beside them, and how one of them is heard.

use std::time::{Duration, Instant};

use super::Kind;
use crate::audience::Audience;
use crate::crowd::Crowd;
use crate::event_stream::Listeners;
use crate::figures::{Effort, standing::settled_memory};
use crate::hearing::Membership;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::reach::reaches;
use crate::server::{Mode, Server};
use crate::wire::Batch;

/// How many are on their way at a time.
const AT_ONCE: usize = 16;

/// Bytes of a message.
const MESSAGE: usize = 16;

/// Sessions that are started beside the others: each uses up a port of the client's range for a minute (TIME_WAIT).
const MOST_STARTS: usize = 1_000;

/// Names of measures, which the picture finds them by.
pub(crate) const OPENED: &str = "opened/s";
pub(crate) const MEMORY_ALL: &str = "memory, MiB";
pub(crate) const MEMORY_EACH: &str = "memory each, KiB";
pub(crate) const START: &str = "start p50, ms";
pub(crate) const START_SLOWEST: &str = "start p99, ms";
pub(crate) const MEDIAN: &str = "p50, µs";
pub(crate) const SLOWEST: &str = "p99, µs";
pub(crate) const LAST: &str = "all p50, ms";
pub(crate) const LAST_SLOWEST: &str = "all p99, ms";

/// A program each.
pub(super) const SESSIONS: Kind = Kind {
    names: ["session", "sessions"],
    mode: Mode::Lines,
    descriptors: 5,
    processes: 1,
    memory: 1024,
    probe: |server, effort, count| crowd(server, effort, count, |_| "/bench".into()),
};

/// One program for all of them.
pub(super) const MEMBERS: Kind = Kind {
    names: ["member", "members"],
    mode: Mode::Share,
    descriptors: 1,
    processes: 0,
    memory: 64,
    probe: members,
};

/// A member each, and no program.
pub(super) const ROOMS: Kind = Kind {
    names: ["room", "rooms"],
    mode: Mode::Rooms,
    descriptors: 1,
    processes: 0,
    memory: 64,
    probe: |server, effort, count| crowd(server, effort, count, |name| format!("/bench/{name}")),
};

/// A connection each to a socket, which has a thread for it, and that in this process, as is the client.
pub(super) const TARGETS: Kind = Kind {
    names: ["target", "targets"],
    mode: Mode::Target,
    descriptors: 2,
    processes: 1,
    memory: 256,
    probe: |server, effort, count| crowd(server, effort, count, |_| "/bench".into()),
};

/// Event streams of one program for all of them.
pub(super) const EVENTS: Kind = Kind {
    names: ["stream", "streams"],
    mode: Mode::Share,
    descriptors: 1,
    processes: 0,
    memory: 128,
    probe: events,
};

/// Those who hear but themselves.
fn crowd(
    server: &Server,
    effort: &Effort,
    count: usize,
    resource: fn(usize) -> String,
) -> Result<Outcome, Failure> {
    let open = |count| {
        let mut crowd = Crowd::of(server.port, resource)?;
        crowd.gather(count, AT_ONCE)?;
        Ok(crowd)
    };
    let (mut crowd, mut measures) = open_many(server, effort, count, open)?;
    measures.extend(round_trips(crowd.solo(effort.span)?));
    Ok(Outcome::from(measures))
}

/// Those who hear each other.
fn members(server: &Server, effort: &Effort, count: usize) -> Result<Outcome, Failure> {
    let open = |count| Audience::gather(server.port, count, Membership::Plain);
    let (mut audience, mut measures) = open_many(server, effort, count, open)?;
    let batch = Batch::new(1, MESSAGE, 1);
    let [own, all] = reaches(effort.span, || audience.hear_all_of(&batch))?;
    measures.extend(round_trips(own));
    measures.extend(until_last(all));
    Ok(Outcome::from(measures))
}

/// The same by event streams and POST.
fn events(server: &Server, effort: &Effort, count: usize) -> Result<Outcome, Failure> {
    let open = |count| Listeners::gather(server.port, "/bench", count, AT_ONCE);
    let (mut listeners, mut measures) = open_many(server, effort, count, open)?;
    let batch = Batch::new(1, MESSAGE, 1);
    let [own, all] = reaches(effort.span, || listeners.hear_all_of(&batch))?;
    measures.extend(round_trips(own));
    measures.extend(until_last(all));
    Ok(Outcome::from(measures))
}

/// Opens so many, and starts sessions with a program beside them.
fn open_many<Many>(
    server: &Server,
    effort: &Effort,
    count: usize,
    open: impl Fn(usize) -> Result<Many, Failure>,
) -> Result<(Many, Vec<Measure>), Failure> {
    // What a server sets up for its first one is no other's cost; and one that has ended a
    // session may treat the next otherwise.
    drop(open(1)?);
    let before = settled_memory(server)?;
    let start = Instant::now();
    let many = open(count)?;
    let time = start.elapsed().as_secs_f64();
    let memory = settled_memory(server)?;
    let each = (memory - before) / count as f64;
    let mut measures = vec![
        Measure::more(OPENED, count as f64 / time),
        Measure::less(MEMORY_ALL, memory / 1024.0 / 1024.0),
        Measure::less(MEMORY_EACH, each / 1024.0),
    ];
    measures.extend(starts(server, effort)?);
    Ok((many, measures))
}

/// From the connect to the first echo by a program of one's own, one after the other.
fn starts(server: &Server, effort: &Effort) -> Result<[Measure; 2], Failure> {
    let mut crowd = Crowd::of(server.port, |_| "/program".into())?;
    let mut echoes = crowd.cycle(1, effort.span, MOST_STARTS)?.echoes;
    Ok([
        Measure::less(START, percentile(&mut echoes, 50) * 1e3),
        Measure::less(START_SLOWEST, percentile(&mut echoes, 99) * 1e3),
    ])
}

fn round_trips(mut times: Vec<Duration>) -> [Measure; 2] {
    [
        Measure::less(MEDIAN, percentile(&mut times, 50) * 1e6),
        Measure::less(SLOWEST, percentile(&mut times, 99) * 1e6),
    ]
}

fn until_last(mut times: Vec<Duration>) -> [Measure; 2] {
    [
        Measure::less(LAST, percentile(&mut times, 50) * 1e3),
        Measure::less(LAST_SLOWEST, percentile(&mut times, 99) * 1e3),
    ]
}
