//! How a member of a room understands what comes, and checks it.

use flate2::{Decompress, FlushDecompress};

use crate::frames::Part;
use crate::nats;
use crate::outcome::Failure;
use crate::wire::{Batch, Echoes};

/// What the members of a room are to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    Plain,
    Tls,
    Compressed,
    Nats,
}

/// How what comes is understood.
pub(crate) enum Hearing {
    /// Each message is one that was said.
    Messages(Echoes),
    /// The same, and each is compressed.
    Compressed(Box<Inflated>),
    /// Messages are pieces of a stream of nats-server.
    Nats(Box<nats::Stream>),
}

/// Compressed messages, and what they are.
pub(crate) struct Inflated {
    inflater: Decompress,
    payload: Vec<u8>,
    echoes: Echoes,
}

/// What the sender of a message leaves away (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

impl Inflated {
    fn take(&mut self, batch: &Batch, piece: &[u8], part: Part) -> Result<(), Failure> {
        self.payload.extend(piece);
        if part != Part::Last {
            return Ok(());
        }
        self.payload.extend(TAIL);
        let mut message = Vec::with_capacity(batch.size + 64);
        self.inflater
            .decompress_vec(&self.payload, &mut message, FlushDecompress::Sync)
            .map_err(|error| Failure::Wrong(error.to_string()))?;
        self.payload.clear();
        self.echoes.take(batch, &message, Part::Last)
    }
}

impl Hearing {
    pub(crate) fn of(membership: Membership) -> Self {
        match membership {
            Membership::Plain | Membership::Tls => Hearing::Messages(Echoes::default()),
            Membership::Nats => Hearing::Nats(Box::default()),
            Membership::Compressed => Hearing::Compressed(Box::new(Inflated {
                inflater: Decompress::new(false),
                payload: Vec::new(),
                echoes: Echoes::default(),
            })),
        }
    }

    /// Takes what came, of which each message must be the batch's next.
    pub(crate) fn take(&mut self, batch: &Batch, piece: &[u8], part: Part) -> Result<(), Failure> {
        match self {
            Hearing::Messages(echoes) => echoes.take(batch, piece, part),
            Hearing::Compressed(inflated) => inflated.take(batch, piece, part),
            Hearing::Nats(stream) => stream.take(batch, piece),
        }
    }

    /// Messages that were heard since it began anew.
    pub(crate) fn received(&self) -> u64 {
        match self {
            Hearing::Messages(echoes) => echoes.received,
            Hearing::Compressed(inflated) => inflated.echoes.received,
            Hearing::Nats(stream) => stream.received,
        }
    }

    pub(crate) fn begin_anew(&mut self) {
        match self {
            Hearing::Messages(echoes) => *echoes = Echoes::default(),
            Hearing::Compressed(inflated) => inflated.echoes = Echoes::default(),
            Hearing::Nats(stream) => stream.received = 0,
        }
    }
}
