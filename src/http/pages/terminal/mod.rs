//! The terminal page: a document and its script, which stands at the path of a program that has a terminal.
//!
//! Both are kept packed in the binary, as `scripts/page` has built them from `page/`. Whoever asks for nothing but
//! the path gets the document; the script is asked for at the same path, by a query that is its name, so that the page
//! works wherever a proxy puts it and takes no path from anybody. Its query takes the place of the document's, and with
//! that of a token there: so the script, which is the same for everybody, is for everybody.

mod answer;
mod packed;

pub(in crate::http) use answer::{answer, is_for_script};
