//! Which feed belongs to which word: [`Feeds`].

use std::{collections::VecDeque, sync::Arc};

use data_encoding::HEXLOWER;
use hyper::Request;
use parking_lot::Mutex;

use super::feed::{Audience, Feed};
use crate::http::request_head::rewrite_target;

/// Feeds that can be found; the oldest is forgotten first, and goes on if it is read. Fewer would be too few for who
/// has many consoles open, more only keep memory.
const MAX_FEEDS: usize = 64;

/// What the word stands behind in a target, the last thing in it.
const PARAMETER: &[u8] = b"wsd-console=";

/// The feeds of a server.
#[derive(Debug, Default)]
pub(in crate::http) struct Feeds(Mutex<VecDeque<Entry>>);

#[derive(Debug)]
struct Entry {
    word: String,
    feed: Arc<Feed>,
    /// Whether an attempt to connect has had it.
    is_claimed: bool,
}

impl Feeds {
    /// A new feed, and its word: 128 random bits in hexadecimal digits.
    pub(in crate::http) fn open(&self, audience: Audience) -> (String, Arc<Feed>) {
        let word = HEXLOWER.encode(&rand::random::<[u8; 16]>());
        let feed = Arc::new(Feed::new(audience));
        let mut entries = self.0.lock();
        if entries.len() >= MAX_FEEDS {
            entries.pop_front();
        }
        entries.push_back(Entry {
            word: word.clone(),
            feed: Arc::clone(&feed),
            is_claimed: false,
        });
        (word, feed)
    }

    /// The feed of a word, to be read on.
    pub(in crate::http) fn find(&self, word: &str) -> Option<Arc<Feed>> {
        let entries = self.0.lock();
        let found = entries.iter().find(|entry| entry.word == word);
        found.map(|entry| Arc::clone(&entry.feed))
    }

    /// Finds the feed whose word is in a request's target, puts it among the extensions and takes the word out. A word
    /// that does not hold, or not any more, stays: it may be a program's own.
    pub(in crate::http) fn claim_in(&self, request: &mut Request<()>) {
        let target = request.uri().path_and_query().map(|target| target.as_str());
        let Some((_, word)) = split(target.unwrap_or_default().as_bytes()) else {
            return;
        };
        let Some(feed) = self.claim(word) else {
            return;
        };
        let (mut parts, ()) = std::mem::take(request).into_parts();
        rewrite_target(&mut parts, |target| {
            split(target).map_or(target, |(rest, _)| rest).to_owned()
        });
        parts.extensions.insert(feed);
        *request = Request::from_parts(parts, ());
    }

    fn claim(&self, word: &[u8]) -> Option<Arc<Feed>> {
        let mut entries = self.0.lock();
        let is_it = |entry: &&mut Entry| !entry.is_claimed && entry.word.as_bytes() == word;
        let entry = entries.iter_mut().find(is_it)?;
        entry.is_claimed = true;
        Some(Arc::clone(&entry.feed))
    }
}

/// A target without the word at its end, and the word.
fn split(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memmem::rfind(target, PARAMETER)?;
    let (rest, word) = (&target[..at], &target[at + PARAMETER.len()..]);
    let (b'?' | b'&', rest) = rest.split_last()? else {
        return None;
    };
    Some((rest, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str) -> Request<()> {
        Request::builder().uri(target).body(()).expect("a request")
    }

    #[test]
    fn word_is_taken_out_of_the_target_and_leaves_it_as_it_was() {
        for target in ["/", "/a?b", "/a?b=c&d", "/a?", "/a?x=wsd-console=1"] {
            let feeds = Feeds::default();
            let (word, _) = feeds.open(Audience::Developer);
            let mark = if target.contains('?') { '&' } else { '?' };
            let mut request = request(&format!("{target}{mark}wsd-console={word}"));
            feeds.claim_in(&mut request);
            assert_eq!(request.uri().to_string(), target);
            assert!(request.extensions().get::<Arc<Feed>>().is_some());
        }
    }

    #[test]
    fn word_holds_once() {
        let feeds = Feeds::default();
        let (word, _) = feeds.open(Audience::Developer);
        let target = format!("/?wsd-console={word}");
        feeds.claim_in(&mut request(&target));
        let mut again = request(&target);
        feeds.claim_in(&mut again);
        assert_eq!(again.uri().to_string(), target);
        assert!(again.extensions().get::<Arc<Feed>>().is_none());
    }

    #[test]
    fn what_is_no_word_stays() {
        let feeds = Feeds::default();
        feeds.open(Audience::Developer);
        for target in [
            "/?wsd-console=",
            "/?wsd-console=0",
            "/wsd-console=0",
            "/?xwsd-console=0",
        ] {
            let mut request = request(target);
            feeds.claim_in(&mut request);
            assert_eq!(request.uri().to_string(), target);
        }
    }

    #[test]
    fn oldest_is_forgotten() {
        let feeds = Feeds::default();
        let (oldest, _) = feeds.open(Audience::Guest);
        for _ in 1..MAX_FEEDS {
            feeds.open(Audience::Guest);
        }
        assert!(feeds.find(&oldest).is_some());
        let (newest, _) = feeds.open(Audience::Guest);
        assert!(feeds.find(&oldest).is_none() && feeds.find(&newest).is_some());
    }
}
