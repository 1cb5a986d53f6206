//! The places of a site that has nothing at its top, in words: where else somebody finds something
//! ([`Router::places`]).

use std::collections::HashSet;

use super::{
    mount::{Mount, MountTarget},
    router::Router,
};
use crate::http::share_options::ShareBy;

/// How many are said. A site of many routes has an operator who knows some, and a line of a log has an end.
const SHOWN: usize = 8;

/// A path, and whether a name follows that may be any.
type Place<'a> = (&'a str, bool);

impl Router {
    /// Whether there is nothing at `/`, neither a page nor a WebSocket.
    pub(in crate::http) fn is_bare_at_top(&self) -> bool {
        let has_script = self.scripts.iter().any(|scripts| scripts.path.is_empty());
        self.has_no_session_at_top() && !self.console && self.files.is_none() && !has_script
    }

    /// Where there is something, if there is nothing at `/`. For operators alone: who may not come in is not to learn
    /// where programs are.
    pub fn places(&self) -> Option<String> {
        let scripts = self.scripts.iter().map(|scripts| (&*scripts.path, false));
        let places = self.session_places().chain(scripts);
        self.is_bare_at_top().then(|| in_words(places.collect()))
    }

    /// Where WebSockets are answered, if none is at `/`; to be told as [`Router::places`] is.
    pub(in crate::http) fn places_of_sessions(&self) -> Option<String> {
        let places: Vec<_> = self.session_places().collect();
        (self.has_no_session_at_top() && !places.is_empty()).then(|| in_words(places))
    }

    fn has_no_session_at_top(&self) -> bool {
        self.directory.is_none() && self.session_places().all(|place| place != ("", false))
    }

    fn session_places(&self) -> impl Iterator<Item = Place<'_>> {
        let mounts = self.mounts.iter().chain(&self.fallback);
        mounts.map(|mount| (mount.script_name(), is_by_name(mount)))
    }
}

/// Whether the segment behind its path says which room, or which of its programs.
fn is_by_name(mount: &Mount) -> bool {
    let share = mount.options.share.as_deref();
    matches!(mount.target, MountTarget::Rooms(_))
        || share.is_some_and(|share| share.by == ShareBy::Segment)
}

fn in_words(mut places: Vec<Place<'_>>) -> String {
    // Routes of several subprotocols have one path.
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(*place));
    let (shown, more) = places.split_at(places.len().min(SHOWN));
    let word = |(path, is_by_name): &Place<'_>| match is_by_name {
        true => format!("{path}/NAME"),
        false => (*path).to_owned(),
    };
    let mut words = shown.iter().map(word).collect::<Vec<_>>().join(", ");
    if !more.is_empty() {
        words.push_str(&format!(" and {} more", more.len()));
    }
    if shown.iter().any(|(_, is_by_name)| *is_by_name) {
        words.push_str(" (any NAME)");
    }
    words
}
