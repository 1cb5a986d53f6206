//! How long an answer takes: one connection, and many.

use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::crowd::Crowd;
use crate::figures::Effort;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::server::Server;
use crate::wire::{Batch, Echoes};

/// Round trips before the clock runs: caches, CPU frequency, lazy allocations.
const WARM_UP: usize = 500;

/// A limit for memory's sake; no server gets there.
const MOST: usize = 1_000_000;

/// Round trips of 16 bytes, one after the other.
pub(super) fn alone(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let batch = Batch::new(0, 16, 64);
    let mut echoes = Echoes::default();
    let mut connection = Connection::open_and_greet(server.port)?;
    for _ in 0..WARM_UP {
        connection.echo(&batch, &mut echoes)?;
    }
    let mut times = Vec::new();
    let end = Instant::now() + effort.span;
    while Instant::now() < end && times.len() < MOST {
        let start = Instant::now();
        connection.echo(&batch, &mut echoes)?;
        times.push(start.elapsed());
    }
    Ok(Outcome::from(vec![
        Measure::less("p50, µs", percentile(&mut times, 50) * 1e6),
        Measure::less("p99, µs", percentile(&mut times, 99) * 1e6),
    ]))
}

/// Round trips of 16 bytes on many connections, each with one in flight.
pub(super) fn crowded(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let mut crowd = Crowd::new(server.port)?;
    crowd.gather(effort.busy, 16)?;
    crowd.chatter(Duration::from_millis(100))?;
    let (cpu, start) = (server.cpu()?, Instant::now());
    let trips = crowd.chatter(effort.span)? as f64;
    let (cpu, time) = (server.cpu()? - cpu, start.elapsed());
    Ok(Outcome::from(vec![
        Measure::more("round trips/s", trips / time.as_secs_f64()),
        Measure::less("CPU each, µs", cpu.as_secs_f64() * 1e6 / trips),
    ]))
}
