//! Plain HTTP: what a program says by an event stream beside the same by a WebSocket, a question to it by POST beside
//! the same question to it as a CGI script, and what connections take that are silent.

use std::env;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Instant;

use crate::connection::{Connection, Heard, NARROW, PATIENCE, WIDE};
use crate::event_stream::{ACCEPT, EventStream};
use crate::figures::Effort;
use crate::figures::standing::settled_memory;
use crate::figures::throughput::{Numbers, lines};
use crate::frames::Part;
use crate::http_client::Client;
use crate::kernel;
use crate::options::Options;
use crate::outcome::{Failure, Measure, Outcome};
use crate::server::{Server, Template};
use crate::stream::Stream;
use crate::turns::take_turns;
use crate::wire::{MASK, close};

/// Names of what is compared, and the words behind the program's own path.
pub(crate) const KNOWN: [(&str, &str, &str); 5] = [
    (
        WEBSOCKET,
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 {program}",
    ),
    (
        EVENTS,
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --plain-http {program}",
    ),
    (
        POST,
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --plain-http {program}",
    ),
    (
        CGI,
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --cgidir={scripts}",
    ),
    (
        FILE,
        "wsd",
        "--port={port} --loglevel=error --staticdir={scripts}",
    ),
];

const WEBSOCKET: &str = "websocket";
const EVENTS: &str = "events";
const POST: &str = "post";
const CGI: &str = "cgi";
const FILE: &str = "file";

/// Both a program of lines and a CGI script.
const SCRIPT: &str = "#!/bin/sh\nread -r question\n\
    printf 'Content-Type: text/plain\\n\\nhello %s\\n' \"$question\"\n";
const QUESTION: &[u8] = b"bench";
const ANSWER: &[u8] = b"hello bench";
/// Questions before the clock runs.
const WARM_UP: usize = 20;
/// A WebSocket uses up a port of the client's range for a minute (TIME_WAIT).
const MOST_QUESTIONS: usize = 3_000;

type Probe = fn(&Template, &Effort) -> Result<Outcome, Failure>;

#[rustfmt::skip]
const FIGURES: [(&str, Probe); 6] = [
    ("tokens", tokens),
    ("flood", flood),
    ("question", question),
    ("idle", idle),
    ("silent", silent),
    ("kept", kept),
];

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    kernel::raise_descriptor_limit(options.effort.idle as u64 * 6 + 500)?;
    kernel::adopt_orphans()?;
    take_turns("Plain HTTP", options, &FIGURES, |server, probe| {
        probe(server, &options.effort)
    })
}

/// A fresh server of a program.
fn serve(template: &Template, program: &[&str]) -> Result<Server, Failure> {
    Server::start(|port| {
        let mut words = Vec::new();
        for word in &template.words {
            match word.as_str() {
                "{program}" => words.extend(program.iter().map(ToString::to_string)),
                word => words.push(
                    word.replace("{port}", &port.to_string())
                        .replace("{scripts}", program[0]),
                ),
            }
        }
        Ok(words)
    })
}

/// Lines that are written one by one, as a language model writes its tokens, but as fast as they can be.
fn tokens(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    let count = format!("n={}", effort.lines);
    let text = "BEGIN { for (i = 1; i <= n; i++) { print i; fflush() } }";
    said(template, effort, &["awk", "-v", &count, text])
}

/// The same lines, written at once.
fn flood(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    said(template, effort, &["seq", "1", effort.lines])
}

/// What a program says, each line of which is checked.
fn said(template: &Template, effort: &Effort, program: &[&str]) -> Result<Outcome, Failure> {
    if !matches!(template.name.as_str(), WEBSOCKET | EVENTS) {
        return Err(Failure::Cannot("is asked, not listened to".into()));
    }
    let server = serve(template, program)?;
    let before = server.cpu()?;
    let outcome = match template.name.as_str() {
        WEBSOCKET => lines(&server, effort),
        _ => events(&server, effort),
    };
    let mut outcome = outcome.map_err(|failure| failure.and(&server.complaints()))?;
    let cpu = (server.cpu_when_quiet()? - before).as_secs_f64();
    let each = cpu * 1e6 / number_of_lines(effort) as f64;
    outcome.measures.push(Measure::less("CPU each, µs", each));
    Ok(outcome)
}

fn number_of_lines(effort: &Effort) -> u64 {
    effort.lines.parse().expect("a number, written beside it")
}

fn events(server: &Server, effort: &Effort) -> Result<Outcome, Failure> {
    let last = number_of_lines(effort);
    let (mut stream, mut numbers) = (EventStream::default(), Numbers::from_one());
    let start = Instant::now();
    let mut client = Client::dial(server.port, WIDE)?;
    client.get("/", ACCEPT)?;
    let mut time = None;
    while client.hear(|piece| stream.take(piece, |data| numbers.take(data, Part::Last)))? {
        if numbers.received == last {
            time.get_or_insert_with(|| start.elapsed());
        }
    }
    let (Some(time), true, true) = (time, stream.is_closed, numbers.received == last) else {
        let received = numbers.received;
        return Err(Failure::Wrong(format!("{received} events of {last}")));
    };
    let rate = last as f64 / time.as_secs_f64();
    Ok(Outcome::from(vec![Measure::more("lines/s", rate)]))
}

/// A question and its answer, for which a program is started: by a WebSocket of its own, or on a connection that is kept.
fn question(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    let scripts = Scripts::write()?;
    let server = match template.name.as_str() {
        EVENTS => return Err(Failure::Cannot("is listened to, not asked".into())),
        FILE => return Err(Failure::Cannot("has no program".into())),
        CGI => serve(template, &[&scripts.directory()]),
        _ => serve(template, &[&scripts.script()]),
    }?;
    let measured = match template.name.as_str() {
        WEBSOCKET => questions(&server, effort, || ask_by_websocket(server.port)),
        name => {
            let path = if name == CGI { "/ask.cgi" } else { "/" };
            let mut client = Client::dial(server.port, NARROW)?;
            questions(&server, effort, || ask_by_http(&mut client, path))
        }
    };
    measured.map_err(|failure| failure.and(&server.complaints()))
}

fn questions(
    server: &Server,
    effort: &Effort,
    mut ask: impl FnMut() -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    for _ in 0..WARM_UP {
        ask()?;
    }
    let (cpu, start) = (server.cpu_when_quiet()?, Instant::now());
    let mut count = 0;
    while start.elapsed() < effort.span * 2 && count < MOST_QUESTIONS {
        ask()?;
        count += 1;
    }
    let time = start.elapsed().as_secs_f64();
    let cpu = (server.cpu_when_quiet()? - cpu).as_secs_f64();
    Ok(Outcome::from(vec![
        Measure::less("CPU each, µs", cpu * 1e6 / count as f64),
        Measure::less("time each, µs", time * 1e6 / count as f64),
    ]))
}

fn ask_by_http(client: &mut Client, path: &str) -> Result<(), Failure> {
    client.post(path, "", &[QUESTION, b"\n"].concat())?;
    let mut answer = Vec::new();
    while client.hear(|piece| {
        answer.extend_from_slice(piece);
        Ok(())
    })? {}
    match answer.strip_suffix(b"\n") {
        Some(answer) if answer.ends_with(ANSWER) => Ok(()),
        _ => Err(Failure::Wrong(format!("{}", answer.escape_ascii()))),
    }
}

fn ask_by_websocket(port: u16) -> Result<(), Failure> {
    let mut connection = Connection::open(port)?;
    let length = 0x80 | QUESTION.len() as u8;
    let masked = QUESTION.iter().zip(MASK.iter().cycle());
    let mut frame = vec![0x81, length];
    frame.extend(MASK);
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    connection.send(&frame)?;
    let mut is_answered = false;
    while !connection.is_closed() {
        let heard = connection.listen(|piece, _| {
            is_answered |= piece == ANSWER;
            Ok(())
        })?;
        if heard == Heard::End {
            break;
        }
    }
    match is_answered {
        true => connection.send(&close()),
        false => Err(Failure::Wrong("no answer came".into())),
    }
}

/// Sessions that do nothing.
fn idle(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    match template.name.as_str() {
        WEBSOCKET => memory_of(template, "cat", effort, |port| {
            let stream = Stream::connect(port, false)?;
            Connection::upgrade(stream, NARROW, ("/", ""), |_, _| Ok(()))
        }),
        EVENTS => memory_of(template, "cat", effort, |port| {
            let mut stream = EventStream::default();
            let mut client = Client::dial(port, NARROW)?;
            client.get("/", ACCEPT)?;
            while stream.session.is_none() && client.hear(|piece| stream.take(piece, |_| Ok(())))? {
            }
            Ok(client)
        }),
        _ => Err(Failure::Cannot("is over with its answer".into())),
    }
}

/// Connections on which nothing was ever said.
fn silent(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    of_files(template, effort, |port| {
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?)
    })
}

/// Connections that are kept behind an answer.
fn kept(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    of_files(template, effort, |port| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /ask.cgi HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut answer = Vec::new();
        while !answer.ends_with(SCRIPT.as_bytes()) {
            let mut piece = [0; NARROW];
            match stream.read(&mut piece)? {
                0 => return Err(Failure::Wrong(answer.escape_ascii().to_string())),
                length => answer.extend_from_slice(&piece[..length]),
            }
        }
        Ok(stream)
    })
}

/// What connections to a server of files take.
fn of_files<Open>(
    template: &Template,
    effort: &Effort,
    open: impl Fn(u16) -> Result<Open, Failure>,
) -> Result<Outcome, Failure> {
    if template.name != FILE {
        return Err(Failure::Cannot("takes what a server of files takes".into()));
    }
    let scripts = Scripts::write()?;
    memory_of(template, &scripts.directory(), effort, open)
}

/// What a server has in memory for each of so many that `open` has opened.
fn memory_of<Open>(
    template: &Template,
    program: &str,
    effort: &Effort,
    open: impl Fn(u16) -> Result<Open, Failure>,
) -> Result<Outcome, Failure> {
    let server = serve(template, &[program])?;
    drop(open(server.port)?);
    let before = settled_memory(&server)?;
    let mut opened = Vec::new();
    for _ in 0..effort.idle {
        opened.push(open(server.port)?);
    }
    let memory = settled_memory(&server)? - before;
    let each = memory / 1024.0 / effort.idle as f64;
    Ok(Outcome::from(vec![Measure::less("memory each, KiB", each)]))
}

/// A directory with the script, gone when it is not needed any more.
struct Scripts(PathBuf);

impl Scripts {
    fn write() -> io::Result<Self> {
        let scripts =
            Scripts(env::temp_dir().join(format!("bench-gateway-ask-{}", std::process::id())));
        fs::create_dir_all(&scripts.0)?;
        let script = scripts.script();
        fs::write(&script, SCRIPT)?;
        fs::set_permissions(&script, Permissions::from_mode(0o755))?;
        Ok(scripts)
    }

    fn directory(&self) -> String {
        self.0.display().to_string()
    }

    fn script(&self) -> String {
        self.0.join("ask.cgi").display().to_string()
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
