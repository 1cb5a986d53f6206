//! What TLS costs: the same client, with and without it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use crate::connection::{Connection, Heard, NARROW, WIDE};
use crate::figures::{Effort, standing::settled_memory};
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::server::Server;
use crate::stream::Stream;
use crate::wire::{Batch, Echoes};

/// Round trips before the clock runs.
const WARM_UP: usize = 500;

/// Bytes of a message, and messages of a batch: two batches are in flight, which socket buffers take.
const SIZE: usize = 1024;
const BATCH: usize = 64;

/// Connects as the server wants it, and waits for a first echo.
fn open(server: &Server, room: usize) -> Result<Connection<Stream>, Failure> {
    let mut connection = Connection::new(Stream::connect(server.port, server.is_tls)?, room);
    connection.ask_at(SocketAddr::from((Ipv4Addr::LOCALHOST, server.port)))?;
    connection.greet()?;
    Ok(connection)
}

/// Round trips of 16 bytes, one after the other.
pub(super) fn alone(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let batch = Batch::new(0, 16, 64);
    let mut echoes = Echoes::default();
    let mut connection = open(server, WIDE)?;
    for _ in 0..WARM_UP {
        connection.echo(&batch, &mut echoes)?;
    }
    let (cpu, mut times) = (server.cpu()?, Vec::new());
    let end = Instant::now() + effort.span;
    while Instant::now() < end {
        let start = Instant::now();
        connection.echo(&batch, &mut echoes)?;
        times.push(start.elapsed());
    }
    let cpu = (server.cpu()? - cpu).as_secs_f64() / times.len() as f64;
    Ok(Outcome::from(vec![
        Measure::less("p50, µs", percentile(&mut times, 50) * 1e6),
        Measure::less("p99, µs", percentile(&mut times, 99) * 1e6),
        Measure::less("CPU each, µs", cpu * 1e6),
    ]))
}

/// Echoes of 1 KiB, two batches in flight.
pub(super) fn echoes(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let batch = Batch::new(0, SIZE, BATCH);
    let mut echoes = Echoes::default();
    let mut connection = open(server, WIDE)?;
    connection.send(&batch.frames)?;
    let (cpu, start) = (server.cpu()?, Instant::now());
    let mut sent = BATCH as u64;
    while start.elapsed() < effort.span {
        connection.send(&batch.frames)?;
        sent += BATCH as u64;
        hear(&mut connection, &batch, &mut echoes, sent - BATCH as u64)?;
    }
    hear(&mut connection, &batch, &mut echoes, sent)?;
    let (cpu, time) = (server.cpu()? - cpu, start.elapsed().as_secs_f64());
    let count = sent as f64;
    Ok(Outcome::from(vec![
        Measure::more("echoes/s", count / time),
        Measure::less("CPU each, µs", cpu.as_secs_f64() * 1e6 / count),
    ]))
}

/// Listens until there have been so many echoes.
fn hear(
    connection: &mut Connection<Stream>,
    batch: &Batch,
    echoes: &mut Echoes,
    until: u64,
) -> Result<(), Failure> {
    while echoes.received < until {
        if connection.listen(|piece, part| echoes.take(batch, piece, part))? == Heard::End {
            let received = echoes.received;
            return Err(Failure::Wrong(format!(
                "connection ended after {received} echoes"
            )));
        }
    }
    Ok(())
}

/// Sessions opened one after the other, each with an echo, and the memory of all when they are silent.
pub(super) fn idle(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    // What a server sets up for its first session is no session's cost.
    drop(open(server, NARROW)?);
    let memory = settled_memory(server)?;
    let (cpu, start) = (server.cpu_when_quiet()?, Instant::now());
    let connections: Result<Vec<_>, _> = (0..effort.idle).map(|_| open(server, NARROW)).collect();
    let connections = connections?;
    let time = start.elapsed();
    let cpu = server.cpu_when_quiet()? - cpu;
    let memory = settled_memory(server)? - memory;
    let count = connections.len() as f64;
    Ok(Outcome::from(vec![
        Measure::less("memory each, KiB", memory / 1024.0 / count),
        Measure::less("opening each, ms", time.as_secs_f64() * 1e3 / count),
        Measure::less("CPU each, µs", cpu.as_secs_f64() * 1e6 / count),
    ]))
}
