//! From the end of a session, or of the attempt to begin one, to an exit status.

use std::process::ExitStatus;

use super::{connect_error::ConnectError, related_option::RelatedOption, url::Url};
use crate::{
    exit_status::{self, FAILURE},
    http::websocket::extensions::BadAnswer,
    message::Close,
    printable::printable,
    session::{Ended, Summary},
};

/// The last code that tells an exit status.
const LAST_STATUS: u16 = Close::PROGRAM + 255;

/// How it all ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status.
    pub status: u8,
    /// What is written to stderr, the URL in it.
    pub complaint: Option<String>,
    /// What set otherwise would have avoided it, complaint or not.
    pub related_option: Option<RelatedOption>,
}

/// How one connection, or the attempt to make one, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConnectionEnd {
    status: u8,
    reason: Option<String>,
    related_option: Option<RelatedOption>,
    /// Whether another attempt may do better.
    pub(super) may_pass: bool,
}

impl ConnectionEnd {
    fn new(status: u8, reason: Option<String>) -> Self {
        ConnectionEnd {
            status,
            reason,
            related_option: None,
            may_pass: false,
        }
    }

    /// Something at this end is of no use.
    pub(super) fn local(reason: String) -> Self {
        ConnectionEnd::new(FAILURE, Some(reason))
    }

    /// Without a reason, since the user who interrupted it knows.
    pub(super) fn interrupted() -> Self {
        ConnectionEnd::new(FAILURE, None)
    }

    /// The end of a session.
    pub(super) fn of(summary: &Summary) -> Self {
        match &summary.ended {
            Ended::ByBackend(_) => {
                ConnectionEnd::new(summary.exit.map_or(0, exit_status::of_process), None)
            }
            Ended::ByClient(close) => ConnectionEnd::by_far_end(close, summary.exit),
            Ended::ByServer(close) => ConnectionEnd {
                related_option: related_option_of(close),
                ..ConnectionEnd::local(our_reason(close))
            },
        }
    }

    /// The server has closed, or is lost. If it is content, it depends on our program.
    fn by_far_end(close: &Close, exit: Option<ExitStatus>) -> Self {
        let reason = printable(&close.reason);
        let told = match &*reason {
            "" => format!("closed with {}", close.code),
            reason => format!("closed with {}: {reason}", close.code),
        };
        match close.code {
            Close::NORMAL | Close::NO_STATUS => {
                let failed = exit.and_then(|status| status.code());
                ConnectionEnd::new(failed.map_or(0, |status| status as u8), None)
            }
            Close::ABNORMAL => ConnectionEnd {
                may_pass: true,
                ..ConnectionEnd::local(format!("the connection was lost: {reason}"))
            },
            code @ Close::PROGRAM..=LAST_STATUS if code != Close::PROGRAM => {
                ConnectionEnd::new((code - Close::PROGRAM) as u8, Some(told))
            }
            code => ConnectionEnd {
                // A server that stops, fails or is overloaded (RFC 6455 §7.4.1 and its registry).
                may_pass: matches!(code, Close::GOING_AWAY | Close::INTERNAL..=1014),
                ..ConnectionEnd::local(told)
            },
        }
    }

    /// The same where it was this end's stdin that had nothing to say, ever.
    pub(super) fn unheard(self) -> Self {
        match self.reason {
            None => ConnectionEnd {
                related_option: Some(RelatedOption::Linger),
                ..self
            },
            Some(_) => self,
        }
    }

    /// The reason, for the log line before another attempt.
    pub(super) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    /// The last word.
    pub(super) fn outcome(self, url: &Url) -> Outcome {
        Outcome {
            status: self.status,
            complaint: self.reason.map(|reason| format!("{url}: {reason}")),
            related_option: self.related_option,
        }
    }
}

impl From<ConnectError> for ConnectionEnd {
    fn from(failure: ConnectError) -> Self {
        ConnectionEnd {
            may_pass: failure.may_pass(),
            related_option: match &failure {
                ConnectError::Tls(failure) => failure.remedy().map(RelatedOption::from),
                ConnectError::Subprotocol(_) => Some(RelatedOption::Subprotocols),
                ConnectError::Extensions(BadAnswer::DeflateNotOffered) => {
                    Some(RelatedOption::Compression)
                }
                _ => None,
            },
            ..ConnectionEnd::local(failure.to_string())
        }
    }
}

/// Why we have closed.
fn our_reason(close: &Close) -> String {
    let reason = &close.reason;
    match close.code {
        Close::UNSUPPORTED => "a binary message came, and a message is a line here".to_owned(),
        Close::TOO_BIG | Close::INVALID_DATA => format!("the server sent {reason}"),
        Close::PROTOCOL => format!("the server breaks the protocol: {reason}"),
        Close::POLICY => format!("the server's {reason}"),
        _ => reason.to_string(),
    }
}

fn related_option_of(close: &Close) -> Option<RelatedOption> {
    match close.code {
        Close::UNSUPPORTED => Some(RelatedOption::Binary),
        Close::TOO_BIG => Some(RelatedOption::MaxMessage),
        Close::POLICY => Some(RelatedOption::Newline),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn by_server(code: u16, exit: Option<i32>) -> (u8, bool) {
        let summary = Summary {
            ended: Ended::ByClient(Close::new(code, "")),
            exit: exit.map(ExitStatus::from_raw),
            came_at_end: false,
        };
        let end = ConnectionEnd::of(&summary);
        (end.status, end.may_pass)
    }

    #[test]
    fn reason_of_the_server_moves_no_terminal() {
        for code in [1006, 1008, 4003] {
            let close = Close::new(code, "\x1b]0;x\x07\u{202e}");
            let end = ConnectionEnd::by_far_end(&close, None);
            let reason = end.reason();
            assert!(reason.ends_with("\\u{1b}]0;x\\u{7}\\u{202e}"), "{reason}");
        }
    }

    #[test]
    fn status_comes_from_the_servers_code() {
        for (code, status, may_pass) in [
            (1000, 0, false),
            (1005, 0, false),
            (1001, 1, true),
            (1002, 1, false),
            (1006, 1, true),
            (1008, 1, false),
            (1011, 1, true),
            (1013, 1, true),
            (3000, 1, false),
            (4000, 1, false),
            (4001, 1, false),
            (4003, 3, false),
            (4137, 137, false),
            (4255, 255, false),
            (4256, 1, false),
        ] {
            assert_eq!(by_server(code, None), (status, may_pass), "{code}");
        }
    }

    #[test]
    fn failure_of_our_own_program_is_not_hidden_by_a_content_server() {
        assert_eq!(by_server(1000, Some(3 << 8)).0, 3);
        assert_eq!(by_server(1000, Some(0)).0, 0);
        // A signal is our own way to end it.
        assert_eq!(by_server(1000, Some(15)).0, 0);
    }

    #[test]
    fn program_that_ended_first_has_its_own_status() {
        for (exit, status) in [(0, 0), (3 << 8, 3), (9, 137)] {
            let summary = Summary {
                ended: Ended::ByBackend(Close::new(1000, "")),
                exit: Some(ExitStatus::from_raw(exit)),
                came_at_end: false,
            };
            assert_eq!(
                ConnectionEnd::of(&summary),
                ConnectionEnd::new(status, None)
            );
        }
    }
}
