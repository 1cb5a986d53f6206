//! Backends: what a client is joined to. A [`Target`] names it, a [`Backend`] is the live thing it opened.
//!
//! A backend is two streams of messages and, where it is a program, the [`Process`] behind them; else it is a
//! connection to a socket ([`Socket`]), or a member of a [`Group`] or of one of the [`Rooms`], which many clients share.
//! It knows nothing of HTTP or WebSocket.

mod error;
mod exit;
mod group;
mod input;
mod interface;
mod late_output;
mod loader;
mod looks;
mod output;
mod process;
mod process_attributes;
mod program;
mod program_files;
mod pty;
mod script;
mod socket;
mod spawn;
mod start_error;
mod started;
mod stderr;
mod stdin;
mod stdio;
mod stream_options;
mod supervisor;
mod target;
mod unbuffer;

pub use error::BackendError;
pub use exit::{close_for, describe_exit};
#[cfg(any(test, fuzzing))]
pub(crate) use group::properties as group_properties;
pub use group::{
    Figure, Figures, Group, GroupEnd, GroupKind, GroupOptions, Hear, Keep, Listening, MemberId,
    MemberOptions, Membership, NotJoined, Outside, OutsideOfGroup, RoomOptions, Rooms,
    SharedProcess, SharedProgram, SlowPolicy, is_room_name, run_group,
};
pub use input::framed_input;
pub use interface::{
    AfterOutput, Attach, Backend, Cut, Environment, Farewell, Inbound, Input, Output, Said,
};
pub use late_output::{Heard, HeardUntil};
pub use output::framed_output;
pub use process::{Process, TerminationTimeouts};
pub use process_attributes::{Credentials, ProcessAttributes, Rlimit};
pub use program::{DirectoryEntry, Program};
pub use program_files::{ChangedFiles, ProgramFiles, is_program};
pub use pty::{BadSize, Pty, TerminalSize, has_ptys};
pub use script::{FirstLine, ScriptError, ScriptFault, examine};
pub use socket::{
    AddressError, ConnectError, ConnectFailure, ConnectResources, HostPort, ProxyHeader,
    RecentStarts, Resolver, Socket, SocketAddress, SocketOptions, SocketStream, TargetMap, Token,
    connect, target_lost,
};
pub use spawn::Spawner;
pub use start_error::passes_with_time;
pub use started::{PipedProcess, StderrTo};
pub use stderr::StderrCopy;
pub use stdin::Intake;
pub use stdio::{Linger, Stdio, StdioError};
pub use stream_options::{MaxLine, StreamOptions};
pub use supervisor::{SupervisedProgram, Supervisor};
pub use target::{OpenError, Resources, RoomTarget, Target};
pub use unbuffer::{Unbuffer, WriteAt};
