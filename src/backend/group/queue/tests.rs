//! Members that take what they are sent, and members that do not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::noop_waker;
use parking_lot::Mutex;

use super::{member_queue::Pushed, state::End, *};
use crate::{
    backend::{
        error::BackendError,
        group::options::{MemberOptions, SlowPolicy},
    },
    message::{Close, Message, Shared},
    wire::{Burst, Sending, Wire, Written},
};

/// Room for two messages of ten bytes.
const LIMIT: usize = 2 * (10 + OVERHEAD);

fn queue(slow: SlowPolicy) -> Queue {
    Queue::new(&MemberOptions::of(LIMIT, slow))
}

fn message(text: &str) -> Arc<Shared> {
    Arc::new(Shared::new(Message::Text(format!("{text:10}").into())))
}

fn push(queue: &Queue, turn: u64, text: &str, to: Destination) -> Pushed {
    queue.push(turn, &message(text), to)
}

fn next(queue: &Queue) -> Poll<Option<Result<Arc<Shared>, BackendError>>> {
    queue.poll_next(&mut Context::from_waker(&noop_waker()))
}

/// All that can be taken out, and how that ends.
fn drain(queue: &Queue) -> (Vec<String>, String) {
    let mut texts = Vec::new();
    loop {
        let end = match next(queue) {
            Poll::Ready(Some(Ok(message))) => {
                let Message::Text(text) = message.message() else {
                    panic!("there is text alone");
                };
                texts.push(text.as_str().trim_end().to_owned());
                continue;
            }
            Poll::Ready(Some(Err(error))) => format!("{error:?}"),
            Poll::Ready(None) => "end".to_owned(),
            Poll::Pending => "pending".to_owned(),
        };
        return (texts, end);
    }
}

fn waits(queue: &Queue) -> Vec<String> {
    drain(queue).0
}

#[test]
fn member_whose_queue_is_full_is_closed_with_nothing_of_it() {
    let queue = queue(SlowPolicy::Close);
    for text in ["one", "two"] {
        assert_eq!(
            push(&queue, 1, text, Destination::All).outcome,
            Outcome::Taken
        );
    }
    let evicted = push(&queue, 1, "three", Destination::All);
    assert_eq!(evicted.outcome, Outcome::Evicted);
    assert_eq!(drain(&queue), (Vec::new(), "pending".to_owned()));
    let told = queue.poll_evicted(&mut Context::from_waker(&noop_waker()));
    assert!(matches!(told, Poll::Ready(close) if close.code == Close::TRY_AGAIN_LATER));
    let after = push(&queue, 2, "four", Destination::All);
    assert_eq!(after.outcome, Outcome::Ended);
}

#[test]
fn one_message_may_wait_however_long_it_is() {
    let queue = queue(SlowPolicy::Close);
    let long = Arc::new(Shared::new(Message::Text("x".repeat(10 * LIMIT).into())));
    let pushed = queue.push(1, &long, Destination::All);
    assert_eq!(pushed.outcome, Outcome::Taken);
    assert!(matches!(next(&queue), Poll::Ready(Some(Ok(taken))) if taken == long));
}

#[test]
fn what_was_taken_out_counts_no_more() {
    let queue = queue(SlowPolicy::Close);
    for _ in 0..10 {
        assert_eq!(
            push(&queue, 1, "x", Destination::All).outcome,
            Outcome::Taken
        );
        assert!(next(&queue).is_ready());
    }
}

#[test]
fn oldest_message_to_many_is_dropped_and_never_one_by_number() {
    let queue = queue(SlowPolicy::Drop);
    push(&queue, 1, "seven", Destination::Members);
    push(&queue, 1, "one", Destination::All);
    let pushed = push(&queue, 1, "two", Destination::Room(1));
    assert_eq!((pushed.outcome, pushed.dropped), (Outcome::Taken, 1));
    assert!(pushed.has_become_slow);
    assert!(!push(&queue, 1, "three", Destination::All).has_become_slow);
    assert_eq!(waits(&queue), ["seven", "three"]);
}

#[test]
fn what_is_addressed_by_number_fills_a_queue_alone() {
    let queue = queue(SlowPolicy::Drop);
    push(&queue, 1, "one", Destination::Members);
    push(&queue, 1, "two", Destination::Members);
    let pushed = push(&queue, 1, "three", Destination::All);
    assert_eq!(pushed.outcome, Outcome::Evicted);
}

#[test]
fn of_messages_that_wait_the_newest_of_each_address_is_kept() {
    let queue = queue(SlowPolicy::Latest);
    push(&queue, 1, "zero", Destination::All);
    // The session takes it and has nowhere to put it.
    assert!(next(&queue).is_ready());
    push(&queue, 2, "one", Destination::All);
    push(&queue, 2, "red", Destination::Room(1));
    push(&queue, 3, "two", Destination::All);
    push(&queue, 3, "three", Destination::All);
    assert_eq!(waits(&queue), ["red", "three"]);
}

#[test]
fn member_that_waits_for_messages_gets_all_that_come_at_once() {
    let queue = queue(SlowPolicy::Latest);
    assert!(next(&queue).is_pending());
    push(&queue, 1, "one", Destination::All);
    push(&queue, 1, "two", Destination::All);
    assert_eq!(waits(&queue), ["one", "two"]);
}

#[test]
fn close_comes_behind_what_waits_and_then_the_end() {
    let queue = queue(SlowPolicy::Close);
    push(&queue, 1, "one", Destination::All);
    queue.finish(Some(Close::new(4000, "bye")));
    queue.finish(None);
    let (texts, end) = drain(&queue);
    assert_eq!(texts, ["one"]);
    assert!(end.contains("4000"), "{end}");
    assert!(matches!(next(&queue), Poll::Ready(None)));
}

#[test]
fn replay_is_as_much_of_the_end_as_there_is_room_for() {
    let queue = queue(SlowPolicy::Close);
    let history = ["one", "two", "three"].map(message);
    queue.preload(history.iter());
    assert_eq!(waits(&queue), ["two", "three"]);
}

fn burst(texts: &[&str]) -> Arc<Burst> {
    Arc::new(Burst::new(texts.iter().copied().map(message).collect()))
}

fn push_burst(queue: &Queue, turn: u64, texts: &[&str]) -> Option<bool> {
    let burst = burst(texts);
    queue.push_burst(turn, &burst, size(burst.messages()))
}

#[test]
fn burst_is_taken_out_one_by_one() {
    let queue = queue(SlowPolicy::Close);
    assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
    assert_eq!(push_burst(&queue, 1, &["three"]), None, "there is no room");
    assert!(next(&queue).is_ready());
    assert_eq!(push_burst(&queue, 1, &["three"]), Some(false));
    assert_eq!(waits(&queue), ["two", "three"]);
}

#[test]
fn of_a_burst_as_much_is_dropped_as_has_to_be() {
    let queue = queue(SlowPolicy::Drop);
    assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
    let pushed = push(&queue, 2, "three", Destination::Members);
    assert_eq!((pushed.outcome, pushed.dropped), (Outcome::Taken, 1));
    assert_eq!(waits(&queue), ["two", "three"]);
}

#[test]
fn burst_waits_as_it_is_where_nothing_has_to_wait() {
    let queue = queue(SlowPolicy::Latest);
    assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
    assert!(next(&queue).is_ready());
    assert_eq!(push_burst(&queue, 2, &["three"]), None, "it is not idle");
    push(&queue, 2, "three", Destination::All);
    assert_eq!(waits(&queue), ["three"]);
}

/// A wire on which this comes of each write in turn, and what was written by it.
fn wire(outcomes: &[Written]) -> (Wire, Arc<Mutex<Vec<String>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (written, outcomes) = (Arc::clone(&log), Mutex::new(outcomes.to_vec()));
    let write = move |sendings: &[Sending<'_>]| {
        let outcome = outcomes.lock().remove(0);
        let texts = sendings.iter().flat_map(|sending| match sending {
            Sending::One(shared) => vec![format!("{:?}", shared.message())],
            Sending::Burst(burst) => vec![format!("burst of {}", burst.messages().len())],
        });
        if outcome != Written::Nothing {
            written.lock().push(texts.collect::<Vec<_>>().join(", "));
        }
        outcome
    };
    (Wire::new(write, || false), log)
}

/// Whether the session is woken, once it has nothing to do.
fn is_woken(queue: &Queue, write: impl FnOnce()) -> bool {
    struct Flag(AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&flag));
    let next = queue.poll_next(&mut Context::from_waker(&waker));
    assert!(next.is_pending());
    write();
    flag.0.load(Ordering::Relaxed)
}

#[test]
fn what_waits_is_written_at_once_while_the_session_has_nothing_to_do() {
    let queue = queue(SlowPolicy::Close);
    let (wire, log) = wire(&[Written::All]);
    let counted = Arc::clone(wire.written());
    queue.attach(wire);
    let is_woken = is_woken(&queue, || {
        assert_eq!(push_burst(&queue, 1, &["one", "two"]), Some(true));
        queue.write();
    });
    assert!(!is_woken);
    assert_eq!(*log.lock(), ["burst of 2"]);
    assert_eq!(counted.traffic(), (2, 20));
    assert_eq!(waits(&queue), [""; 0]);
    let pushed = push(&queue, 2, "three", Destination::All);
    assert_eq!(
        pushed.outcome,
        Outcome::Taken,
        "nothing counts that is written"
    );
}

#[test]
fn session_goes_on_with_what_its_socket_did_not_take() {
    for (outcome, waiting) in [(Written::Begun, vec![]), (Written::Nothing, vec!["one"])] {
        let queue = queue(SlowPolicy::Close);
        queue.attach(wire(&[outcome]).0);
        let is_woken = is_woken(&queue, || {
            push(&queue, 1, "one", Destination::All);
            queue.write();
        });
        assert!(is_woken, "{outcome:?}");
        assert_eq!(waits(&queue), waiting);
    }
}

#[test]
fn nothing_is_written_past_a_session_that_has_something_to_do() {
    let queue = queue(SlowPolicy::Close);
    let (wire, log) = wire(&[]);
    queue.attach(wire);
    push(&queue, 1, "one", Destination::All);
    assert!(next(&queue).is_ready());
    push(&queue, 1, "two", Destination::All);
    queue.write();
    assert!(log.lock().is_empty());
    assert_eq!(waits(&queue), ["two"]);
}

#[test]
fn end_is_left_to_the_session_behind_what_was_written() {
    let queue = queue(SlowPolicy::Close);
    let (wire, log) = wire(&[Written::All]);
    queue.attach(wire);
    let is_woken = is_woken(&queue, || {
        push(&queue, 1, "one", Destination::All);
        queue.0.lock().end = Some(End::Finished(None));
        queue.write();
    });
    assert!(is_woken && log.lock().len() == 1);
    assert!(matches!(next(&queue), Poll::Ready(None)));
}
