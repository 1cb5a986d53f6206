//! What is said of the examples is so: they are listed, they have one style, their programs are short.

use std::{fs, path::Path};

#[test]
fn examples_have_one_style() {
    let mut styles = Vec::new();
    for entry in fs::read_dir("examples").expect("examples").flatten() {
        let page = entry.path().join("index.html");
        let Ok(page) = fs::read_to_string(&page) else {
            continue;
        };
        assert!(page.contains("href=\"style.css\""), "{:?}", entry.path());
        styles.push(fs::read_to_string(entry.path().join("style.css")).expect("its style"));
    }
    assert!(styles.len() > 10, "{}", styles.len());
    styles.dedup();
    assert_eq!(styles.len(), 1, "the copies of style.css differ");
    for file in ["game.css", "clock.js"] {
        let of = |game: &str| fs::read_to_string(format!("examples/{game}/{file}")).expect(file);
        assert_eq!(of("agar"), of("asteroids"), "{file}");
    }
}

/// What the tables of the project promise of each program's length.
#[test]
fn programs_of_the_examples_are_as_short_as_they_are_said_to_be() {
    let lengths = [
        ("chat/chat.py", 25),
        ("chat/chat.tcl", 25),
        ("chat/chat.awk", 25),
        ("chat/chat.bash", 25),
        ("agar/agar.tcl", 249),
        ("cursors/cursors.sed", 30),
        ("quiz/quiz.py", 30),
        ("dashboard/dashboard.sh", 30),
        ("log/log.sh", 30),
        ("llm/model.py", 30),
    ];
    for (file, most) in lengths {
        let text = fs::read_to_string(Path::new("examples").join(file)).expect("a program");
        let lines = text.lines().count();
        assert!(lines <= most, "{file} has {lines} lines");
    }
}

#[test]
fn chat_programs_of_the_documents_are_those_of_the_example() {
    let page = fs::read_to_string("docs/sharing.md").expect("the page");
    for language in ["py", "tcl", "awk", "bash"] {
        let program = fs::read_to_string(format!("examples/chat/chat.{language}")).expect("one");
        assert!(page.contains(program.trim_end()), "chat.{language} differs");
    }
}

#[test]
fn gallery_lists_every_example() {
    let page = fs::read_to_string("examples/README.md").expect("the gallery");
    for entry in fs::read_dir("examples").expect("examples").flatten() {
        let name = entry.file_name().into_string().expect("text");
        if entry.path().is_dir() {
            assert!(
                page.contains(&format!("]({name}/README.md)")),
                "{name} is missing"
            );
        }
    }
}

#[test]
fn links_and_paths_of_the_examples_lead_somewhere() {
    let entries = fs::read_dir("examples").expect("examples").flatten();
    let folders = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir());
    for folder in folders.chain(["examples".into()]) {
        let text = fs::read_to_string(folder.join("README.md")).expect("a README");
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let path = link.split('#').next().expect("a path");
            assert!(folder.join(path).exists(), "{folder:?} links to {link}");
        }
        let words =
            text.split(|character: char| character.is_whitespace() || "`()=".contains(character));
        for word in words.filter(|word| word.starts_with("./examples/")) {
            let path = word.trim_end_matches([',', '.', ';', ':']);
            assert!(Path::new(path).exists(), "{folder:?} names {path}");
        }
    }
}
