//! Groups: one program for many clients, or a room without a program; each of these clients is a member.
//!
//! A [`Group`] guarantees that each member is sent what the program says in its order, that no line of one member is
//! taken for another's, that nobody waits for a peer, and that memory stays bounded whoever does not read. It knows
//! nothing of HTTP: who may join, where groups are found and how many there may be is told elsewhere.
//!
//! # How it works
//! A member is a [`Backend`](super::Backend) without a process (`member`): its output is a queue (`queue`), its input a seat
//! among those who speak in turns (`turns`). One task (`run`) has the program: it hands out what that says by the roster
//! (`roster`), and writes what members say as the pipe takes it (`relay`). What the lines of a tagged program mean is
//! `grammar`, what it is told is `tagging`; both are pure.
//!
//! A room without a program (`room`, found by `room_table`) has the same queues and the same roster, and no task: its
//! members (`room_member`) hand out by themselves what they say. Where it has members elsewhere is `outside`'s.

mod complaints;
mod figures;
mod grammar;
mod line_end;
mod member;
mod name;
mod options;
mod outside;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod queue;
mod rate;
mod relay;
mod replay;
mod room;
mod room_member;
mod room_table;
mod rooms;
mod roster;
mod run;
mod shared_program;
mod state;
mod tagging;
mod ticker;
mod touched;
mod turns;

pub use figures::{Figure, Figures};
pub use grammar::MemberId;
pub use member::Membership;
pub use name::is_room_name;
pub use options::{GroupKind, GroupOptions, Keep, MemberOptions, RoomOptions, SlowPolicy};
pub use outside::{Hear, Listening, Outside, OutsideOfGroup};
pub use room_table::Rooms;
pub use run::{GroupEnd, run as run_group};
pub use shared_program::{SharedProcess, SharedProgram};
pub use state::{Group, NotJoined};
