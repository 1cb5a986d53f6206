//! Which keys there are: the flags, but for those of the command line alone.

use clap::{
    Arg, Command, CommandFactory,
    error::{ContextKind, ContextValue},
};

use crate::args::{Args, InvocationArgs, ProgramArgs};

/// What a target has not, of the flags that are about a process. It is ended as a program is, and whoever is asked who
/// may come in is started as one.
const NOT_OF_TARGETS: [&str; 7] = [
    "passstderr",
    "user",
    "group",
    "limits",
    "workdir",
    "unbuffer",
    "pty",
];

/// What rooms have not, beside all that makes no sense without a program: how a program's output lies in messages, how
/// it is shared, how many of it there are.
const NOT_OF_ROOMS: [&str; 16] = [
    "framing",
    "newline",
    "flush-after",
    "maxlinesize",
    "maxforks",
    "terminal",
    "writable",
    "cgi-timeout",
    "cgi-maxbody",
    "share",
    "share-by",
    "share-keep",
    "respawn",
    "tick",
    "join-env",
    "max-groups",
];

/// The keys of a file, derived from the declaration of the flags.
#[derive(Debug)]
pub(super) struct Keys {
    command: Command,
    of_routes: Vec<String>,
    of_a_program: Vec<String>,
    typed_only: Vec<String>,
}

impl Keys {
    /// All keys.
    pub(super) fn new() -> Self {
        Keys {
            command: Args::command(),
            of_routes: ProgramArgs::names(),
            of_a_program: Args::names_of_a_program(),
            typed_only: InvocationArgs::names(),
        }
    }

    /// The flag of a key; `None` if there is no such key.
    pub(super) fn find(&self, key: &str) -> Option<&Arg> {
        let is_named = |argument: &&Arg| argument.get_long() == Some(key);
        let is_typed_only = self.typed_only.iter().any(|name| name == key);
        let mut flags = self.command.get_arguments();
        flags.find(is_named).filter(|_| !is_typed_only)
    }

    /// Whether a `[[route]]` may have a flag of its own.
    pub(super) fn is_of_routes(&self, key: &str) -> bool {
        self.of_routes.iter().any(|name| name == key)
    }

    /// Whether a key of routes may be one of a target.
    pub(super) fn suits_targets(&self, key: &str) -> bool {
        !NOT_OF_TARGETS.contains(&key)
    }

    /// Whether a key of routes may be one of rooms.
    pub(super) fn suits_rooms(&self, key: &str) -> bool {
        let is_of_a_program = self.of_a_program.iter().any(|name| name == key);
        !is_of_a_program && !NOT_OF_ROOMS.contains(&key)
    }

    /// What is wrong with a key that a route cannot have. What stands after `[[route]]` belongs to the route,
    /// which surprises whoever does not know TOML.
    pub(super) fn not_of_routes(&self, key: &str) -> String {
        match self.find(key) {
            Some(_) => {
                "this is for the whole server, and stands before the first [[route]]".to_owned()
            }
            None => self.unknown(key),
        }
    }

    /// What is wrong with a key that does not exist: what may be meant, where there is something like it.
    pub(super) fn unknown(&self, key: &str) -> String {
        match self.similar(&key.replace('_', "-")) {
            Some(similar) => format!("there is no such key; did you mean '{similar}'?"),
            None => {
                "there is no such key; keys are the flags of wsd without their dashes".to_owned()
            }
        }
    }

    /// The key that is most like a word: clap finds it among flags, and among what is no flag.
    fn similar(&self, word: &str) -> Option<String> {
        if self.find(word).is_some() {
            return Some(word.to_owned());
        }
        let names = ["command", "path", "cgi"];
        let others = ["key-command", "key-path", "key-cgi"]
            .into_iter()
            .zip(names);
        let others = others.map(|(id, name)| Arg::new(id).long(name));
        let command = self.command.clone().args(others);
        let error = command.try_get_matches_from(["wsd", &format!("--{word}")]);
        match error.err()?.get(ContextKind::SuggestedArg)? {
            ContextValue::String(flag) => Some(flag.trim_start_matches('-').to_owned()),
            _ => None,
        }
    }
}
