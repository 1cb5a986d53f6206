//! One accepted stream: HTTP over it, of whichever version, until it closes or becomes a WebSocket.

mod answers;
mod exchange;
mod http1;
mod http2;
mod hyper_timer;
mod library;
mod limits;
mod preface;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod serve;
mod streamed_answer;
mod streams;
mod tracked_body;

pub(super) use exchange::ConnectionRole;
pub(super) use serve::serve;

#[cfg(test)]
mod tests {
    use super::properties::{self, Then};
    use proptest::prelude::*;
    use std::{
        os::{fd::OwnedFd, unix::net::UnixStream},
        process::Command,
    };

    /// What is looked for is found: answers of the handler, not of what stands before it.
    #[test]
    fn seeds_get_as_far_as_they_should() {
        for (seed, status) in [
            ("rfc", "503"),
            ("listed", "503"),
            ("version_8", "426"),
            ("two_keys", "400"),
            ("foreign_origin", "403"),
            ("console", "200"),
            ("not_found", "426"),
        ] {
            let head = std::fs::read(format!("fuzz/seeds/handshake/{seed}")).expect(seed);
            let start = format!("HTTP/1.1 {status} ");
            let [_, answer] = properties::answers(&head);
            let shown = answer.escape_ascii();
            assert!(answer.starts_with(start.as_bytes()), "{seed}: {shown}");
        }
    }

    /// As processes have that other tests start, for as long as it takes to execute them.
    #[test]
    fn end_that_another_process_has_a_copy_of_is_waited_for() {
        let (near, far) = UnixStream::pair().expect("two ends");
        let copy = near.try_clone().expect("a descriptor");
        let mut process = Command::new("sleep");
        process.arg("0.2").stdin(OwnedFd::from(copy));
        let mut child = process.spawn().expect("a process");
        // It keeps the copy, too.
        drop(process);
        let head = b"GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let answer = properties::answer(head, Then::Waits, (near, far));
        let shown = answer.escape_ascii();
        assert!(answer.starts_with(b"HTTP/1.1 426 "), "{shown}");
        child.wait().expect("its end");
    }

    proptest! {
        // Each is a connection that is made.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn all_that_holds_for_requests_does(
            line in "(GET|GET|HEAD|POST|[A-Z]{1,4}) /?(chat|listed|%[0-9a-f]{2}|\\.\\.|/){0,3} HTTP/1\\.[01]",
            fields in prop::collection::vec(
                "(Host: (localhost|a b|evil)|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: (13|8)|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|Sec-WebSocket-Protocol: (ex1|ex2|,| )|Origin: (null|http://localhost)|Content-Length: [0-9]|Transfer-Encoding: chunked|Expect: 100-continue|[a-z:\u{e9} ]{0,9})\r\n",
                0..8,
            ),
            behind in "(\r\n[a-z\r\n]{0,9})?",
        ) {
            properties::connection(format!("{line}\r\n{}{behind}", fields.concat()).as_bytes());
        }
    }
}
