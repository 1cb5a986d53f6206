//! What this wsd has published, as far as it comes back: [`Echoes`].
//!
//! Redis sends what is published in a channel to all who subscribe it, the publisher too, in one order for all. So what
//! was published while the channel was subscribed comes back on the same connection, in the order in which it was
//! published. Others may say the same at the same time: before each batch goes a mark in a channel that is this
//! connection's alone, and what comes is our own if it came behind the mark of its batch and is the same as the first of
//! the batch that has not come back. Redis reads a batch in one go, or in few: hardly ever does anything of others lie
//! within. (Does it, and is it the same, then it is taken for ours, and ours for the other's: nobody can tell.)

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;

use super::{exchange::Command, name::Name};

/// What a batch says in channels that are subscribed, in order.
type Batch = HashMap<Name, VecDeque<Bytes>>;

/// See the module.
#[derive(Default)]
pub(super) struct Echoes {
    subscribed: HashSet<Name>,
    /// Whether marks come back; a user may be forbidden their channel.
    has_marks: bool,
    /// Sent, and its mark has not come.
    sent: VecDeque<Batch>,
    /// What comes.
    own: Batch,
}

impl Echoes {
    /// With marks, of which one is sent to see that they come back.
    pub(super) fn with_first_mark() -> Self {
        Echoes {
            has_marks: true,
            sent: VecDeque::from([Batch::new()]),
            ..Echoes::default()
        }
    }

    /// A batch is sent, behind all others; whether a mark must go before it.
    pub(super) fn expect(&mut self, commands: &[Command]) -> bool {
        let mut batch = Batch::new();
        for command in commands {
            match command {
                Command::Subscribe(name) => {
                    self.subscribed.insert(name.clone());
                }
                Command::Unsubscribe(name) => {
                    self.subscribed.remove(name);
                }
                Command::Publish(name, payload) if self.subscribed.contains(name) => {
                    let texts = batch.entry(name.clone()).or_default();
                    texts.push_back(payload.clone());
                }
                Command::Publish(..) => {}
            }
        }
        let is_marked = self.has_marks && !batch.is_empty();
        if is_marked {
            self.sent.push_back(batch);
        } else {
            for (name, mut texts) in batch {
                self.own.entry(name).or_default().append(&mut texts);
            }
        }
        is_marked
    }

    /// A mark comes: all of the batches before it have come.
    pub(super) fn begin(&mut self) {
        self.own = self.sent.pop_front().unwrap_or_default();
    }

    /// A command was refused.
    pub(super) fn forget(&mut self, command: &Command) {
        match command {
            Command::Subscribe(name) => {
                self.subscribed.remove(name);
                for batch in self.batches() {
                    batch.remove(name);
                }
            }
            Command::Unsubscribe(_) => {}
            Command::Publish(name, payload) => {
                let same = |other: &Bytes| other.as_ptr() == payload.as_ptr() && other == payload;
                for batch in self.batches() {
                    if let Some(texts) = batch.get_mut(name)
                        && let Some(at) = texts.iter().position(same)
                    {
                        texts.remove(at);
                        return;
                    }
                }
            }
        }
    }

    fn batches(&mut self) -> impl Iterator<Item = &mut Batch> {
        [&mut self.own].into_iter().chain(&mut self.sent)
    }

    /// Whether what comes is our own.
    pub(super) fn take(&mut self, channel: &str, payload: &[u8]) -> bool {
        let Some(texts) = self.own.get_mut(channel) else {
            return false;
        };
        let is_own = texts.front().is_some_and(|first| first == payload);
        if is_own {
            texts.pop_front();
            if texts.is_empty() {
                self.own.remove(channel);
            }
        }
        is_own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::name::Prefix;

    fn name() -> Name {
        let prefix: Prefix = "wsd".parse().expect("a word");
        Name::of(&prefix, "/a")
    }

    fn publish(text: &'static str) -> Command {
        Command::Publish(name(), Bytes::from_static(text.as_bytes()))
    }

    fn takes(echoes: &mut Echoes, texts: &[&str]) -> Vec<bool> {
        let takes = texts
            .iter()
            .map(|text| echoes.take("wsd.a", text.as_bytes()));
        takes.collect()
    }

    fn with_marks() -> Echoes {
        let mut echoes = Echoes::with_first_mark();
        echoes.begin();
        echoes
    }

    #[test]
    fn own_messages_are_known_among_others() {
        let mut echoes = Echoes::default();
        assert!(!echoes.expect(&[publish("before"), Command::Subscribe(name())]));
        for text in ["1", "2", "2"] {
            assert!(!echoes.expect(&[publish(text)]));
        }
        let came = ["x", "1", "before", "2", "1", "2", "2"];
        let own = [false, true, false, true, false, true, false];
        assert_eq!(takes(&mut echoes, &came), own);
        assert!(echoes.own.is_empty());
    }

    #[test]
    fn what_others_said_first_is_theirs_though_it_is_the_same() {
        let mut echoes = with_marks();
        assert!(!echoes.expect(&[publish("before"), Command::Subscribe(name())]));
        assert!(echoes.expect(&[publish("hi"), publish("bye")]));
        assert!(echoes.expect(&[publish("hi")]));
        assert_eq!(takes(&mut echoes, &["hi"]), [false]);
        echoes.begin();
        assert_eq!(
            takes(&mut echoes, &["hi", "bye", "hi"]),
            [true, true, false]
        );
        echoes.begin();
        assert_eq!(takes(&mut echoes, &["hi", "hi"]), [true, false]);
        assert!(!echoes.expect(&[]), "nothing comes back");
    }

    #[test]
    fn what_was_published_before_the_end_of_a_subscription_still_comes() {
        for mut echoes in [Echoes::default(), with_marks()] {
            let subscribe = Command::Subscribe(name());
            echoes.expect(&[subscribe, publish("1"), Command::Unsubscribe(name())]);
            if echoes.has_marks {
                echoes.begin();
            }
            echoes.expect(&[publish("2")]);
            assert_eq!(takes(&mut echoes, &["1", "2"]), [true, false]);
        }
    }

    #[test]
    fn what_was_refused_does_not_come() {
        for mut echoes in [Echoes::default(), with_marks()] {
            let refused = publish("1");
            let subscribe = Command::Subscribe(name());
            echoes.expect(&[subscribe, refused.clone(), publish("2")]);
            if echoes.has_marks {
                echoes.begin();
            }
            echoes.forget(&refused);
            assert_eq!(takes(&mut echoes, &["1", "2"]), [false, true]);
        }
    }
}
