//! The developer console: one page, embedded in the binary, that connects to the server it came from; and what it is told
//! beside its messages.
//!
//! `page/` is its source: `worker.js` has the socket, in a thread of its own, and what has yet to be shown; `feed.js` reads
//! what wsd tells of the session; `session.js` makes sense of both; `rows.js`, `view.js` and `save.js` are what was said,
//! `composer.js` what is going to be. They are put together as they are, without any tool.

mod document;
mod feed;

pub(in crate::http) use document::page;
pub(in crate::http) use feed::feed;
