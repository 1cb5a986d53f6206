//! A game: each player says something twenty times a second, and as often all are sent the state of the world by one
//! program in a language of those that games are written in.

use std::time::{Duration, Instant};

use crate::connection::{Connection, Heard, PATIENCE};
use crate::frames::Part;
use crate::kernel::{self, OneCpu};
use crate::options::Options;
use crate::outcome::{Failure, Measure, Outcome, percentile};
use crate::poll::{Interest, Poll};
use crate::server::{Mode, Server, Template};
use crate::stream::Stream;
use crate::turns::take_turns;
use crate::wire::text_frame;

/// Languages, and the words behind the program's own path.
pub(crate) const KNOWN: [(&str, &str, &str); 4] = [
    (
        "Python",
        "wsd",
        "--port={port} --loglevel=error --share=tagged --tick=50 --max-members=0 benches/gateway/games/game.py",
    ),
    (
        "gawk",
        "wsd",
        "--port={port} --loglevel=error --share=tagged --tick=50 --max-members=0 benches/gateway/games/game.awk",
    ),
    (
        "Tcl",
        "wsd",
        "--port={port} --loglevel=error --share=tagged --tick=50 --max-members=0 benches/gateway/games/game.tcl",
    ),
    (
        "bash",
        "wsd",
        "--port={port} --loglevel=error --share=tagged --tick=50 --max-members=0 benches/gateway/games/game.bash",
    ),
];

/// Between two things that a player says.
const TICK: Duration = Duration::from_millis(50);
/// Bytes of the state.
const WORLD: usize = 10 * 1024;
/// Room to read into.
const ROOM: usize = 16 * 1024;
/// Those whose gaps are looked at.
const WATCHED: usize = 10;
/// How long a game is played before the clock runs, and how often as long as other figures it is.
const WARM_UP: Duration = Duration::from_millis(500);
const SPANS: u32 = 4;

/// Name, and players.
const FIGURES: [(&str, usize); 2] = [("100-players", 100), ("1000-players", 1000)];

/// Runs everything; tells whether that went well.
pub(crate) fn run(options: &Options) -> std::io::Result<bool> {
    kernel::raise_descriptor_limit(2_500)?;
    kernel::adopt_orphans()?;
    let span = SPANS * options.effort.span;
    take_turns("A game of 20 Hz", options, &FIGURES, |server, players| {
        once(server, players, span)
    })
}

/// One game of a fresh server, which has one processor with its program, and its players another where there is one.
fn once(template: &Template, players: usize, span: Duration) -> Result<Outcome, Failure> {
    let server = {
        let _first = OneCpu::pin()?;
        Server::start(|port| template.fill(port, &["cat"], Mode::Lines))?
    };
    let _last = OneCpu::pin_last()?;
    play(&server, players, span).map_err(|failure| failure.and(&server.complaints()))
}

struct Player {
    connection: Connection<Stream>,
    bytes: usize,
    states: u64,
    last: Option<Instant>,
}

struct Game {
    poll: Poll,
    ready: Vec<usize>,
    players: Vec<Player>,
    /// Between two states of those who are watched.
    gaps: Vec<Duration>,
}

impl Game {
    fn gather(port: u16, count: usize) -> Result<Self, Failure> {
        let mut game = Game {
            poll: Poll::new()?,
            ready: Vec::new(),
            players: Vec::new(),
            gaps: Vec::new(),
        };
        for name in 0..count {
            let stream = Stream::connect(port, false)?;
            let asked = ("/bench", "");
            let connection = Connection::upgrade(stream, ROOM, asked, |_, _| Ok(()))?;
            let socket = connection.stream.socket();
            socket.set_nonblocking(true)?;
            game.poll.add(socket, name, Interest::Readable)?;
            game.players.push(Player {
                connection,
                bytes: 0,
                states: 0,
                last: None,
            });
        }
        Ok(game)
    }

    /// All say something, each tick anew, and hear what comes.
    fn play_for(&mut self, span: Duration) -> Result<(), Failure> {
        let said = text_frame(b"move 12 -3 0.75");
        let start = Instant::now();
        let mut next = start;
        while start.elapsed() < span {
            for player in &mut self.players {
                player.connection.send(&said)?;
            }
            next += TICK;
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                self.hear(left)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, at_most: Duration) -> Result<(), Failure> {
        self.poll.wait(at_most.min(PATIENCE), &mut self.ready)?;
        for &name in &self.ready {
            let Player {
                connection,
                bytes,
                states,
                last,
            } = &mut self.players[name];
            let gaps = &mut self.gaps;
            let heard = connection.receive(|piece, part| {
                *bytes += piece.len();
                if part != Part::Last {
                    return Ok(());
                }
                // What came before the first tick is cut off.
                if std::mem::take(bytes) != WORLD && *states > 0 {
                    return Err(Failure::Wrong("a state that is not whole".into()));
                }
                *states += 1;
                let now = Instant::now();
                if let Some(before) = last.replace(now)
                    && name < WATCHED
                {
                    gaps.push(now - before);
                }
                Ok(())
            })?;
            if heard == Heard::End || connection.is_closed() {
                return Err(Failure::Wrong("a player was closed".into()));
            }
        }
        Ok(())
    }
}

fn play(server: &Server, players: usize, span: Duration) -> Result<Outcome, Failure> {
    let mut game = Game::gather(server.port, players)?;
    game.play_for(WARM_UP)?;
    game.gaps.clear();
    let states = |game: &Game| game.players.iter().map(|player| player.states).sum::<u64>();
    let before = states(&game);
    let (all, gateway, start) = (server.cpu_with_workers()?, server.cpu()?, Instant::now());
    game.play_for(span)?;
    let time = start.elapsed().as_secs_f64();
    let gateway = (server.cpu()? - gateway).as_secs_f64();
    let all = (server.cpu_with_workers()? - all).as_secs_f64();
    let states = (states(&game) - before) as f64 / players as f64;
    Ok(Outcome::from(vec![
        Measure::less("gateway busy, %", 100.0 * gateway / time),
        Measure::less("program busy, %", 100.0 * (all - gateway) / time),
        Measure::more("states/s", states / time),
        Measure::less("gap p99, ms", percentile(&mut game.gaps, 99) * 1e3),
    ]))
}
