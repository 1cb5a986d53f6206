//! What a session costs that does not move.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::connection::{Connection, Heard};
use crate::crowd::Crowd;
use crate::figures::Effort;
use crate::frames::Part;
use crate::outcome::{Failure, Measure, Outcome};
use crate::server::Server;

/// Beyond this a stopped reader would cost the machine its memory.
const MOST_GROWTH: f64 = 2.0 * 1024.0 * 1024.0 * 1024.0;

/// Memory and descriptors of sessions that have had an echo and are silent.
pub(super) fn idle(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    // What a server sets up for its first session is no session's cost.
    Crowd::new(server.port)?.gather(1, 1)?;
    let memory = settled_memory(server)?;
    let descriptors = server.descriptors()?;

    let mut crowd = Crowd::new(server.port)?;
    crowd.gather(effort.idle, 16)?;
    let memory = settled_memory(server)? - memory;
    let descriptors = server.descriptors()? as f64 - descriptors as f64;

    // All of them must still be there.
    crowd.chatter(Duration::ZERO)?;
    let count = effort.idle as f64;
    Ok(Outcome::from(vec![
        Measure::less("memory each, KiB", memory / 1024.0 / count),
        Measure::less("descriptors each", descriptors / count),
    ]))
}

/// Memory once it has stopped to change: at least after a second, at most
/// after six, as servers give buffers back when a session has been quiet.
pub(crate) fn settled_memory(server: &Server) -> Result<f64, Failure> {
    let mut before = server.memory()?;
    for _ in 0..6 {
        sleep(Duration::from_secs(1));
        let now = server.memory()?;
        if (now - before).abs() < 16.0 * 1024.0 {
            return Ok(now);
        }
        before = now;
    }
    Ok(before)
}

/// `yes` before a client that reads a little, stops, and goes on.
pub(super) fn slow_reader(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let (memory, cpu) = (server.memory()?, server.cpu()?);
    let mut connection = Connection::open(server.port)?;
    read_some(&mut connection, 1)?;
    let mut growth: f64 = 0.0;
    let start = Instant::now();
    while start.elapsed() < effort.pause {
        sleep(effort.pause / 20);
        growth = growth.max(server.memory()? - memory);
        if growth > MOST_GROWTH {
            return Err(Failure::Cannot("grows without limit".into()));
        }
    }
    let cpu = server.cpu()? - cpu;
    read_some(&mut connection, 100_000)?;
    Ok(Outcome::from(vec![
        Measure::less("growth, MiB", growth / 1024.0 / 1024.0),
        Measure::less("CPU, s", cpu.as_secs_f64()),
    ]))
}

/// Reads until there were `count` messages, each the line that `yes` prints.
fn read_some(connection: &mut Connection, count: usize) -> Result<(), Failure> {
    let mut received = 0;
    while received < count {
        let heard = connection.listen(|piece, part| {
            received += usize::from(part == Part::Last);
            match piece {
                b"y" | b"y\n" | b"\n" | b"" => Ok(()),
                _ => Err(Failure::Wrong("a message that yes did not print".into())),
            }
        })?;
        if heard == Heard::End {
            return Err(Failure::Wrong(
                "connection ended while yes was running".into(),
            ));
        }
    }
    Ok(())
}
