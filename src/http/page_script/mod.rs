//! The script by which open pages load anew when their files change: how it comes into pages.
//!
//! It is added at the very end of a page, behind all markup, where browsers take it whatever stands there. Nothing of a
//! page is read for that but its first two bytes, which may say that it is UTF-16.

mod addition;
mod encoding;
mod followed_body;

pub(super) use addition::{PageScript, SCRIPT_PATH, STREAM_PATH, is_html};
pub(super) use encoding::PageEncoding;
