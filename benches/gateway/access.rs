//! Who may connect: what a session costs more whose client shows who it is, or about which a program is asked, and what others
//! notice of passwords that are tried. Behind all servers is the same socket, so that no program's start hides the difference.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::carrier::Carrier;
use crate::figures::Effort;
use crate::kernel;
use crate::options::Options;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::server::{Server, Template};
use crate::socket_server::{self, Task};
use crate::targets::round_trip_times;
use crate::turns::take_turns;

/// Names of the servers, and the words behind the program's own path; `{target}` is the port of what they lead to,
/// `{users}` and `{tokens}` are files.
pub(crate) const KNOWN: [(&str, &str, &str); 5] = [
    (
        "wsd",
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --target=127.0.0.1:{target}",
    ),
    (
        PASSWORD,
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --trust-proxy=127.0.0.1 --basic-auth={users} --target=127.0.0.1:{target}",
    ),
    (
        TOKEN,
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --bearer-tokens={tokens} --target=127.0.0.1:{target}",
    ),
    (
        "hook",
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --authorize=/bin/true --target=127.0.0.1:{target}",
    ),
    (
        "hook-kept",
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --authorize=/bin/true --authorize-cache=3600 --target=127.0.0.1:{target}",
    ),
];

const PASSWORD: &str = "password";
const TOKEN: &str = "token";

/// A hash that takes a twentieth of a second (bcrypt, cost 10), of the password `secret`, and what a client sends.
const USERS: &str = "alice:$2y$10$79ehzfbRJHMPQs4eLSOZKOmZnYkgqWm3WOdnFJ7FQUn4eXcQASS46\n";
const RIGHT: &str = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";
/// `alice:wrong`.
const WRONG: &str = "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n";
const TOKENS: &str = "ci:sha256:b46c09677343261f0b439a472422225e3a230c9c094d6ab16762e2036b597053\n";
const BEARER: &str = "Authorization: Bearer t0ken\r\n";

/// Who try wrong passwords at once.
const GUESSERS: usize = 50;
/// Round trips before the clock runs.
const WARM_UP: usize = 200;
/// A cycle uses up a port of the client's range for a minute (TIME_WAIT).
const MOST_CYCLES: usize = 3_000;

type Probe = fn(&Server, &str, &Effort) -> Result<Outcome, Failure>;

#[rustfmt::skip]
const FIGURES: [(&str, Probe); 2] = [
    ("cycle", cycles),
    ("guesses", guesses),
];

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    kernel::raise_descriptor_limit(500)?;
    kernel::adopt_orphans()?;
    take_turns("Who may connect", options, &FIGURES, |server, probe| {
        once(server, &options.effort, probe)
    })
}

/// One figure of a fresh server, with a fresh target behind it.
fn once(template: &Template, effort: &Effort, probe: Probe) -> Result<Outcome, Failure> {
    let target = socket_server::start()?;
    let files = Files::default();
    let server = Server::start(|port| files.fill(template, port, target))?;
    let header = match template.name.as_str() {
        PASSWORD => RIGHT,
        TOKEN => BEARER,
        _ => "",
    };
    probe(&server, header, effort).map_err(|failure| failure.and(&server.complaints()))
}

/// The files of users and tokens, gone when they are not needed any more.
struct Files(PathBuf, PathBuf);

impl Default for Files {
    fn default() -> Self {
        let file = |name: &str| {
            std::env::temp_dir().join(format!("bench-gateway-{}.{name}", std::process::id()))
        };
        Files(file("users"), file("tokens"))
    }
}

impl Files {
    fn fill(&self, template: &Template, port: u16, target: u16) -> Result<Vec<String>, Failure> {
        std::fs::write(&self.0, USERS)?;
        std::fs::write(&self.1, TOKENS)?;
        let fill = |text: &String| {
            text.replace("{port}", &port.to_string())
                .replace("{target}", &target.to_string())
                .replace("{users}", &self.0.to_string_lossy())
                .replace("{tokens}", &self.1.to_string_lossy())
        };
        Ok(template.words.iter().map(fill).collect())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(&self.1);
    }
}

/// Connect, one echo, the end of it in order; one at a time, and the server's own processor time. The first password is
/// hashed, and remembered behind that.
fn cycles(server: &Server, header: &str, effort: &Effort) -> Result<Outcome, Failure> {
    let cycle = |number: usize| {
        let mut carrier = Carrier::open_with(server.port, header)?;
        carrier.echo(&socket_server::command(Task::Echo, number as u64))?;
        carrier.close()
    };
    (0..WARM_UP).try_for_each(cycle)?;
    let (cpu, start) = (server.cpu_when_quiet()?, Instant::now());
    let mut count = 0;
    while start.elapsed() < effort.span && count < MOST_CYCLES {
        cycle(count)?;
        count += 1;
    }
    let time = start.elapsed().as_secs_f64();
    let cpu = (server.cpu_when_quiet()? - cpu).as_secs_f64();
    Ok(Outcome::from(vec![
        Measure::less("CPU each, µs", cpu * 1e6 / count as f64),
        Measure::less("time each, µs", time * 1e6 / count as f64),
    ]))
}

/// The round trip of an open session, alone and beside wrong passwords of fifty clients, each of another address, so that
/// none of them is held.
fn guesses(server: &Server, header: &str, effort: &Effort) -> Result<Outcome, Failure> {
    if header != RIGHT {
        return Err(Failure::Cannot("has no passwords".into()));
    }
    let mut carrier = Carrier::open_with(server.port, header)?;
    let alone = median(&mut carrier, effort.span)?;
    let (stop, tried) = (AtomicBool::new(false), AtomicUsize::new(0));
    let beside = thread::scope(|scope| {
        for guesser in 0..GUESSERS {
            let (stop, tried) = (&stop, &tried);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = tried.fetch_add(1, Ordering::Relaxed);
                    let client = format!(
                        "X-Forwarded-For: 10.{guesser}.{}.{}\r\n",
                        number >> 8 & 255,
                        number & 255
                    );
                    // It is refused, once it has been tried.
                    let _ = Carrier::open_with(server.port, &format!("{client}{WRONG}"));
                }
            });
        }
        let beside = median(&mut carrier, effort.span);
        stop.store(true, Ordering::Relaxed);
        beside
    })?;
    if tried.load(Ordering::Relaxed) < GUESSERS {
        return Err(Failure::Wrong("not all of them have tried".into()));
    }
    Ok(Outcome::from(vec![
        Measure::less("p50 alone, µs", alone * 1e6),
        Measure::less("p50 beside, µs", beside * 1e6),
        Measure::less("times as long", beside / alone),
    ]))
}

fn median(carrier: &mut Carrier, span: Duration) -> Result<f64, Failure> {
    let mut times = round_trip_times(carrier, span)?;
    Ok(percentile(&mut times, 50))
}
