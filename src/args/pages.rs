//! What answers where: programs by path, files, scripts, the console, and the headers of answers.

use std::path::PathBuf;

/// Flags about what answers beside COMMAND.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Pages")]
pub struct PagesArgs {
    /// Programs by path: each executable file in DIR answers WebSockets at its path.
    #[arg(
        long,
        value_name = "DIR",
        help_heading = "Programs",
        conflicts_with = "connect"
    )]
    pub dir: Option<PathBuf>,

    /// A program at a path and beneath, repeatable; words are split as a shell would, but no shell is
    /// started.
    #[arg(
        long,
        value_name = "PATH=COMMAND",
        help_heading = "Programs",
        conflicts_with = "connect"
    )]
    pub route: Vec<String>,

    /// Serve the files in DIR on the same port.
    #[arg(long, value_name = "DIR", conflicts_with = "connect")]
    pub staticdir: Option<PathBuf>,

    /// List directories of --staticdir that have no index.html.
    #[arg(long, requires = "staticdir", conflicts_with = "connect")]
    pub listing: bool,

    /// Answer unknown paths that a browser goes to, or without an extension, with the index.html of
    /// --staticdir.
    #[arg(long, requires = "staticdir", conflicts_with = "connect")]
    pub spa: bool,

    /// Content type of the files of --staticdir whose name ends so (.EXT), or is this (NAME), beside those
    /// that are built in; repeatable.
    #[arg(
        long,
        value_name = ".EXT=TYPE",
        requires = "staticdir",
        conflicts_with = "connect"
    )]
    pub mime: Vec<String>,

    /// Answer requests for the executables in DIR by running them (CGI/1.1), on the same port.
    #[arg(long, value_name = "DIR", conflicts_with = "connect")]
    pub cgidir: Option<PathBuf>,

    /// Let pages of other origins read the files of --staticdir and the answers of CGI scripts: of those that are
    /// listed as --cors=ORIGIN,..., else of any.
    #[arg(
        long,
        value_name = "ORIGIN,...",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*",
        value_delimiter = ',',
        conflicts_with = "connect"
    )]
    pub cors: Vec<String>,

    /// Serve a page at / to try the program from.
    #[arg(long, conflicts_with = "connect")]
    pub devconsole: bool,

    /// For development: watch files, and have what changes take effect at once. Sessions of a program that has changed end
    /// (1012), pages load anew, the file of --config is read again. Watches programs, --dir, --cgidir, --staticdir, and
    /// PATHs, which count for all programs.
    #[arg(
        long,
        value_name = "PATH,...",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        conflicts_with = "connect"
    )]
    pub watch: Option<Vec<PathBuf>>,

    /// Header of every answer, or of the request of --connect, as 'Name: value'; repeatable.
    #[arg(long, value_name = "HEADER", display_order = 100)]
    pub header: Vec<String>,

    /// Header of all other answers alone, repeatable.
    #[arg(
        long,
        value_name = "HEADER",
        display_order = 102,
        conflicts_with = "connect"
    )]
    pub header_http: Vec<String>,
}
