//! What a console is told, as JSON objects: their `kind`, and what belongs to it.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::{
    backend::Target,
    framing::{Framing, Newline},
    http::route_options::RouteOptions,
};

/// A session has begun: whom it is joined to, and how messages go there.
#[derive(Debug)]
pub(in crate::http) struct Opened<'a> {
    pub(in crate::http) target: &'a Target,
    pub(in crate::http) options: &'a RouteOptions,
}

/// A session has ended.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Ended {
    pub(in crate::http) exit: Option<ExitStatus>,
    /// Output came at the end alone: it was held back.
    pub(in crate::http) came_at_end: bool,
}

impl Opened<'_> {
    pub(super) fn to_json(&self) -> Value {
        let to = match self.target {
            _ if self.options.terminal.is_some() => "terminal",
            Target::Program(..) if self.options.share.is_some() => "shared",
            Target::Program(..) => "program",
            Target::Socket(_) => "target",
            Target::Room(_) => "room",
        };
        let framing = self.target.framing();
        let takes_binary = match self.target {
            Target::Room(room) => room.options.is_binary,
            _ => framing.takes_binary(),
        };
        json!({
            "kind": "opened",
            "to": to,
            "framing": framing.name(),
            "newline": newline(framing),
            "takesBinary": takes_binary,
            "mayHoldBack": self.target.may_hold_back_output(),
        })
    }
}

/// What becomes of a newline within a message, where that is a question.
fn newline(framing: Framing) -> Option<&'static str> {
    match framing {
        Framing::Lines(Newline::Split) => Some("split"),
        Framing::Lines(Newline::Reject) => Some("reject"),
        Framing::Lines(Newline::Space) => Some("space"),
        _ => None,
    }
}

impl Ended {
    pub(super) fn to_json(self) -> Value {
        json!({
            "kind": "ended",
            "status": self.exit.and_then(|exit| exit.code()),
            "signal": self.exit.and_then(|exit| exit.signal()),
            "cameAtEnd": self.came_at_end,
        })
    }
}

/// An attempt to connect was refused, for a reason that counts under this name.
pub(super) fn refused(status: StatusCode, name: &str, reason: &str) -> Value {
    json!({"kind": "refused", "status": status.as_u16(), "name": name, "reason": reason})
}

/// The program has said a line.
pub(super) fn stderr(line: &str) -> Value {
    json!({"kind": "stderr", "line": line})
}
