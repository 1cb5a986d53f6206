//! What the gateways lead to: a server on a socket that does as its client says, a thread for each connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// What a client says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Send that back, and all that comes; anything else that is as long asks for the same.
    Echo,
    /// Send so many bytes.
    Send,
    /// Take so many bytes, and say when that is done.
    Take,
}

/// Bytes of what a client says first, and of every message that is to come back.
pub(crate) const COMMAND: usize = 16;

/// Bytes of the pattern of which floods are made.
pub(crate) const PATTERN_LENGTH: u64 = 64 * 1024;

/// Stack of a thread, which has a buffer of a pattern's length at most, on the heap.
const STACK: usize = 64 * 1024;

/// A flood's bytes, over and over; no part of them is like the next.
pub(crate) fn pattern() -> Vec<u8> {
    (0..PATTERN_LENGTH)
        .map(|place| (place * 31 % 251) as u8)
        .collect()
}

/// What a client says.
pub(crate) fn command(task: Task, number: u64) -> Vec<u8> {
    let letter = match task {
        Task::Echo => 'e',
        Task::Send => 's',
        Task::Take => 't',
    };
    format!("{letter}{number:015}").into_bytes()
}

/// Starts the server; it lasts as long as the benchmark. Gives its port.
pub(crate) fn start() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes in the middle is no failure of the server's.
            let serving = move || drop(serve(stream));
            let _ = thread::Builder::new().stack_size(STACK).spawn(serving);
        }
    });
    Ok(port)
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0; COMMAND];
    stream.read_exact(&mut first)?;
    match first[0] {
        b's' => send(&mut stream, number(&first)?),
        b't' => {
            take(&mut stream, number(&first)?)?;
            stream.write_all(&first)
        }
        _ => {
            stream.write_all(&first)?;
            let mut message = [0; COMMAND];
            loop {
                match stream.read(&mut message)? {
                    0 => return Ok(()),
                    read => stream.write_all(&message[..read])?,
                }
            }
        }
    }
}

/// What is behind the letter of a command.
fn number(command: &[u8; COMMAND]) -> io::Result<u64> {
    let digits = std::str::from_utf8(&command[1..]).ok();
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn send(stream: &mut TcpStream, length: u64) -> io::Result<()> {
    let pattern = pattern();
    for _ in 0..length / PATTERN_LENGTH {
        stream.write_all(&pattern)?;
    }
    stream.write_all(&pattern[..(length % PATTERN_LENGTH) as usize])?;
    // The client ends it.
    stream.read(&mut [0]).map(drop)
}

fn take(stream: &mut TcpStream, length: u64) -> io::Result<()> {
    let pattern = pattern();
    let mut buffer = vec![0; pattern.len()];
    let mut place = 0;
    while place < length {
        let start = (place % PATTERN_LENGTH) as usize;
        // Never over the pattern's end, so that what came can be compared at once.
        let room = buffer.len() - start;
        let read = stream.read(&mut buffer[..room])?;
        if read == 0 || buffer[..read] != pattern[start..start + read] {
            return Err(io::ErrorKind::InvalidData.into());
        }
        place += read as u64;
    }
    Ok(())
}
