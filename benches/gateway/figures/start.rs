//! How long a server takes to be of use, and how much of it there is.

use std::fs;
use std::time::Instant;

use crate::connection::Connection;
use crate::figures::Effort;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::server::{Mode, Server, Template};

/// From the start of the process to the first echo through a session, and the size of its file.
pub(super) fn first_answer(
    template: &Template,
    program: &[&str],
    effort: &Effort,
) -> Result<Outcome, Failure> {
    let mut times = Vec::new();
    for _ in 0..effort.starts {
        let start = Instant::now();
        let server = Server::start(|port| template.fill(port, program, Mode::Lines))?;
        let first = Connection::open_and_greet(server.port);
        times.push(start.elapsed());
        first.map_err(|failure| failure.and(&server.complaints()))?;
    }
    let file = fs::metadata(&template.words[0])?;
    Ok(Outcome::from(vec![
        Measure::less("first echo, ms", percentile(&mut times, 50) * 1e3),
        Measure::less("file, MB", file.len() as f64 / 1e6),
    ]))
}
