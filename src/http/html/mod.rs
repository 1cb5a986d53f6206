//! Pages that wsd itself makes: one style, text that stays text, and whether a client wants a page at all.

mod accept;
mod escape;
mod page;

pub(super) use accept::is_wanted;
pub(super) use escape::escape;
pub(super) use page::{POLICY, page};
