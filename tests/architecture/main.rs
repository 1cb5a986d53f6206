//! The table in `src/lib.rs` against the sources: who may import whom, what may be said where, and that a
//! `mod.rs` is a face.
//!
//! `tree` reads the sources, `rules` has the rules, each with samples that break it; here stands what of them
//! holds for wsd, with the exceptions. A list of exceptions may only become shorter.

mod rules;
mod tree;

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use tree::Tree;

static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::read(Path::new("src")));

fn layers() -> BTreeMap<String, u32> {
    rules::layers(&fs::read_to_string("src/lib.rs").expect("lib.rs"))
}

const NOTHING: [String; 0] = [];

#[test]
fn every_module_stands_in_the_table() {
    assert!(layers().len() > 8, "the table was not found");
    assert_eq!(rules::without_a_layer(&TREE, &layers()), NOTHING);
}

#[test]
fn modules_import_lower_layers_only() {
    // What was typed is read by what makes values of it; the binary's file by what it does.
    let allowed = [
        ("config", "args"),
        ("logging", "args"),
        ("main", "commands"),
    ];
    let found = rules::upward_imports(&TREE, &layers(), &allowed);
    assert_eq!(found, NOTHING);
}

#[test]
fn transport_and_backend_do_not_see_each_other() {
    let both = ["backend", "transport"];
    let found = rules::siblings_that_see_each_other(&TREE, "", &both);
    assert_eq!(found, NOTHING);
}

#[test]
fn pages_do_not_see_each_other() {
    // All that lies there is a page, but for what finds and calls them.
    let routing = [
        "answer",
        "directory",
        "mount",
        "root",
        "route",
        "route_match",
        "router",
    ];
    let mut pages = TREE.children("http::pages");
    assert!(
        routing.iter().all(|file| pages.contains(file)),
        "{pages:?} lack what the list has"
    );
    pages.retain(|page| !routing.contains(page));
    let found = rules::siblings_that_see_each_other(&TREE, "http::pages", &pages);
    assert_eq!(found, NOTHING);
}

#[test]
fn nothing_but_the_top_imports_args_or_config() {
    let top = ["main", "commands", "logging", "properties"];
    let found = rules::importers_of(&TREE, &["args", "config"], &top);
    assert_eq!(found, NOTHING);
}

/// Files below `config` that name flags in what they say, and in how many strings at most.
const FLAGS_SAID: [(&str, usize); 3] = [
    // The one table of what a refusal is about.
    ("http/refusal.rs", usize::MAX),
    // Those of other programs, which start containers.
    ("doctor/cgroup.rs", 2),
    ("doctor/machine.rs", 1),
];

#[test]
fn nothing_below_config_says_a_flag() {
    let allowed = BTreeMap::from(FLAGS_SAID);
    let mut found = rules::flags_said(&TREE, &layers(), 6);
    found.retain(|file, count| *count > allowed.get(&**file).copied().unwrap_or_default());
    assert_eq!(found, BTreeMap::new());
}

#[test]
fn no_arrow_goes_back_up() {
    assert_eq!(rules::arrows_up(&TREE), NOTHING);
}

#[test]
fn files_need_each_other_in_one_direction() {
    let found = rules::circles(&TREE);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_folder_has_a_face() {
    assert_eq!(rules::faces_with_code(&TREE), []);
}

#[test]
fn one_folder_knows_the_websocket_library() {
    let may = ["transport/websocket/", "message.rs"];
    let found = rules::strangers_that_say(&TREE, "tungstenite", &may);
    assert_eq!(found, NOTHING);
}

#[test]
fn unsafe_stands_where_the_kernel_is_talked_to() {
    let may = [
        "backend/spawn/",
        // A descriptor that the runtime has no type of its own for.
        "backend/pty/master.rs",
        "server/listener/inherited.rs",
        "send_queue.rs",
        "http/pages/root/location.rs",
        // What the kernel has in memory of a file.
        "http/pages/file/residency.rs",
        // The C library, where it has no safe form.
        "config/memberships.rs",
        "room.rs",
        "start_code.rs",
    ];
    let found = rules::strangers_that_say(&TREE, "unsafe_code", &may);
    assert_eq!(found, NOTHING);
}
