//! The rules, each a function of a tree that tells what breaks it.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Tree, names};

/// The table of `src/lib.rs`: module and layer.
pub(crate) fn layers(text: &str) -> BTreeMap<String, u32> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("//! | ")?.split(" | ");
        let layer = cells.next()?.parse().ok()?;
        let module = cells.next()?.trim_matches(['`', '[', ']', '/']);
        Some((module.to_owned(), layer))
    };
    text.lines().filter_map(row).collect()
}

/// The module of the top level that a file belongs to: `main` and `lib` are two of them.
pub(crate) fn room(file: &str) -> &str {
    file.split('/')
        .next()
        .unwrap_or(file)
        .trim_end_matches(".rs")
}

/// Files whose module has no layer.
pub(crate) fn without_a_layer(tree: &Tree, layers: &BTreeMap<String, u32>) -> Vec<String> {
    let rooms: BTreeSet<&str> = tree.files.keys().map(|file| room(file)).collect();
    let rooms = rooms.into_iter();
    rooms
        .filter(|room| *room != "lib" && !layers.contains_key(*room))
        .map(str::to_owned)
        .collect()
}

/// Each file with the modules of the top level that it names, its own left out.
fn rooms_named(tree: &Tree) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (name, file) in tree.files.iter().filter(|(name, _)| *name != "lib.rs") {
        for path in &file.uses {
            let absolute = tree.absolute(file, path).unwrap_or_default();
            let Some(named) = absolute.first() else {
                continue;
            };
            if named != room(name) {
                found.insert((name.clone(), named.clone()));
            }
        }
    }
    found
}

/// Imports of what is not lower, but for those that `allowed` names by module and import.
pub(crate) fn upward_imports(
    tree: &Tree,
    layers: &BTreeMap<String, u32>,
    allowed: &[(&str, &str)],
) -> Vec<String> {
    let is_wrong = |(file, named): &(String, String)| {
        let own = layers.get(room(file));
        // What has no layer is an item of the root, or is told of elsewhere.
        let lower = layers.get(named).is_none_or(|layer| Some(layer) < own);
        !lower && !allowed.contains(&(room(file), named))
    };
    let named = rooms_named(tree).into_iter().filter(is_wrong);
    named
        .map(|(file, named)| format!("{file} imports {named}, which is not lower"))
        .collect()
}

/// Files that import one of some modules, and are in none of the rooms that may.
pub(crate) fn importers_of(tree: &Tree, modules: &[&str], may: &[&str]) -> Vec<String> {
    let is_wrong = |(file, named): &(String, String)| {
        modules.contains(&&**named) && !may.contains(&room(file)) && !modules.contains(&room(file))
    };
    let named = rooms_named(tree).into_iter().filter(is_wrong);
    named
        .map(|(file, named)| format!("{file} imports {named}"))
        .collect()
}

/// Siblings below a module that name each other.
pub(crate) fn siblings_that_see_each_other(
    tree: &Tree,
    above: &str,
    siblings: &[&str],
) -> Vec<String> {
    let above = names(above);
    let sibling = |path: &[String]| {
        let name = path.strip_prefix(&above[..])?.first()?;
        siblings.iter().copied().find(|sibling| sibling == name)
    };
    let mut found = BTreeSet::new();
    for (name, file) in &tree.files {
        let Some(own) = sibling(&file.module) else {
            continue;
        };
        for path in &file.uses {
            let named = tree.absolute(file, path);
            let other = named.and_then(|named| sibling(&named));
            if let Some(other) = other.filter(|other| *other != own) {
                found.insert(format!("{name} sees {other}"));
            }
        }
    }
    found.into_iter().collect()
}

/// How many strings of each file, below a layer, name a flag.
pub(crate) fn flags_said(
    tree: &Tree,
    layers: &BTreeMap<String, u32>,
    below: u32,
) -> BTreeMap<String, usize> {
    let is_below = |file: &str| layers.get(room(file)).is_some_and(|layer| *layer < below);
    let files = tree.files.iter().filter(|(name, _)| is_below(name));
    let counts = files.map(|(name, file)| {
        let said = file.literals.iter().filter(|literal| !literal.in_test);
        (
            name.clone(),
            said.filter(|literal| names_a_flag(&literal.text)).count(),
        )
    });
    counts.filter(|(_, count)| *count > 0).collect()
}

/// Two dashes and a letter, where a word begins.
fn names_a_flag(text: &str) -> bool {
    text.match_indices("--").any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + 2..].chars().next();
        after.is_some_and(|after| after.is_ascii_lowercase())
            && before.is_none_or(|before| !before.is_alphanumeric() && before != '-')
    })
}

/// Files that use what a module above them defines itself, rather than names from elsewhere.
pub(crate) fn arrows_up(tree: &Tree) -> Vec<String> {
    let is_up = |(from, to): &(String, String)| {
        let (from, to) = (&tree.files[from].module, tree.files.get(to));
        to.is_some_and(|to| {
            !to.module.is_empty() && from.len() > to.module.len() && from.starts_with(&to.module)
        })
    };
    let arrows = tree.arrows().into_iter().filter(is_up);
    arrows.map(|(from, to)| format!("{from} → {to}")).collect()
}

/// Sets of files each of which needs the others.
pub(crate) fn circles(tree: &Tree) -> Vec<Vec<String>> {
    let mut to: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, target) in tree.arrows() {
        to.entry(from).or_default().insert(target);
    }
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        to.keys().map(|file| (file, reachable(&to, file))).collect();
    let mut found = BTreeSet::new();
    for (file, others) in &reached {
        let back = |other: &&&String| reached.get(**other).is_some_and(|back| back.contains(file));
        let circle: Vec<String> = others
            .iter()
            .filter(back)
            .map(|file| (**file).clone())
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn reachable<'a>(
    to: &'a BTreeMap<String, BTreeSet<String>>,
    start: &'a String,
) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        for next in to.get(file).into_iter().flatten() {
            if found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}

/// Every `mod.rs` that is more than a face (documentation, `mod`, `pub use`), and what it defines.
pub(crate) fn faces_with_code(tree: &Tree) -> Vec<(String, Vec<String>)> {
    let files = tree.files.iter();
    files
        .filter(|(name, file)| name.ends_with("/mod.rs") && !file.items.is_empty())
        .map(|(name, file)| (name.clone(), file.items.clone()))
        .collect()
}

/// Files outside of some folders and files that have an identifier.
pub(crate) fn strangers_that_say(tree: &Tree, identifier: &str, may: &[&str]) -> Vec<String> {
    let files = tree.files.iter();
    files
        .filter(|(_, file)| {
            file.identifiers
                .iter()
                .any(|name| name.contains(identifier))
        })
        .filter(|(name, _)| !may.iter().any(|may| name.starts_with(may)))
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "//! | layer | module | what |\n//! |---|---|---|\n//! | 7 | `main` | m |\n\
                         //! | 6 | [`config`] | c |\n//! | 4 | [`http`] | h |\n//! | 2 | `backend/` | b |\n\
                         //! | 2 | [`transport`] | t |\n";

    fn tree(files: &[(&'static str, &'static str)]) -> Tree {
        Tree::of(files.iter().copied())
    }

    #[test]
    fn table_is_read() {
        let layers = layers(TABLE);
        assert_eq!(layers.len(), 5, "{layers:?}");
        assert_eq!((layers["backend"], layers["config"]), (2, 6));
        let tree = tree(&[("lib.rs", ""), ("hub/mod.rs", ""), ("http.rs", "")]);
        assert_eq!(without_a_layer(&tree, &layers), ["hub"]);
    }

    #[test]
    fn import_that_is_not_lower_is_found() {
        let layers = layers(TABLE);
        for (file, text) in [
            ("backend/a.rs", "use crate::{transport::X};"),
            ("backend/a.rs", "use super::super::http::X;"),
            ("transport.rs", "fn f() { crate::config::X::new(); }"),
            ("http/a/b.rs", "use wsd::{config::{self, Y}};"),
        ] {
            let found = upward_imports(&tree(&[(file, text)]), &layers, &[]);
            assert_eq!(found.len(), 1, "{file}: {text}: {found:?}");
        }
        let fine = tree(&[
            ("http/a.rs", "use crate::{backend::X, http::b, transport};"),
            ("config.rs", "use crate::main::X;"),
        ]);
        let allowed = [("config", "main")];
        assert!(upward_imports(&fine, &layers, &allowed).is_empty());
    }

    #[test]
    fn stranger_to_the_configuration_is_found() {
        let tree = tree(&[
            ("a.rs", "use crate::{b, config::X};"),
            ("main.rs", "use wsd::config::X;"),
        ]);
        let found = importers_of(&tree, &["config"], &["main"]);
        assert_eq!(found, ["a.rs imports config"]);
    }

    #[test]
    fn sibling_is_seen_in_every_form() {
        for text in [
            "use super::{body, file::X};",
            "use crate::http::{pages::{file}};",
            "fn f() { super::file::f() }",
            "use super::super::pages::file::X as Y;",
        ] {
            let tree = tree(&[("http/pages/cgi.rs", text), ("http/pages/file/mod.rs", "")]);
            let found = siblings_that_see_each_other(&tree, "http::pages", &["cgi", "file"]);
            assert_eq!(found, ["http/pages/cgi.rs sees file"], "{text}");
        }
    }

    #[test]
    fn flag_is_seen_in_what_is_said() {
        let tree = tree(&[
            (
                "http/a.rs",
                "//! --doc\n/// --doc\nfn f() { g(\"give --port=N\", r#\"'--x'\"#, \"a--b\", \"--\", \"-----BEGIN\") }\n\
                 #[cfg(test)] mod tests { fn f() { g(\"--test\") } }",
            ),
            (
                "http/b.rs",
                "#[derive(Error)] enum E { #[error(\"see --x\")] X }",
            ),
            ("config.rs", "const X: &str = \"--x\";"),
        ]);
        let found = flags_said(&tree, &layers(TABLE), 6);
        let expected = [("http/a.rs".to_owned(), 2), ("http/b.rs".to_owned(), 1)];
        assert_eq!(found, expected.into());
    }

    #[test]
    fn arrow_up_is_one_to_what_is_defined_there() {
        let tree = tree(&[
            ("a/mod.rs", "mod b; mod c; pub use c::C; pub struct Own;"),
            ("a/b.rs", "use super::{C, Own}; use crate::a::c;"),
            (
                "a/c.rs",
                "pub struct C; #[cfg(test)] mod tests { use crate::a::Own; }",
            ),
        ]);
        assert_eq!(arrows_up(&tree), ["a/b.rs → a/mod.rs"]);
    }

    #[test]
    fn circle_of_files_is_found() {
        let tree = tree(&[
            ("a/b.rs", "use super::c::C; pub struct B;"),
            ("a/c.rs", "use super::d::D; pub struct C;"),
            ("a/d.rs", "use super::b::B; pub struct D;"),
            ("a/e.rs", "use super::b::B; pub struct E;"),
        ]);
        assert_eq!(circles(&tree), [["a/b.rs", "a/c.rs", "a/d.rs"]]);
    }

    #[test]
    fn face_has_no_code() {
        let tree = tree(&[
            (
                "a/mod.rs",
                "//! A.\n#![allow(x)]\nmod b; pub mod c; pub use b::{X, Y};\n#[cfg(test)] mod tests { fn f() {} }",
            ),
            (
                "d/mod.rs",
                "mod e; use e::E; pub const K: u8 = 1; pub const fn f() -> &'static str { struct Inner; } impl E { fn g() {} }",
            ),
        ]);
        let items = ["K", "f", "impl"].map(str::to_owned).to_vec();
        assert_eq!(faces_with_code(&tree), [("d/mod.rs".to_owned(), items)]);
    }

    #[test]
    fn identifier_is_found_but_not_in_comments() {
        let tree = tree(&[
            (
                "a.rs",
                "// hyper_tungstenite\n/// tungstenite\nfn f() { \"tungstenite\" }",
            ),
            ("b.rs", "use hyper_tungstenite::tungstenite as t;"),
            ("c/d.rs", "use tungstenite::X;"),
            ("e.rs", "#![allow(unsafe_code)]"),
        ]);
        assert_eq!(strangers_that_say(&tree, "tungstenite", &["c/"]), ["b.rs"]);
        assert_eq!(strangers_that_say(&tree, "unsafe_code", &[]), ["e.rs"]);
    }
}
