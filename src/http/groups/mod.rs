//! Groups by path: which program clients have together, and who starts it: [`Groups`].
//!
//! A slot (`slot`) is the place of one program, before, while and after it runs; `table` finds it, `definition` tells
//! whether it is still the same after a reload, and `start` fills it: the program is started before the 101, as
//! everywhere, so that a client sees why a start failed. What members say to each other is `backend`'s.

mod definition;
mod slot;
mod start;
mod table;

pub(in crate::http) use definition::SharedRoute;
pub(in crate::http) use start::{Joined, join, start_kept};
pub(in crate::http) use table::Groups;
