//! Terminals: wsd with one, ttyd, wsd with pipes in its place, and script(1), which has a terminal and no network: what
//! a terminal cannot cost less than.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::connection::{Connection, Heard, NARROW, PATIENCE, WIDE};
use crate::figures::Effort;
use crate::figures::standing::settled_memory;
use crate::frames::Part;
use crate::kernel;
use crate::options::Options;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::server::{Server, Template};
use crate::stream::Stream;
use crate::turns::take_turns;
use crate::wire::{MASK, close, text_frame};

/// Names of what is compared, and the words behind the program's own path.
pub(crate) const KNOWN: [(&str, &str, &str); 4] = [
    (
        "wsd",
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --terminal {program}",
    ),
    (TTYD, "ttyd", "--port={port} --writable --debug=0 {program}"),
    (
        PIPES,
        "wsd",
        "--port={port} --loglevel=error --maxforks=0 --binary {program}",
    ),
    (SCRIPT, "script", "-qfc {program} /dev/null"),
];

/// The one with a protocol of its own: a client says its size first, and each message begins with what it is.
const TTYD: &str = "ttyd";
const TTYD_SIZE: &[u8] = br#"{"AuthToken":"","columns":80,"rows":24}"#;
/// The one that has no terminal, and the one that is no server.
const PIPES: &str = "pipes";
const SCRIPT: &str = "script";

/// Bytes of the file that is shown; each line becomes one longer on a terminal.
const SHOWN: usize = 50_000_000;
const QUICK_SHOWN: usize = 5_000_000;
const LINE: usize = 100;
/// Keys before the clock runs.
const WARM_UP: usize = 200;
/// What a terminal says beside what is shown.
const TITLE: usize = r#"{"title":"cat"}"#.len();
const EXIT: usize = r#"{"exit":0}"#.len();

type Probe = fn(&Template, &Effort) -> Result<Outcome, Failure>;

const FIGURES: [(&str, Probe); 4] = [
    ("key-echo", keys),
    ("cat", show),
    ("stopped", stopped),
    ("idle", idle),
];

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    kernel::raise_descriptor_limit(options.effort.idle as u64 * 6 + 500)?;
    kernel::adopt_orphans()?;
    take_turns("Terminals", options, &FIGURES, |server, probe| {
        probe(server, &options.effort)
    })
}

/// A program under one of them, as it is typed to and as it shows.
enum Shown {
    /// The server ends with it.
    Served(
        Screen,
        #[expect(dead_code, reason = "kept until it is dropped")] Server,
    ),
    Local(Child, ChildStdin, ChildStdout),
}

/// What a client has of a terminal.
struct Screen {
    connection: Box<Connection<Stream>>,
    is_ttyd: bool,
    /// The next piece begins a message.
    is_first: bool,
    /// The message is output, and not a title or settings.
    is_output: bool,
    /// What came with the answer to the upgrade.
    early: usize,
}

impl Screen {
    /// A terminal of a server, with so much room to read into; what it says first has come then, or comes later.
    fn open(template: &Template, port: u16, room: usize) -> Result<Self, Failure> {
        let is_ttyd = template.name == TTYD;
        let asked = match is_ttyd {
            true => ("/ws", "Sec-WebSocket-Protocol: tty\r\n"),
            false => ("/bench", ""),
        };
        let mut early = 0;
        let stream = Stream::connect(port, false)?;
        let connection = Connection::upgrade(stream, room, asked, |piece, _| {
            early += piece.len();
            Ok(())
        })?;
        let mut screen = Screen {
            connection: Box::new(connection),
            is_ttyd,
            is_first: true,
            is_output: !is_ttyd,
            early,
        };
        if is_ttyd {
            screen.connection.send(&text_frame(TTYD_SIZE))?;
        }
        Ok(screen)
    }

    /// Types a key.
    fn press(&mut self, key: u8) -> Result<(), Failure> {
        let masked = |at: usize, byte: u8| byte ^ MASK[at];
        let mut frame = vec![0x82];
        match self.is_ttyd {
            true => {
                frame.push(0x82);
                frame.extend(MASK);
                frame.extend([masked(0, b'0'), masked(1, key)]);
            }
            false => {
                frame.push(0x81);
                frame.extend(MASK);
                frame.push(masked(0, key));
            }
        }
        self.connection.send(&frame)
    }

    /// Waits for something, and counts what is shown of it; `None` at the end.
    fn listen(&mut self) -> Result<Option<usize>, Failure> {
        let Screen {
            connection,
            is_ttyd,
            is_first,
            is_output,
            early,
        } = self;
        let mut bytes = std::mem::take(early);
        if bytes > 0 {
            return Ok(Some(bytes));
        }
        let heard = connection.listen(|piece, part| {
            let mut shown = piece.len();
            if *is_ttyd && *is_first && shown > 0 {
                *is_output = piece[0] == b'0';
                shown -= 1;
            }
            *is_first = part == Part::Last || (*is_first && piece.is_empty());
            bytes += if *is_output { shown } else { 0 };
            Ok(())
        })?;
        let is_over = heard == Heard::End || connection.is_closed();
        Ok((!is_over || bytes > 0).then_some(bytes))
    }
}

/// A fresh server of a program.
fn serve(template: &Template, program: &str) -> Result<Server, Failure> {
    if template.name == SCRIPT {
        return Err(Failure::Cannot("serves nobody".into()));
    }
    Server::start(|port| {
        let mut words = Vec::new();
        for word in &template.words {
            match word.as_str() {
                "{program}" => words.extend(program.split(' ').map(String::from)),
                word => words.push(word.replace("{port}", &port.to_string())),
            }
        }
        Ok(words)
    })
}

impl Shown {
    fn start(template: &Template, program: &str) -> Result<Self, Failure> {
        if template.name != SCRIPT {
            let server = serve(template, program)?;
            let screen = Screen::open(template, server.port, WIDE)?;
            return Ok(Shown::Served(screen, server));
        }
        let words = template.words[1..].iter();
        let words = words.map(|word| word.replace("{program}", program));
        let mut child = Command::new(&template.words[0])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let missing = || Failure::Cannot("no pipe".into());
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        Ok(Shown::Local(child, stdin, stdout))
    }

    /// Types a key.
    fn press(&mut self, key: u8) -> Result<(), Failure> {
        match self {
            Shown::Served(screen, _) => screen.press(key),
            Shown::Local(_, stdin, _) => {
                stdin.write_all(&[key])?;
                Ok(stdin.flush()?)
            }
        }
    }

    /// Waits for something, and counts it; `None` at the end.
    fn listen(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Failure> {
        match self {
            Shown::Served(screen, _) => screen.listen(),
            Shown::Local(_, _, stdout) => {
                let read = stdout.read(buffer)?;
                Ok((read > 0).then_some(read))
            }
        }
    }

    /// A Close has come.
    fn is_closed(&self) -> bool {
        match self {
            Shown::Served(screen, _) => screen.connection.is_closed(),
            Shown::Local(..) => false,
        }
    }

    /// Waits for so many bytes.
    fn wait_for(&mut self, mut bytes: usize) -> Result<(), Failure> {
        let mut buffer = [0; 1024];
        while bytes > 0 {
            match self.listen(&mut buffer)? {
                Some(read) => bytes = bytes.saturating_sub(read),
                None => return Err(Failure::Wrong("it ended too soon".into())),
            }
        }
        Ok(())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Shown::Local(child, ..) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A key and its echo: by the line discipline, of pipes by the program.
fn keys(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    let mut shown = Shown::start(template, "cat")?;
    if template.name == KNOWN[0].0 {
        shown.wait_for(TITLE)?;
    }
    let mut times = Vec::new();
    let (mut count, mut end) = (0, None);
    while end.is_none_or(|end| Instant::now() < end) {
        let start = Instant::now();
        shown.press(b'k')?;
        shown.wait_for(1)?;
        count += 1;
        match end {
            Some(_) => times.push(start.elapsed()),
            None if count >= WARM_UP => end = Some(Instant::now() + effort.span),
            None => {}
        }
        // A line has 4,095 bytes at most, and then no echo.
        if count % 1000 == 0 && template.name != PIPES {
            shown.press(b'\x15')?;
            // What it erases is as many as were typed: each by three bytes.
            shown.wait_for(3000)?;
        }
    }
    Ok(Outcome::from(vec![
        Measure::less("p50, µs", percentile(&mut times, 50) * 1e6),
        Measure::less("p99, µs", percentile(&mut times, 99) * 1e6),
    ]))
}

/// A file, gone when it is not needed any more.
struct LargeFile(PathBuf);

impl LargeFile {
    fn new(bytes: usize) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("bench-gateway-{}.txt", std::process::id()));
        let line = [&[b'x'; LINE - 1][..], b"\n"].concat();
        fs::write(&path, line.repeat(bytes / LINE))?;
        Ok(LargeFile(path))
    }
}

impl Drop for LargeFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A large file, each byte of which must come, and a Close behind it.
fn show(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    let length = match effort.span < Effort::FULL.span {
        true => QUICK_SHOWN,
        false => SHOWN,
    };
    let file = LargeFile::new(length)?;
    let expected = match template.name.as_str() {
        PIPES => length,
        SCRIPT | TTYD => length + length / LINE,
        _ => length + length / LINE + TITLE + EXIT,
    };
    let start = Instant::now();
    let mut shown = Shown::start(template, &format!("cat {}", file.0.display()))?;
    let mut buffer = vec![0; 256 * 1024];
    let mut received = 0;
    let mut came_by = start.elapsed();
    // ttyd sends no Close, and need not end the connection either.
    while let Ok(Some(read)) = shown.listen(&mut buffer) {
        received += read;
        came_by = start.elapsed();
        if shown.is_closed() {
            break;
        }
    }
    let is_ttyd = template.name == TTYD;
    if received != expected && !is_ttyd {
        let reason = format!("{received} bytes of {expected} came");
        return Err(Failure::Wrong(reason));
    }
    if matches!(shown, Shown::Served(..)) && !shown.is_closed() && !is_ttyd {
        return Err(Failure::Wrong("no Close came".into()));
    }
    let rate = received as f64 / came_by.as_secs_f64() / 1e6;
    let missing = expected.saturating_sub(received);
    Ok(Outcome::from(vec![
        Measure::more("MB/s", rate),
        Measure::less("bytes missing", missing as f64),
    ]))
}

/// `yes` before a client that reads nothing.
fn stopped(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    let server = serve(template, "yes y")?;
    let screen = Screen::open(template, server.port, WIDE)?;
    // Until all that is between them is full.
    sleep(Duration::from_secs(1));
    let (memory, cpu) = (server.memory()?, server.cpu()?);
    sleep(effort.pause);
    let growth = server.memory()? - memory;
    let cpu = (server.cpu()? - cpu).as_secs_f64();
    drop(screen);
    Ok(Outcome::from(vec![
        Measure::less("growth, KiB", growth / 1024.0),
        Measure::less("CPU, ms", cpu * 1e3),
    ]))
}

/// Sessions that do nothing.
fn idle(template: &Template, effort: &Effort) -> Result<Outcome, Failure> {
    let server = serve(template, "cat")?;
    let open = || Screen::open(template, server.port, NARROW);
    drop(open()?);
    let before = settled_memory(&server)?;
    let mut screens = Vec::new();
    for _ in 0..effort.idle {
        screens.push(open()?);
    }
    let memory = settled_memory(&server)? - before;
    for screen in &mut screens {
        let _ = screen.connection.send(&close());
    }
    let start = Instant::now();
    while server.descriptors()? > 100 && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(50));
    }
    Ok(Outcome::from(vec![Measure::less(
        "memory each, KiB",
        memory / 1024.0 / effort.idle as f64,
    )]))
}
