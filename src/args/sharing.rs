//! One program for many clients, and rooms without a program.

use std::{path::PathBuf, time::Duration};

use clap::{Arg, Args, Command, ValueEnum};

use super::{
    durations::{seconds_or_always, tick},
    numbers::whole_number,
};
use crate::backend::Keep;

/// Flags about sharing a program, which a route may have of its own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sharing")]
pub struct SharingArgs {
    /// One program for all clients: each line that it prints goes to all of them, and what any of them says
    /// is a line for it. With --share=tagged each line says to or from whom it is.
    #[arg(
        long,
        value_name = "plain|tagged",
        value_enum,
        hide_possible_values = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "plain",
        conflicts_with_all = ["connect", "inetd", "passstderr", "target", "target_map"]
    )]
    pub share: Option<ShareKind>,

    /// One program for all of the route, or one for each first segment of the path beneath it.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = ShareBy::Route, requires = "share")]
    pub share_by: ShareBy,

    /// Seconds that a shared program is kept when its last client has gone; 'always' starts it with wsd and
    /// keeps it.
    #[arg(long, value_name = "SECONDS|always", value_parser = seconds_or_always(), default_value = "10", requires = "share")]
    pub share_keep: Keep,

    /// Start a shared program that crashes again while its clients stay.
    #[arg(long, requires = "share")]
    pub respawn: bool,

    /// Tell a tagged program every MS milliseconds that time has passed, while it has clients.
    #[arg(long, value_name = "MS", value_parser = tick(), requires = "share")]
    pub tick: Option<Duration>,

    /// What a tagged program is told of who joins: variables, a header as HTTP_NAME [default:
    /// REMOTE_ADDR,REMOTE_USER,PATH_INFO,QUERY_STRING,WS_PROTOCOL,UNIQUE_ID].
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        requires = "share"
    )]
    pub join_env: Vec<String>,

    /// Throw away what the clients of a shared program, a room or a terminal say.
    #[arg(long, conflicts_with = "connect")]
    pub readonly: bool,

    /// Send who joins the last N messages that went to all [default: 0].
    #[arg(long, value_name = "N", conflicts_with = "connect", value_parser = whole_number())]
    pub history: Option<usize>,

    /// What becomes of a client that takes less than it is sent: it is closed, the oldest messages to many are
    /// left out, or all but the latest of each address [default: close, in rooms drop].
    #[arg(long, value_name = "POLICY", value_enum, conflicts_with = "connect")]
    pub slow: Option<Slow>,

    /// Bytes that may wait for one client of a shared program or a room [default: 1048576].
    #[arg(long, value_name = "BYTES", conflicts_with = "connect", value_parser = whole_number())]
    pub member_queue: Option<usize>,

    /// Messages a second that are taken from one client of a shared program or a room; 0 has no limit
    /// [default: 0, in rooms 1000].
    #[arg(long, value_name = "N", conflicts_with = "connect", value_parser = whole_number())]
    pub max_rate: Option<usize>,

    /// Programs of --share-by=segment at a time; 0 has no limit.
    #[arg(long, value_name = "N", default_value_t = 64, requires = "share", value_parser = whole_number())]
    pub max_groups: usize,

    /// Clients of one shared program or room at a time; 0 has no limit [default: 10000].
    #[arg(long, value_name = "N", conflicts_with = "connect", value_parser = whole_number())]
    pub max_members: Option<usize>,
}

/// Flags about rooms.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Sharing")]
pub struct RoomArgs {
    /// Rooms without a program beneath PATH: PATH/NAME is one, and what a client says there goes to all of its
    /// clients; repeatable.
    #[arg(long, value_name = "PATH", conflicts_with = "connect")]
    pub room: Vec<String>,

    /// Unix socket by which --pub and --sub reach the rooms of a running wsd; both are given it. Without it,
    /// programs of wsd find one in WSD_ROOMS.
    #[arg(long, value_name = "PATH", conflicts_with = "connect")]
    pub rooms_socket: Option<PathBuf>,
}

impl SharingArgs {
    /// The names of its flags, without dashes.
    pub fn names() -> Vec<String> {
        let flags = Self::augment_args(Command::new("sharing"));
        let names = flags.get_arguments().filter_map(Arg::get_long);
        names.map(str::to_owned).collect()
    }
}

/// `--share`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShareKind {
    /// Each line goes to all.
    #[value(alias = "true")]
    Plain,
    /// Each line says to or from whom it is.
    Tagged,
}

/// `--share-by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShareBy {
    /// One program.
    Route,
    /// One for each first segment beneath the route.
    Segment,
}

/// `--slow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Slow {
    /// Close 1013.
    Close,
    /// The oldest messages to many go.
    Drop,
    /// Of each address only the latest stays.
    Latest,
}
