//! What open pages are told when their files change, without a word of which files: [`PageUpdates`].

use tokio::sync::watch;

/// What a page is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageUpdate {
    /// To load anew.
    Page,
    /// To exchange its style sheets.
    Style,
}

impl PageUpdate {
    /// As the script of pages knows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            PageUpdate::Page => "page",
            PageUpdate::Style => "style",
        }
    }
}

/// The updates of one server. Only the last state is kept: whoever has been away for several has one to make.
#[derive(Debug)]
pub(super) struct PageUpdates {
    /// Tells this server from one before or after it.
    instance: u32,
    state: watch::Sender<Counts>,
}

/// How many updates there have been, and which of them was the last that pages load anew for.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    last: u64,
    last_page: u64,
}

/// The updates since a state.
#[derive(Debug)]
pub(super) struct UpdateStream {
    instance: u32,
    state: watch::Receiver<Counts>,
    /// The last that is known; `None` if nothing is: of another server.
    known: Option<u64>,
}

impl Default for PageUpdates {
    fn default() -> Self {
        PageUpdates {
            instance: rand::random(),
            state: watch::Sender::default(),
        }
    }
}

impl PageUpdates {
    /// The state that pages have which are sent now: `INSTANCE-NUMBER`.
    pub(super) fn state(&self) -> String {
        state_name(self.instance, self.state.borrow().last)
    }

    /// Tells all that are open.
    pub(super) fn announce(&self, update: PageUpdate) {
        self.state.send_modify(|counts| {
            counts.last += 1;
            if update == PageUpdate::Page {
                counts.last_page = counts.last;
            }
        });
    }

    /// What follows a state; from now on without one. Of what is no state of this server a page has to load anew.
    pub(super) fn since(&self, state: Option<&str>) -> UpdateStream {
        let last = self.state.borrow().last;
        UpdateStream {
            instance: self.instance,
            state: self.state.subscribe(),
            known: match state {
                None => Some(last),
                Some(state) => self.number(state).filter(|number| *number <= last),
            },
        }
    }

    fn number(&self, state: &str) -> Option<u64> {
        let (_, number) = state.split_once('-')?;
        let number = number.parse().ok()?;
        (state_name(self.instance, number) == state).then_some(number)
    }
}

impl UpdateStream {
    /// The state that is known, if it is one of this server.
    pub(super) fn state(&self) -> Option<String> {
        Some(state_name(self.instance, self.known?))
    }

    /// The next update, and the state with it. Never ready without the server. Cancel safe: yes.
    pub(super) async fn next(&mut self) -> (PageUpdate, String) {
        loop {
            let counts = *self.state.borrow_and_update();
            let update = match self.known {
                None => Some(PageUpdate::Page),
                Some(known) if known < counts.last_page => Some(PageUpdate::Page),
                Some(known) if known < counts.last => Some(PageUpdate::Style),
                Some(_) => None,
            };
            if let Some(update) = update {
                self.known = Some(counts.last);
                return (update, state_name(self.instance, counts.last));
            }
            if self.state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn state_name(instance: u32, number: u64) -> String {
    format!("{instance:08x}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn next(stream: &mut UpdateStream) -> Option<PageUpdate> {
        stream.next().now_or_never().map(|(update, _)| update)
    }

    #[test]
    fn several_updates_are_one_of_the_greater_kind() {
        use PageUpdate::{Page, Style};
        for (announced, expected) in [
            (&[][..], None),
            (&[Style], Some(Style)),
            (&[Style, Style], Some(Style)),
            (&[Page, Style], Some(Page)),
        ] {
            let updates = PageUpdates::default();
            let mut stream = updates.since(Some(&updates.state()));
            announced
                .iter()
                .for_each(|update| updates.announce(*update));
            assert_eq!(next(&mut stream), expected, "{announced:?}");
            assert_eq!(next(&mut stream), None);
            assert_eq!(stream.state(), Some(updates.state()));
        }
    }

    #[test]
    fn what_was_missed_is_told_by_the_state() {
        let updates = PageUpdates::default();
        let before = updates.state();
        updates.announce(PageUpdate::Page);
        assert_eq!(
            next(&mut updates.since(Some(&before))),
            Some(PageUpdate::Page)
        );
        for known in [None, Some(&*updates.state())] {
            assert_eq!(next(&mut updates.since(known)), None, "{known:?}");
        }
    }

    #[test]
    fn page_of_another_server_loads_anew_once() {
        let updates = PageUpdates::default();
        let later = format!("{:08x}-1", updates.instance);
        for state in [
            "",
            "0-0",
            "00000000-",
            &later,
            &PageUpdates::default().state(),
        ] {
            let mut stream = updates.since(Some(state));
            assert_eq!(stream.state(), None, "{state}");
            assert_eq!(next(&mut stream), Some(PageUpdate::Page), "{state}");
            assert_eq!(next(&mut stream), None);
        }
    }
}
