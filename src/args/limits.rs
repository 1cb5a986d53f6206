//! How long is waited for what, and how much is taken.

use std::time::Duration;

use super::{
    durations::{milliseconds, seconds},
    groups::OF_A_PROGRAM,
    numbers::whole_number,
};

/// Flags about limits that a program may have of its own.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Longest message from a client in bytes, fragments together; 0 has no limit.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = whole_number())]
    pub maxframesize: usize,

    /// Longest line (or length-framed message) from the program in bytes; 0 has no limit.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = whole_number())]
    pub maxlinesize: usize,

    /// Milliseconds added to each wait before a program gets SIGINT, SIGTERM and SIGKILL.
    #[arg(long, value_name = "MS", value_parser = milliseconds(), default_value = "0", group = OF_A_PROGRAM)]
    pub closems: Duration,

    /// Seconds for which a program may take nothing of what it was sent, once its client has gone, before it
    /// gets SIGINT; 0 gives it 100 ms, whatever it was sent.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value = "5", group = OF_A_PROGRAM)]
    pub finish_timeout: Duration,

    /// Milliseconds between pings; a client that is silent for two of them is gone; 0 sends none.
    #[arg(long, value_name = "MS", value_parser = milliseconds(), default_value = "30000")]
    pub pingms: Duration,

    /// End a client that takes nothing for MS milliseconds; 0 waits, but for a download 60 s.
    #[arg(long, value_name = "MS", value_parser = milliseconds(), default_value = "0")]
    pub write_timeout: Duration,

    /// End a session in which neither side has sent a message for SECONDS; 0 waits.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value = "0")]
    pub idle_timeout: Duration,

    /// End a session after SECONDS, whatever it does; 0 has no limit.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value = "0")]
    pub max_lifetime: Duration,

    /// Seconds that a CGI script gets for its header, and between two pieces of its output, and its client
    /// between two pieces of a body; 0 has no limit.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), default_value = "60", conflicts_with = "connect")]
    pub cgi_timeout: Duration,

    /// Largest body of a request to a CGI script in bytes; 0 has no limit.
    #[arg(long, value_name = "BYTES", default_value_t = 10 << 20, conflicts_with = "connect")]
    pub cgi_maxbody: u64,
}
