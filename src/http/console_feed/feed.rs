//! The events of one session, in a queue that is bounded and can be read again: [`Feed`].

use std::collections::VecDeque;

use hyper::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

use super::event::{self, Ended, Opened};

/// How much is kept of what a program says on stderr, in bytes. More is memory that a program fills; less loses lines of
/// one that says much at once before a browser has them.
const MAX_KEPT: usize = 64 * 1024;

/// Who reads a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Audience {
    /// Who may know what the log knows.
    Developer,
    /// Somebody else: how messages go is no secret, the rest may be.
    Guest,
}

/// What a console is told of one attempt to connect, and of the session that comes of it.
#[derive(Debug)]
pub(in crate::http) struct Feed {
    audience: Audience,
    events: Mutex<Events>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Events {
    /// Oldest first.
    kept: VecDeque<Event>,
    /// Bytes of the lines among them.
    line_bytes: usize,
    /// The number of the next.
    next: u64,
    /// Lines that were dropped.
    lost: u64,
    is_over: bool,
}

#[derive(Debug)]
struct Event {
    number: u64,
    json: String,
    is_line: bool,
}

/// What a reader gets at a time.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Batch {
    /// The number of the event behind these.
    pub(in crate::http) next: u64,
    /// `{"next":3,"lost":0,"events":[…]}`: `lost` is how many lines of stderr have been dropped in all.
    pub(in crate::http) json: String,
}

impl Feed {
    pub(super) fn new(audience: Audience) -> Self {
        Feed {
            audience,
            events: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Whether it is read by who may know what the log knows.
    pub(in crate::http) fn is_developers(&self) -> bool {
        self.audience == Audience::Developer
    }

    /// The session has begun.
    pub(in crate::http) fn open(&self, opened: &Opened<'_>) {
        self.push(&opened.to_json(), false);
    }

    /// The program has said a line on stderr.
    pub(in crate::http) fn say(&self, line: &str) {
        if self.is_developers() {
            self.push(&event::stderr(line), true);
        }
    }

    /// There is no session; why, is for developers alone.
    pub(in crate::http) fn refuse(&self, status: StatusCode, name: &str, reason: &str) {
        if self.is_developers() {
            self.push(&event::refused(status, name, reason), false);
        }
        self.close();
    }

    /// The session is over.
    pub(in crate::http) fn end(&self, ended: Ended) {
        self.push(&ended.to_json(), false);
        self.close();
    }

    fn close(&self) {
        self.events.lock().is_over = true;
        self.changed.notify_waiters();
    }

    fn push(&self, event: &Value, is_line: bool) {
        self.events.lock().push(event.to_string(), is_line);
        self.changed.notify_waiters();
    }

    /// What there is from an event on, as soon as there is something; `None` if there never will be. Cancel safe: yes.
    pub(in crate::http) async fn read(&self, from: u64) -> Option<Batch> {
        loop {
            // Before the look, or what comes in between would be missed.
            let changed = self.changed.notified();
            {
                let events = self.events.lock();
                if let Some(batch) = events.read(from) {
                    return Some(batch);
                }
                if events.is_over {
                    return None;
                }
            }
            changed.await;
        }
    }
}

impl Events {
    fn push(&mut self, json: String, is_line: bool) {
        if is_line {
            self.line_bytes += json.len();
        }
        self.kept.push_back(Event {
            number: self.next,
            json,
            is_line,
        });
        self.next += 1;
        while self.line_bytes > MAX_KEPT {
            self.drop_oldest_line();
        }
    }

    /// What is no line stays: there are three such events at most.
    fn drop_oldest_line(&mut self) {
        let oldest = self.kept.iter().position(|event| event.is_line);
        if let Some(event) = oldest.and_then(|oldest| self.kept.remove(oldest)) {
            self.line_bytes -= event.json.len();
            self.lost += 1;
        }
    }

    fn read(&self, from: u64) -> Option<Batch> {
        let fresh = self.kept.iter().filter(|event| event.number >= from);
        let fresh: Vec<&str> = fresh.map(|event| event.json.as_str()).collect();
        if fresh.is_empty() {
            return None;
        }
        let (next, lost, events) = (self.next, self.lost, fresh.join(","));
        Some(Batch {
            next,
            json: format!(r#"{{"next":{next},"lost":{lost},"events":[{events}]}}"#),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Duration, timeout};

    async fn read(feed: &Feed, from: u64) -> Value {
        let batch = feed.read(from).await.expect("an event");
        serde_json::from_str(&batch.json).expect("JSON")
    }

    #[tokio::test]
    async fn what_was_said_is_read_from_any_event_on() {
        let feed = Feed::new(Audience::Developer);
        feed.say("one \"1\"");
        feed.say("two");
        let both = read(&feed, 0).await;
        assert_eq!(both["events"][0]["line"], "one \"1\"");
        assert_eq!(both["next"], 2);
        assert_eq!(read(&feed, 1).await["events"][0]["line"], "two");
    }

    #[tokio::test(start_paused = true)]
    async fn reader_waits_for_what_comes_and_no_longer_than_to_the_end() {
        let feed = Feed::new(Audience::Developer);
        let nothing = timeout(Duration::from_secs(1), feed.read(0)).await;
        assert!(nothing.is_err());
        let (found, ()) = tokio::join!(read(&feed, 0), async { feed.say("now") });
        assert_eq!(found["events"][0]["line"], "now");
        let ended = Ended {
            exit: None,
            came_at_end: true,
        };
        let (found, ()) = tokio::join!(read(&feed, 1), async { feed.end(ended) });
        assert_eq!(found["events"][0]["cameAtEnd"], true);
        assert_eq!(feed.read(2).await, None);
    }

    #[tokio::test]
    async fn flood_loses_its_oldest_lines_and_nothing_else() {
        let feed = Feed::new(Audience::Developer);
        feed.refuse(StatusCode::FORBIDDEN, "origin", "why");
        let line = "x".repeat(1000);
        for _ in 0..1000 {
            feed.say(&line);
        }
        let found = read(&feed, 0).await;
        let events = found["events"].as_array().expect("an array");
        assert_eq!(events[0]["reason"], "why");
        let kept = events.len() as u64 - 1;
        assert!((60..66).contains(&kept), "{kept}");
        assert_eq!(found["lost"].as_u64(), Some(1000 - kept));
    }

    #[tokio::test]
    async fn guest_learns_how_it_ended_and_not_what_was_said() {
        let feed = Feed::new(Audience::Guest);
        feed.say("secret");
        feed.refuse(StatusCode::BAD_GATEWAY, "target", "secret");
        assert_eq!(feed.read(0).await, None);
    }
}
