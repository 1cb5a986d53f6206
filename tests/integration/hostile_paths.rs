//! Paths that nobody honest sends, byte by byte as no client would send them: nothing outside the static
//! root is ever served, nor anything hidden within it.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::support::{Gateway, PATIENCE, Server, script};

/// What stands in every file, and in the names of files, that must not be seen.
const SECRET: &str = "SECRET";

/// A root with pages and traps, and secrets around it and hidden in it.
fn site() -> tempfile::TempDir {
    let site = tempfile::tempdir().expect("a directory");
    let top = site.path();
    let root = top.join("root");
    for directory in ["root/sub", "root/.git", "root-SECRET", "outside"] {
        fs::create_dir_all(top.join(directory)).expect("a directory");
    }
    for hidden in [
        "secret",
        "root-SECRET/x",
        "outside/secret",
        "outside/SECRET",
        "outside/index.html",
        "root/.env",
        "root/.git/config",
        "root/.htaccess",
    ] {
        fs::write(top.join(hidden), SECRET).expect("a file");
    }
    for page in ["root/index.html", "root/sub/page.html", "root/a..b"] {
        fs::write(top.join(page), "public").expect("a file");
    }
    for (target, link) in [
        ("../secret", "out"),
        ("../secret", "out.html"),
        ("../secret", "sub.css.gz"),
        ("../outside", "outdir"),
        ("..", "up"),
        ("../root/../secret", "detour"),
        ("/etc/passwd", "passwd"),
        ("/proc/self/root", "proc"),
        ("/proc/self/cwd", "cwd"),
        ("loop", "loop"),
        ("outdir", "chain"),
    ] {
        symlink(target, root.join(link)).expect("a link");
    }
    symlink(top.join("secret"), root.join("absolute")).expect("a link");
    symlink(&root, root.join("absolute-in")).expect("a link");
    site
}

/// Everything that could make it answer more than it should is on.
fn serve(site: &Path) -> Server {
    serve_with(site, &["--listing", "--spa"])
}

fn serve_with(site: &Path, options: &[&str]) -> Server {
    let flag = format!("--staticdir={}", site.join("root").display());
    Gateway::new().args([&flag]).args(options).start()
}

/// Sends a target as it is; the status, 0 if the connection was closed without one, and all that came.
fn request(server: &Server, target: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut bytes = b"GET ".to_vec();
    bytes.extend(target);
    bytes.extend(
        b" HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, br\r\nConnection: close\r\n\r\n",
    );
    stream.write_all(&bytes).expect("the server reads");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let status = answer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .unwrap_or(0);
    (status, answer)
}

fn has(answer: &[u8], word: &str) -> bool {
    answer
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

/// Targets and the statuses that are right for them. Where it is 200, the answer is a page of the root: the
/// one that `--spa` gives to unknown names, of which there is none without.
const TARGETS: &[(&[u8], u16)] = &[
    // Dot segments, in every spelling.
    (b"/..", 400),
    (b"/../", 400),
    (b"/../secret", 400),
    (b"/../../../../../../../../etc/passwd", 400),
    (b"/sub/../../secret", 400),
    (b"/sub/../index.html", 400),
    (b"/.", 400),
    (b"/./index.html", 400),
    (b"/sub/.", 400),
    (b"/sub/..", 400),
    (b"/%2e%2e/secret", 400),
    (b"/%2E%2E/secret", 400),
    (b"/.%2e/secret", 400),
    (b"/%2e./secret", 400),
    (b"/%2e/index.html", 400),
    (b"/sub/%2e%2e/%2e%2e/secret", 400),
    (b"/..?x", 400),
    (b"/..;/secret", 404),
    (b"/..;x=1/secret", 404),
    // Decoded once: what is left is a name like any other.
    (b"/%252e%252e/secret", 200),
    (b"/%252e%252e%252fsecret", 200),
    (b"/..%252fsecret", 404),
    (b"/%25%32%65%25%32%65/secret", 200),
    // Encoded slashes and backslashes.
    (b"/..%2fsecret", 400),
    (b"/..%2Fsecret", 400),
    (b"/%2e%2e%2fsecret", 400),
    (b"/sub%2fpage.html", 400),
    (b"/%2fetc%2fpasswd", 400),
    (b"/%2f", 400),
    (b"/..\\secret", 400),
    (b"/..%5csecret", 400),
    (b"/..%5Csecret", 400),
    (b"/%5c..%5csecret", 400),
    (b"/sub\\..\\..\\secret", 400),
    (b"/C:\\secret", 400),
    // NUL.
    (b"/%00", 400),
    (b"/index.html%00", 400),
    (b"/secret%00.html", 400),
    (b"/..%00/secret", 400),
    (b"/%00/../secret", 400),
    // Overlong and other bad UTF-8.
    (b"/%c0%ae%c0%ae/secret", 400),
    (b"/%c0%ae%c0%ae%c0%afsecret", 400),
    (b"/..%c0%afsecret", 400),
    (b"/..%c1%9csecret", 400),
    (b"/%e0%80%ae%e0%80%ae/secret", 400),
    (b"/%f0%80%80%ae%f0%80%80%ae/secret", 400),
    (b"/%ff", 400),
    (b"/%ed%a0%80", 400),
    (b"/%u002e%u002e/secret", 400),
    // Look-alikes are names.
    (b"/%EF%BC%8E%EF%BC%8E/secret", 200),
    (b"/%E2%80%A5/secret", 200),
    // Broken escapes.
    (b"/%", 400),
    (b"/%2", 400),
    (b"/%zz", 400),
    (b"/%+2e%+2e/secret", 400),
    // Empty segments, absolute names.
    (b"//", 404),
    (b"//secret", 404),
    (b"//etc/passwd", 404),
    (b"///etc/passwd", 404),
    (b"/sub//page.html", 404),
    (b"//sub", 404),
    (b"//evil.example", 404),
    (b"//evil.example/%2e%2e", 400),
    // Trailing dots and spaces, streams, short names of other systems.
    (b"/out.", 404),
    (b"/index.html.", 404),
    (b"/.env.", 404),
    (b"/...", 404),
    (b"/..../secret", 404),
    (b"/.env%20", 404),
    (b"/index.html::$DATA", 404),
    (b"/index.html/", 404),
    (b"/index.html/../../secret", 400),
    // Links out.
    (b"/out", 404),
    (b"/out.html", 404),
    (b"/out/", 404),
    (b"/outdir", 404),
    (b"/outdir/", 404),
    (b"/outdir/secret", 404),
    (b"/outdir/index.html", 404),
    (b"/chain/secret", 404),
    (b"/up", 404),
    (b"/up/", 404),
    (b"/up/secret", 404),
    (b"/up/root/index.html", 404),
    (b"/detour", 404),
    (b"/absolute", 404),
    (b"/absolute-in/index.html", 404),
    (b"/passwd", 404),
    (b"/proc/etc/passwd", 404),
    (b"/cwd/Cargo.toml", 404),
    (b"/loop", 404),
    (b"/sub.css", 404),
    (b"/sub.css.gz", 404),
    // Hidden.
    (b"/.env", 404),
    (b"/%2eenv", 404),
    (b"/.git", 404),
    (b"/.git/", 404),
    (b"/.git/config", 404),
    (b"/.htaccess", 404),
    (b"/sub/.git", 404),
    // Other forms of a target.
    (b"*", 400),
    (b"http://localhost/../secret", 400),
    (b"http://localhost//secret", 404),
    (b"file:///etc/passwd", 400),
    // Honest ones that look alike.
    (b"/a..b", 200),
    (b"/sub/page.html", 200),
];

/// The targets of files that there are.
const HONEST: [&[u8]; 2] = [b"/a..b", b"/sub/page.html"];

fn check(server: &Server, expected: impl Fn(&[u8], u16) -> u16) {
    let mut wrong = Vec::new();
    for (target, with_spa) in TARGETS {
        let name = String::from_utf8_lossy(target);
        let (status, answer) = request(server, target);
        for word in [SECRET, "root:x:", "[package]", "outside"] {
            assert!(!has(&answer, word), "{name} shows {word}");
        }
        assert_eq!(has(&answer, "public"), status == 200, "{name}");
        let expected = expected(target, *with_spa);
        if status != expected {
            wrong.push(format!("{name}: {status}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn hostile_path_gets_nothing() {
    let site = site();
    check(
        &serve_with(site.path(), &[]),
        |target, with_spa| match with_spa {
            200 if !HONEST.contains(&target) => 404,
            status => status,
        },
    );
}

#[test]
fn hostile_path_gets_nothing_with_listing_and_spa() {
    let site = site();
    check(&serve(site.path()), |_, with_spa| with_spa);
}

#[test]
fn long_names_are_404() {
    let site = site();
    let server = serve(site.path());
    let segment = "a".repeat(8192);
    let deep = "/a".repeat(4096);
    let dots = "/..".repeat(2000) + "/secret";
    for (target, expected) in [
        (format!("/{segment}"), 404),
        (format!("/{segment}.html"), 404),
        (format!("/sub/{segment}/"), 404),
        (deep, 404),
        (dots, 400),
    ] {
        assert_eq!(request(&server, target.as_bytes()).0, expected);
    }
}

/// Calls a function over and over in a thread, until it is dropped.
struct Meanwhile {
    is_done: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Meanwhile {
    fn new(mut work: impl FnMut() + Send + 'static) -> Self {
        let is_done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_done);
        let thread = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                work();
            }
        });
        Meanwhile {
            is_done,
            thread: Some(thread),
        }
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Swaps two names at once and for ever, so that `root/NAME` is the one thing and then the other.
fn swap(site: &Path, name: &str, link: &str) -> Meanwhile {
    let (here, there) = (site.join("root").join(name), site.join("link"));
    symlink(link, &there).expect("a link");
    let aside = site.join("aside");
    Meanwhile::new(move || {
        for (from, to) in [
            (&here, &aside),
            (&there, &here),
            (&here, &there),
            (&aside, &here),
        ] {
            fs::rename(from, to).expect("a rename");
        }
    })
}

#[test]
fn file_swapped_for_a_link_out_is_never_followed() {
    let site = site();
    fs::write(site.path().join("root/swapped.txt"), "public").expect("a file");
    let server = serve(site.path());
    let mut statuses = [0; 2];
    let swapping = swap(site.path(), "swapped.txt", "../secret");
    for _ in 0..1000 {
        let (status, answer) = request(&server, b"/swapped.txt");
        assert!(!has(&answer, SECRET));
        assert!(status == 200 || status == 404, "{status}");
        statuses[usize::from(status == 404)] += 1;
    }
    drop(swapping);
    assert!(statuses.iter().all(|count| *count > 0), "{statuses:?}");
}

#[test]
fn directory_swapped_for_a_link_out_is_never_followed() {
    let site = site();
    let swapped = site.path().join("root/swapped");
    fs::create_dir(&swapped).expect("a directory");
    fs::write(swapped.join("inside"), "public").expect("a file");
    let server = serve(site.path());
    let _swapping = swap(site.path(), "swapped", "../outside");
    for _ in 0..300 {
        for target in [
            "/swapped/",
            "/swapped/secret",
            "/swapped/SECRET",
            "/swapped/index.html",
        ] {
            assert!(
                !has(&request(&server, target.as_bytes()).1, SECRET),
                "{target}"
            );
        }
    }
}

#[test]
fn sibling_swapped_for_a_link_out_is_never_followed() {
    let site = site();
    fs::write(site.path().join("root/app.js"), "public").expect("a file");
    fs::write(site.path().join("root/app.js.br"), "packed").expect("a file");
    let server = serve(site.path());
    let _swapping = swap(site.path(), "app.js.br", "../secret");
    for _ in 0..300 {
        let (status, answer) = request(&server, b"/app.js");
        assert!(status == 200 && !has(&answer, SECRET), "{status}");
    }
}

#[test]
fn parent_moved_out_during_a_request_leads_nowhere() {
    let site = site();
    let inside = site.path().join("root/deep/er");
    fs::create_dir_all(&inside).expect("a directory");
    // Resolved while `deep` moves, `..` could come out beside the root.
    symlink("../../secret", inside.join("link")).expect("a link");
    let server = serve(site.path());
    let (here, there) = (site.path().join("root/deep"), site.path().join("deep"));
    let _moving = Meanwhile::new(move || {
        fs::rename(&here, &there).expect("a rename");
        fs::rename(&there, &here).expect("a rename");
    });
    for _ in 0..1000 {
        assert!(!has(&request(&server, b"/deep/er/link").1, SECRET));
    }
}

/// A site whose script is swapped, by its directory, for one outside that tells what must not be seen.
fn swapped_script() -> tempfile::TempDir {
    let site = site();
    let swapped = site.path().join("root/swapped");
    fs::create_dir(&swapped).expect("a directory");
    let says = |word: &str| format!("#!/bin/sh\nprintf 'X: y\\n\\n%s\\n' {word}\n");
    script(&swapped, "run", &says("public"));
    script(&site.path().join("outside"), "run", &says(SECRET));
    site
}

#[test]
fn script_whose_directory_is_swapped_for_a_link_out_is_the_one_that_was_checked() {
    let site = swapped_script();
    let root = site.path().join("root").display().to_string();
    let server = Gateway::with(&format!("--cgidir={root} --loglevel=error")).start();
    let swapping = swap(site.path(), "swapped", "../outside");
    let mut ran = 0;
    for _ in 0..300 {
        let (status, answer) = request(&server, b"/swapped/run");
        assert!(!has(&answer, SECRET));
        ran += usize::from(status == 200);
    }
    drop(swapping);
    assert!(ran > 0);
}

#[test]
fn program_whose_directory_is_swapped_for_a_link_out_is_the_one_that_was_checked() {
    let site = swapped_script();
    let root = site.path().join("root").display().to_string();
    let server = Gateway::with(&format!("--dir={root} --loglevel=error")).start();
    let swapping = swap(site.path(), "swapped", "../outside");
    let mut ran = 0;
    for _ in 0..300 {
        let mut client = server.ask("/swapped/run", &[]);
        if client.head.starts_with("HTTP/1.1 101 ") {
            assert_eq!(
                [client.text(), client.text(), client.text()],
                ["X: y", "", "public"]
            );
            ran += 1;
        }
    }
    drop(swapping);
    assert!(ran > 0);
}
