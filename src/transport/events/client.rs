//! An event stream as a session's client ([`open`]).

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink, Stream};
use tokio::time::Instant;

use super::{
    channel::Channel,
    event::{self, InputForm},
    state::{End, Reader, Shared, State, Wake, register},
    stream::Events,
};
use crate::{
    message::{Close, Message},
    timer::LazyTimer,
    transport::{
        body::Carriage,
        client::{Client, Disconnect, Incoming, Outbound},
        presence::{Connectedness, ConnectionState, Presence},
    },
};

/// How an event stream is opened.
pub struct Opening<G> {
    /// What its client calls the session; nothing that would end a field.
    pub name: String,
    /// How long a client that was lost may take to come again; `None` ends the session with the stream.
    pub resume: Option<Duration>,
    /// How messages lie in what is handed in.
    pub carriage: Carriage,
    /// How its client is told that.
    pub form: InputForm,
    /// What comes first, and its end, where something does: messages, and then an end of the input or of the client.
    pub body: Option<Incoming>,
    /// Kept for as long as anybody may hand something in, or read on.
    pub guard: G,
}

/// The client of an event stream; what it is sent, which is to be read; and what others may do for it.
pub fn open<G: Send + Unpin + 'static>(opening: Opening<G>) -> (Client, Events, Channel) {
    let shared = Shared::new(opening.name, opening.resume, opening.carriage, opening.form);
    let shared = Arc::new(shared);
    let watched = Arc::clone(&shared);
    let incoming = HandedIn {
        shared: Arc::clone(&shared),
        body: opening.body,
        timer: LazyTimer::default(),
        is_over: false,
    };
    let outgoing = Outgoing {
        shared: Arc::clone(&shared),
        timer: LazyTimer::default(),
        _guard: opening.guard,
    };
    let presence = Presence::new(move || watched.look(|state| presence(&watched, state)));
    let client = Client {
        incoming: Box::pin(incoming),
        outgoing: Box::pin(outgoing),
        presence: presence.with_patience(opening.resume),
        wire: None,
    };
    let events = Events::new(Arc::clone(&shared), 0);
    (client, events, Channel::new(shared))
}

/// What is known of the client while nobody reads what it has handed in.
fn presence(shared: &Shared, state: &State) -> ConnectionState {
    let is_late = |deadline: Instant| deadline <= Instant::now();
    ConnectionState {
        connectedness: if shared.deadline(state).is_some_and(is_late) {
            Connectedness::Lost
        } else if state.input.is_closing() {
            Connectedness::Shut
        } else {
            Connectedness::Connected
        },
        untaken: state.ring.waiting(),
    }
}

/// Whether a client that was lost comes no more; wakes the task when that may be so.
fn poll_expired(
    shared: &Shared,
    state: &State,
    timer: &mut LazyTimer,
    context: &mut Context<'_>,
) -> Poll<()> {
    match shared.deadline(state) {
        Some(deadline) => timer.poll_expired(deadline, context),
        None => Poll::Pending,
    }
}

/// What comes: the body, what is handed in, and the end.
struct HandedIn {
    shared: Arc<Shared>,
    /// `None` at its end.
    body: Option<Incoming>,
    timer: LazyTimer,
    is_over: bool,
}

impl HandedIn {
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, Disconnect>> {
        let Some(body) = &mut self.body else {
            return Poll::Pending;
        };
        let end = match body.as_mut().poll_next(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(message))) => return Poll::Ready(Ok(message)),
            Poll::Ready(Some(Err(end))) => end,
            Poll::Ready(None) => Disconnect::InputEnded,
        };
        self.body = None;
        self.shared.look(|state| match &end {
            // It may come again, and hand in the rest.
            Disconnect::Lost(_) | Disconnect::Departed => {}
            Disconnect::Closed(close) => {
                state.input.end();
                state.client_close = Some(close.clone());
            }
            Disconnect::InputEnded | Disconnect::Violation(_) => state.input.end(),
        });
        match end {
            Disconnect::Lost(_) | Disconnect::Departed => Poll::Pending,
            end => Poll::Ready(Err(end)),
        }
    }

    fn poll_shared(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, Disconnect>> {
        let shared = Arc::clone(&self.shared);
        shared.change(|state| {
            if state.end != End::None {
                let close = Close::new(Close::NORMAL, "");
                return (Poll::Ready(Err(Disconnect::Closed(close))), Wake::NOBODY);
            }
            if let Some(handed_in) = state.input.take() {
                let wake = match state.input.is_full() {
                    true => Wake::NOBODY,
                    false => Wake::ROOM,
                };
                return (Poll::Ready(handed_in), wake);
            }
            if poll_expired(&shared, state, &mut self.timer, context).is_ready() {
                let error = io::ErrorKind::ConnectionReset.into();
                return (Poll::Ready(Err(Disconnect::Lost(error))), Wake::NOBODY);
            }
            register(&mut state.wakers.incoming, context);
            (Poll::Pending, Wake::NOBODY)
        })
    }
}

impl Stream for HandedIn {
    type Item = Result<Message, Disconnect>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Disconnect>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Pending;
        }
        let mut next = this.poll_shared(context);
        if next.is_pending() {
            next = this.poll_body(context);
        }
        if let Poll::Ready(Err(end)) = &next {
            // Behind an end of the input another end comes.
            this.is_over = !matches!(end, Disconnect::InputEnded);
        }
        next.map(Some)
    }
}

/// What goes. Closing it waits until the end was sent, or its client comes no more.
struct Outgoing<G> {
    shared: Arc<Shared>,
    timer: LazyTimer,
    _guard: G,
}

impl<G: Unpin> Sink<Outbound> for Outgoing<G> {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.look(|state| {
            if state.has_room() {
                return Poll::Ready(Ok(()));
            }
            register(&mut state.wakers.outgoing, context);
            Poll::Pending
        })
    }

    fn start_send(self: Pin<&mut Self>, item: Outbound) -> io::Result<()> {
        let shared = &self.shared;
        match item {
            Outbound::Message(message) => shared.say(&message),
            Outbound::Shared(message) => shared.say(message.message()),
            Outbound::Keepalive => shared.change(|state| {
                state.is_comment_due = state.reader == Reader::Present;
                ((), Wake::READER)
            }),
            Outbound::Close(close) => shared.end(End::Said(close)),
        }
        Ok(())
    }

    /// What is in the ring is kept for the client, whether or not it is there.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Outgoing { shared, timer, .. } = self.get_mut();
        let own = shared.look(|state| state.client_close.clone());
        shared.end(own.map_or(End::Gone, End::Said));
        shared.look(|state| {
            let is_over = matches!(state.end, End::Sent | End::Gone);
            if is_over || poll_expired(shared, state, timer, context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            register(&mut state.wakers.outgoing, context);
            Poll::Pending
        })
    }
}

impl<G> Drop for Outgoing<G> {
    fn drop(&mut self) {
        self.shared.end(End::Gone);
    }
}

impl Shared {
    fn say(&self, message: &Message) {
        let kept = self.kept();
        self.change(|state| {
            let event = event::message(&self.name, state.ring.next_number(), message);
            state.ring.push(event);
            if state.reader == Reader::Present {
                state.ring.trim(kept);
            }
            ((), Wake::READER)
        });
    }

    /// Ends the stream, if it has no end yet.
    fn end(&self, end: End) {
        self.change(|state| {
            if state.end != End::None {
                return ((), Wake::NOBODY);
            }
            state.end = end;
            ((), Wake::ALL)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::events::{BadPosition, Ended, InputRefused};
    use bytes::Bytes;
    use futures_util::{FutureExt, SinkExt, StreamExt};

    const RESUME: Duration = Duration::from_secs(15);
    const LINES: InputForm = InputForm {
        framing: "lines",
        newline: None,
    };

    fn stream(resume: Option<Duration>) -> (Client, Events, Channel) {
        open(Opening {
            name: "s".to_owned(),
            resume,
            carriage: Carriage::Lines(usize::MAX),
            form: LINES,
            body: None,
            guard: (),
        })
    }

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    async fn say(client: &mut Client, said: &str) {
        let message = Outbound::Message(text(said));
        client.outgoing.send(message).await.expect("room");
    }

    /// What is there to be read, in one.
    fn read(events: &mut Events) -> String {
        let mut read = Vec::new();
        while let Some(Some(Ok(piece))) = events.next().now_or_never() {
            read.extend_from_slice(&piece);
        }
        String::from_utf8(read).expect("text")
    }

    fn opened(last: u64) -> String {
        String::from_utf8_lossy(&event::open("s", LINES, last)).into_owned()
    }

    async fn next(client: &mut Client) -> Result<Message, Disconnect> {
        client.incoming.next().await.expect("there is no end")
    }

    #[tokio::test]
    async fn what_is_said_is_numbered_behind_the_name() {
        let (mut client, mut events, _) = stream(Some(RESUME));
        say(&mut client, "a").await;
        say(&mut client, "b").await;
        let expected = opened(0) + "id: s.1\ndata: a\n\nid: s.2\ndata: b\n\n";
        assert_eq!(read(&mut events), expected);
        client
            .outgoing
            .send(Outbound::Keepalive)
            .await
            .expect("room");
        assert_eq!(read(&mut events), ":\n\n");
    }

    #[tokio::test]
    async fn end_is_an_event_and_then_nothing() {
        let (mut client, mut events, channel) = stream(Some(RESUME));
        let close = Outbound::Close(Close::new(4003, "x"));
        client.outgoing.send(close).await.expect("room");
        assert!(matches!(
            next(&mut client).await,
            Err(Disconnect::Closed(_))
        ));
        assert!(client.outgoing.close().now_or_never().is_none());
        let expected = opened(0) + "event: close\ndata: {\"code\":4003,\"reason\":\"x\"}\n\n";
        assert_eq!(read(&mut events), expected);
        assert!(events.next().await.is_none() && events.is_over());
        client.outgoing.close().await.expect("it was sent");
        assert_eq!(channel.resume(Some(0)).err(), Some(Ended));
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_nobody_may_resume_is_the_client() {
        let (mut client, events, channel) = stream(None);
        drop(events);
        assert!(matches!(next(&mut client).await, Err(Disconnect::Lost(_))));
        assert_eq!(channel.resume(Some(0)).err(), Some(Ended));
    }

    #[tokio::test(start_paused = true)]
    async fn client_may_come_again_in_time_and_not_later() {
        let (mut client, mut events, channel) = stream(Some(RESUME));
        say(&mut client, "a").await;
        read(&mut events);
        drop(events);
        say(&mut client, "b").await;
        tokio::time::sleep(RESUME / 2).await;
        assert!(client.incoming.next().now_or_never().is_none());
        let mut events = channel.resume(Some(1)).expect("it runs").expect("kept");
        assert_eq!(read(&mut events), opened(1) + "id: s.2\ndata: b\n\n");
        tokio::time::sleep(RESUME).await;
        assert!(client.incoming.next().now_or_never().is_none());
        drop(events);
        let lost = Instant::now();
        assert!(matches!(next(&mut client).await, Err(Disconnect::Lost(_))));
        assert!(lost.elapsed() >= RESUME);
        assert_eq!(channel.resume(Some(1)).err(), Some(Ended));
    }

    #[tokio::test]
    async fn who_comes_again_takes_the_place_of_who_reads() {
        let (mut client, mut first, channel) = stream(Some(RESUME));
        say(&mut client, "a").await;
        read(&mut first);
        let mut second = channel.resume(Some(0)).expect("it runs").expect("kept");
        assert!(first.next().await.is_none() && first.is_over());
        drop(first);
        assert_eq!(read(&mut second), opened(0) + "id: s.1\ndata: a\n\n");
        assert!(!second.is_over());
        for (last, bad) in [(2, BadPosition::Unknown), (u64::MAX, BadPosition::Unknown)] {
            assert_eq!(
                channel.resume(Some(last)).expect("it runs").err(),
                Some(bad)
            );
        }
    }

    #[tokio::test]
    async fn what_was_sent_long_ago_is_not_kept_and_what_waits_is() {
        let (mut client, mut events, channel) = stream(Some(RESUME));
        let long = "x".repeat(10_000);
        for _ in 0..10 {
            say(&mut client, &long).await;
            read(&mut events);
        }
        let bad = channel.resume(Some(1)).expect("it runs").err();
        assert_eq!(bad, Some(BadPosition::TooOld));
        let mut again = channel.resume(Some(7)).expect("it runs").expect("kept");
        drop(events);
        assert!(read(&mut again).contains("id: s.8\n"));
        drop(again);
        // Nothing is dropped for what is said now.
        let mut said = 0;
        while let Some(room) = poll_ready(&mut client) {
            room.expect("a stream");
            client
                .outgoing
                .start_send_unpin(Outbound::Message(text("x")))
                .expect("room");
            said += 1;
        }
        assert!(said > 0 && said < 10_000, "{said}");
        let mut again = channel.resume(Some(7)).expect("it runs").expect("kept");
        assert!(read(&mut again).contains(&format!("id: s.{}\n", 10 + said)));
    }

    fn poll_ready(client: &mut Client) -> Option<io::Result<()>> {
        let outgoing = &mut client.outgoing;
        futures_util::future::poll_fn(|context| outgoing.as_mut().poll_ready(context))
            .now_or_never()
    }

    #[tokio::test]
    async fn session_waits_for_who_takes_nothing() {
        let (mut client, mut events, _) = stream(None);
        let long = Outbound::Message(text(&"x".repeat(100_000)));
        client.outgoing.send(long).await.expect("room");
        assert!(poll_ready(&mut client).is_none());
        read(&mut events);
        assert!(poll_ready(&mut client).is_some());
    }

    #[tokio::test]
    async fn what_is_handed_in_comes_in_order_and_the_close_behind_it() {
        let (mut client, mut events, channel) = stream(Some(RESUME));
        let long = "x".repeat(100_000);
        channel.send(format!("a\n{long}").into()).expect("room");
        assert_eq!(channel.send("b".into()), Err(InputRefused::Full));
        let close = Close::new(Close::NORMAL, "");
        channel.close("c".into(), close.clone()).expect("once");
        assert_eq!(client.presence.connectedness(), Connectedness::Shut);
        assert_eq!(channel.close(Bytes::new(), close), Err(Ended));
        assert_eq!(channel.send(Bytes::new()), Err(InputRefused::Ended));
        for expected in ["a", &long, "c"] {
            assert_eq!(next(&mut client).await.expect("a message"), text(expected));
        }
        assert!(matches!(
            next(&mut client).await,
            Err(Disconnect::Closed(_))
        ));
        assert!(client.outgoing.close().now_or_never().is_none());
        assert!(
            read(&mut events).ends_with("event: close\ndata: {\"code\":1000,\"reason\":\"\"}\n\n")
        );
    }

    #[tokio::test]
    async fn who_hands_in_waits_for_room() {
        let (mut client, _events, channel) = stream(Some(RESUME));
        channel.ready().await.expect("room");
        channel.send("x".repeat(100_000).into()).expect("room");
        assert!(channel.ready().now_or_never().is_none());
        let taking = async {
            tokio::task::yield_now().await;
            next(&mut client).await.expect("a message");
        };
        let (ready, ()) = futures_util::future::join(channel.ready(), taking).await;
        ready.expect("room");
        channel.send("x".repeat(100_000).into()).expect("room");
        let closing = async {
            tokio::task::yield_now().await;
            let close = Close::new(Close::NORMAL, "");
            channel.close(Bytes::new(), close).expect("once");
        };
        let (ready, ()) = futures_util::future::join(channel.ready(), closing).await;
        assert_eq!(ready, Err(Ended));
    }

    #[tokio::test]
    async fn body_comes_first_and_its_end_is_the_end_of_the_input() {
        let ends: Vec<Result<Message, Disconnect>> =
            vec![Ok(text("a")), Err(Disconnect::InputEnded)];
        let (mut client, _events, channel) = open(Opening {
            name: "s".to_owned(),
            resume: Some(RESUME),
            carriage: Carriage::Bytes,
            form: LINES,
            body: Some(Box::pin(futures_util::stream::iter(ends))),
            guard: (),
        });
        assert_eq!(next(&mut client).await.expect("a message"), text("a"));
        assert!(matches!(
            next(&mut client).await,
            Err(Disconnect::InputEnded)
        ));
        assert_eq!(channel.send("b".into()), Err(InputRefused::Ended));
        channel
            .close(Bytes::new(), Close::new(Close::NORMAL, ""))
            .expect("it may be closed");
        assert!(matches!(
            next(&mut client).await,
            Err(Disconnect::Closed(_))
        ));
    }

    #[tokio::test]
    async fn session_that_is_gone_without_a_word_breaks_the_stream() {
        let (client, mut events, _) = stream(Some(RESUME));
        drop(client);
        assert_eq!(read(&mut events), opened(0));
        assert!(events.next().await.expect("an error").is_err());
    }
}
