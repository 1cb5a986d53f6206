//! The joint of client and program over the smallest buffers there are: partial reads and writes
//! everywhere, and a deadlock if either direction ever waits for the other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper_tungstenite::{
    WebSocketStream,
    tungstenite::{self, protocol::Role},
};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_util::sync::CancellationToken;
use wsd::{
    backend::{
        AfterOutput, Backend, MaxLine, StreamOptions, TerminationTimeouts, framed_input,
        framed_output,
    },
    framing::{Framing, Newline},
    message::Close,
    session::{self, Ended, Handle, SessionTimeouts, Summary},
    transport::websocket,
};

const LINES: Framing = Framing::Lines(Newline::Split);

/// A session, the client's end of it and the program's two ends.
struct Joint {
    client: WebSocketStream<DuplexStream>,
    stdin: DuplexStream,
    stdout: DuplexStream,
    drain: CancellationToken,
    handle: Arc<Handle>,
    session: tokio::task::JoinHandle<Summary>,
}

async fn join(buffer: usize, framing: Framing) -> Joint {
    join_within(buffer, framing, SessionTimeouts::default()).await
}

/// The same with time limits on the session.
async fn join_within(buffer: usize, framing: Framing, times: SessionTimeouts) -> Joint {
    let (near, far) = duplex(buffer);
    let (gateway_in, stdin) = duplex(buffer);
    let (stdout, gateway_out) = duplex(buffer);
    let options = websocket::Options {
        is_told_by_many: false,
        max_message: None,
        silence: times.keepalive.map(|period| 2 * period),
        write_timeout: None,
        delivery: websocket::Delivery::Whole,
    };
    let streams = StreamOptions {
        framing,
        max_line: MaxLine {
            bytes: usize::MAX,
            set_by: "",
        },
        flush_after: None,
    };
    let backend = Backend {
        output: framed_output(gateway_out, &streams),
        input: framed_input(gateway_in, &streams),
        after_output: AfterOutput::KeepInput,
        farewell: None,
        process: None,
        connection: None,
        cut: None,
        attach: None,
        member: None,
    };
    let step = Duration::from_millis(100);
    let limits = SessionTimeouts {
        termination: TerminationTimeouts {
            eof: step,
            interrupt: step,
            terminate: step,
            finish: None,
        },
        drain: Duration::from_secs(10),
        ..times
    };
    let drain = CancellationToken::new();
    let handle = Arc::new(Handle::new(&drain));
    let watched = Arc::clone(&handle);
    let session = tokio::spawn(async move {
        let client = websocket::open(far, Bytes::new(), Role::Server, &options, None);
        let (summary, lingering) = session::run(client, backend, &limits, &watched).await;
        if let Some(lingering) = lingering {
            lingering.finish().await;
        }
        summary
    });
    Joint {
        client: WebSocketStream::from_raw_socket(near, Role::Client, None).await,
        stdin,
        stdout,
        drain,
        handle,
        session,
    }
}

/// Sends all, through a program that gives back every byte, and returns what comes back.
async fn echo(
    buffer: usize,
    framing: Framing,
    messages: Vec<tungstenite::Message>,
) -> Vec<tungstenite::Message> {
    let joint = join(buffer, framing).await;
    let (mut stdin, mut stdout) = (joint.stdin, joint.stdout);
    let program = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut stdin, &mut stdout).await;
    });
    let expected = messages.len();
    let (mut sink, mut stream) = joint.client.split();
    let sending = async {
        for message in messages {
            sink.send(message).await.unwrap();
        }
        sink
    };
    let receiving = async {
        let mut received = Vec::new();
        while received.len() < expected {
            received.push(stream.next().await.unwrap().unwrap());
        }
        (stream, received)
    };
    let (mut sink, (mut stream, received)) = tokio::join!(sending, receiving);
    let _ = sink.send(tungstenite::Message::Close(None)).await;
    while stream.next().await.is_some_and(|item| item.is_ok()) {}
    drop((sink, stream));
    joint.session.await.unwrap();
    assert_eq!(joint.handle.received.traffic().messages, expected as u64);
    assert_eq!(joint.handle.sent.traffic().messages, expected as u64);
    program.await.unwrap();
    received
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), future)
            .await
            .expect("no deadlock")
    })
}

fn any_message() -> impl Strategy<Value = tungstenite::Message> {
    prop_oneof![
        any::<String>().prop_map(tungstenite::Message::text),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(tungstenite::Message::binary),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn length_framing_echoes_any_messages(
        messages in prop::collection::vec(any_message(), 0..20),
        buffer in prop_oneof![Just(1_usize), Just(64)],
    ) {
        prop_assert_eq!(run(echo(buffer, Framing::Length, messages.clone())), messages);
    }

    #[test]
    fn lines_echo_any_text_without_line_ends(
        texts in prop::collection::vec("[^\r\n]{0,200}", 0..20),
        buffer in prop_oneof![Just(1_usize), Just(64)],
    ) {
        let messages: Vec<_> = texts.into_iter().map(tungstenite::Message::text).collect();
        prop_assert_eq!(run(echo(buffer, LINES, messages.clone())), messages);
    }
}

#[test]
fn drain_delivers_what_is_still_written() {
    for buffer in [1, 64] {
        run(async {
            let mut joint = join(buffer, LINES).await;
            joint
                .client
                .send(tungstenite::Message::text("to the program"))
                .await
                .unwrap();
            joint.drain.cancel();
            let program = tokio::spawn(async move {
                let mut input = String::new();
                joint.stdin.read_to_string(&mut input).await.unwrap();
                joint
                    .stdout
                    .write_all(format!("{input}last words").as_bytes())
                    .await
                    .unwrap();
            });
            let mut texts = Vec::new();
            let close = loop {
                match joint.client.next().await.unwrap().unwrap() {
                    tungstenite::Message::Text(text) => texts.push(text.to_string()),
                    tungstenite::Message::Close(frame) => break frame.unwrap(),
                    _ => {}
                }
            };
            assert!(
                matches!(&texts[..], [.., last] if last == "last words"),
                "{texts:?}"
            );
            assert_eq!(u16::from(close.code), Close::GOING_AWAY);
            program.await.unwrap();
            drop(joint.client);
            assert!(matches!(
                joint.session.await.unwrap().ended,
                Ended::ByServer(_)
            ));
        });
    }
}

#[test]
fn client_that_goes_ends_the_session_while_output_is_on_its_way() {
    run(async {
        let mut joint = join(1, LINES).await;
        joint.stdout.write_all(b"0").await.unwrap();
        drop(joint.client);
        // Whatever the program still writes is taken, so that it can flush and go.
        let mut input = Vec::new();
        let (written, read) = tokio::join!(
            joint.stdout.write_all(&[b'x'; 10_000]),
            joint.stdin.read_to_end(&mut input)
        );
        drop((written, read));
        let summary = joint.session.await.unwrap();
        assert_eq!(summary.ended.close().code, Close::ABNORMAL);
    });
}

#[test]
fn program_that_ends_while_its_client_sends_is_told_with_all_output_before() {
    run(async {
        let mut joint = join(1, LINES).await;
        joint.stdout.write_all(b"a\nb").await.unwrap();
        drop((joint.stdout, joint.stdin));
        let _ = joint
            .client
            .send(tungstenite::Message::text("x".repeat(1000)))
            .await;
        let mut seen = Vec::new();
        while let Some(Ok(message)) = joint.client.next().await {
            seen.push(message);
        }
        assert_eq!(
            seen[..2],
            [
                tungstenite::Message::text("a"),
                tungstenite::Message::text("b")
            ]
        );
        assert!(
            matches!(&seen[2], tungstenite::Message::Close(Some(frame)) if u16::from(frame.code) == Close::NORMAL)
        );
        assert!(matches!(
            joint.session.await.unwrap().ended,
            Ended::ByBackend(_)
        ));
    });
}

#[tokio::test(start_paused = true)]
async fn silence_of_both_sides_ends_a_session() {
    let times = SessionTimeouts {
        idle: Some(Duration::from_secs(60)),
        ..SessionTimeouts::default()
    };
    let mut joint = join_within(64, LINES, times).await;
    let begun = tokio::time::Instant::now();
    let mut line = [0; 2];
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        let text = tungstenite::Message::text("a");
        joint.client.send(text).await.unwrap();
        joint.stdin.read_exact(&mut line).await.unwrap();
        tokio::time::sleep(Duration::from_secs(50)).await;
        joint.stdout.write_all(b"b\n").await.unwrap();
        assert!(joint.client.next().await.unwrap().unwrap().is_text());
    }
    // Pings are no messages.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let ping = tungstenite::Message::Ping(Bytes::new());
    joint.client.send(ping).await.unwrap();
    assert_eq!(joint.stdin.read(&mut line).await.unwrap(), 0);
    assert_eq!(begun.elapsed().as_secs(), 360);
    drop(joint.stdout);
    let close = loop {
        match joint.client.next().await.unwrap().unwrap() {
            tungstenite::Message::Close(frame) => break frame.unwrap(),
            message => assert!(message.is_pong(), "{message}"),
        }
    };
    assert_eq!(u16::from(close.code), Close::GOING_AWAY);
    assert_eq!(close.reason.as_str(), "there was no message for 60 s");
}

#[tokio::test(start_paused = true)]
async fn message_that_waits_to_be_taken_is_no_silence() {
    let times = SessionTimeouts {
        idle: Some(Duration::from_secs(60)),
        ..SessionTimeouts::default()
    };
    let mut joint = join_within(64, LINES, times).await;
    let line = "x".repeat(1000);
    joint
        .stdout
        .write_all(format!("{line}\n").as_bytes())
        .await
        .unwrap();
    // The client takes its time, far longer than anybody may be silent.
    tokio::time::sleep(Duration::from_secs(600)).await;
    let message = joint.client.next().await.unwrap().unwrap();
    assert_eq!(message.into_text().unwrap().as_str(), line);
    // From then on it counts.
    let begun = tokio::time::Instant::now();
    let mut rest = Vec::new();
    joint.stdin.read_to_end(&mut rest).await.unwrap();
    assert!((59..=120).contains(&begun.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn program_that_ignores_the_end_of_its_session_has_a_second() {
    let times = SessionTimeouts {
        lifetime: Some(Duration::from_secs(60)),
        ..SessionTimeouts::default()
    };
    let mut joint = join_within(64, LINES, times).await;
    let begun = tokio::time::Instant::now();
    let mut last = None;
    while let Some(Ok(message)) = joint.client.next().await {
        last = Some(message);
    }
    // 1 s behind its lifetime, however long a drain of the server may take.
    assert_eq!(begun.elapsed().as_secs(), 61);
    assert!(last.unwrap().is_close());
    // Only now is it gone.
    assert!(joint.session.await.unwrap().exit.is_none());
}

#[tokio::test(start_paused = true)]
async fn answered_pings_keep_a_silent_client() {
    let times = SessionTimeouts {
        keepalive: Some(Duration::from_secs(10)),
        ..SessionTimeouts::default()
    };
    let mut joint = join_within(64, LINES, times).await;
    // Two intervals without an answer would be the end.
    for _ in 0..4 {
        assert!(joint.client.next().await.unwrap().unwrap().is_ping());
        joint.client.flush().await.unwrap();
    }
    joint.client.send("still here".into()).await.unwrap();
    let mut line = [0; 11];
    joint.stdin.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"still here\n");
}
