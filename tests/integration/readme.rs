//! What is written for people, tested like code: flags, links, commands, close codes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::support::run;

/// README, CHANGELOG, CONTRIBUTING and every page of `docs/`, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let mut files = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
        .map(PathBuf::from)
        .to_vec();
    files.extend(
        fs::read_dir("docs")
            .expect("docs")
            .flatten()
            .map(|entry| entry.path()),
    );
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a page");
        (file, text)
    };
    let pages: Vec<_> = files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
        .map(read)
        .collect();
    assert!(pages.len() > 5, "the pages were not found");
    pages
}

/// Words that begin with `--` and are no more than a flag's name.
fn flags_in(text: &str) -> BTreeSet<String> {
    let is_name = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    text.match_indices("--")
        .filter(|(start, _)| {
            let before = text[..*start].chars().next_back();
            before.is_none_or(|character| !character.is_alphanumeric() && character != '-')
        })
        .map(|(start, _)| {
            let name: String = text[start + 2..]
                .chars()
                .take_while(|character| is_name(*character))
                .collect();
            format!("--{}", name.trim_end_matches('-'))
        })
        .filter(|flag| flag.len() > 3)
        .collect()
}

fn flags_of_help() -> BTreeSet<String> {
    let help = run(&["--help"]).stdout;
    let is_definition = |line: &&str| line.trim_start().starts_with('-');
    help.lines()
        .filter(is_definition)
        .flat_map(|line| {
            flags_in(
                line.split("  ")
                    .find(|part| part.contains("--"))
                    .unwrap_or(line),
            )
        })
        .collect()
}

/// Flags of other programs that the pages name.
const FOREIGN: [&str; 25] = [
    // grep(1)
    "--line-buffered",
    // jq(1)
    "--unbuffered",
    "--json",
    "--svg",
    "--server",
    "--test",
    "--lib",
    "--seconds",
    "--features",
    "--no-default-features",
    "--release",
    "--locked",
    "--path",
    "--bench",
    "--only",
    "--rounds",
    "--kill-child",
    "--mount-proc",
    "--unix-socket",
    "--http2-prior-knowledge",
    "--log-net-log",
    "--ignore-missing",
    "--now",
    "--rm",
    "--from",
];

/// All flags of websockify, each of which the page about it names.
const OF_WEBSOCKIFY: [&str; 36] = [
    "--verbose",
    "--traffic",
    "--record",
    "--daemon",
    "--run-once",
    "--timeout",
    "--idle-timeout",
    "--cert",
    "--key",
    "--key-password",
    "--ssl-only",
    "--ssl-target",
    "--verify-client",
    "--cafile",
    "--ssl-version",
    "--ssl-ciphers",
    "--unix-listen",
    "--unix-listen-mode",
    "--unix-target",
    "--inetd",
    "--web",
    "--web-auth",
    "--wrap-mode",
    "--prefer-ipv6",
    "--libserver",
    "--target-config",
    "--token-plugin",
    "--token-source",
    "--host-token",
    "--auth-plugin",
    "--auth-source",
    "--heartbeat",
    "--log-file",
    "--syslog",
    "--legacy-syslog",
    "--file-only",
];

#[test]
fn every_flag_of_websockify_has_its_line() {
    let page = fs::read_to_string("docs/from-websockify.md").expect("the page");
    let named = flags_in(&page);
    for flag in OF_WEBSOCKIFY {
        assert!(
            named.contains(flag),
            "docs/from-websockify.md says nothing of {flag}"
        );
    }
}

/// All options of pywebsocket3, in the same way.
const OF_PYWEBSOCKET: [&str; 27] = [
    "--config",
    "--server-host",
    "--validation-host",
    "--port",
    "--validation-port",
    "--websock-handlers",
    "--websock-handlers-map-file",
    "--scan-dir",
    "--allow-handlers-outside-root-dir",
    "--document-root",
    "--cgi-paths",
    "--tls",
    "--private-key",
    "--certificate",
    "--tls-client-auth",
    "--tls-client-cert-optional",
    "--tls-client-ca",
    "--basic-auth",
    "--basic-auth-credential",
    "--log-file",
    "--log-level",
    "--deflate-log-level",
    "--thread-monitor-interval-in-sec",
    "--log-max",
    "--log-count",
    "--queue",
    "--handler-encoding",
];

#[test]
fn every_option_of_pywebsocket_has_its_line() {
    let page = fs::read_to_string("docs/from-pywebsocket.md").expect("the page");
    let named = flags_in(&page);
    for flag in OF_PYWEBSOCKET {
        assert!(
            named.contains(flag),
            "docs/from-pywebsocket.md says nothing of {flag}"
        );
    }
}

#[test]
fn every_flag_of_the_pages_exists() {
    let known = flags_of_help();
    assert!(known.len() > 25, "{known:?}");
    for (file, text) in pages() {
        // What is announced for later stands under a heading of its own.
        let text = text.split("## Not yet").next().expect("a beginning");
        let is_of_websockify =
            |flag: &str| file.ends_with("from-websockify.md") && OF_WEBSOCKIFY.contains(&flag);
        for flag in flags_in(text) {
            let is_of_pywebsocket =
                file.ends_with("from-pywebsocket.md") && OF_PYWEBSOCKET.contains(&&*flag);
            let is_known = is_of_pywebsocket
                || known.contains(&flag)
                || FOREIGN.contains(&flag.as_str())
                || is_of_websockify(&flag);
            assert!(
                is_known,
                "{} names {flag}, which wsd does not have",
                file.display()
            );
        }
    }
}

#[test]
fn every_flag_of_the_help_is_documented() {
    let text = fs::read_to_string("docs/command-line.md").expect("the page");
    let documented = flags_in(&text);
    for flag in flags_of_help() {
        assert!(
            documented.contains(&flag),
            "docs/command-line.md says nothing of {flag}"
        );
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    for (file, text) in pages() {
        for (start, _) in text.match_indices("](") {
            let target: String = text[start + 2..]
                .chars()
                .take_while(|character| *character != ')')
                .collect();
            let path = target.split('#').next().expect("a path");
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let found = file.parent().unwrap_or(Path::new("")).join(path);
            assert!(found.exists(), "{} links to {target}", file.display());
        }
    }
}

/// What stands in backticks and can only be a path: it has a slash, and begins with a folder's name.
fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_-./".contains(character);
    text.split('`').skip(1).step_by(2).filter(move |word| {
        word.contains('/')
            && word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(is_part)
    })
}

#[test]
fn every_path_that_says_where_code_is_exists() {
    for page in ["CONTRIBUTING.md", "docs/architecture.md"] {
        let text = fs::read_to_string(page).expect("the page");
        let mut paths = paths_in(&text).peekable();
        assert!(paths.peek().is_some(), "{page} names no path");
        for path in paths {
            let exists = Path::new(path).exists() || Path::new("src").join(path).exists();
            assert!(exists, "{page} names {path}, which is not there");
        }
    }
}

/// The rows of a table of layers, as modules with their layers.
fn layers_in(text: &str) -> BTreeMap<String, u32> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line
            .trim_start_matches("//! ")
            .strip_prefix("| ")?
            .split(" | ");
        let layer: u32 = cells.next()?.parse().ok()?;
        Some((layer, cells.next()?))
    });
    rows.flat_map(|(layer, modules)| {
        modules.split(", ").map(move |module| {
            let name = module.trim_matches(['`', '[', ']', '/']);
            (name.trim_end_matches(".rs").to_owned(), layer)
        })
    })
    .collect()
}

#[test]
fn layers_of_the_architecture_are_those_of_the_crate() {
    let page = fs::read_to_string("docs/architecture.md").expect("the page");
    let source = fs::read_to_string("src/lib.rs").expect("the crate");
    let mut expected = layers_in(&source);
    // The page has them in a sentence of their own.
    expected.retain(|module, _| module != "properties" && module != "pieces");
    assert!(expected.len() > 10, "the table was not found");
    assert_eq!(layers_in(&page), expected);
}

/// The commands of console blocks: what stands behind `$ `.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("$ "))
}

#[test]
fn options_of_the_commands_in_the_pages_parse() {
    let mut seen = 0;
    for (file, text) in pages() {
        for command in commands(&text) {
            let words = command
                .strip_prefix("wsd ")
                .or(command.strip_prefix("cargo run --release -- "));
            // A shell's own syntax is the shell's business.
            let Some(words) =
                words.filter(|words| !words.contains(['|', '>', '<', '&', '$', '\'', '"']))
            else {
                continue;
            };
            let parsed =
                wsd::args::Args::parse_from_words(words.split_whitespace().map(Into::into));
            let harmless = |error: &clap::Error| {
                error.exit_code() == 0
                    || text.contains(
                        &error
                            .to_string()
                            .lines()
                            .next()
                            .unwrap_or_default()
                            .to_owned(),
                    )
            };
            assert!(
                parsed.as_ref().err().is_none_or(harmless),
                "{}: {command}: {parsed:?}",
                file.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen} commands were found");
}

#[test]
fn first_commands_of_the_readme_name_files_that_exist() {
    let text = fs::read_to_string("README.md").expect("the README");
    assert!(text.contains(
        "cargo run --release -- --port=8080 --devconsole ./examples/fizzbuzz/fizzbuzz.py"
    ));
    assert!(text.contains("scripts/test"));
    for command in commands(&text) {
        for word in command
            .split_whitespace()
            .filter(|word| word.starts_with("./examples/") || word.starts_with("scripts/"))
        {
            assert!(Path::new(word).exists(), "README: {command}");
        }
    }
}

#[test]
fn every_example_says_how_it_is_run() {
    let entries = fs::read_dir("examples").expect("examples").flatten();
    for entry in entries.filter(|entry| entry.path().is_dir()) {
        let readme =
            fs::read_to_string(entry.path().join("README.md")).expect("an example has a README");
        assert!(
            readme.contains("cargo run --release --") || readme.contains("./examples/"),
            "{:?}",
            entry.path()
        );
    }
}

#[test]
fn the_readme_names_the_minimum_version_of_rust() {
    let text = fs::read_to_string("README.md").expect("the README");
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(text.contains(&format!("version {version} or later")));
}

#[test]
fn the_version_is_in_the_changelog() {
    let text = fs::read_to_string("CHANGELOG.md").expect("the changelog");
    assert!(text.contains(env!("CARGO_PKG_VERSION")));
}
