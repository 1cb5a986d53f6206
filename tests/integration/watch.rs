//! `--watch`, and programs: sessions of those which have changed end, and nobody else's.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{
    Client, Gateway, Server, Signal, eventually, installed::find_or_skip, script,
};

const CHANGED: (u16, &str) = (1012, "the program has changed");

/// A program that says a word, and then what it is told.
fn echo(word: &str) -> String {
    format!("#!/bin/sh\necho {word}\nexec cat\n")
}

/// A server, and the programs that it runs.
struct Site {
    directory: TempDir,
    server: Server,
}

impl Site {
    /// Words in which DIR is the directory, where the programs `a` and `b` say their names.
    fn new(words: &str) -> Self {
        Self::with(words, |gateway| gateway)
    }

    fn with(words: &str, more: impl FnOnce(Gateway) -> Gateway) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["a", "b"] {
            script(directory.path(), name, &echo(name));
        }
        let path = directory.path().display().to_string();
        let words: Vec<_> = words
            .split(' ')
            .map(|word| word.replace("DIR", &path))
            .collect();
        let gateway = Gateway::new().args(["--watch"]).args(words);
        Site {
            server: more(gateway).start(),
            directory,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Saves a program as another that says a word.
    fn save(&self, name: &str, word: &str) {
        script(self.directory.path(), name, &echo(word));
    }

    /// A session that has heard this.
    fn session(&self, target: &str, said: &str) -> Client {
        let mut client = self.server.connect_to(target);
        assert_eq!(client.text(), said);
        client
    }
}

fn assert_ended(client: &mut Client) {
    let (code, reason) = client.closed();
    assert_eq!((code, &*reason), CHANGED);
}

/// It would hear a Close first.
fn assert_runs(client: &mut Client) {
    client.send("still there");
    assert_eq!(client.text(), "still there");
}

#[test]
fn sessions_of_a_program_that_was_saved_end_and_new_ones_run_it() {
    let site = Site::new("DIR/a");
    let mut first = site.session("/", "a");
    for word in ["two", "three"] {
        site.save("a", word);
        assert_ended(&mut first);
        first = site.session("/", word);
    }
}

#[test]
fn program_may_be_saved_as_another_file_in_its_place() {
    let site = Site::new("DIR/a");
    let mut client = site.session("/", "a");
    // As vim does.
    fs::rename(site.at("a"), site.at("a~")).expect("one file system");
    site.save("a", "two");
    fs::remove_file(site.at("a~")).expect("it is there");
    assert_ended(&mut client);
    let mut client = site.session("/", "two");
    // As most do.
    site.save(".a.tmp", "three");
    fs::rename(site.at(".a.tmp"), site.at("a")).expect("one file system");
    assert_ended(&mut client);
    site.session("/", "three");
}

/// Saves a program by an editor as one that says another word.
#[test]
fn program_may_be_saved_by_whatever_editor() {
    for (editor, command) in [
        ("vim", "vim -u NONE -es -c '%s/one/two/' -c wq"),
        (
            "vim",
            "vim -u NONE -es -c 'set backup backupcopy=yes' -c '%s/one/two/' -c wq",
        ),
        (
            "vim",
            "vim -u NONE -es -c 'set nobackup backupcopy=no' -c '%s/one/two/' -c wq",
        ),
        ("ed", "printf ',s/one/two/\\nwq\\n' | ed -s"),
        ("sed", "sed -i s/one/two/"),
        ("perl", "perl -pi -e s/one/two/"),
    ] {
        if find_or_skip(editor).is_none() {
            continue;
        }
        let site = Site::new("DIR/a");
        let mut client = site.session("/", "a");
        site.save("a", "one");
        assert_ended(&mut client);
        let mut client = site.session("/", "one");
        let command = format!("{command} {}", site.at("a").display());
        let mut shell = Command::new("sh");
        let saved = shell.args(["-c", &command]).stdin(Stdio::null()).status();
        assert!(saved.expect("a shell").success(), "{command}");
        assert_ended(&mut client);
        site.session("/", "two");
    }
}

#[test]
fn sessions_of_other_programs_stay() {
    for words in [
        "--route=/a=DIR/a --route=/b=DIR/b",
        "--dir=DIR",
        "--route=/a=DIR/a DIR/b",
    ] {
        let site = Site::new(words);
        let (mut a, mut b) = (site.session("/a", "a"), site.session("/b", "b"));
        site.save("a", "two");
        assert_ended(&mut a);
        assert_runs(&mut b);
        site.session("/a", "two");
    }
}

#[test]
fn link_that_leads_to_another_program_is_a_change() {
    let site = Site::new("--dir=DIR");
    let link = |to: &str| {
        let name = site.at("next");
        std::os::unix::fs::symlink(to, &name).expect("a link");
        fs::rename(name, site.at("link")).expect("one file system");
    };
    link("a");
    let mut client = site.session("/link", "a");
    link("b");
    assert_ended(&mut client);
    let mut client = site.session("/link", "b");
    site.save("b", "two");
    assert_ended(&mut client);
}

#[test]
fn script_of_an_interpreter_is_its_program_and_its_data_are_not() {
    let site = Site::new("--route=/b=DIR/b sh DIR/a DIR/scores");
    fs::write(site.at("scores"), "1").expect("a file");
    let (mut a, mut b) = (site.session("/", "a"), site.session("/b", "b"));
    fs::write(site.at("scores"), "2").expect("a file");
    site.save("b", "two");
    assert_ended(&mut b);
    assert_runs(&mut a);
    site.save("a", "two");
    assert_ended(&mut a);
}

#[test]
fn path_that_is_named_counts_for_all_programs() {
    let library = tempfile::tempdir().expect("a directory");
    let path = library.path().display().to_string();
    let words = "--route=/a=DIR/a --route=/b=DIR/b";
    let site = Site::with(words, |gateway| gateway.args([format!("--watch={path}")]));
    let mut clients = [site.session("/a", "a"), site.session("/b", "b")];
    fs::create_dir(library.path().join("sub")).expect("a directory");
    clients.iter_mut().for_each(assert_ended);
    let mut clients = [site.session("/a", "a"), site.session("/b", "b")];
    fs::write(library.path().join("sub/module"), "x").expect("a file");
    clients.iter_mut().for_each(assert_ended);
}

#[test]
fn shared_program_ends_and_the_next_who_joins_has_the_new_one() {
    let site = Site::new("--share DIR/a");
    let mut first = site.session("/", "a");
    let mut second = site.server.connect();
    site.save("a", "two");
    assert_ended(&mut first);
    assert_ended(&mut second);
    site.session("/", "two");
}

#[test]
fn members_stay_where_a_shared_program_is_started_again() {
    let mut site = Site::new("--share --respawn DIR/a");
    let mut first = site.session("/", "a");
    let mut second = site.server.connect();
    site.save("a", "two");
    for client in [&mut first, &mut second] {
        assert_eq!(client.text(), "two");
    }
    first.send("x");
    assert_eq!(second.text(), "x");
    site.server.wait_for_line("the program was started again");
    assert!(!site.server.log().contains("is started again in"));
}

#[test]
fn shared_program_that_is_kept_is_started_again_without_members() {
    let mut site = Site::new("--share --share-keep=always DIR/a");
    // It was started before the server said where it listens.
    let before = site.server.children();
    site.save("a", "two");
    site.server.wait_for_line("shared program ended");
    site.server.wait_for_line("shared program started");
    eventually("there is one, and another", || {
        let now = site.server.children();
        now.len() == before.len() && now != before
    });
}

#[test]
fn server_that_wsd_has_started_is_started_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let save = |word: &str| {
        let text = format!("#!/bin/sh\necho {word}\nexec sleep 1000\n");
        script(directory.path(), "server", &text)
    };
    let flag = format!("--start={}", save("one").display());
    let mut server = Gateway::new().args(["--watch", &flag, "cat"]).start();
    let mut client = server.connect();
    assert_runs(&mut client);
    for word in ["two", "three"] {
        save(word);
        server.wait_for_line("server ended, as it was told");
        server.wait_for_line(word);
    }
    assert_runs(&mut client);
    assert!(!server.log().contains("is started again in"));
}

#[test]
fn program_that_was_saved_half_is_refused_until_it_is_whole() {
    for share in ["", "--share "] {
        let site = Site::new(&format!("{share}DIR/a"));
        let mut client = site.session("/", "a");
        fs::write(site.at("a"), "").expect("a file");
        assert_ended(&mut client);
        assert_eq!(site.server.status("/", &[]), 500, "{share}");
        site.save("a", "two");
        // Whoever comes before it was seen finds it broken, or waited for.
        let mut client = None;
        eventually("it is started", || {
            let asked = site.server.ask("/", &[]);
            let is_open = asked.head.starts_with("HTTP/1.1 101 ");
            client = is_open.then_some(asked);
            is_open
        });
        assert_eq!(client.expect("a session").text(), "two");
    }
}

#[test]
fn program_that_was_taken_away_keeps_its_sessions_until_it_is_back() {
    let mut site = Site::new("DIR/a");
    let mut client = site.session("/", "a");
    fs::remove_file(site.at("a")).expect("it is there");
    site.server.wait_for_line("is gone");
    assert_runs(&mut client);
    site.save("a", "two");
    assert_ended(&mut client);
}

#[test]
fn directory_that_is_taken_away_is_watched_when_it_is_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let programs = directory.path().join("programs");
    fs::create_dir(&programs).expect("a directory");
    script(&programs, "c", &echo("c"));
    let flag = format!("--dir={}", programs.display());
    let server = Gateway::new().args(["--watch", &flag]).start();
    let mut site = Site { directory, server };
    let mut client = site.session("/c", "c");
    fs::remove_dir_all(site.at("programs")).expect("it is there");
    site.server.wait_for_line("is gone");
    assert_runs(&mut client);
    fs::create_dir(site.at("programs")).expect("a directory");
    site.save("programs/c", "two");
    assert_ended(&mut client);
    let mut client = site.session("/c", "two");
    site.save("programs/c", "three");
    assert_ended(&mut client);
}

fn configured(text: &str) -> Server {
    let gateway = Gateway::new().file(text);
    save_program(gateway.directory(), "one");
    gateway.start()
}

fn save_program(directory: &Path, word: &str) {
    script(directory, "program", &echo(word));
}

#[test]
fn configuration_that_was_saved_is_read_again() {
    let mut server = configured("watch = true\ncommand = \"DIR/program\"\n");
    let mut client = server.connect();
    assert_eq!(client.text(), "one");
    let text = fs::read_to_string(server.config()).expect("a file");
    fs::write(server.config(), format!("{text}nonsense = 1\n")).expect("a file");
    server.wait_for_line("the configuration stays as it is");
    let route = "[[route]]\npath = \"/two\"\ncommand = \"echo two\"\n";
    fs::write(server.config(), format!("{text}{route}")).expect("a file");
    server.wait_for_line("the configuration was read again");
    assert_eq!(server.text("/two"), "two");
    assert_runs(&mut client);
}

#[test]
fn configuration_that_is_read_again_says_what_is_watched() {
    let mut server = configured("command = \"DIR/program\"\n");
    let mut client = server.connect();
    assert_eq!(client.text(), "one");
    let text = fs::read_to_string(server.config()).expect("a file");
    fs::write(server.config(), format!("watch = true\n{text}")).expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("the configuration was read again");
    save_program(server.directory(), "two");
    server.wait_for_line("program has changed");
    // What it was made of was not known when it began.
    assert_runs(&mut client);
    let mut client = server.connect();
    assert_eq!(client.text(), "two");
    save_program(server.directory(), "three");
    assert_ended(&mut client);
    // And off.
    fs::write(server.config(), text).expect("a file");
    server.wait_for_line("the configuration was read again");
    assert_eq!(server.text("/"), "three");
}

#[test]
fn log_of_its_own_is_no_change() {
    let directory = tempfile::tempdir().expect("a directory");
    script(directory.path(), "a", &echo("a"));
    let log = directory.path().join("log");
    let path = directory.path().display();
    let server = Gateway::new()
        .shell(&format!(
            "exec 3>&2 2>{}; (tail -f {} >&3 &)",
            log.display(),
            log.display()
        ))
        .args([format!("--watch={path}"), format!("{path}/a")])
        .start();
    let mut client = server.connect();
    assert_eq!(client.text(), "a");
    // Each session is a line of the log.
    for _ in 0..3 {
        server.text("/");
    }
    assert_runs(&mut client);
    script(directory.path(), "b", "x");
    assert_ended(&mut client);
}
