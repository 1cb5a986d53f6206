//! The drawing in `src/lib.rs` against the imports: a module uses only lower layers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The table of `src/lib.rs`: module and layer.
fn layers() -> BTreeMap<String, u32> {
    let text = fs::read_to_string("src/lib.rs").expect("lib.rs");
    text.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("//! | ")?.split(" | ");
            let layer = cells.next()?.parse().ok()?;
            let module = cells.next()?.trim_matches(['`', '[', ']']);
            Some((module.to_owned(), layer))
        })
        .collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The module of the top level that a file belongs to.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").expect("a source");
    let first = inside.components().next().expect("a name").as_os_str();
    first
        .to_str()
        .expect("text")
        .trim_end_matches(".rs")
        .to_owned()
}

/// The modules of the top level that a text names: `crate::x`, in any nesting of a `use crate::{…}`.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("crate::") {
        let rest = &text[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(top_level_names(list)),
            None => found.extend(name(rest)),
        }
    }
    found
}

fn name(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

fn top_level_names(list: &str) -> Vec<String> {
    let (mut depth, mut names, mut at_start) = (0, Vec::new(), true);
    for (index, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            character if character.is_whitespace() => {}
            _ if at_start && depth == 0 => {
                names.extend(name(&list[index..]));
                at_start = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn import_reader_reads_nested_lists() {
    let text = "use crate::{\n  a::{b, c},\n  d,\n};\nuse crate::e::f; crate::g::h()";
    assert_eq!(imports(text), ["a", "d", "e", "g"]);
}

#[test]
fn every_module_stands_in_the_table() {
    let layers = layers();
    for file in sources(Path::new("src")) {
        let module = module_of(&file);
        assert!(
            module == "lib" || layers.contains_key(&module),
            "{module} has no layer in src/lib.rs"
        );
    }
    assert!(layers.len() > 8, "the table was not found: {layers:?}");
}

#[test]
fn modules_import_lower_layers_only() {
    let layers = layers();
    for file in sources(Path::new("src"))
        .iter()
        .filter(|file| !file.ends_with("lib.rs"))
    {
        let module = module_of(file);
        let text = fs::read_to_string(file).expect("a source");
        for import in imports(&text) {
            let allowed =
                import == module || layers[&import] < layers[&module] || is_entry(&module, &import);
            assert!(
                allowed,
                "{} imports {import}, which is not lower",
                file.display()
            );
        }
    }
}

/// The top layer is the program itself: `config` and `logging` read what `args` was given, `main` all.
fn is_entry(module: &str, import: &str) -> bool {
    matches!(
        (module, import),
        ("config" | "logging", "args") | ("main", _)
    )
}

#[test]
fn nothing_but_the_top_imports_args_or_config() {
    for file in sources(Path::new("src")) {
        let module = module_of(&file);
        if matches!(
            module.as_str(),
            "main" | "config" | "logging" | "lib" | "properties"
        ) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source");
        let imports = imports(&text);
        assert!(
            !imports
                .iter()
                .any(|import| import == "args" || import == "config"),
            "{} imports args or config",
            file.display()
        );
    }
}

#[test]
fn handlers_do_not_see_each_other() {
    let handlers = ["cgi", "console", "file", "redirect"];
    for handler in handlers {
        let own = |file: &PathBuf| {
            let inside = file
                .strip_prefix("src/http/pages")
                .expect("a handler's file");
            inside.with_extension("").starts_with(handler)
        };
        let files: Vec<_> = sources(Path::new("src/http/pages"))
            .into_iter()
            .filter(own)
            .collect();
        assert!(!files.is_empty(), "{handler} has no file");
        for file in files {
            let text = fs::read_to_string(&file).expect("a source");
            for other in handlers.iter().filter(|other| **other != handler) {
                let sees = ["super", "crate::http::pages"]
                    .iter()
                    .any(|parent| text.contains(&format!("{parent}::{other}")));
                assert!(!sees, "{} sees {other}", file.display());
            }
        }
    }
}

#[test]
fn one_folder_knows_the_websocket_library() {
    for file in sources(Path::new("src")) {
        let text = fs::read_to_string(&file).expect("a source");
        let named = text
            .lines()
            .any(|line| line.contains("tungstenite") && !line.trim_start().starts_with("//"));
        let allowed = file.starts_with("src/transport/websocket") || file.ends_with("message.rs");
        assert!(allowed || !named, "{} names tungstenite", file.display());
    }
}

#[test]
fn unsafe_stands_where_the_kernel_is_talked_to() {
    for file in sources(Path::new("src")) {
        let text = fs::read_to_string(&file).expect("a source");
        let allowed = file.starts_with("src/backend/spawn")
            || file.ends_with("server/listener/inherited.rs")
            // The C library, where it has no safe form.
            || file.ends_with("transport/websocket/deflate/allocation.rs");
        assert!(
            allowed || !text.contains("allow(unsafe_code"),
            "{}",
            file.display()
        );
    }
}
