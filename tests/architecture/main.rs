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
    // What chooses between them knows them all.
    let shared = ["dispatch", "root", "router"];
    let mut pages = TREE.children("http::pages");
    pages.retain(|page| !shared.contains(page));
    assert!(pages.len() > 3, "the pages were not found: {pages:?}");
    let found = rules::siblings_that_see_each_other(&TREE, "http::pages", &pages);
    assert_eq!(found, NOTHING);
}

#[test]
fn nothing_but_the_top_imports_args_or_config() {
    let top = ["main", "commands", "logging", "properties"];
    let found = rules::importers_of(&TREE, &["args", "config"], &top);
    assert_eq!(found, NOTHING);
}

/// Files below `config` that still name flags in what they say, and in how many strings.
const FLAGS_SAID: [(&str, usize); 14] = [
    ("doctor/cgroup.rs", 2),
    ("doctor/machine.rs", 2),
    ("http/access/host.rs", 1),
    ("http/access/origin.rs", 3),
    ("http/pages/cgi/relay.rs", 2),
    ("http/refusal.rs", 6),
    ("http/websocket/extensions.rs", 1),
    ("server/connection/http1.rs", 1),
    ("server/inetd.rs", 1),
    ("server/listener/inherited.rs", 1),
    ("server/listener/mod.rs", 3),
    ("server/listener/socket_file.rs", 3),
    ("server/listener/tcp.rs", 1),
    ("server/tls/handshake.rs", 1),
];

#[test]
fn nothing_below_config_says_a_flag() {
    let allowed = BTreeMap::from(FLAGS_SAID);
    for (file, count) in rules::flags_said(&TREE, &layers(), 6) {
        let most = allowed.get(&*file).copied().unwrap_or_default();
        assert!(count <= most, "{file} names flags in {count} strings");
    }
}

/// Files that use what a module above them defines.
const MOST_ARROWS_UP: usize = 16;

#[test]
fn arrows_back_up_are_few() {
    let found = rules::arrows_up(&TREE);
    assert!(found.len() <= MOST_ARROWS_UP, "{found:#?}");
}

/// Files that need each other: a type and its parts, which are one thing, and what is still to be untied.
const CIRCLES: [&[&str]; 8] = [
    &["args/arguments.rs", "args/command_line.rs"],
    &[
        "config/client.rs",
        "config/doctor.rs",
        "config/mod.rs",
        "config/pages.rs",
        "config/program.rs",
        "config/service.rs",
        "config/task.rs",
    ],
    &[
        "config/file/mod.rs",
        "config/file/section.rs",
        "config/route.rs",
    ],
    &[
        "doctor/cgroup.rs",
        "doctor/limit.rs",
        "doctor/machine.rs",
        "doctor/mod.rs",
        "doctor/need.rs",
        "doctor/report.rs",
    ],
    &["http/handler.rs", "http/pages/dispatch.rs"],
    &[
        "server/connection/http1.rs",
        "server/connection/http2.rs",
        "server/connection/mod.rs",
        "server/connection/preface.rs",
    ],
    &[
        "server/listener/inherited.rs",
        "server/listener/mod.rs",
        "server/listener/socket_file.rs",
        "server/listener/tcp.rs",
        "server/listener/unix.rs",
    ],
    &[
        "server/tls/config.rs",
        "server/tls/handshake.rs",
        "server/tls/mod.rs",
        "server/tls/stream.rs",
        "server/tls/watch.rs",
    ],
];

#[test]
fn files_need_each_other_in_one_direction() {
    for circle in rules::circles(&TREE) {
        let is_known = CIRCLES
            .iter()
            .any(|known| circle.iter().all(|file| known.contains(&&**file)));
        assert!(is_known, "{circle:#?}");
    }
}

/// Each `mod.rs` that is still more than a face.
const FACES_WITH_CODE: [&str; 7] = [
    "config/file/mod.rs",
    "config/mod.rs",
    "doctor/mod.rs",
    "server/connection/mod.rs",
    "server/listener/mod.rs",
    "server/mod.rs",
    "server/tls/mod.rs",
];

#[test]
fn folder_has_a_face() {
    for (file, items) in rules::faces_with_code(&TREE) {
        let is_known = FACES_WITH_CODE.contains(&&*file);
        assert!(is_known, "{file} defines {items:?}");
    }
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
        "server/listener/inherited.rs",
        // The C library, where it has no safe form.
        "transport/websocket/deflate/allocation.rs",
    ];
    let found = rules::strangers_that_say(&TREE, "unsafe_code", &may);
    assert_eq!(found, NOTHING);
}
