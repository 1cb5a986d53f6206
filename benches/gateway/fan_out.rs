//! One program for many clients: what a message to all costs, beside servers that send to all without a program.
//!
//! What one member says all hear, so a member is the publisher, and each message is checked at each member.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::audience::Audience;
use crate::figures::{Effort, standing::settled_memory};
use crate::hearing::Membership;
use crate::kernel::{self, OneCpu};
use crate::options::Options;
use crate::outcome::{Failure, Measure, Outcome};
use crate::server::{Mode, Server, Template};
use crate::turns::take_turns;
use crate::wire::Batch;

/// Names of the servers, and the words behind the program's own path.
pub(crate) const KNOWN: [(&str, &str, &str); 9] = [
    (
        "wsd",
        "wsd",
        "--port={port} --loglevel=error --share --max-members=0 cat",
    ),
    (
        "wsd tagged",
        "wsd",
        "--port={port} --loglevel=error --share=tagged --max-members=0 sed -un s/^[0-9][0-9]*/*/p",
    ),
    (
        "wsd room",
        "wsd",
        "--port={port} --loglevel=error --room=/ --max-rate=0 --max-members=0",
    ),
    (
        TLS,
        "wsd",
        "--port={port} --loglevel=error --ssl-selfsigned --share --max-members=0 cat",
    ),
    (
        COMPRESSED,
        "wsd",
        "--port={port} --loglevel=error --compress --share --max-members=0 cat",
    ),
    ("nchan", "sh", "benches/gateway/nchan.sh {port}"),
    (NATS, "sh", "benches/gateway/nats.sh {port}"),
    (
        "websocat",
        "websocat",
        "-q -t ws-l:127.0.0.1:{port} broadcast:mirror:",
    ),
    ("ws (Node)", "node", "benches/gateway/fan_out.mjs {port}"),
];

const TLS: &str = "wsd TLS";
const COMPRESSED: &str = "wsd compressed";

/// The one whose members speak a protocol of its own.
pub(crate) const NATS: &str = "nats-server";

/// Where Debian has the module of nginx.
pub(crate) const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

const MEMBERS: usize = 1000;
const MANY: usize = 10_000;
/// Bytes of the messages.
const SHORT: usize = 100;
const STATE: usize = 2 * 1024;
const WORLD: usize = 10 * 1024;
/// Messages of a burst.
const BURST: usize = 64;
/// Between two states of a game.
const TICK: Duration = Duration::from_millis(50);
/// What one member that does not read is sent meanwhile.
const STALL: usize = 500;

type Probe = fn(&Room, &Effort) -> Result<Outcome, Failure>;

/// A running server whose members all hear each other.
struct Room {
    server: Server,
    membership: Membership,
}

impl Room {
    /// So many members.
    fn gather(&self, count: usize) -> Result<Audience, Failure> {
        Audience::gather(self.server.port, count, self.membership)
    }
}

/// Name, and what is done.
const FIGURES: [(&str, Probe); 7] = [
    ("alone", |room, effort| bursts(room, effort, 1)),
    ("burst-64", |room, effort| bursts(room, effort, BURST)),
    ("state-2k", |room, effort| states(room, effort, STATE)),
    ("state-10k", |room, effort| states(room, effort, WORLD)),
    ("talk", talk),
    ("stalled", stalled),
    ("memory", memory),
];

/// The figures of a list.
pub(crate) fn chosen(list: &str) -> Result<Vec<String>, String> {
    let known = |name: &&str| FIGURES.iter().any(|(known, _)| known == name);
    match list.split(',').find(|name| !known(name)) {
        Some(name) => Err(format!("--only={name}: no such figure; see --help")),
        None => Ok(list.split(',').map(str::to_owned).collect()),
    }
}

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    kernel::raise_descriptor_limit(2 * MANY as u64 + 500)?;
    kernel::adopt_orphans()?;
    let is_wanted = |name: &str| match &options.only {
        Some(only) => only.iter().any(|wanted| wanted == name),
        None => true,
    };
    let figures: Vec<_> = FIGURES
        .into_iter()
        .filter(|(name, _)| is_wanted(name))
        .collect();
    let title = "One program for many clients";
    take_turns(title, options, &figures, |server, probe| {
        once(server, &options.effort, probe)
    })
}

/// One figure of a fresh server, which has one processor, and its members another where there is one.
fn once(template: &Template, effort: &Effort, probe: Probe) -> Result<Outcome, Failure> {
    let server = {
        let _first = OneCpu::pin()?;
        Server::start(|port| template.fill(port, &["cat"], Mode::Lines))?
    };
    let _last = OneCpu::pin_last()?;
    let membership = match template.name.as_str() {
        NATS => Membership::Nats,
        TLS => Membership::Tls,
        COMPRESSED => Membership::Compressed,
        _ => Membership::Plain,
    };
    let room = Room { server, membership };
    probe(&room, effort).map_err(|failure| failure.and(&room.server.complaints()))
}

/// Processor time of the server for each message at each member.
fn cost(server: &Server, before: Duration, deliveries: usize) -> Result<Measure, Failure> {
    let time = server.cpu_when_quiet()? - before;
    let each = time.as_secs_f64() * 1e6 / deliveries as f64;
    Ok(Measure::less("CPU each, µs", each))
}

/// So many messages at once; the next when all have heard them.
fn bursts(room: &Room, effort: &Effort, count: usize) -> Result<Outcome, Failure> {
    let server = &room.server;
    let mut audience = room.gather(members(effort))?;
    let batch = Batch::new(1, SHORT, count);
    audience.hear_all_of(&batch)?;
    let (cpu, start) = (server.cpu_when_quiet()?, Instant::now());
    let mut heard = 0;
    let mut rounds = 0;
    while start.elapsed() < effort.span {
        audience.hear_all_of(&batch)?;
        heard += count * audience.len();
        rounds += 1;
    }
    let time = start.elapsed().as_secs_f64();
    Ok(Outcome::from(vec![
        cost(server, cpu, heard)?,
        Measure::less("until all, ms", time * 1e3 / f64::from(rounds)),
    ]))
}

/// A state of so many bytes twenty times a second.
fn states(room: &Room, effort: &Effort, size: usize) -> Result<Outcome, Failure> {
    let server = &room.server;
    let mut audience = room.gather(members(effort))?;
    let batch = Batch::new(1, size, 1);
    audience.hear_all_of(&batch)?;
    let (cpu, start) = (server.cpu_when_quiet()?, Instant::now());
    let mut count = 0;
    while start.elapsed() < effort.span {
        audience.hear_all_of(&batch)?;
        count += 1;
        sleep((TICK * count).saturating_sub(start.elapsed()));
    }
    let time = start.elapsed().as_secs_f64();
    let busy = (server.cpu_when_quiet()? - cpu).as_secs_f64() / time;
    let heard = count as usize * audience.len();
    Ok(Outcome::from(vec![
        cost(server, cpu, heard)?,
        Measure::less("busy, %", 100.0 * busy),
    ]))
}

/// A tenth of all speak in the same moment, and all hear them.
fn talk(room: &Room, effort: &Effort) -> Result<Outcome, Failure> {
    let server = &room.server;
    let mut audience = room.gather(members(effort) / 10)?;
    let batch = Batch::new(1, SHORT, 1);
    audience.all_speak(&batch)?;
    let (cpu, start) = (server.cpu_when_quiet()?, Instant::now());
    let mut heard = 0;
    while start.elapsed() < effort.span {
        audience.all_speak(&batch)?;
        heard += audience.len() * audience.len();
    }
    Ok(Outcome::from(vec![
        cost(server, cpu, heard)?,
        Measure::more(
            "messages in/s",
            (heard / audience.len()) as f64 / start.elapsed().as_secs_f64(),
        ),
    ]))
}

/// One member does not read: what the server grows by, and whether others hear on.
fn stalled(room: &Room, effort: &Effort) -> Result<Outcome, Failure> {
    let server = &room.server;
    let mut audience = room.gather(members(effort) / 10)?;
    let batch = Batch::new(1, WORLD, 1);
    audience.hear_all_of(&batch)?;
    let before = settled_memory(server)?;
    let _silent = room.gather(1)?;
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..STALL {
        let begun = Instant::now();
        audience.hear_all_of(&batch)?;
        slowest = slowest.max(begun.elapsed());
    }
    let time = start.elapsed().as_secs_f64();
    let growth = server.memory()? - before;
    Ok(Outcome::from(vec![
        Measure::less("growth, MiB", growth / 1024.0 / 1024.0),
        Measure::less("until the others, ms", time * 1e3 / STALL as f64),
        Measure::less("at most, ms", slowest.as_secs_f64() * 1e3),
    ]))
}

/// Memory of members that hear nothing.
fn memory(room: &Room, effort: &Effort) -> Result<Outcome, Failure> {
    let server = &room.server;
    let count = match effort.idle < Effort::FULL.idle {
        true => members(effort),
        false => MANY,
    };
    let _first = room.gather(10)?;
    let before = settled_memory(server)?;
    let mut audience = room.gather(count)?;
    let memory = settled_memory(server)? - before;
    // All of them must still be there.
    drop(_first);
    audience.hear_all_of(&Batch::new(1, SHORT, 1))?;
    let each = memory / 1024.0 / count as f64;
    Ok(Outcome::from(vec![Measure::less("memory each, KiB", each)]))
}

fn members(effort: &Effort) -> usize {
    MEMBERS.min(effort.idle)
}
