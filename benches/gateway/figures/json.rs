//! Messages of 1 KiB of JSON, compressed where the server agrees to it. Compare with it
//! `--server 'compressed=wsd --compress --port={port} --loglevel=error {program}'`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::connection::PATIENCE;
use crate::figures::Effort;
use crate::outcome::{Failure, Measure, Outcome};
use crate::server::Server;
use crate::wire::{deflated_frame, text_frame, upgrade_request, upgraded};

/// Different messages.
const MESSAGES: usize = 256;
const SIZE: usize = 1024;
/// Messages that a session echoes before its memory counts.
const BEFORE_IDLE: usize = 20;
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Echoes as fast as they go on one connection.
pub(super) fn echoes(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let messages = messages();
    let mut client = Client::open(server.port)?;
    let frames = client.frames(&messages)?;
    client.echo(&frames[..1], &messages)?;
    let writer = client.stream.try_clone()?;
    let total = AtomicUsize::new(usize::MAX);
    let (cpu, start) = (server.cpu()?, Instant::now());
    let (written, read) = thread::scope(|scope| {
        let writing = scope.spawn(|| write_for(effort.span, &writer, &frames, &total));
        let read = read_all(&mut client, &messages, &total);
        if read.is_err() {
            let _ = client.stream.shutdown(Shutdown::Both);
        }
        (writing.join().expect("the writer does not panic"), read)
    });
    let count = read? as f64;
    written?;
    let (cpu, time) = (server.cpu()? - cpu, start.elapsed());
    Ok(Outcome::from(vec![
        Measure::more("echoes/s", count / time.as_secs_f64()),
        Measure::less("CPU each, µs", cpu.as_secs_f64() * 1e6 / count),
        Measure::less("bytes each", client.heard as f64 / (count + 1.0)),
    ]))
}

/// Memory of sessions that have had some echoes.
pub(super) fn idle(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let messages = messages();
    let open = || -> Result<Client, Failure> {
        let mut client = Client::open(server.port)?;
        let frames = client.frames(&messages[..BEFORE_IDLE])?;
        client.echo(&frames, &messages)?;
        Ok(client)
    };
    // What a server sets up for its first session is no session's cost.
    drop(open()?);
    thread::sleep(Duration::from_secs(1));
    let before = server.memory()?;
    let clients: Result<Vec<_>, _> = (0..effort.idle).map(|_| open()).collect();
    let clients = clients?;
    thread::sleep(Duration::from_secs(1));
    let each = (server.memory()? - before) / clients.len() as f64;
    Ok(Outcome::from(vec![Measure::less(
        "memory each, KiB",
        each / 1024.0,
    )]))
}

fn write_for(
    time: Duration,
    mut stream: &TcpStream,
    frames: &[Vec<u8>],
    total: &AtomicUsize,
) -> Result<(), Failure> {
    let bytes = frames.concat();
    let end = Instant::now() + time;
    let mut sent = 0;
    loop {
        let is_last = Instant::now() >= end;
        sent += frames.len();
        if is_last {
            total.store(sent, Ordering::Release);
        }
        if let Err(error) = stream.write_all(&bytes) {
            let _ = stream.shutdown(Shutdown::Both);
            return Err(error.into());
        }
        if is_last {
            return Ok(());
        }
    }
}

fn read_all(
    client: &mut Client,
    messages: &[Vec<u8>],
    total: &AtomicUsize,
) -> Result<usize, Failure> {
    let mut received = 0;
    while received < total.load(Ordering::Acquire) {
        client.expect(&messages[received % messages.len()])?;
        received += 1;
    }
    Ok(received)
}

/// Orders of a shop: names that come again and again, numbers that do not.
fn messages() -> Vec<Vec<u8>> {
    const NAMES: [&str; 8] = [
        "apple", "bread", "cheese", "dates", "eggs", "figs", "grapes", "honey",
    ];
    let mut state = 1_u64;
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let mut order = |number: usize| {
        let mut text = format!(
            "{{\"order\":{number},\"customer\":\"{:08x}\",\"items\":[",
            next(1 << 32)
        );
        while text.len() < SIZE - 100 {
            let name = NAMES[next(8) as usize];
            let (count, price, id) = (next(100), next(100_000), next(1 << 31));
            text += &format!(
                "{{\"id\":{id},\"name\":\"{name}\",\"count\":{count},\"price\":{price}}},"
            );
        }
        let missing = SIZE - text.len() - 11;
        text += &format!("0],\"note\":\"{}\"}}", "-".repeat(missing - 2));
        text.into_bytes()
    };
    (0..MESSAGES).map(&mut order).collect()
}

struct Client {
    stream: TcpStream,
    inflater: Option<Decompress>,
    buffer: Vec<u8>,
    /// Where what has not been looked at begins.
    start: usize,
    /// Bytes of payload that came.
    heard: usize,
}

impl Client {
    fn open(port: u16) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = upgrade_request((Ipv4Addr::LOCALHOST, port).into());
        let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        let request = [request.trim_end(), "\r\n", offer].concat();
        stream.write_all(request.as_bytes())?;
        let mut client = Client {
            stream,
            inflater: None,
            buffer: Vec::new(),
            start: 0,
            heard: 0,
        };
        while client.start == 0 {
            client.read()?;
            client.start = upgraded(&client.buffer)?.unwrap_or_default();
        }
        let head = String::from_utf8_lossy(&client.buffer[..client.start]).to_lowercase();
        if head.contains("permessage-deflate") {
            client.inflater = Some(Decompress::new(false));
        }
        Ok(client)
    }

    /// Messages as they are sent: each compressed by itself, so that they can be sent again.
    fn frames(&self, messages: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Failure> {
        let frame = |message: &Vec<u8>| {
            if self.inflater.is_none() {
                return Ok(text_frame(message));
            }
            let mut data = Vec::with_capacity(2 * SIZE);
            Compress::new(Compression::new(6), false)
                .compress_vec(message, &mut data, FlushCompress::Sync)
                .map_err(|error| Failure::Wrong(error.to_string()))?;
            Ok(deflated_frame(&data[..data.len() - TAIL.len()]))
        };
        messages.iter().map(frame).collect()
    }

    fn echo(&mut self, frames: &[Vec<u8>], messages: &[Vec<u8>]) -> Result<(), Failure> {
        for (frame, message) in frames.iter().zip(messages) {
            self.stream.write_all(frame)?;
            self.expect(message)?;
        }
        Ok(())
    }

    /// Reads the next message, which is to be this one.
    fn expect(&mut self, message: &[u8]) -> Result<(), Failure> {
        let (first, payload) = self.frame()?;
        self.heard += payload.len();
        let got = match &mut self.inflater {
            Some(inflater) if first & 0x40 != 0 => {
                let mut clear = Vec::with_capacity(2 * SIZE);
                let input = [&payload[..], &TAIL].concat();
                inflater
                    .decompress_vec(&input, &mut clear, FlushDecompress::Sync)
                    .map_err(|error| Failure::Wrong(error.to_string()))?;
                clear
            }
            _ => payload,
        };
        // A newline at its end is let pass: some gateways strip it, some do not.
        match got.strip_suffix(b"\n").unwrap_or(&got) == message {
            true => Ok(()),
            false => Err(Failure::Wrong("an echo of something else".into())),
        }
    }

    /// The next frame's first byte and payload.
    fn frame(&mut self) -> Result<(u8, Vec<u8>), Failure> {
        loop {
            let rest = &self.buffer[self.start..];
            let size = match *rest {
                [_, 126, a, b, ..] => Some((4, usize::from(u16::from_be_bytes([a, b])))),
                [_, short @ 0..=125, ..] => Some((2, usize::from(short))),
                [_, 127..=255, ..] => return Err(Failure::Wrong("a frame of 64 KiB".into())),
                _ => None,
            };
            if let Some((header, length)) = size
                && rest.len() >= header + length
            {
                let frame = (rest[0], rest[header..header + length].to_vec());
                self.start += header + length;
                return Ok(frame);
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<(), Failure> {
        self.buffer.drain(..std::mem::take(&mut self.start));
        let filled = self.buffer.len();
        self.buffer.resize(filled + 64 * 1024, 0);
        let read = self.stream.read(&mut self.buffer[filled..])?;
        self.buffer.truncate(filled + read);
        match read {
            0 => Err(Failure::Wrong("the connection has ended".into())),
            _ => Ok(()),
        }
    }
}
