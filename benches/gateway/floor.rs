//! What the machine allows without any server: the floor under every figure.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::PATIENCE;
use crate::kernel::{self, CpuClock, OneCpu};
use crate::outcome::{Failure, Measure, percentile};
use crate::poll::{Interest, Poll};

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
    Floor {
        name: "send",
        measure: send,
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

/// Readers of `send`, as many as the members of `fan-out`.
const READERS: usize = 1000;
/// A message of 100 bytes in its frame.
const FRAME: [u8; 102] = [0; 102];

/// Sends a message to each of many readers, which wait on another CPU where there is one, and again when all have it.
fn send(span: Duration) -> Result<Vec<Measure>, Failure> {
    kernel::raise_descriptor_limit(2 * READERS as u64 + 100)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (mut writers, mut readers, poll) = (Vec::new(), Vec::new(), Poll::new()?);
    for name in 0..READERS {
        let reader = TcpStream::connect(listener.local_addr()?)?;
        reader.set_nonblocking(true)?;
        poll.add(&reader, name, Interest::Readable)?;
        readers.push(reader);
        let (writer, _) = listener.accept()?;
        writer.set_nodelay(true)?;
        writers.push(writer);
    }
    let heard = AtomicUsize::new(0);
    let time = thread::scope(|scope| {
        let reading = scope.spawn(|| hear(readers, poll, &heard));
        let time = tell(span, &writers, &heard);
        // Which ends the readers.
        drop(writers);
        reading.join().expect("no reader panics")?;
        time
    })?;
    Ok(vec![Measure::less("CPU each, µs", time * 1e6)])
}

/// Writes to all, and waits until they have read it; processor time of a write, in seconds.
fn tell(span: Duration, writers: &[TcpStream], heard: &AtomicUsize) -> Result<f64, Failure> {
    let _pinned = OneCpu::pin()?;
    let clock = CpuClock::of_this_thread();
    let (mut time, mut rounds) = (Duration::ZERO, 0);
    let end = Instant::now() + span;
    while Instant::now() < end {
        let before = clock.read()?;
        for mut writer in writers {
            writer.write_all(&FRAME)?;
        }
        time += clock.read()? - before;
        rounds += 1;
        let begin = Instant::now();
        while heard.load(Ordering::Relaxed) < rounds * writers.len() * FRAME.len() {
            if begin.elapsed() > PATIENCE {
                return Err(Failure::Wrong("some have not heard it".into()));
            }
            thread::sleep(Duration::from_micros(200));
        }
    }
    Ok(time.as_secs_f64() / (rounds * writers.len()) as f64)
}

/// Reads all that comes, until all have come to their end.
fn hear(mut readers: Vec<TcpStream>, mut poll: Poll, heard: &AtomicUsize) -> Result<(), Failure> {
    let _pinned = OneCpu::pin_last()?;
    let (mut ready, mut open) = (Vec::new(), readers.len());
    let mut buffer = [0; 4096];
    while open > 0 {
        poll.wait(PATIENCE, &mut ready)?;
        for &name in &ready {
            match readers[name].read(&mut buffer) {
                Ok(0) => {
                    poll.remove(&readers[name])?;
                    open -= 1;
                }
                Ok(read) => drop(heard.fetch_add(read, Ordering::Relaxed)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
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
