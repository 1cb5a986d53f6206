//! What the machine allows without any server: the floor under every figure.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::PATIENCE;
use crate::kernel::{self, OneCpu};
use crate::outcome::{Failure, Measure, percentile};

/// A figure of the machine.
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    pub(crate) measure: fn(Duration) -> Result<Vec<Measure>, Failure>,
}

pub(crate) const FLOORS: &[Floor] = &[
    Floor {
        name: "pipe",
        measure: pipe,
    },
    Floor {
        name: "tcp",
        measure: tcp,
    },
    Floor {
        name: "seq | cat",
        measure: lines,
    },
    Floor {
        name: "spawn",
        measure: spawn,
    },
];

/// What the machine allows where a figure measures the like: a round trip is one through the program and one
/// to the client; a session is a program that is started and waited for.
pub(crate) fn beneath(
    figure: &str,
    measure: &str,
    storm: usize,
    median: impl Fn(&str, &str) -> Option<f64>,
) -> Option<f64> {
    match (figure, measure) {
        ("rtt-1cpu", "p50, µs") => Some(median("pipe", measure)? + median("tcp", measure)?),
        ("lines", "lines/s") => median("seq | cat", measure),
        ("cycle-1", "cycles/s") => median("spawn", "spawns/s, 1 thread"),
        ("cycle-16" | "cycle-64", "cycles/s") => median("spawn", "spawns/s, all CPUs"),
        ("storm", "all echoed, ms") => {
            Some(storm as f64 / median("spawn", "spawns/s, all CPUs")? * 1e3)
        }
        _ => None,
    }
}

const MESSAGE: [u8; 16] = *b"sixteen bytes..\n";

/// Lines of `seq | cat`: enough that its start does not count.
const LINES: usize = 20_000_000;

/// Round trips of a message through `cat`, on one CPU.
fn pipe(span: Duration) -> Result<Vec<Measure>, Failure> {
    let _pinned = OneCpu::pin()?;
    let mut cat = start(Command::new("cat").stdin(Stdio::piped()))?;
    let mut input = cat.stdin.take().expect("stdin is a pipe");
    let mut output = cat.stdout.take().expect("stdout is a pipe");
    let measures = round_trips(span, || trip(&mut input, &mut output))?;
    drop(input);
    cat.wait()?;
    Ok(measures)
}

/// Round trips over loopback TCP to a thread that echoes, on one CPU.
fn tcp(span: Duration) -> Result<Vec<Measure>, Failure> {
    let _pinned = OneCpu::pin()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut output = TcpStream::connect(listener.local_addr()?)?;
    let (mut peer, _) = listener.accept()?;
    for stream in [&output, &peer] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
    }
    let echo = thread::spawn(move || -> io::Result<()> {
        let mut buffer = [0; MESSAGE.len()];
        loop {
            match peer.read(&mut buffer)? {
                0 => return Ok(()),
                read => peer.write_all(&buffer[..read])?,
            }
        }
    });
    let mut input = output.try_clone()?;
    let measures = round_trips(span, || trip(&mut input, &mut output))?;
    output.shutdown(std::net::Shutdown::Both)?;
    echo.join().expect("the echo does not panic")?;
    Ok(measures)
}

/// Lines a second from `seq` through `cat` to this process.
fn lines(_: Duration) -> Result<Vec<Measure>, Failure> {
    let begin = Instant::now();
    let mut seq = start(Command::new("seq").arg(LINES.to_string()))?;
    let between = seq.stdout.take().expect("stdout is a pipe");
    let mut cat = start(Command::new("cat").stdin(between))?;
    let mut output = cat.stdout.take().expect("stdout is a pipe");
    let mut buffer = vec![0; 64 * 1024];
    let mut count = 0;
    loop {
        let read = output.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        // In short runs the sum fits a byte, which the compiler makes fast.
        let newlines = |run: &[u8]| run.iter().map(|&byte| u8::from(byte == b'\n')).sum::<u8>();
        count += buffer[..read]
            .chunks(255)
            .map(|run| usize::from(newlines(run)))
            .sum::<usize>();
    }
    let time = begin.elapsed().as_secs_f64();
    seq.wait()?;
    cat.wait()?;
    if count != LINES {
        return Err(Failure::Wrong(format!("{count} lines of {LINES}")));
    }
    Ok(vec![Measure::more("lines/s", LINES as f64 / time)])
}

/// Starts `cat`, has one echo, and waits for its end: on one thread, and on as
/// many as there are CPUs.
fn spawn(span: Duration) -> Result<Vec<Measure>, Failure> {
    let all = thread::available_parallelism().map_or(1, usize::from);
    Ok(vec![
        Measure::more("spawns/s, 1 thread", spawns(span, 1)?),
        Measure::more("spawns/s, all CPUs", spawns(span, all)?),
    ])
}

fn spawns(span: Duration, threads: usize) -> Result<f64, Failure> {
    let begin = Instant::now();
    let count = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(move || spawn_for(span)))
            .collect();
        let counts = workers
            .into_iter()
            .map(|worker| worker.join().expect("no spawn panics"));
        counts.sum::<Result<usize, Failure>>()
    })?;
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

fn spawn_for(span: Duration) -> Result<usize, Failure> {
    let end = Instant::now() + span;
    let mut count = 0;
    while Instant::now() < end {
        // Not tied to this thread: that would make std fork where it need not.
        let mut cat = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = cat.stdin.take().expect("stdin is a pipe");
        let mut output = cat.stdout.take().expect("stdout is a pipe");
        trip(&mut input, &mut output)?;
        drop(input);
        cat.wait()?;
        count += 1;
    }
    Ok(count)
}

/// Starts a program whose output is read here.
fn start(command: &mut Command) -> io::Result<Child> {
    kernel::tie_to_this_thread(command);
    command.stdout(Stdio::piped()).spawn()
}

fn trip(input: &mut impl Write, output: &mut impl Read) -> Result<(), Failure> {
    input.write_all(&MESSAGE)?;
    let mut answer = [0; MESSAGE.len()];
    output.read_exact(&mut answer)?;
    if answer != MESSAGE {
        return Err(Failure::Wrong("not what was sent".into()));
    }
    Ok(())
}

fn round_trips(
    span: Duration,
    mut trip: impl FnMut() -> Result<(), Failure>,
) -> Result<Vec<Measure>, Failure> {
    let mut times = Vec::new();
    let end = Instant::now() + span;
    while Instant::now() < end {
        let start = Instant::now();
        trip()?;
        times.push(start.elapsed());
    }
    Ok(vec![
        Measure::less("p50, µs", percentile(&mut times, 50) * 1e6),
        Measure::less("p99, µs", percentile(&mut times, 99) * 1e6),
    ])
}
