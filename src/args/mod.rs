//! What was typed, and nothing more: [`Args`].
//!
//! Options end where COMMAND begins, so that the program's own options are its own. Go's `-port=8080`
//! is read as `--port=8080`, since users of websocketd type that.

mod kinds;
mod words;

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory, Parser, builder::RangedU64ValueParser, error::ContextKind};

pub use kinds::{FramingKind, LogFormat, LogLevel, NewlinePolicy};
use words::normalise;
pub use words::{Words, rival};

/// Turns any program that reads lines and writes lines into a WebSocket server.
///
/// One process per connection: each text message becomes a line on the program's stdin, each line on
/// its stdout becomes a message.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "wsd",
    version,
    args_override_self = true,
    override_usage = "wsd [OPTIONS] COMMAND [ARGS...]",
    max_term_width = 100,
    after_help = "Options end where COMMAND begins. -name=value works as well as --name=value.\n\
                  \n\
                  Example: wsd --port=8080 --devconsole ./fizzbuzz.py, then open http://localhost:8080/"
)]
pub struct Args {
    /// Port to listen on; 0 takes a free one and prints it [default: 8080, with --ssl 8443].
    #[arg(long, value_name = "PORT", help_heading = "Listening")]
    pub port: Option<u16>,

    /// Address to listen on, repeatable; 0.0.0.0 or :: opens the server to the network
    /// [default: 127.0.0.1].
    #[arg(long, value_name = "ADDRESS", help_heading = "Listening")]
    pub address: Vec<String>,

    /// Name that this server answers to beside localhost, repeatable; matters on loopback addresses.
    #[arg(long, value_name = "NAME", help_heading = "Listening")]
    pub host: Vec<String>,

    /// Unix socket to listen on, repeatable; '@NAME' is one of Linux's abstract names. Without --port and
    /// --address, there is no other.
    #[arg(long, value_name = "PATH", help_heading = "Listening")]
    pub unixsocket: Vec<PathBuf>,

    /// Mode of the file of --unixsocket, in octal; who may write may connect [default: 600].
    #[arg(long, value_name = "MODE", help_heading = "Listening")]
    pub unixsocket_mode: Option<String>,

    /// Owner of the file of --unixsocket: a user, a group or both, by name or number.
    #[arg(long, value_name = "[USER][:GROUP]", help_heading = "Listening")]
    pub unixsocket_owner: Option<String>,

    /// Let other processes listen on the same addresses and port, so that the next one takes over while
    /// this one finishes.
    #[arg(long, help_heading = "Listening")]
    pub reuseport: bool,

    /// Take clients' addresses from the PROXY protocol header (v1, v2) that every connection has to
    /// begin with.
    #[arg(long, help_heading = "Listening")]
    pub proxy_protocol: bool,

    /// Speak HTTP/2 without TLS too, to clients that begin with it (prior knowledge); by TLS it is spoken
    /// anyway.
    #[arg(long, help_heading = "Listening")]
    pub h2c: bool,

    /// Serve the one connection on stdin, as inetd passes it, and end.
    #[arg(long, help_heading = "Listening")]
    pub inetd: bool,

    /// Port that sends plain HTTP clients on to --port, at a name that is the server's own.
    #[arg(long, value_name = "PORT", help_heading = "Listening")]
    pub redirport: Option<u16>,

    /// Speak TLS: https:// and wss://.
    #[arg(long, help_heading = "TLS")]
    pub ssl: bool,

    /// Certificate in PEM, with the chain above it; repeatable, chosen by the name that a client asks for.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub sslcert: Vec<PathBuf>,

    /// Private key of the certificate in PEM; one for each --sslcert, in the same order.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub sslkey: Vec<PathBuf>,

    /// Ask clients for a certificate that one of these authorities (PEM) has issued.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub sslca: Option<PathBuf>,

    /// Let clients without a certificate in, too.
    #[arg(long, help_heading = "TLS")]
    pub sslca_optional: bool,

    /// Serve clients without TLS as well, on the same port.
    #[arg(long, help_heading = "TLS")]
    pub ssl_optional: bool,

    /// Speak TLS with a certificate for localhost and --host that is made at the start, for development.
    #[arg(long, help_heading = "TLS")]
    pub ssl_selfsigned: bool,

    /// Origins whose pages may connect beside the server's own: HOST, HOST:PORT or SCHEME://HOST:PORT,
    /// 'null' for pages from file://, '*' for any; repeatable.
    #[arg(
        long,
        value_name = "ORIGIN,...",
        value_delimiter = ',',
        help_heading = "Access"
    )]
    pub origin: Vec<String>,

    /// Refuse clients that send no Origin header, as command-line clients do.
    #[arg(long, help_heading = "Access")]
    pub sameorigin: bool,

    /// Programs that may run at a time; 0 has no limit.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1024,
        help_heading = "Access"
    )]
    pub maxforks: usize,

    /// Connections that may be open at a time, those of sessions too; 0 has no limit.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Access")]
    pub max_connections: usize,

    /// Connections that one client address may have open at a time; 0 has no limit.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Access")]
    pub max_connections_per_ip: usize,

    /// Proxies that are believed what Forwarded and X-Forwarded-For, -Proto and -Host say of clients:
    /// addresses and networks, 'unix' for those that come through a unix socket; repeatable.
    #[arg(
        long,
        value_name = "CIDR,...",
        value_delimiter = ',',
        help_heading = "Access"
    )]
    pub trust_proxy: Vec<String>,

    /// Subprotocols that the program speaks; 'none' selects none [default: the first that is offered].
    #[arg(
        long,
        value_name = "NAME,...|none",
        value_delimiter = ',',
        help_heading = "Messages"
    )]
    pub subprotocol: Vec<String>,

    /// How messages are told apart: a line each, a read of stdout each (binary), or by a length before
    /// each [default: lines].
    #[arg(long, value_name = "KIND", value_enum, help_heading = "Messages")]
    pub framing: Option<FramingKind>,

    /// The same as --framing=chunks: bytes as they come.
    #[arg(long, help_heading = "Messages")]
    pub binary: bool,

    /// What becomes of a newline inside a text message: two lines, close 1008, or a space.
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = NewlinePolicy::Split, help_heading = "Messages")]
    pub newline: NewlinePolicy,

    /// Send a line without its newline, such as a prompt, after MS milliseconds of quiet.
    #[arg(long, value_parser = up_to_a_year(1000 * SECONDS_A_YEAR), value_name = "MS", help_heading = "Messages")]
    pub flush_after: Option<u64>,

    /// Send stderr to the client too, each line as {"stream":"stdout"|"stderr","data":"..."}.
    #[arg(long, help_heading = "Messages")]
    pub passstderr: bool,

    /// Compress messages for clients that offer it (permessage-deflate), and offer it with --connect; not
    /// where secrets travel beside text of others.
    #[arg(long, help_heading = "Messages")]
    pub compress: bool,

    /// How hard --compress tries: 1 is fast, 9 is small.
    #[arg(
        long,
        value_name = "N",
        value_parser = RangedU64ValueParser::<u8>::new().range(1..=9),
        default_value_t = 4,
        help_heading = "Messages"
    )]
    pub compress_level: u8,

    /// Shortest message that --compress compresses, in bytes.
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 32,
        help_heading = "Messages"
    )]
    pub compress_threshold: usize,

    /// Longest message from a client in bytes, fragments together; 0 has no limit.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, help_heading = "Limits")]
    pub maxframesize: usize,

    /// Longest line (or length-framed message) from the program in bytes; 0 has no limit.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, help_heading = "Limits")]
    pub maxlinesize: usize,

    /// Milliseconds added to each wait before a program gets SIGINT, SIGTERM and SIGKILL.
    #[arg(long, value_parser = up_to_a_year(1000 * SECONDS_A_YEAR), value_name = "MS", default_value_t = 0, help_heading = "Limits")]
    pub closems: u64,

    /// Milliseconds between pings; a client that is silent for two of them is gone; 0 sends none.
    #[arg(
        long, value_parser = up_to_a_year(1000 * SECONDS_A_YEAR),
        value_name = "MS",
        default_value_t = 30_000,
        help_heading = "Limits"
    )]
    pub pingms: u64,

    /// End a client that takes nothing for MS milliseconds; 0 waits.
    #[arg(long, value_parser = up_to_a_year(1000 * SECONDS_A_YEAR), value_name = "MS", default_value_t = 0, help_heading = "Limits")]
    pub write_timeout: u64,

    /// End a session in which neither side has sent a message for SECONDS; 0 waits.
    #[arg(long, value_parser = up_to_a_year(SECONDS_A_YEAR), value_name = "SECONDS", default_value_t = 0, help_heading = "Limits")]
    pub idle_timeout: u64,

    /// End a session after SECONDS, whatever it does; 0 has no limit.
    #[arg(long, value_parser = up_to_a_year(SECONDS_A_YEAR), value_name = "SECONDS", default_value_t = 0, help_heading = "Limits")]
    pub max_lifetime: u64,

    /// Seconds that sessions get to end by themselves when the server is told to stop.
    #[arg(
        long, value_parser = up_to_a_year(SECONDS_A_YEAR),
        value_name = "SECONDS",
        default_value_t = 10,
        help_heading = "Limits"
    )]
    pub drain_timeout: u64,

    /// Seconds that the server goes on as ever after it was told to stop, while /readyz of --admin says
    /// that it leaves.
    #[arg(
        long, value_parser = up_to_a_year(SECONDS_A_YEAR),
        value_name = "SECONDS",
        default_value_t = 0,
        help_heading = "Limits"
    )]
    pub drain_delay: u64,

    /// Seconds that a CGI script gets for its header, and between two pieces of its output, and its client
    /// between two pieces of a body; 0 has no limit.
    #[arg(
        long, value_parser = up_to_a_year(SECONDS_A_YEAR),
        value_name = "SECONDS",
        default_value_t = 60,
        help_heading = "Limits"
    )]
    pub cgi_timeout: u64,

    /// Largest body of a request to a CGI script in bytes; 0 has no limit.
    #[arg(long, value_name = "BYTES", default_value_t = 10 << 20, help_heading = "Limits")]
    pub cgi_maxbody: u64,

    /// Variables of wsd's own environment that programs get [default: PATH,LD_LIBRARY_PATH].
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        help_heading = "Programs"
    )]
    pub passenv: Option<Vec<String>>,

    /// Variable that programs get, repeatable.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Programs")]
    pub env: Vec<String>,

    /// Working directory of COMMAND and routes [default: wsd's own].
    #[arg(long, value_name = "DIR", help_heading = "Programs")]
    pub workdir: Option<PathBuf>,

    /// User that programs run as, by name or number; needs root.
    #[arg(long, value_name = "USER", help_heading = "Programs")]
    pub user: Option<String>,

    /// Group that programs run as [default: those of --user]; needs root.
    #[arg(long, value_name = "GROUP", help_heading = "Programs")]
    pub group: Option<String>,

    /// Resource limits of each program: nofile (descriptors), cpu-seconds, memory (bytes), processes.
    #[arg(
        long,
        value_name = "NAME=N,...",
        value_delimiter = ',',
        help_heading = "Programs"
    )]
    pub limits: Vec<String>,

    /// Look up clients' host names for REMOTE_HOST.
    #[arg(long, help_heading = "Programs")]
    pub reverselookup: bool,

    /// Programs by path: each executable file in DIR answers WebSockets at its path.
    #[arg(long, value_name = "DIR", help_heading = "Programs")]
    pub dir: Option<PathBuf>,

    /// A program at a path and beneath, repeatable; words are split as a shell would, but no shell is
    /// started.
    #[arg(long, value_name = "PATH=COMMAND", help_heading = "Programs")]
    pub route: Vec<String>,

    /// Serve the files in DIR on the same port.
    #[arg(long, value_name = "DIR", help_heading = "Pages")]
    pub staticdir: Option<PathBuf>,

    /// List directories of --staticdir that have no index.html.
    #[arg(long, help_heading = "Pages")]
    pub listing: bool,

    /// Answer unknown paths without an extension with the index.html of --staticdir.
    #[arg(long, help_heading = "Pages")]
    pub spa: bool,

    /// Answer requests for the executables in DIR by running them (CGI/1.1), on the same port.
    #[arg(long, value_name = "DIR", help_heading = "Pages")]
    pub cgidir: Option<PathBuf>,

    /// Serve a page at / to try the program from.
    #[arg(long, help_heading = "Pages")]
    pub devconsole: bool,

    /// Header of every answer, or of the request of --connect, as 'Name: value'; repeatable.
    #[arg(long, value_name = "HEADER", help_heading = "Pages")]
    pub header: Vec<String>,

    /// Header of WebSocket handshakes alone, repeatable.
    #[arg(long, value_name = "HEADER", help_heading = "Pages")]
    pub header_ws: Vec<String>,

    /// Header of all other answers alone, repeatable.
    #[arg(long, value_name = "HEADER", help_heading = "Pages")]
    pub header_http: Vec<String>,

    /// Answer operators at an address of their own: /healthz, /readyz, /metrics, /sessions.
    #[arg(
        long,
        value_name = "ADDRESS:PORT|unix:PATH",
        help_heading = "Operation"
    )]
    pub admin: Option<String>,

    /// Threads that serve connections [default: one for each CPU].
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024), value_name = "N", help_heading = "Operation")]
    pub workers: Option<usize>,

    /// Start the program once, print what it takes, what this machine allows, how many sessions follow,
    /// and stop.
    #[arg(long, help_heading = "Operation")]
    pub doctor: bool,

    /// Be the client of the server at URL (ws://, wss:// or ws+unix:PATH[:/TARGET]) in place of a server:
    /// COMMAND, or else stdin and stdout, are joined to it.
    #[arg(long, value_name = "URL", help_heading = "Client")]
    pub connect: Option<String>,

    /// Milliseconds without a message after the end of stdin until the connection is closed
    /// [default: 1000].
    #[arg(long, value_parser = up_to_a_year(1000 * SECONDS_A_YEAR), value_name = "MS", help_heading = "Client")]
    pub linger: Option<u64>,

    /// Connect again when there is no connection, or none any more, after 1 s, 2 s, 4 s and so on.
    #[arg(long, help_heading = "Client")]
    pub reconnect: bool,

    /// Trust any certificate of the server: what is sent may be read and changed on its way.
    #[arg(long, help_heading = "Client")]
    pub insecure: bool,

    /// How much goes to the log on stderr [default: access, with --connect error].
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        ignore_case = true,
        help_heading = "Log"
    )]
    pub loglevel: Option<LogLevel>,

    /// One line of text an event, or one JSON object.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text, help_heading = "Log")]
    pub log_format: LogFormat,

    /// Read flags from FILE (TOML) too; what is typed wins over what is written.
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Check flags and file, say so, and stop.
    #[arg(long, help_heading = "Configuration")]
    pub check_config: bool,

    /// Print the license.
    #[arg(long)]
    pub license: bool,

    /// The program to run for each connection, and its arguments.
    #[arg(last = true, value_name = "COMMAND", hide = true)]
    pub command: Vec<OsString>,
}

/// Longer times are slips of the keyboard, and clocks cannot add them.
const SECONDS_A_YEAR: u64 = 365 * 24 * 60 * 60;

fn up_to_a_year(most: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(0..=most)
}

impl Args {
    /// Parses the words after the program's name.
    ///
    /// # Errors
    /// clap's, ready to be printed: it names the flag, the value and the remedy. `--help` and `--version`
    /// are such errors too, with exit status 0.
    pub fn parse_from_words(
        words: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        Self::parse_normalised(normalise(words, &Args::command()))
    }

    /// How much is logged; a client's stderr belongs to whoever started it.
    pub fn loglevel(&self) -> LogLevel {
        self.loglevel.unwrap_or(match self.connect {
            Some(_) => LogLevel::Error,
            None => LogLevel::Access,
        })
    }

    fn parse_normalised(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let parsed = Args::try_parse_from([OsString::from("wsd")].into_iter().chain(words));
        parsed.map_err(|mut error| {
            // clap would advise to pass an unknown flag as a COMMAND.
            error.remove(ContextKind::Suggested);
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::parse_from_words(line.split_whitespace().map(OsString::from))
    }

    fn error(line: &str) -> String {
        parse(line).expect_err(line).to_string()
    }

    #[test]
    fn clap_finds_nothing_wrong_with_the_declaration() {
        Args::command().debug_assert();
    }

    #[test]
    fn value_is_taken_in_every_form() {
        for line in [
            "--port=81 cat",
            "--port 81 cat",
            "-port=81 cat",
            "-port 81 cat",
            "--port=81 -- cat",
        ] {
            let args = parse(line).expect(line);
            assert_eq!(
                (args.port, args.command),
                (Some(81), vec!["cat".into()]),
                "{line}"
            );
        }
    }

    #[test]
    fn boolean_is_taken_in_every_form() {
        for (line, binary) in [
            ("--binary cat", true),
            ("-binary cat", true),
            ("--binary=true cat", true),
            ("-binary=1 cat", true),
            ("--binary=false cat", false),
            ("--binary --binary=false cat", false),
            ("cat", false),
        ] {
            assert_eq!(parse(line).expect(line).binary, binary, "{line}");
        }
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let args = parse("--port=81 sh -c --port=82 --bogus").expect("the rest is the program's");
        assert_eq!(args.port, Some(81));
        assert_eq!(
            args.command,
            ["sh", "-c", "--port=82", "--bogus"].map(OsString::from)
        );
    }

    #[test]
    fn lists_are_separated_by_commas_and_repeated() {
        let args = parse("--origin=a,b --origin=c --passenv=X,Y cat").expect("lists");
        assert_eq!(args.origin, ["a", "b", "c"]);
        assert_eq!(args.passenv, Some(vec!["X".to_owned(), "Y".to_owned()]));
    }

    #[test]
    fn first_line_of_an_error_names_flag_and_value() {
        for (line, words) in [
            ("--port=http cat", ["--port", "http"]),
            ("--port=70000 cat", ["--port", "70000"]),
            ("--closems=-1 cat", ["--closems", "-1"]),
            ("--binary=maybe cat", ["--binary", "maybe"]),
            ("--loglevel=loud cat", ["--loglevel", "loud"]),
            (
                "--pingms=99999999999999 cat",
                ["--pingms", "99999999999999"],
            ),
            ("--prot=80 cat", ["--prot", "unexpected"]),
            ("-prot=80 cat", ["--prot", "unexpected"]),
            ("--closems -1 cat", ["--closems", "-1"]),
        ] {
            let message = error(line);
            let first = message.lines().next().expect("a line");
            assert!(
                words.iter().all(|word| first.contains(word)),
                "{line}: {first}"
            );
        }
    }

    #[test]
    fn last_of_a_repeated_flag_counts() {
        let args = parse("--port=1 --binary --binary --port=2 cat").expect("repeated");
        assert_eq!((args.port, args.binary), (Some(2), true));
    }

    #[test]
    fn misspelt_flag_gets_a_tip() {
        assert!(error("--prot=80 cat").contains("--port"));
    }
}
