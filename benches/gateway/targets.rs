//! Sockets in place of programs: wsd with a target, and with nc as its program, beside websockify, and beside HAProxy,
//! which passes bytes on and frames nothing: what a session cannot cost less than.

use std::io;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::carrier::{Carrier, Wire};
use crate::figures::Effort;
use crate::kernel::{self, OneCpu};
use crate::options::Options;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::server::{Server, Template};
use crate::socket_server::{self, COMMAND, Task};
use crate::turns::take_turns;

/// Names of the servers, and the words behind the program's own path; `{target}` is the port of what they lead to,
/// `{config}` a file.
pub(crate) const KNOWN: [(&str, &str, &str); 4] = [
    (
        "wsd",
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --target=127.0.0.1:{target}",
    ),
    (
        "wsd nc",
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --binary nc 127.0.0.1 {target}",
    ),
    (
        "websockify",
        "websockify",
        "127.0.0.1:{port} 127.0.0.1:{target}",
    ),
    (HAPROXY, "haproxy", "-f {config}"),
];

/// The one that is no WebSocket server.
const HAPROXY: &str = "HAProxy";

const HAPROXY_CONFIG: &str = "\
global
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port}
    server target 127.0.0.1:{target}
";

/// Bytes of the two floods.
const FLOOD: u64 = 200_000_000;
const QUICK_FLOOD: u64 = 20_000_000;
/// Round trips and cycles before the clock runs.
const WARM_UP: usize = 200;
/// A cycle uses up a port of the client's range for a minute (TIME_WAIT).
const MOST_CYCLES: usize = 5_000;

type Probe = fn(&Server, Wire, &Effort) -> Result<Outcome, Failure>;

/// Name, whether all is bound to one processor, and what is done.
const FIGURES: [(&str, bool, Probe); 5] = [
    ("to-client", false, to_client),
    ("to-target", false, to_target),
    ("rtt-1cpu", true, round_trips),
    ("cycle", false, cycles),
    ("idle", false, idle),
];

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    kernel::raise_descriptor_limit(options.effort.idle as u64 * 6 + 500)?;
    kernel::adopt_orphans()?;
    let figures = FIGURES.map(|(name, one_cpu, probe)| (name, (one_cpu, probe)));
    let title = "Sockets in place of programs";
    take_turns(title, options, &figures, |server, (one_cpu, probe)| {
        once(server, &options.effort, one_cpu, probe)
    })
}

/// One figure of a fresh server, with a fresh target behind it.
fn once(
    template: &Template,
    effort: &Effort,
    one_cpu: bool,
    probe: Probe,
) -> Result<Outcome, Failure> {
    let _pinned = match one_cpu {
        true => Some(OneCpu::pin()?),
        false => None,
    };
    let target = socket_server::start()?;
    let config = Config::default();
    let server = Server::start(|port| config.fill(template, port, target))?;
    let wire = match template.name.as_str() {
        HAPROXY => Wire::Raw,
        _ => Wire::WebSocket,
    };
    probe(&server, wire, effort).map_err(|failure| failure.and(&server.complaints()))
}

/// HAProxy's file, gone when it is not needed any more.
struct Config(PathBuf);

impl Default for Config {
    fn default() -> Self {
        Config(std::env::temp_dir().join(format!("bench-gateway-{}.cfg", std::process::id())))
    }
}

impl Config {
    fn fill(&self, template: &Template, port: u16, target: u16) -> Result<Vec<String>, Failure> {
        let fill = |text: &str| {
            text.replace("{port}", &port.to_string())
                .replace("{target}", &target.to_string())
                .replace("{config}", &self.0.to_string_lossy())
        };
        std::fs::write(&self.0, fill(HAPROXY_CONFIG))?;
        Ok(template.words.iter().map(|word| fill(word)).collect())
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn flood(effort: &Effort) -> u64 {
    match effort.span < Effort::FULL.span {
        true => QUICK_FLOOD,
        false => FLOOD,
    }
}

/// The target sends as fast as it can.
fn to_client(server: &Server, wire: Wire, effort: &Effort) -> Result<Outcome, Failure> {
    let length = flood(effort);
    let mut carrier = Carrier::open(server.port, wire)?;
    let start = Instant::now();
    carrier.send(&socket_server::command(Task::Send, length))?;
    carrier.receive_pattern(length)?;
    Ok(rate(length, start))
}

/// The client does; it is over when the target says that it has all.
fn to_target(server: &Server, wire: Wire, effort: &Effort) -> Result<Outcome, Failure> {
    let length = flood(effort);
    let mut carrier = Carrier::open(server.port, wire)?;
    carrier.send(&socket_server::command(Task::Take, length))?;
    let start = Instant::now();
    carrier.send_pattern(length)?;
    carrier.receive(&socket_server::command(Task::Take, length))?;
    Ok(rate(length, start))
}

fn rate(length: u64, start: Instant) -> Outcome {
    let seconds = start.elapsed().as_secs_f64();
    Outcome::from(vec![Measure::more("MB/s", length as f64 / seconds / 1e6)])
}

/// Times of round trips of one message at a time, for so long behind a warm-up.
pub(crate) fn round_trip_times(
    carrier: &mut Carrier,
    span: Duration,
) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    let mut number = 0;
    let mut end = None;
    while end.is_none_or(|end| Instant::now() < end) {
        let message = socket_server::command(Task::Echo, number);
        let start = Instant::now();
        carrier.echo(&message)?;
        number += 1;
        match end {
            Some(_) => times.push(start.elapsed()),
            None if number >= WARM_UP as u64 => end = Some(Instant::now() + span),
            None => {}
        }
    }
    Ok(times)
}

fn round_trips(server: &Server, wire: Wire, effort: &Effort) -> Result<Outcome, Failure> {
    let mut carrier = Carrier::open(server.port, wire)?;
    let mut times = round_trip_times(&mut carrier, effort.span)?;
    Ok(Outcome::from(vec![
        Measure::less("p50, µs", percentile(&mut times, 50) * 1e6),
        Measure::less("p99, µs", percentile(&mut times, 99) * 1e6),
    ]))
}

/// Connect, one echo, the end of it in order; one at a time.
fn cycles(server: &Server, wire: Wire, effort: &Effort) -> Result<Outcome, Failure> {
    let cycle = |number: usize| {
        let mut carrier = Carrier::open(server.port, wire)?;
        carrier.echo(&socket_server::command(Task::Echo, number as u64))?;
        carrier.close()
    };
    (0..10).try_for_each(cycle)?;
    let (cpu, start) = (cpu_of_all(server)?, Instant::now());
    let mut count = 0;
    while start.elapsed() < effort.span && count < MOST_CYCLES {
        cycle(count)?;
        count += 1;
    }
    let time = start.elapsed().as_secs_f64();
    let cpu = (cpu_of_all(server)? - cpu).as_secs_f64();
    Ok(Outcome::from(vec![
        Measure::less("CPU each, ms", cpu * 1e3 / count as f64),
        Measure::more("cycles/s", count as f64 / time),
    ]))
}

/// Processor time of the server and of the processes that it has started for sessions, as soon as all is quiet.
fn cpu_of_all(server: &Server) -> Result<Duration, Failure> {
    Ok(server.cpu_when_quiet()? + server.cpu_of_reaped()?)
}

/// Memory and descriptors of sessions that have had an echo and are silent, in all processes of the server.
fn idle(server: &Server, wire: Wire, effort: &Effort) -> Result<Outcome, Failure> {
    let open = |number: usize| {
        let mut carrier = Carrier::open_narrow(server.port, wire)?;
        carrier.echo(&socket_server::command(Task::Echo, number as u64))?;
        Ok::<_, Failure>(carrier)
    };
    // What a server sets up for its first session is no session's cost.
    open(0)?.close()?;
    let before = settled(server)?;
    let descriptors = server.descriptors_of_all()?;
    let mut carriers = Vec::new();
    for number in 0..effort.idle {
        carriers.push(open(number)?);
    }
    let memory = settled(server)? - before;
    let descriptors = server.descriptors_of_all()? as f64 - descriptors as f64;
    // All of them must still be there.
    for (number, carrier) in carriers.iter_mut().enumerate() {
        carrier.echo(&socket_server::command(Task::Echo, number as u64))?;
    }
    let count = effort.idle as f64;
    Ok(Outcome::from(vec![
        Measure::less("memory each, KiB", memory / 1024.0 / count),
        Measure::less("descriptors each", descriptors / count),
    ]))
}

/// Memory of all processes, once it has stopped to change.
fn settled(server: &Server) -> Result<f64, Failure> {
    let mut before = server.memory_of_all()?;
    for _ in 0..6 {
        sleep(Duration::from_secs(1));
        let now = server.memory_of_all()?;
        if (now - before).abs() < 16.0 * 1024.0 {
            return Ok(now);
        }
        before = now;
    }
    Ok(before)
}

const _: () = assert!(COMMAND == 16, "a round trip is one of 16 bytes");
