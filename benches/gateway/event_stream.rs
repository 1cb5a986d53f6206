//! Server-sent events as wsd sends them: one stream of them, and many of one program.

use std::time::{Duration, Instant};

use crate::connection::{NARROW, PATIENCE};
use crate::http_client::Client;
use crate::outcome::Failure;
use crate::poll::{Interest, Poll};
use crate::reach::Reach;
use crate::wire::Batch;

/// What asks for a stream.
pub(crate) const ACCEPT: &str = "Accept: text/event-stream\r\n";

/// The parser of a stream, which passes messages on.
#[derive(Default)]
pub(crate) struct EventStream {
    /// The beginning of a line.
    rest: Vec<u8>,
    /// Whether this event is no message.
    is_named: bool,
    is_opening: bool,
    /// What the session is called, once it is open.
    pub(crate) session: Option<String>,
    pub(crate) is_closed: bool,
}

impl EventStream {
    /// Takes what came, and gives each message to `message`.
    pub(crate) fn take(
        &mut self,
        piece: &[u8],
        mut message: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut pieces = piece.split(|byte| *byte == b'\n');
        let first = pieces.next().unwrap_or_default();
        self.rest.extend_from_slice(first);
        for next in pieces {
            let line = std::mem::take(&mut self.rest);
            self.take_line(&line, &mut message)?;
            // The same memory again.
            self.rest = line;
            self.rest.clear();
            self.rest.extend_from_slice(next);
        }
        Ok(())
    }

    fn take_line(
        &mut self,
        line: &[u8],
        message: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match (line, line.strip_prefix(b"data: ")) {
            (b"", _) => (self.is_named, self.is_opening) = (false, false),
            (b"event: open", _) => (self.is_named, self.is_opening) = (true, true),
            (b"event: close", _) => (self.is_named, self.is_closed) = (true, true),
            (_, Some(data)) if self.is_opening => self.session = session_in(data),
            (_, Some(data)) if !self.is_named => message(data)?,
            _ => {}
        }
        Ok(())
    }
}

/// The session's name in what the first event says, which is JSON.
fn session_in(data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let (_, rest) = text.split_once("\"session\":\"")?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// A stream, and how many messages it has told.
struct Listener {
    client: Client,
    stream: EventStream,
    heard: u64,
}

impl Listener {
    /// Waits for the next that is told; a message must be this one.
    fn listen(&mut self, expected: &[u8]) -> Result<(), Failure> {
        let Listener {
            client,
            stream,
            heard,
        } = self;
        let mut message = |data: &[u8]| {
            *heard += 1;
            match data == expected {
                true => Ok(()),
                false => Err(Failure::Wrong("an event that nobody said".into())),
            }
        };
        match client.hear(|piece| stream.take(piece, &mut message))? {
            true => Ok(()),
            false => Err(Failure::Wrong("a stream ended".into())),
        }
    }
}

/// Streams that are all there, and a connection to speak by.
pub(crate) struct Listeners {
    poll: Poll,
    ready: Vec<usize>,
    listeners: Vec<Listener>,
    resource: &'static str,
    speaker: Client,
}

impl Listeners {
    /// So many, `at_once` of them on their way at a time.
    pub(crate) fn gather(
        port: u16,
        resource: &'static str,
        count: usize,
        at_once: usize,
    ) -> Result<Self, Failure> {
        let mut all = Listeners {
            poll: Poll::new()?,
            ready: Vec::new(),
            listeners: Vec::with_capacity(count),
            resource,
            speaker: Client::dial(port, NARROW)?,
        };
        while all.listeners.len() < count {
            let first = all.listeners.len();
            for _ in first..count.min(first + at_once) {
                let mut client = Client::dial(port, NARROW)?;
                client.get(resource, ACCEPT)?;
                all.listeners.push(Listener {
                    client,
                    stream: EventStream::default(),
                    heard: 0,
                });
            }
            for (place, listener) in all.listeners.iter_mut().enumerate().skip(first) {
                while listener.stream.session.is_none() {
                    listener.listen(b"")?;
                }
                all.poll
                    .add(listener.client.socket(), place, Interest::Readable)?;
            }
        }
        Ok(all)
    }

    /// One in the middle says the one message of a batch by POST; returns when all have been told.
    pub(crate) fn hear_all_of(&mut self, batch: &Batch) -> Result<Reach, Failure> {
        let message: Vec<u8> = batch.payloads().flatten().copied().collect();
        let speaker = self.listeners.len() / 2;
        let session = self.listeners[speaker].stream.session.as_deref();
        let path = format!(
            "{}?session={}",
            self.resource,
            session.expect("the stream is open")
        );
        let start = Instant::now();
        self.speaker
            .post(&path, "", &[&message, &b"\n"[..]].concat())?;
        let reach = self.hear(&message, speaker, start)?;
        self.speaker.hear_nothing()?;
        Ok(reach)
    }

    fn hear(&mut self, message: &[u8], speaker: usize, start: Instant) -> Result<Reach, Failure> {
        let mut own = Duration::ZERO;
        let mut waiting = self.listeners.len();
        while waiting > 0 {
            self.poll.wait(PATIENCE, &mut self.ready)?;
            if self.ready.is_empty() {
                return Err(Failure::Wrong(format!("{waiting} streams did not tell it")));
            }
            for &place in &self.ready {
                let listener = &mut self.listeners[place];
                let before = listener.heard;
                listener.listen(message)?;
                while listener.client.has_more() {
                    listener.listen(message)?;
                }
                if listener.heard > before {
                    // Doubled, it is taken for the next, and seen there.
                    waiting -= 1;
                    if place == speaker {
                        own = start.elapsed();
                    }
                }
            }
        }
        Ok(Reach {
            own,
            all: start.elapsed(),
        })
    }
}
