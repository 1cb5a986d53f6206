//! What the kernel tells of files, kept until somebody looks: [`Events`].

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use notify::{
    ErrorKind, Event, EventKind,
    event::{AccessKind, AccessMode, MetadataKind, ModifyKind, RenameMode},
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Files that are kept by name. More would be memory for what is written where many are, such as a build; fewer would
/// have all count as changed where a few are.
const MOST: usize = 4096;

/// Whether a file was there before it was first told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was made, or moved there.
    New,
    /// It was there.
    Known,
}

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Files and directories, as the kernel names them.
    pub(super) files: BTreeMap<PathBuf, Origin>,
    /// More has happened than is told.
    pub(super) is_incomplete: bool,
    /// There are more directories than the kernel watches.
    pub(super) is_over_limit: bool,
}

/// Filled by one thread, and looked at by another. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Events(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    told: Mutex<Told>,
    noted: Notify,
}

impl Events {
    /// Keeps what the kernel tells, if it is of a change.
    pub(super) fn note(&self, event: notify::Result<Event>) {
        let mut told = self.0.told.lock();
        match event {
            Ok(event) if event.need_rescan() => told.is_incomplete = true,
            Ok(event) => match origin(event.kind) {
                Some(origin) => event.paths.into_iter().for_each(|file| {
                    told.files.entry(file).or_insert(origin);
                }),
                None => return,
            },
            Err(error) => {
                told.is_incomplete = true;
                told.is_over_limit |= matches!(error.kind, ErrorKind::MaxFilesWatch);
            }
        }
        if told.files.len() > MOST {
            told.files.clear();
            told.is_incomplete = true;
        }
        drop(told);
        self.0.noted.notify_one();
    }

    /// Waits until something was told. Cancel safe: yes.
    pub(super) async fn wait(&self) {
        self.0.noted.notified().await;
    }

    /// All that was told since this was called last.
    pub(super) fn take(&self) -> Told {
        std::mem::take(&mut *self.0.told.lock())
    }
}

/// Whether an event is a change, and of what. To read a file is none.
fn origin(kind: EventKind) -> Option<Origin> {
    match kind {
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
            Some(Origin::New)
        }
        // Both ends have been told of by themselves.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => None,
        EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)) => None,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Origin::Known),
        EventKind::Access(_) | EventKind::Other => None,
        EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Any => Some(Origin::Known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag};

    fn event(kind: EventKind, file: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(file.into()))
    }

    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));

    #[test]
    fn how_a_file_was_first_told_of_is_kept() {
        let events = Events::default();
        events.note(event(EventKind::Create(CreateKind::File), "/new"));
        events.note(event(WRITTEN, "/new"));
        events.note(event(WRITTEN, "/known"));
        events.note(event(
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            "/read",
        ));
        let told = events.take().files;
        let expected = [
            ("/known".into(), Origin::Known),
            ("/new".into(), Origin::New),
        ];
        assert_eq!(told, BTreeMap::from(expected));
        assert!(events.take().files.is_empty());
    }

    #[test]
    fn what_is_too_much_to_be_kept_is_known_to_be_incomplete() {
        let events = Events::default();
        for number in 0..=MOST {
            events.note(event(WRITTEN, &number.to_string()));
        }
        let told = events.take();
        assert!(told.is_incomplete && told.files.is_empty());
        events.note(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(events.take().is_incomplete);
    }
}
