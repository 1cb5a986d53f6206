//! Refusals: every way not to get what one asked for, and the status, headers and text that say it.
//!
//! A check that refuses says why by a variant. How it is answered stands here alone: the text, with the flag that
//! would allow what was refused, and in one table the status, the name for counting, and the headers.

use std::{io, sync::Arc, time::Duration};

use hyper::{
    HeaderMap, Response, StatusCode, Version,
    header::{self, HeaderName, HeaderValue},
};

use super::{
    authorize::{AuthorizerFailure, Denial},
    body::{Body, body_from},
    hang_up::HangUp,
    refusal_page::RefusalPage,
    request_head::BadHead,
    url_path::BadPath,
};
use crate::{
    backend::{ConnectError, ConnectFailure, NotJoined, OpenError, ScriptError, passes_with_time},
    quantity::{duration, in_bytes, quantity},
    tls_failure::TlsRemedy,
};

/// Seconds after which a client that was refused for the moment may try again.
const RETRY_AFTER: &str = "1";

/// What a password is asked for with: browsers show it, and send all in UTF-8 (RFC 7617 §2.1).
const BASIC_CHALLENGE: &str = "Basic realm=\"wsd\", charset=\"UTF-8\"";

/// Why a request is refused. The client sees the status and this text; the log sees the sources too.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request itself is broken.
    #[error("{0}")]
    BadRequest(String),
    /// The request's head is none that could be read on.
    #[error("{0}{hint}", hint = version_hint(.0))]
    BadHead(#[from] BadHead),
    /// The path is one that nobody honest sends.
    #[error(transparent)]
    BadPath(#[from] BadPath),
    /// A page of this other origin (RFC 6455 §10.2).
    #[error("pages of the origin '{0}' may not connect; --origin={0} lets them")]
    ForeignOrigin(String),
    /// An Origin header that names none.
    #[error("the Origin header is malformed; --origin='*' lets any origin connect")]
    MalformedOrigin,
    /// A client without an Origin, where one is required.
    #[error("a client without an Origin header is refused by --sameorigin")]
    MissingOrigin,
    /// A name that this server does not go by.
    #[error("this server does not answer to the host '{0}'; --host={0} lets it")]
    UnknownHost(String),
    /// A file that may not be read.
    #[error("{0}")]
    Forbidden(String),
    /// Nothing answers here.
    #[error("nothing answers at this address")]
    NotFound,
    /// No page answers a plain request here. A WebSocket may be answered all the same.
    #[error("there is no page at this address")]
    NoPage,
    /// The same where there is none at the top either. Who asks does not learn where there is something.
    #[error(
        "there is no page at this address: what this server has is at other paths, which its log names at the start"
    )]
    NoPageButElsewhere,
    /// Rooms are beneath the path that was asked for, and it names none of them.
    #[error(
        "there is no room at this address itself, but beneath it: {0}/NAME is one, for any NAME"
    )]
    RoomsBeneath(String),
    /// The same where a POST is answered.
    #[error(
        "there is no page at this address, but one for WebSockets, for POST (curl -d hello URL sends a line and shows what is \
         answered) and for Accept: text/event-stream (curl -N -H 'Accept: text/event-stream' URL shows all that is said)"
    )]
    NoPageButPost,
    /// A session that there is not, or not any more.
    #[error("there is no such session")]
    NoSession,
    /// A session told in events that there is not, or not any more, or not for who asks here.
    #[error("there is no such session at this address, or it takes nothing more")]
    NoEventSession,
    /// Events that are not kept any more.
    #[error("what followed that event is not kept any more: too much was said since")]
    EventGone,
    /// A session that does not take what it was sent.
    #[error("the session has yet to read what it was sent: try again later")]
    InputFull,
    /// A body that is more than is taken at once.
    #[error(
        "the body is larger than the {0} bytes that are taken at once: as many as --maxframesize allows, and 64 KiB at least"
    )]
    InputTooLarge(usize),
    /// A GET that could be any page's.
    #[error(
        "a GET that starts something is answered by https, from this machine, or where it has an Origin: send a POST with \
         Accept: text/event-stream instead (curl -N -X POST -H 'Accept: text/event-stream' URL)"
    )]
    UnnamedPage,
    /// Another method than those named.
    #[error("this address answers {0} only")]
    MethodNotAllowed(&'static str),
    /// The client has another state of a file in mind (RFC 9110 §13.1).
    #[error("the file is not in the state that the request is for")]
    PreconditionFailed,
    /// A range beyond the end of a file of so many bytes.
    #[error("the file has {}, and the range begins behind that", quantity(*.0, "byte", "bytes"))]
    RangeNotSatisfiable(u64),
    /// Accept-Encoding excludes all that there is.
    #[error("the file is not there in an encoding that the request accepts")]
    NotAcceptable,
    /// A file that is there cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[source] io::Error),
    /// A plain request where a WebSocket is spoken.
    #[error(
        "this is a WebSocket address: connect to it with a WebSocket client, or start wsd with --devconsole for a page that does"
    )]
    UpgradeRequired,
    /// The same where a POST is answered too.
    #[error(
        "this address is for WebSockets, for POST (curl -d hello URL sends a line and shows what is answered) and for \
         Accept: text/event-stream (curl -N -H 'Accept: text/event-stream' URL shows all that is said)"
    )]
    UpgradeOrPost,
    /// What a body has no place for.
    #[error("messages of this kind ({0}) are for WebSockets alone: a body has no place for them")]
    NotByPlainHttp(&'static str),
    /// The same where the console is.
    #[error(
        "this is a WebSocket address: connect to it with a WebSocket client, or from the console at /"
    )]
    UpgradeRequiredBesideConsole,
    /// CONNECT for something else than a WebSocket (RFC 8441).
    #[error("this server is no proxy: CONNECT opens WebSockets only, by HTTP/2 (RFC 8441)")]
    NotImplemented,
    /// Another version of the WebSocket protocol (RFC 6455 §4.4).
    #[error("this server speaks version 13 of the WebSocket protocol")]
    WebSocketVersion,
    /// The request's body is larger than a script gets.
    #[error("the request's body is larger than --cgi-maxbody allows: {}", quantity(*.0, "byte", "bytes"))]
    BodyTooLarge(u64),
    /// The request's body is no message that may be sent.
    #[error("the message is larger than --maxframesize allows: {}", in_bytes(*.0))]
    MessageTooLarge(usize),
    /// The request's body does not come.
    #[error("the request's body did not come in time")]
    BodyTimeout,
    /// The request's body does not fit where it is kept until its length is known.
    #[error("the request's body cannot be kept in the directory for temporary files (TMPDIR): {0}")]
    Spool(#[source] io::Error),
    /// A script's answer is none (RFC 3875 §6).
    #[error("the script gave no answer that could be passed on: {0}")]
    BadScript(String),
    /// A script did not answer within so many seconds.
    #[error("the script did not answer within the {} that --cgi-timeout allows", duration(*.0))]
    ScriptTimeout(Duration),
    /// As many programs run as may.
    #[error("as many programs are running as --maxforks={0} allows")]
    Full(usize),
    /// A client without TLS where it is needed, and the address that it asks for by TLS, if that is known.
    #[error("this port speaks TLS: its addresses are https:// and wss://{}", by_tls(.0.as_deref()))]
    NeedsTls(Option<String>),
    /// As many connections are open as may be.
    #[error("as many connections are open as --max-connections={0} allows")]
    TooManyConnections(usize),
    /// As many connections of one client are open as may be.
    #[error("as many connections of your address are open as --max-connections-per-ip={0} allows")]
    TooManyOfAddress(usize),
    /// As many clients have a program together as may.
    #[error("as many clients are there as --max-members={0} allows")]
    TooManyMembers(usize),
    /// As many programs by segment run as may.
    #[error("as many programs of this route are running as --max-groups={0} allows")]
    TooManyGroups(usize),
    /// A program that many clients have together has failed just now; it is started again after so long.
    #[error("the program has failed, and is not started again yet")]
    BackingOff(Duration),
    /// The configuration has changed since the request was read.
    #[error("the configuration has changed just now")]
    Reloaded,
    /// There is no memory for one more.
    #[error("there is no memory for another program: the limit of memory (ulimit -v) is reached")]
    NoRoom,
    /// The server is stopping.
    #[error("the server is stopping")]
    Draining,
    /// The program could not be started.
    #[error("the program cannot be started: {0}{hint}", hint = hint(.0))]
    Start(#[source] io::Error),
    /// The same, in words for whoever develops it.
    #[error("the program cannot be started: {0}")]
    Script(String),
    /// A page of another site whose browser sends what it knows of its user, without saying which page.
    #[error("pages of other sites may not do this; --origin lets some")]
    ForeignSite,
    /// Nothing shows who the client is, or what does is not to be read.
    #[error("this address is not for everybody: it asks for a name and a password, or a token")]
    Unauthenticated(Challenges),
    /// What a client asked to be.
    #[error("you are logged out")]
    LoggedOut(Challenges),
    /// A password or a token that is wrong.
    #[error("the name, the password or the token is wrong")]
    WrongPassword(Challenges),
    /// Too many wrong passwords or tokens came from the client's address, or for its name; it waits so long.
    #[error("too many wrong passwords or tokens were tried: try again later")]
    PasswordsHeld(Duration),
    /// Too many passwords wait to be tried.
    #[error("too many passwords are waiting to be checked: try again later")]
    PasswordsWait,
    /// A token that is missing, malformed or doubled.
    #[error("{0}")]
    BadToken(String),
    /// A token that leads nowhere.
    #[error("there is no target for this token")]
    UnknownToken,
    /// Too many wrong tokens came from the client's address; it waits so long.
    #[error("too many wrong tokens came from your address: try again later")]
    Held(Duration),
    /// An authorizer does not let the request in, and has words of its own for it or not.
    #[error("you are not authorized for what is at this address")]
    Unauthorized(Option<Arc<Denial>>),
    /// An authorizer wants it to have no answer at all.
    #[error("you are not authorized for what is at this address")]
    HangUp,
    /// An authorizer has not decided; why is for the log alone.
    #[error("it cannot be found out whether you are authorized")]
    Authorizer(#[source] AuthorizerFailure),
    /// The target could not be connected to; why, and where it is, is for the log alone.
    #[error("the target cannot be reached")]
    Connect(#[source] ConnectError),
}

/// How a client may show who it is, as a 401 tells (RFC 9110 §11.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Challenges {
    /// A name and a password (RFC 7617).
    pub basic: bool,
    /// A token (RFC 6750).
    pub bearer: bool,
}

/// What the log says of a client that is hardly the last.
pub(super) const UNTRUSTED_PROXY: &str = "a client of a private address says for whom it asks (X-Forwarded-For), and is not believed: \
     if it is a proxy, all that come by it are held for the wrong passwords of one, and --trust-proxy=ADDRESS lets it say";

/// What the log says where a program may have been refused nothing, and its client still has nothing.
pub(super) const CAME_AT_END: &str = "output came only when the program ended, or its client had gone: if it was \
    written before, it lay in a buffer, and --unbuffer has it sent at once (--unbuffer=pty for Ruby, Perl and static \
    programs)";

/// Why an answer is broken off that has begun, when it is too late to refuse; for the log.
#[derive(Debug, thiserror::Error)]
pub enum BreakOff {
    /// A script that says nothing, though nothing is waited for but its output.
    #[error("it was silent for longer than --cgi-timeout allows")]
    SilentScript,
    /// A client that takes nothing.
    #[error("the client took nothing for longer than --write-timeout allows")]
    StalledClient,
}

/// Why a connection is refused before anything can be asked on it; for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionRefusal {
    /// TLS where it is not spoken.
    #[error("the client speaks TLS, which this port does not; --ssl speaks it on that of --port")]
    Tls,
    /// No TLS where it is.
    #[error(
        "the client speaks no TLS; https:// and wss:// do, and --ssl-optional lets others in too"
    )]
    NoTls,
}

/// What the answer to a refusal has beside its text.
#[derive(Debug)]
struct Terms {
    status: StatusCode,
    /// The reason in one word, for counting.
    name: &'static str,
    headers: HeaderMap,
}

impl Terms {
    fn new(status: StatusCode, name: &'static str) -> Self {
        Terms {
            status,
            name,
            headers: HeaderMap::new(),
        }
    }

    /// With one more header; a value that cannot be one is left out.
    fn with(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).ok();
        self.headers.extend(value.map(|value| (name, value)));
        self
    }

    /// A head that is not read on.
    fn bad_head(reason: &BadHead) -> Self {
        let (status, name) = match reason {
            BadHead::TransferCoding => (StatusCode::NOT_IMPLEMENTED, "transfer_coding"),
            BadHead::TooManyFields | BadHead::TooLarge(_) => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
            ),
            BadHead::Version => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "http_version"),
            _ => (StatusCode::BAD_REQUEST, "bad_request"),
        };
        Terms::new(status, name)
    }

    /// A target that cannot be connected to.
    fn no_target(failure: &ConnectFailure) -> Self {
        match failure {
            ConnectFailure::TimedOut(_) => Terms::new(StatusCode::GATEWAY_TIMEOUT, "target"),
            ConnectFailure::Exhausted(_) => Terms::unavailable("target"),
            _ => Terms::new(StatusCode::BAD_GATEWAY, "target"),
        }
    }

    /// 503: what may be had a moment later.
    fn unavailable(name: &'static str) -> Self {
        Terms::new(StatusCode::SERVICE_UNAVAILABLE, name).with(header::RETRY_AFTER, RETRY_AFTER)
    }

    /// What may be had after a time that is known.
    fn later(status: StatusCode, name: &'static str, time: Duration) -> Self {
        Terms::new(status, name).with(header::RETRY_AFTER, &seconds(time).to_string())
    }

    /// 429, after too many guesses.
    fn held(name: &'static str, time: Duration) -> Self {
        Terms::later(StatusCode::TOO_MANY_REQUESTS, name, time)
    }

    /// 416: the client learns how much there is (RFC 9110 §14.4).
    fn range(length: u64) -> Self {
        Terms::new(StatusCode::RANGE_NOT_SATISFIABLE, "range")
            .with(header::CONTENT_RANGE, &format!("bytes */{length}"))
    }

    /// 401, with what there is to show who one is.
    fn unauthenticated(challenges: Challenges) -> Self {
        let mut terms = Terms::new(StatusCode::UNAUTHORIZED, "unauthenticated");
        for (is_there, challenge) in [
            (challenges.basic, BASIC_CHALLENGE),
            (challenges.bearer, "Bearer"),
        ] {
            if is_there {
                let challenge = HeaderValue::from_static(challenge);
                terms.headers.append(header::WWW_AUTHENTICATE, challenge);
            }
        }
        terms
    }

    /// 413.
    fn too_large(name: &'static str) -> Self {
        Terms::new(StatusCode::PAYLOAD_TOO_LARGE, name)
    }

    /// 426, which comes with Upgrade (RFC 9110 §15.5.22) and the version (RFC 6455 §4.4).
    fn upgrade(name: &'static str) -> Self {
        Terms::new(StatusCode::UPGRADE_REQUIRED, name)
            .with(header::UPGRADE, "websocket")
            .with(header::CONNECTION, "upgrade")
            .with(header::SEC_WEBSOCKET_VERSION, "13")
    }

    /// 500, or 503 if the system has run out of something for the moment.
    fn failure(name: &'static str, error: &io::Error) -> Self {
        match passes_with_time(error) {
            true => Terms::unavailable(name),
            false => Terms::new(StatusCode::INTERNAL_SERVER_ERROR, name),
        }
    }
}

impl Refusal {
    /// The table: how each refusal is answered and counted.
    fn terms(&self) -> Terms {
        match self {
            Refusal::BadRequest(_) => Terms::new(StatusCode::BAD_REQUEST, "bad_request"),
            Refusal::BadHead(reason) => Terms::bad_head(reason),
            Refusal::BadPath(_) => Terms::new(StatusCode::BAD_REQUEST, "bad_path"),
            Refusal::ForeignOrigin(_)
            | Refusal::MalformedOrigin
            | Refusal::MissingOrigin
            | Refusal::ForeignSite
            | Refusal::UnnamedPage => Terms::new(StatusCode::FORBIDDEN, "origin"),
            Refusal::UnknownHost(_) => Terms::new(StatusCode::FORBIDDEN, "host"),
            Refusal::Forbidden(_) => Terms::new(StatusCode::FORBIDDEN, "forbidden"),
            Refusal::NeedsTls(_) => Terms::new(StatusCode::BAD_REQUEST, "tls"),
            Refusal::NotFound
            | Refusal::NoPage
            | Refusal::NoPageButPost
            | Refusal::NoPageButElsewhere
            | Refusal::RoomsBeneath(_)
            | Refusal::NoSession => Terms::new(StatusCode::NOT_FOUND, "not_found"),
            Refusal::NoEventSession => Terms::new(StatusCode::NOT_FOUND, "no_session"),
            Refusal::EventGone => Terms::new(StatusCode::GONE, "event_gone"),
            Refusal::InputFull => Terms::unavailable("input_full"),
            Refusal::InputTooLarge(_) => Terms::too_large("message_too_large"),
            Refusal::MethodNotAllowed(methods) => {
                Terms::new(StatusCode::METHOD_NOT_ALLOWED, "method").with(header::ALLOW, methods)
            }
            Refusal::PreconditionFailed => {
                Terms::new(StatusCode::PRECONDITION_FAILED, "precondition")
            }
            Refusal::RangeNotSatisfiable(length) => Terms::range(*length),
            Refusal::NotAcceptable => Terms::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable")
                .with(header::VARY, "Accept-Encoding"),
            Refusal::Read(error) => Terms::failure("read", error),
            Refusal::UpgradeRequired
            | Refusal::UpgradeRequiredBesideConsole
            | Refusal::UpgradeOrPost => Terms::upgrade("upgrade_required"),
            Refusal::NotByPlainHttp(_) => Terms::new(StatusCode::NOT_ACCEPTABLE, "framing"),
            Refusal::WebSocketVersion => Terms::upgrade("websocket_version"),
            Refusal::NotImplemented => Terms::new(StatusCode::NOT_IMPLEMENTED, "not_implemented"),
            Refusal::BodyTooLarge(_) => Terms::too_large("body_too_large"),
            Refusal::MessageTooLarge(_) => Terms::too_large("message_too_large"),
            Refusal::BodyTimeout => Terms::new(StatusCode::REQUEST_TIMEOUT, "body_timeout"),
            // RFC 4918 §11.5, which WebDAV has made common.
            Refusal::Spool(error) if is_full(error) => {
                Terms::new(StatusCode::INSUFFICIENT_STORAGE, "spool")
            }
            Refusal::Spool(error) => Terms::failure("spool", error),
            Refusal::BadScript(_) => Terms::new(StatusCode::BAD_GATEWAY, "bad_script"),
            Refusal::ScriptTimeout(_) => Terms::new(StatusCode::GATEWAY_TIMEOUT, "script_timeout"),
            Refusal::Full(_) => Terms::unavailable("maxforks"),
            Refusal::TooManyConnections(_) => Terms::unavailable("max_connections"),
            Refusal::TooManyOfAddress(_) => {
                Terms::new(StatusCode::TOO_MANY_REQUESTS, "max_connections_per_ip")
                    .with(header::RETRY_AFTER, RETRY_AFTER)
            }
            Refusal::TooManyMembers(_) => Terms::unavailable("max_members"),
            Refusal::TooManyGroups(_) => Terms::unavailable("max_groups"),
            Refusal::BackingOff(time) => {
                Terms::later(StatusCode::SERVICE_UNAVAILABLE, "backoff", *time)
            }
            Refusal::Reloaded => Terms::unavailable("reloaded"),
            Refusal::NoRoom => Terms::unavailable("memory"),
            Refusal::Draining => Terms::unavailable("draining"),
            Refusal::Start(error) => Terms::failure("start", error),
            Refusal::Script(_) => Terms::new(StatusCode::INTERNAL_SERVER_ERROR, "start"),
            Refusal::Unauthenticated(challenges)
            | Refusal::WrongPassword(challenges)
            | Refusal::LoggedOut(challenges) => Terms::unauthenticated(*challenges),
            Refusal::PasswordsHeld(time) => Terms::held("auth_rate", *time),
            Refusal::PasswordsWait => Terms::unavailable("auth_rate"),
            Refusal::BadToken(_) => Terms::new(StatusCode::BAD_REQUEST, "token"),
            Refusal::UnknownToken => Terms::new(StatusCode::NOT_FOUND, "token"),
            Refusal::Held(time) => Terms::held("token_rate", *time),
            Refusal::Unauthorized(denial) => {
                let status = denial.as_ref().map(|denial| denial.status());
                Terms::new(status.unwrap_or(StatusCode::FORBIDDEN), "unauthorized")
            }
            Refusal::HangUp => Terms::new(HangUp::status(), "unauthorized"),
            Refusal::Authorizer(failure) if failure.may_pass() => Terms::unavailable("authorizer"),
            Refusal::Authorizer(_) => Terms::new(StatusCode::INTERNAL_SERVER_ERROR, "authorizer"),
            Refusal::Connect(error) => Terms::no_target(&error.failure),
        }
    }

    /// The status that says it.
    pub fn status(&self) -> StatusCode {
        self.terms().status
    }

    /// The reason in one word, for counting.
    pub(super) fn name(&self) -> &'static str {
        self.terms().name
    }

    /// Whether the operator need not know: that a page is missing, such as the icon that every browser asks for,
    /// is everyday life.
    pub(super) fn is_usual(&self) -> bool {
        matches!(
            self,
            Refusal::NoPage | Refusal::NoPageButPost | Refusal::NoPageButElsewhere
        )
    }

    /// Whether a WebSocket may be had here.
    pub(super) fn asks_for_websocket(&self) -> bool {
        matches!(self, Refusal::UpgradeRequired | Refusal::UpgradeOrPost)
    }

    /// All that is known of it, for the log.
    pub(super) fn detail(&self) -> String {
        match self {
            Refusal::Connect(error) => format!("{error}{}", target_remedy(&error.failure)),
            Refusal::Unauthorized(_) | Refusal::HangUp => "unauthorized".to_owned(),
            Refusal::Authorizer(_) => "authorizer failed".to_owned(),
            Refusal::Unauthenticated(_) => "unauthenticated".to_owned(),
            Refusal::WrongPassword(_) => "wrong password".to_owned(),
            refusal => refusal.to_string(),
        }
    }

    /// The same for who has a console: all that is known of a script that cannot be started, and where the console is.
    pub(super) fn explained(self) -> Self {
        match &self {
            Refusal::Start(error) => match ScriptError::of(error) {
                Some(script) => Refusal::Script(script.words()),
                None => self,
            },
            Refusal::UpgradeRequired => Refusal::UpgradeRequiredBesideConsole,
            _ => self,
        }
    }

    /// The same of a page, or its absence, at an address where sessions are opened by POST, too, and these methods are
    /// answered.
    pub(super) fn beside_sessions(self, methods: &'static str) -> Self {
        match self {
            Refusal::NoPage => Refusal::NoPageButPost,
            Refusal::MethodNotAllowed(_) => Refusal::MethodNotAllowed(methods),
            _ => self,
        }
    }

    /// All that is known of it, for whoever develops: what the log says in this line or in another.
    pub(super) fn explanation(&self) -> String {
        match self {
            Refusal::Authorizer(failure) => format!("{}: {failure}", self.detail()),
            refusal => refusal.detail(),
        }
    }

    /// The whole answer to a request of this version, as a page for who wants one.
    pub(super) fn into_response(
        self,
        version: Version,
        page: Option<&RefusalPage>,
    ) -> Response<Body> {
        match &self {
            Refusal::Unauthorized(Some(denial)) => return denial.to_response(),
            Refusal::HangUp => return HangUp.to_response(),
            _ => {}
        }
        let Terms {
            mut status,
            mut headers,
            ..
        } = self.terms();
        if status == StatusCode::UPGRADE_REQUIRED && version == Version::HTTP_2 {
            // It would have to come with Upgrade, which HTTP/2 does not have (RFC 9113 §8.2.2).
            status = StatusCode::BAD_REQUEST;
            headers.remove(header::UPGRADE);
            headers.remove(header::CONNECTION);
        }
        let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, content_type);
        let by_accept = HeaderValue::from_static("Accept");
        headers.entry(header::VARY).or_insert(by_accept);
        let mut response = Response::new(body_from(format!("{self}\n")));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        if let Some(page) = page {
            page.put_into(&mut response, &self.to_string());
        }
        response
    }
}

/// Whole seconds, the last one begun.
fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000) as u64
}

impl From<NotJoined> for Refusal {
    fn from(error: NotJoined) -> Self {
        match error {
            NotJoined::Full(most) => Refusal::TooManyMembers(most),
            NotJoined::Over => Refusal::Draining,
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Start(error) => Refusal::Start(error),
            OpenError::Connect(error) => Refusal::Connect(error),
            OpenError::Join(error) => error.into(),
        }
    }
}

/// What is most often behind an error of execve(2) that a file at hand makes hard to believe.
fn hint(error: &io::Error) -> &'static str {
    let script = || ScriptError::of(error).map(|script| script.number);
    match error.raw_os_error().or_else(script) {
        Some(libc::ENOENT) => " (the file, or the interpreter that its first line names)",
        Some(libc::ENOEXEC) => " (the first line of a script names its interpreter: #!/bin/sh)",
        _ => "",
    }
}

/// The address to go to.
fn by_tls(url: Option<&str>) -> String {
    url.map_or_else(String::new, |url| format!(", this one is {url}"))
}

/// What lets clients speak another version.
fn version_hint(bad: &BadHead) -> &'static str {
    match bad {
        BadHead::Version => "; --h2c lets clients begin with HTTP/2",
        _ => "",
    }
}

/// The flag by which a target may be reached all the same.
fn target_remedy(failure: &ConnectFailure) -> &'static str {
    let remedy = match failure {
        ConnectFailure::Tls(failure) => failure.remedy(),
        _ => None,
    };
    match remedy {
        Some(TlsRemedy::Authorities) => ": --target-ca=FILE trusts the authorities in a file (PEM)",
        Some(TlsRemedy::Fingerprint) => ": --target-insecure trusts any",
        Some(TlsRemedy::WithoutTls) => "; a target without TLS is tcp:HOST:PORT",
        Some(TlsRemedy::SelfSigned | TlsRemedy::ClientCertificate) | None => "",
    }
}

/// Whether a file system or a quota has no room.
fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls_failure::TlsFailure;

    #[test]
    fn refusal_of_what_may_work_later_says_when() {
        let out_of_processes = || io::Error::from_raw_os_error(libc::EAGAIN);
        for refusal in [
            Refusal::Full(1),
            Refusal::TooManyConnections(1),
            Refusal::TooManyOfAddress(1),
            Refusal::Draining,
            Refusal::Start(out_of_processes()),
            Refusal::Read(out_of_processes()),
        ] {
            let response = refusal.into_response(Version::HTTP_11, None);
            assert!(response.headers().contains_key(header::RETRY_AFTER));
        }
        let for_good = Refusal::Start(io::Error::from_raw_os_error(libc::EACCES));
        let response = for_good.into_response(Version::HTTP_11, None);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!response.headers().contains_key(header::RETRY_AFTER));
    }

    #[test]
    fn target_that_cannot_be_reached_is_told_by_its_status_alone() {
        let error = || io::Error::other("secret");
        for (failure, status) in [
            (ConnectFailure::Refused(error()), 502),
            (ConnectFailure::Name(error()), 502),
            (ConnectFailure::Tls(TlsFailure::new("secret")), 502),
            (ConnectFailure::TimedOut(Duration::from_secs(1)), 504),
            (ConnectFailure::Exhausted(error()), 503),
        ] {
            let target = "secret:1".parse().expect("an address");
            let refusal = Refusal::Connect(ConnectError { target, failure });
            assert!(refusal.detail().contains("tcp:secret:1"));
            assert_eq!(refusal.to_string(), "the target cannot be reached");
            let response = refusal.into_response(Version::HTTP_11, None);
            assert_eq!(response.status().as_u16(), status);
            let retry = response.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(retry, status == 503);
        }
    }

    #[test]
    fn console_that_is_there_is_not_recommended() {
        let explained = Refusal::UpgradeRequired.explained();
        assert!(explained.to_string().ends_with("the console at /"));
        assert_eq!(explained.status(), StatusCode::UPGRADE_REQUIRED);
    }

    #[test]
    fn http_2_has_no_upgrade_to_be_asked_for() {
        let by_http1 = Refusal::UpgradeRequired.into_response(Version::HTTP_11, None);
        assert_eq!(by_http1.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(by_http1.headers()[header::UPGRADE], "websocket");
        let by_http2 = Refusal::UpgradeRequired.into_response(Version::HTTP_2, None);
        assert_eq!(by_http2.status(), StatusCode::BAD_REQUEST);
        for name in [header::UPGRADE, header::CONNECTION] {
            assert!(!by_http2.headers().contains_key(name));
        }
        assert_eq!(by_http2.headers()[header::SEC_WEBSOCKET_VERSION], "13");
    }
}
