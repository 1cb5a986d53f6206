//! What a developer console is told of its own sessions beside their messages: why one was refused, what the program
//! says on stderr, how messages go, how it ended.
//!
//! A page cannot see any of that: browsers keep the answer to a handshake that fails from it, and a WebSocket has no
//! place for anything but the program's messages. So the console asks for a [`Feed`] first, gets a word with it, and puts
//! that word into the target of its next handshake ([`Feeds`]). It holds for one attempt, is found by nobody else, and is
//! taken out of the target before anything looks at that.

mod event;
mod feed;
mod feeds;

pub(super) use event::{Ended, Opened};
pub(super) use feed::{Audience, Batch, Feed};
pub(super) use feeds::Feeds;
