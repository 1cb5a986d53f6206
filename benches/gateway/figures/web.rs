//! How many plain requests are answered: `wrk` asks, two threads with 32
//! connections that are kept.

use std::io::{ErrorKind, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::figures::Effort;
use crate::outcome::{Failure, Measure, Outcome};
use crate::server::Server;
use crate::site::{LARGE, SCRIPT, SMALL, content};
use crate::stream::Stream;

pub(super) fn small_file(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    file(server, effort, SMALL)
}

pub(super) fn large_file(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    file(server, effort, LARGE)
}

fn file(server: &Server, effort: &Effort, (path, size): (&str, usize)) -> Result<Outcome, Failure> {
    check(server, path, &content(size))?;
    let asked = ask(server, effort, path)?;
    let mut measures = asked.measures();
    let bytes = asked.rate * size as f64;
    measures.insert(1, Measure::more("GB/s", bytes / 1e9));
    Ok(Outcome::from(measures))
}

pub(super) fn script(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let (path, said) = SCRIPT;
    check(server, path, said.as_bytes())?;
    Ok(Outcome::from(ask(server, effort, path)?.measures()))
}

/// Asks once, and looks at the answer: a server that has no CGI serves the
/// script's text, or nothing.
fn check(server: &Server, path: &str, expected: &[u8]) -> Result<(), Failure> {
    let mut stream = Stream::connect(server.port, server.is_tls)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // Without a word of good-bye by TLS; whether all is there is seen below.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        read => drop(read?),
    }
    let status = answer.split(|byte| *byte == b'\r').next().unwrap_or(&[]);
    let status = String::from_utf8_lossy(status).into_owned();
    if status.split(' ').nth(1) != Some("200") {
        return Err(Failure::Cannot(format!("answers {path} with {status:?}")));
    }
    // Maybe in chunks; a script's answer is one.
    let is_right =
        answer.ends_with(expected) || answer.windows(expected.len()).any(|part| part == expected);
    if !is_right {
        return Err(Failure::Wrong(format!("{path} is not what was asked for")));
    }
    Ok(())
}

/// What wrk tells of its requests.
struct Asked {
    /// A second.
    rate: f64,
    /// In seconds.
    p99: f64,
    /// Processor time of the server for each, in seconds.
    cpu: f64,
}

impl Asked {
    fn measures(&self) -> Vec<Measure> {
        vec![
            Measure::more("requests/s", self.rate),
            Measure::less("CPU each, µs", self.cpu * 1e6),
            Measure::less("p99, ms", self.p99 * 1e3),
        ]
    }
}

fn ask(server: &Server, effort: &Effort, path: &str) -> Result<Asked, Failure> {
    let seconds = (effort.span * 2).as_secs().max(1);
    let scheme = if server.is_tls { "https" } else { "http" };
    let before = server.cpu_with_workers()?;
    let output = Command::new("wrk")
        .args(["-t2", "-c32", "--latency"])
        .arg(format!("-d{seconds}s"))
        .arg(format!("{scheme}://127.0.0.1:{}{path}", server.port))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Cannot(format!("wrk: {error}")))?;
    let cpu = server.cpu_with_workers()?.saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text, cpu)
}

/// Reads what wrk prints; any answer but a good one is a failure.
fn read(text: &str, cpu: Duration) -> Result<Asked, Failure> {
    for bad in ["Non-2xx", "Socket errors"] {
        if let Some(line) = text.lines().find(|line| line.contains(bad)) {
            return Err(Failure::Wrong(line.trim().to_owned()));
        }
    }
    let value_of = |name: &str| {
        let mut lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(name));
        lines.next().map(str::trim)
    };
    let rate = value_of("Requests/sec:").and_then(|rate| rate.parse().ok());
    let p99 = value_of("99%").and_then(duration);
    let mut counts = text
        .lines()
        .filter_map(|line| line.split_once(" requests in "));
    let count = counts
        .next()
        .and_then(|(count, _)| count.trim().parse::<f64>().ok());
    match (rate, p99, count) {
        (Some(rate), Some(p99), Some(count)) if count > 0.0 => Ok(Asked {
            rate,
            p99,
            cpu: cpu.as_secs_f64() / count,
        }),
        _ => Err(Failure::Cannot(format!("wrk says {text:?}"))),
    }
}

/// `1.39ms`, in seconds.
fn duration(text: &str) -> Option<f64> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    units.iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(number * seconds)
    })
}
