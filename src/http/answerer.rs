//! Answers and refusals together with who gave them, which the figures of a server tell apart.

use hyper::Response;

use super::{
    body::{Body, with_guard},
    refusal::Refusal,
};

/// Who has answered, for counting: the label `handler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answerer {
    Program,
    Target,
    Room,
    Cgi,
    File,
    Console,
    ConsoleFeed,
    Terminal,
    ClientScript,
    Redirect,
    Nobody,
}

/// An answer, and who gave it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    pub(super) by: Answerer,
}

/// A refusal, and who would have answered.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) by: Answerer,
}

impl Answer {
    /// The same with something that is kept until it has been sent, if there is something.
    pub(super) fn with_guard(self, guard: Option<impl Send + Unpin + 'static>) -> Self {
        let response = match guard {
            Some(guard) => self.response.map(|body| with_guard(body, guard)),
            None => self.response,
        };
        Answer { response, ..self }
    }
}

impl Refused {
    /// The same where rooms are beneath the path that was asked for: no page is there, and no WebSocket either.
    pub(super) fn above_rooms(self, rooms: Option<&str>) -> Self {
        let is_of_path = matches!(
            self.refusal,
            Refusal::NoPage | Refusal::UpgradeRequired | Refusal::UpgradeOrPost
        );
        match rooms.filter(|_| is_of_path) {
            Some(rooms) => Answerer::Room.refuse(Refusal::RoomsBeneath(rooms.to_owned())),
            None => self,
        }
    }

    /// The same at an address where sessions are opened by POST, if these methods are answered there.
    pub(super) fn beside_sessions(self, methods: Option<&'static str>) -> Self {
        match methods {
            Some(methods) => self.by.refuse(self.refusal.beside_sessions(methods)),
            None => self,
        }
    }
}

impl From<Refusal> for Refused {
    /// Before it is known who would have answered.
    fn from(refusal: Refusal) -> Self {
        Answerer::Nobody.refuse(refusal)
    }
}

impl Answerer {
    /// The value of the label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Answerer::Program => "program",
            Answerer::Target => "target",
            Answerer::Room => "room",
            Answerer::Cgi => "cgi",
            Answerer::File => "file",
            Answerer::Console | Answerer::ConsoleFeed => "console",
            Answerer::Terminal => "terminal",
            Answerer::ClientScript => "client_script",
            Answerer::Redirect => "redirect",
            Answerer::Nobody => "none",
        }
    }

    /// Whether it answers by a session, which logs its own start and end.
    pub(super) fn opens_sessions(self) -> bool {
        matches!(self, Answerer::Program | Answerer::Target | Answerer::Room)
    }

    /// A refusal by this one.
    pub(super) fn refuse(self, refusal: impl Into<Refusal>) -> Refused {
        Refused {
            refusal: refusal.into(),
            by: self,
        }
    }

    /// What came of a request that this one was to answer.
    pub(super) fn answer(
        self,
        outcome: Result<Response<Body>, Refusal>,
    ) -> Result<Answer, Refused> {
        match outcome {
            Ok(response) => Ok(Answer { response, by: self }),
            Err(refusal) => Err(self.refuse(refusal)),
        }
    }
}
