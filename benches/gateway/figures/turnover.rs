//! How fast sessions come and go.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::crowd::Crowd;
use crate::figures::Effort;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::server::Server;

/// A cycle uses up a port of the client's range for a minute (TIME_WAIT).
const MOST: usize = 10_000;

/// Connect, one echo, close handshake, end of the TCP connection.
pub(super) fn cycles<const AT_ONCE: usize>(
    server: &Server,
    effort: &Effort,
) -> Result<Outcome, Failure> {
    let mut crowd = Crowd::new(server.port)?;
    crowd.cycle(AT_ONCE, Duration::from_millis(50), MOST)?;
    let (cpu, start) = (server.cpu_when_quiet()?, Instant::now());
    let mut cycles = crowd.cycle(AT_ONCE, effort.span, MOST)?;
    let time = start.elapsed().as_secs_f64();
    let cpu = (server.cpu_when_quiet()? - cpu).as_secs_f64();
    let count = cycles.times.len() as f64;
    Ok(Outcome {
        measures: vec![
            Measure::more("cycles/s", count / time),
            Measure::less("CPU each, µs", cpu * 1e6 / count),
            Measure::less("echo p50, ms", percentile(&mut cycles.echoes, 50) * 1e3),
            Measure::less("echo p99, ms", percentile(&mut cycles.echoes, 99) * 1e3),
            Measure::less("p50, ms", percentile(&mut cycles.times, 50) * 1e3),
            Measure::less("p99, ms", percentile(&mut cycles.times, 99) * 1e3),
        ],
        remark: (cycles.abrupt > 0).then_some("ends TCP without answering the Close frame"),
    })
}

/// So many connects in one moment, and again when all have gone. Cycles begin anew as soon as one has ended, so a server
/// that takes longer for the end has fewer that start at a time, and each of these has its first echo sooner.
pub(super) fn bursts<const AT_ONCE: usize>(
    server: &Server,
    effort: &Effort,
) -> Result<Outcome, Failure> {
    let mut crowd = Crowd::new(server.port)?;
    let (end, mut echoes) = (Instant::now() + effort.span, Vec::new());
    while Instant::now() < end {
        let cycles = crowd.cycle(AT_ONCE, Duration::ZERO, AT_ONCE)?;
        echoes.extend(cycles.echoes);
        // Programs and connections of some servers end a little later.
        sleep(Duration::from_millis(20));
    }
    Ok(Outcome::from(vec![
        Measure::less("echo p50, ms", percentile(&mut echoes, 50) * 1e3),
        Measure::less("echo p99, ms", percentile(&mut echoes, 99) * 1e3),
    ]))
}

/// Hundreds of connects in one moment, until the last has its first echo.
pub(super) fn storm(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let mut crowd = Crowd::new(server.port)?;
    let start = Instant::now();
    crowd.gather(effort.storm, effort.storm)?;
    let time = start.elapsed().as_secs_f64();
    Ok(Outcome::from(vec![Measure::less(
        "all echoed, ms",
        time * 1e3,
    )]))
}
