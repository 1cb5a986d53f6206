//! From what was typed to what is true: [`Config`] holds the values that the runtime modules own,
//! checked. An error names the flag, the value and the remedy.

mod command;
pub mod file;
mod listeners;
mod tls;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::Semaphore;

use crate::{
    args::{Args, FramingKind, NewlinePolicy},
    backend::{Errors, Patience, Program, Target},
    environ::{self, Environ},
    framing::{Framing, Newline},
    http::{
        Options,
        access::{Access, AllowedOrigin, Authority},
        cgi::{self, Scripts},
        file::{Files, Options as FileOptions},
        headers::{self, AddedHeaders},
        path::{Root, UrlPath},
        router::{Directory, Mount, Router},
        upgrade::{Subprotocols, is_token_byte},
    },
    server::{
        listener::{Sockets, Tcp},
        tls::Terms,
    },
    session::Limits,
    transport::websocket,
};

/// A server, ready to be started.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub sockets: Sockets,
    /// Where to listen only to send on.
    pub redirect: Option<Tcp>,
    /// Whether there is but one connection to serve, on stdin.
    pub inetd: bool,
    /// TLS, if it is spoken.
    pub tls: Option<Terms>,
    /// The scheme of the URL to open: `http` where there is a page, else `ws`; with TLS `https` or `wss`.
    pub scheme: &'static str,
    /// What answers there.
    pub options: Options,
}

/// What the termination ladder allows without `--closems`: enough for a program that listens to the
/// signal, short enough that a closed tab leaves nothing behind for long.
const PATIENCE: Patience = Patience {
    eof: Duration::from_millis(100),
    interrupt: Duration::from_millis(250),
    terminate: Duration::from_millis(500),
};

/// What programs get of our environment: enough to find other programs and their libraries.
const PASSED: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

impl Config {
    /// Checks everything that can be checked before anything is started.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(args: &Args) -> Result<Self> {
        let files = files(args)?;
        let scripts = scripts(args)?;
        let mounts = mounts(args)?;
        let directory = directory(args)?;
        let target = match &args.command[..] {
            [] => None,
            words => Some(Target::Program(program(args, words)?)),
        };
        let has_program = target.is_some() || directory.is_some() || !mounts.is_empty();
        if args.devconsole && !has_program {
            bail!("--devconsole is for trying a program: give a COMMAND, --route or --dir too");
        }
        if !has_program && files.is_none() && scripts.is_none() {
            bail!(
                "no COMMAND is given, and no --route, --dir, --staticdir or --cgidir\n\nUsage: wsd [OPTIONS] COMMAND [ARGS...]"
            );
        }
        let has_page = args.devconsole || files.is_some() || scripts.is_some();
        let limits = limits(args);
        Ok(Config {
            sockets: listeners::sockets(args)?,
            redirect: listeners::redirect(args)?,
            inetd: args.inetd,
            tls: tls::terms(args)?,
            scheme: match (has_page, tls::is_on(args)) {
                (true, true) => "https",
                (true, false) => "http",
                (false, true) => "wss",
                (false, false) => "ws",
            },
            options: Options {
                environ: environ(args, files.as_ref())?,
                router: Router {
                    mounts,
                    directory,
                    target,
                    console: args.devconsole,
                    files: files
                        .map(|root| without_scripts(root, scripts.as_ref()))
                        .transpose()?
                        .map(|root| Files::new(root, file_options(args))),
                    scripts: scripts.map(|root| Scripts::new(root, cgi_limits(args))),
                },
                access: access(args)?,
                subprotocols: subprotocols(args)?,
                websocket: websocket::Options {
                    max_message: unless_zero(args.maxframesize),
                    // Two pings without any byte from the client.
                    silence: limits.keepalive.map(|period| 2 * period),
                    write_timeout: unless_zero(args.write_timeout).map(Duration::from_millis),
                },
                limits,
                max_programs: unless_zero(args.maxforks)
                    .map(|most| most.min(Semaphore::MAX_PERMITS)),
                headers: headers(args)?,
                reverse_lookup: args.reverselookup,
            },
        })
    }
}

/// Zero is how a flag says "none".
fn unless_zero<N: PartialEq + From<u8>>(number: N) -> Option<N> {
    (number != N::from(0)).then_some(number)
}

fn files(args: &Args) -> Result<Option<Root>> {
    for (given, flag) in [(args.listing, "--listing"), (args.spa, "--spa")] {
        if given && args.staticdir.is_none() {
            bail!("{flag} is about the files of --staticdir: give that too");
        }
    }
    args.staticdir
        .as_deref()
        .map(|path| root("--staticdir", path))
        .transpose()
}

fn file_options(args: &Args) -> FileOptions {
    FileOptions {
        listing: args.listing,
        spa: args.spa,
    }
}

fn scripts(args: &Args) -> Result<Option<Arc<Root>>> {
    let scripts = args.cgidir.as_deref().map(|path| root("--cgidir", path));
    Ok(scripts.transpose()?.map(Arc::new))
}

/// Static files, among which a script's source is none.
fn without_scripts(files: Root, scripts: Option<&Arc<Root>>) -> Result<Root> {
    let Some(scripts) = scripts else {
        return Ok(files);
    };
    let (outer, inner) = (files.path().canonicalize()?, scripts.path().canonicalize()?);
    if outer.starts_with(&inner) {
        bail!(
            "--staticdir '{}' lies in --cgidir '{}', whose files are run and never served: give it a directory of its own",
            files.path().display(),
            scripts.path().display()
        );
    }
    Ok(match inner.starts_with(outer) {
        true => files.without(Arc::clone(scripts)),
        false => files,
    })
}

fn cgi_limits(args: &Args) -> cgi::Limits {
    cgi::Limits {
        timeout: unless_zero(args.cgi_timeout).map(Duration::from_secs),
        max_body: unless_zero(args.cgi_maxbody),
    }
}

fn root(flag: &str, path: &Path) -> Result<Root> {
    Root::open(path).with_context(|| {
        format!(
            "invalid value '{}' for '{flag}': not a directory that can be read",
            path.display()
        )
    })
}

fn directory(args: &Args) -> Result<Option<Directory>> {
    let Some(path) = &args.dir else {
        return Ok(None);
    };
    Ok(Some(Directory::new(root("--dir", path)?, like(args)?)))
}

/// `--route PATH=COMMAND`.
fn mounts(args: &Args) -> Result<Vec<Mount>> {
    let mut mounts: Vec<Mount> = Vec::new();
    for word in &args.route {
        let invalid = |reason: &str| anyhow!("invalid value '{word}' for '--route': {reason}");
        let (path, command) = word
            .split_once('=')
            .ok_or_else(|| invalid("PATH=COMMAND is wanted"))?;
        let path = UrlPath::decode(path).map_err(|reason| invalid(&reason.to_string()))?;
        let path = match path.as_str().trim_end_matches('/') {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        if mounts.iter().any(|mount| mount.path == path) {
            return Err(invalid("there is a route for this path already"));
        }
        let words = shell_words::split(command).map_err(|_| invalid("a quote is not closed"))?;
        if words.is_empty() {
            return Err(invalid("the command is missing"));
        }
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let program = program(args, &words)
            .with_context(|| format!("invalid value '{word}' for '--route'"))?;
        mounts.push(Mount {
            path,
            target: Target::Program(program),
        });
    }
    Ok(mounts)
}

/// The program that words name, run as the flags say.
fn program(args: &Args, words: &[OsString]) -> Result<Program> {
    let name = words.first().context("a command is missing")?;
    Ok(Program {
        file: command::find(name)?,
        arguments: words.to_vec(),
        ..like(args)?
    })
}

/// How programs are run, whichever they are.
fn like(args: &Args) -> Result<Program> {
    let framing = framing(args)?;
    if args.passstderr && !matches!(framing, Framing::Lines(_)) {
        let other = match (args.binary, framing) {
            (true, _) => "--binary",
            (false, Framing::Length) => "--framing=length",
            (false, _) => "--framing=chunks",
        };
        bail!("--passstderr and {other} exclude each other: --passstderr sends lines of JSON");
    }
    Ok(Program {
        file: PathBuf::new(),
        arguments: Vec::new(),
        directory: None,
        framing,
        max_line: unless_zero(args.maxlinesize).unwrap_or(usize::MAX),
        flush_after: args.flush_after.map(Duration::from_millis),
        errors: match args.passstderr {
            true => Errors::Client,
            false => Errors::Log,
        },
    })
}

fn framing(args: &Args) -> Result<Framing> {
    let newline = match args.newline {
        NewlinePolicy::Split => Newline::Split,
        NewlinePolicy::Reject => Newline::Reject,
        NewlinePolicy::Space => Newline::Space,
    };
    Ok(match (args.framing, args.binary) {
        (Some(FramingKind::Chunks), _) | (None, true) => Framing::Chunks,
        (Some(kind @ (FramingKind::Lines | FramingKind::Length)), true) => {
            let name = if kind == FramingKind::Lines {
                "lines"
            } else {
                "length"
            };
            bail!("--binary and --framing={name} exclude each other: give one of them");
        }
        (Some(FramingKind::Length), false) => Framing::Length,
        (Some(FramingKind::Lines) | None, false) => Framing::Lines(newline),
    })
}

fn environ(args: &Args, files: Option<&Root>) -> Result<Environ> {
    let names = args.passenv.iter().flatten();
    if let Some(name) = names
        .clone()
        .find(|name| name.is_empty() || name.contains('='))
    {
        bail!("invalid value '{name}' for '--passenv': the names of variables are wanted");
    }
    let passed = match &args.passenv {
        Some(names) => environ::passed(names),
        None => environ::passed(&PASSED.map(str::to_owned)),
    };
    Ok(Environ {
        passed,
        static_root: files.map(|root| root.path().to_owned()),
    })
}

fn access(args: &Args) -> Result<Access> {
    let mut origins = Vec::new();
    for word in &args.origin {
        let origin: AllowedOrigin = word
            .parse()
            .map_err(|reason| anyhow!("invalid value '{word}' for '--origin': {reason}"))?;
        origins.push(origin);
    }
    let mut hosts = Vec::new();
    for word in &args.host {
        match word.parse() {
            Ok(Authority { name, port: None }) => hosts.push(name),
            _ => bail!(
                "invalid value '{word}' for '--host': a name without a scheme or port is wanted"
            ),
        }
    }
    Ok(Access {
        hosts,
        origins,
        origin_required: args.sameorigin,
    })
}

fn subprotocols(args: &Args) -> Result<Subprotocols> {
    match &args.subprotocol[..] {
        [] => Ok(Subprotocols::Offered),
        [none] if none == "none" => Ok(Subprotocols::Off),
        names if names.iter().any(|name| name == "none") => {
            bail!(
                "invalid value '{}' for '--subprotocol': 'none' stands alone",
                names.join(",")
            );
        }
        names => match names
            .iter()
            .find(|name| name.is_empty() || !name.bytes().all(is_token_byte))
        {
            Some(name) => bail!(
                "invalid value '{name}' for '--subprotocol': a subprotocol is a token, letters and digits (RFC 6455 §4.1)"
            ),
            None => Ok(Subprotocols::Listed(names.to_vec())),
        },
    }
}

fn headers(args: &Args) -> Result<AddedHeaders> {
    let mut added = AddedHeaders::default();
    for (flag, words, handshake, plain) in [
        ("--header", &args.header, true, true),
        ("--header-ws", &args.header_ws, true, false),
        ("--header-http", &args.header_http, false, true),
    ] {
        for word in words {
            let (name, value) = headers::parse(word)
                .map_err(|reason| anyhow!("invalid value {word:?} for '{flag}': {reason}"))?;
            if handshake {
                added.handshake.append(name.clone(), value.clone());
            }
            if plain {
                added.plain.append(name, value);
            }
        }
    }
    Ok(added)
}

fn limits(args: &Args) -> Limits {
    let more = Duration::from_millis(args.closems);
    let patience = Patience {
        eof: PATIENCE.eof + more,
        interrupt: PATIENCE.interrupt + more,
        terminate: PATIENCE.terminate + more,
    };
    Limits {
        keepalive: unless_zero(args.pingms).map(Duration::from_millis),
        patience,
        // What is left of the whole when the ladder has had its time.
        drain: Duration::from_secs(args.drain_timeout).saturating_sub(patience.total()),
    }
}
