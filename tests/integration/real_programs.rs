//! Programs as they come from their makers, behind wsd and in front of it: git, gitweb, ffmpeg, interpreters that
//! know what a character is, HAProxy that asks whether wsd is there, h2load. Where one is missing a line says so.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::support::{
    Gateway, Server, eventually, forget_caller,
    http::Answer,
    installed::{find, find_or_skip, is_root_or_skip, skip},
    lease::Lease,
    proxy::{Proxy, free_address},
    script,
};

/// More than git sends in one piece (`http.postBuffer`, 1 MiB), and nothing that it could compress.
const LARGE: usize = 3_000_000;

/// A repository, the scripts that serve it, and those who use it.
struct Repository {
    directory: TempDir,
}

impl Repository {
    /// Empty, and anybody may push to it. `git` is what git itself has for CGI; beside it lies what it was asked.
    fn new() -> Self {
        let repository = Repository {
            directory: tempfile::tempdir().expect("a directory"),
        };
        let root = repository.path("");
        let scripts = repository.path("scripts");
        fs::create_dir(&scripts).expect("a directory");
        let asked = "echo \"$REQUEST_METHOD $CONTENT_LENGTH $HTTP_CONTENT_ENCODING $SERVER_PROTOCOL\" >>../asked";
        let text = format!(
            "#!/bin/sh\n{asked}\nGIT_PROJECT_ROOT={} GIT_HTTP_EXPORT_ALL=1 exec git http-backend\n",
            root.display()
        );
        script(&scripts, "git", &text);
        repository.git("", "init -q --bare r.git");
        repository.git("r.git", "config http.receivepack true");
        repository.git("r.git", "symbolic-ref HEAD refs/heads/main");
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn serve(&self, flags: &str) -> Server {
        let scripts = format!("--cgidir={}", self.path("scripts").display());
        Gateway::with(flags).args([scripts]).start()
    }

    fn url(server: &Server, path: &str) -> String {
        let scheme = server.url.split("://").next().expect("a scheme");
        let scheme = scheme.replace("ws", "http");
        format!("{scheme}://localhost:{}/{path}", server.port())
    }

    /// Runs git within a directory of ours; words are split at spaces.
    fn try_git(&self, within: &str, words: &str) -> Output {
        let directory = self.path(within);
        let mut git = Command::new("git");
        forget_caller(&mut git)
            .arg("-C")
            .arg(directory)
            .args(["-c", "http.sslVerify=false"])
            .args(words.split_whitespace())
            .env("HOME", self.directory.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null());
        for (name, value) in [("NAME", "A"), ("EMAIL", "a@example.com")] {
            git.env(format!("GIT_AUTHOR_{name}"), value);
            git.env(format!("GIT_COMMITTER_{name}"), value);
        }
        git.output().expect("git is installed")
    }

    fn git(&self, within: &str, words: &str) {
        let output = self.try_git(within, words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {words}: {complaint}");
    }

    /// Commits a file with bytes of its own.
    fn commit(&self, within: &str, name: &str, length: usize) {
        let mut state = name.len() as u32 + 1;
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        fs::write(self.path(within).join(name), bytes).expect("a file");
        self.git(within, "add .");
        self.git(within, "commit -q -m größe");
    }

    /// What the script was asked, a line a request.
    fn asked(&self) -> String {
        fs::read_to_string(self.path("asked")).expect("it was asked")
    }
}

fn clone_and_push(flags: &str, protocol: &str) {
    let repository = Repository::new();
    let server = repository.serve(flags);
    let url = Repository::url(&server, "git/r.git");
    repository.git("", &format!("clone -q {url} mine"));
    repository.commit("mine", "large", LARGE);
    // So many that git packs what it asks for of them.
    for number in 0..40 {
        repository.git("mine", &format!("commit -q --allow-empty -m {number}"));
        repository.git("mine", &format!("tag t{number}"));
    }
    repository.git("mine", "push -q --tags origin HEAD:main");
    repository.git("", &format!("clone -q {url} theirs"));
    let read = |within: &str| fs::read(repository.path(within)).expect("a file");
    assert!(
        read("mine/large") == read("theirs/large"),
        "another file came back"
    );
    let asked = repository.asked();
    let lines: Vec<Vec<&str>> = asked
        .lines()
        .map(|line| line.split(' ').collect())
        .collect();
    let sent = |line: &Vec<&str>| line[1].parse().unwrap_or(0);
    assert!(lines.iter().any(|line| sent(line) > LARGE), "{asked}");
    assert!(lines.iter().any(|line| line[2] == "gzip"), "{asked}");
    assert!(lines.iter().all(|line| line[3] == protocol), "{asked}");
}

#[test]
fn git_clones_and_pushes() {
    clone_and_push("", "HTTP/1.1");
}

#[test]
fn git_clones_and_pushes_by_http_2() {
    clone_and_push("--ssl-selfsigned", "HTTP/2.0");
}

#[test]
fn push_over_the_limit_is_told_to_git() {
    let repository = Repository::new();
    for flags in ["", "--ssl-selfsigned"] {
        let server = repository.serve(&format!("--cgi-maxbody=2000000 {flags}"));
        let url = Repository::url(&server, "git/r.git");
        let mine = format!("mine{}", flags.len());
        repository.git("", &format!("clone -q {url} {mine}"));
        repository.commit(&mine, "large", LARGE);
        let output = repository.try_git(&mine, "push origin HEAD:main");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{complaint}");
        assert!(complaint.contains("HTTP 413"), "{complaint}");
    }
}

/// A program in Perl, which is asked by query, by path and for what is not there.
#[test]
fn gitweb_shows_a_repository() {
    let places = [
        "/usr/share/gitweb/gitweb.cgi",
        "/usr/lib/cgi-bin/gitweb.cgi",
    ];
    let Some(gitweb) = places.into_iter().find(|place| Path::new(place).exists()) else {
        return skip("gitweb is not installed");
    };
    let modules = Command::new("perl").args(["-MCGI", "-e", "1"]).output();
    if !modules.is_ok_and(|modules| modules.status.success()) {
        return skip("perl has no CGI module, which gitweb needs");
    }
    let repository = Repository::new();
    let config = repository.path("gitweb.conf");
    let root = repository.path("");
    fs::write(&config, format!("our $projectroot = '{}';", root.display())).expect("a file");
    let text = format!(
        "#!/bin/sh\nGITWEB_CONFIG={} exec {gitweb}\n",
        config.display()
    );
    script(&repository.path("scripts"), "web", &text);
    let server = repository.serve("");
    repository.git("", "clone -q r.git mine");
    repository.commit("mine", "file", 10);
    repository.git("mine", "push -q origin HEAD:main");
    for (target, status, expected) in [
        ("/web", 200, "r.git"),
        ("/web?p=r.git;a=shortlog", 200, "größe"),
        ("/web/r.git/shortlog/refs/heads/main", 200, "größe"),
        (
            "/web/r.git/shortlog/refs/heads/main",
            200,
            "href=\"/web?p=r.git",
        ),
        ("/web?p=none.git", 404, "No such project"),
    ] {
        let (code, headers, body) = server.get(target);
        let body = String::from_utf8_lossy(&body);
        assert_eq!(code, status, "{target}: {body}");
        assert!(body.contains(expected), "{target}: {body}");
        let kind = &headers["content-type"];
        assert!(kind.contains("charset=utf-8"), "{target}: {kind}");
    }
}

/// What a client has sent before its Close is recorded, though the program takes it at the pace of a film.
#[test]
fn ffmpeg_records_all_that_a_client_sends() {
    const FRAMES: usize = 50;
    let (Some(ffmpeg), Some(ffprobe)) = (find_or_skip("ffmpeg"), find_or_skip("ffprobe")) else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let (film, record) = (
        directory.path().join("in.ts"),
        directory.path().join("out.mkv"),
    );
    let quiet = ["-hide_banner", "-loglevel", "error"];
    let source = "testsrc=size=320x240:rate=25:duration=2";
    let made = Command::new(&ffmpeg)
        .args(quiet)
        .args(["-f", "lavfi", "-i", source, "-c:v", "mpeg2video"])
        .arg(&film)
        .stdin(Stdio::null())
        .status();
    assert!(made.expect("it runs").success());
    let mut server = Gateway::with("--binary --finish-timeout=60")
        .args([ffmpeg])
        .args(quiet)
        .args(["-re", "-i", "pipe:0", "-c:v", "mpeg4"])
        .args([&record])
        .start();
    let mut client = server.connect();
    for piece in fs::read(&film).expect("a film").chunks(4096) {
        client.send_binary(piece);
    }
    client.close();
    let line = server.wait_for_line("session ended");
    assert!(line.contains("exit_status=0"), "{line}");
    let counted = Command::new(ffprobe)
        .args(["-v", "error", "-count_frames", "-of", "csv=p=0"])
        .args(["-show_entries", "stream=codec_name,nb_read_frames"])
        .arg(&record)
        .output();
    let counted = String::from_utf8(counted.expect("it runs").stdout).expect("text");
    assert_eq!(counted.trim(), format!("mpeg4,{FRAMES}"));
}

/// What an interpreter with these words makes of `é`, which has to be one letter to it.
fn makes(program: &str, words: &[&str], expected: &str) {
    let Some(program) = find_or_skip(program) else {
        return;
    };
    let server = Gateway::new().args([&program]).args(words).start();
    let mut client = server.connect();
    for _ in 0..2 {
        client.send("é");
        assert_eq!(client.text(), expected, "{program:?}");
    }
    client.close();
}

#[test]
fn text_is_text_to_ruby() {
    makes("ruby", &["-pe", "$stdout.sync = true; $_.upcase!"], "É");
}

#[test]
fn text_is_text_to_tcl() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "fconfigure stdout -buffering line\n\
        while {[gets stdin line] >= 0} {puts [string toupper $line]}\n";
    let file = script(directory.path(), "upper.tcl", text);
    makes("tclsh", &[file.to_str().expect("text")], "É");
}

#[test]
fn text_is_text_to_gawk() {
    makes("gawk", &["{print toupper($0) length($0); fflush()}"], "É1");
}

/// It knows bytes alone, and gives them back as they are.
#[test]
fn text_passes_mawk() {
    makes(
        "mawk",
        &["-W", "interactive", "{print \"<\" $0 \">\"}"],
        "<é>",
    );
}

#[test]
fn text_is_text_to_sed_and_bash() {
    makes("sed", &["-u", "s/./x/g"], "x");
    let count = "while IFS= read -r line; do echo ${#line}; done";
    makes("bash", &["-c", count], "1");
}

#[test]
fn text_is_text_to_java() {
    if find("javac").is_none() {
        return skip("javac is not installed, without which java starts no source");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let text = "import java.io.*;\n\
        public class Upper {\n\
        public static void main(String[] words) throws IOException {\n\
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));\n\
        for (String line; (line = in.readLine()) != null;)\n\
        System.out.println(line.toUpperCase());\n\
        }}\n";
    let file = script(directory.path(), "Upper.java", text);
    makes("java", &[file.to_str().expect("text")], "É");
}

/// A directory with a page in it.
fn page() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("page.html"), "a page").expect("a file");
    directory
}

/// What HAProxy knows of its servers: the name, whether it is up, and what came of the last check. Nothing before it
/// listens to be asked, which may be behind its other ports.
fn checked(stats: &Path) -> Vec<[String; 3]> {
    use std::io::{Read, Write};
    let mut answer = String::new();
    let asked = std::os::unix::net::UnixStream::connect(stats).and_then(|mut stream| {
        stream.write_all(b"show stat\n")?;
        stream.read_to_string(&mut answer)
    });
    if asked.is_err() {
        return Vec::new();
    }
    let mut lines = answer.trim_start_matches("# ").lines();
    let names: Vec<&str> = lines.next().expect("names").split(',').collect();
    let place = |name| names.iter().position(|found| *found == name).expect(name);
    let [server, proxy, status, check] = ["svname", "pxname", "status", "check_status"].map(place);
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let servers = rows.filter(|row| row.len() > check && row[server] == "wsd");
    servers
        .map(|row| [proxy, status, check].map(|place| row[place].to_owned()))
        .collect()
}

#[test]
fn haproxy_finds_by_each_of_its_checks_that_wsd_is_there() {
    let (site, directory) = (page(), tempfile::tempdir().expect("a directory"));
    let files = format!("--staticdir={}", site.path().display());
    let program = Gateway::with("cat").start();
    let pages = Gateway::new().args([&files]).start();
    let proxied = Gateway::with("--proxy-protocol cat").start();
    let mut operated = Gateway::with("--admin=127.0.0.1:0 cat").start();
    let line = operated.wait_for_line("telling operators");
    let admin = line
        .split("http://")
        .nth(1)
        .and_then(|url| url.split('/').next());
    let get = |path: &str| {
        format!("    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host localhost\n")
    };
    let version = "    http-check send ver HTTP/1.1 hdr Host localhost\n".to_owned();
    let [program, pages, proxied] =
        [program, pages, proxied].map(|server| (server.address, server));
    let backends = [
        ("options", program.0.to_string(), String::new(), ""),
        ("options11", program.0.to_string(), version, ""),
        ("optionsfile", pages.0.to_string(), String::new(), ""),
        ("getfile", pages.0.to_string(), get("/page.html"), ""),
        (
            "proxied",
            proxied.0.to_string(),
            String::new(),
            " send-proxy-v2",
        ),
        (
            "admin",
            admin.expect("an address").to_owned(),
            String::new(),
            "",
        ),
        (
            "ready",
            admin.expect("an address").to_owned(),
            get("/readyz"),
            "",
        ),
    ];
    let (listens, stats) = (free_address(), directory.path().join("stats"));
    let mut configuration = format!(
        "global\n    stats socket {} mode 600 level user\n\
         defaults\n    mode http\n    timeout connect 20s\n    timeout client 20s\n    timeout server 20s\n\
         frontend web\n    bind {listens}\n    default_backend getfile\n",
        stats.display()
    );
    for (name, address, check, more) in &backends {
        configuration.push_str(&format!(
            "backend {name}\n    option httpchk\n{check}    server wsd {address} check inter 100ms fall 1 rise 1{more}\n"
        ));
    }
    let _proxy = Proxy::haproxy(&configuration, listens);
    let mut found = Vec::new();
    eventually("each server is checked", || {
        found = checked(&stats);
        found.len() == backends.len()
            && found.iter().all(|[_, _, check]| {
                !check.is_empty() && !check.starts_with("INI") && !check.starts_with('*')
            })
    });
    for [name, status, check] in found {
        assert_eq!([&*status, &*check], ["UP", "L7OK"], "{name}");
    }
    let request = "GET /page.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (status, _, body): Answer = crate::support::http(listens, request);
    assert_eq!((status, &body[..]), (200, &b"a page"[..]));
}

/// A process that is killed on drop.
struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn h2load_has_an_answer_to_each_request() {
    let Some(h2load) = find_or_skip("h2load") else {
        return;
    };
    let site = page();
    let files = format!("--staticdir={}", site.path().display());
    let server = Gateway::with("--h2c").args([files]).start();
    let output = Command::new(h2load)
        .args(["-n4000", "-c20", "-m100"])
        .arg(format!("http://{}/page.html", server.address))
        .output();
    let output = String::from_utf8(output.expect("it runs").stdout).expect("text");
    let all = "4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout";
    assert!(output.contains(all), "{output}");
}

#[test]
fn clients_that_take_a_byte_at_a_time_leave_room_for_others() {
    const CONNECTIONS: usize = 20;
    let Some(h2load) = find_or_skip("h2load") else {
        return;
    };
    let site = page();
    let large = fs::File::create(site.path().join("large")).expect("a file");
    large.set_len(50_000_000).expect("a sparse file");
    let files = format!("--staticdir={}", site.path().display());
    let server = Gateway::with("--h2c --workers=2").args([files]).start();
    let descriptors = || {
        let entries = fs::read_dir(format!("/proc/{}/fd", server.pid()));
        entries.expect("it runs").count()
    };
    let before = descriptors();
    let load = Command::new(h2load)
        // A window of 2^1 - 1 bytes.
        .args(["-n20000", "-c20", "-m1000", "-w1"])
        .arg(format!("http://{}/large", server.address))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let load = Load(load.expect("it runs"));
    let most = before + CONNECTIONS * (1 + 64) + 16;
    let mut seen = 0;
    eventually("all of them have come", || {
        let (status, _, body) = server.get("/page.html");
        assert_eq!((status, &body[..]), (200, &b"a page"[..]));
        seen = descriptors();
        assert!(seen <= most, "{seen} descriptors");
        seen >= before + CONNECTIONS * 64
    });
    for _ in 0..100 {
        assert_eq!(server.get("/page.html").0, 200);
        assert!(descriptors() <= most);
    }
    drop(load);
    eventually("nothing of it is held", || descriptors() <= before + 16);
}

/// Whoever owns a file may have others wait for it: they wait alone.
#[test]
fn leases_of_another_user_hold_up_nobody_else() {
    const USER: u32 = 54_338;
    if !is_root_or_skip("leases of another user") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    for name in ["", "files", "programs", "scripts"] {
        let path = root.join(name);
        fs::create_dir_all(&path).expect("a directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    let text = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; echo fine\n";
    let held = [
        script(&root.join("programs"), "held", text),
        script(&root.join("scripts"), "held.sh", text),
        root.join("files/held.txt"),
        root.join("files/packed.txt.gz"),
        root.join("files/bare"),
    ];
    script(&root.join("programs"), "free", text);
    script(&root.join("scripts"), "free.sh", text);
    for name in [
        "held.txt",
        "packed.txt",
        "packed.txt.gz",
        "bare",
        "free.txt",
    ] {
        fs::write(root.join("files").join(name), "text").expect("a file");
    }
    let server = Gateway::with("--workers=1")
        .args(
            [("static", "files"), ("", "programs"), ("cgi", "scripts")]
                .map(|(flag, name)| format!("--{flag}dir={}", root.join(name).display())),
        )
        .start();
    let leases = held.map(|file| {
        chown(&file, Some(USER), None).expect("root may");
        Lease::take_as(USER, &file)
    });
    let address = server.address;
    let ask = move |target: &str, coding: &str| {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n"
        );
        crate::support::http(address, &request).0
    };
    let waiting: Vec<_> = ["/held.sh", "/held.txt", "/packed.txt", "/bare"]
        .into_iter()
        .flat_map(|target| [target; 5])
        .map(|target| std::thread::spawn(move || ask(target, "gzip")))
        .collect();
    eventually("scripts hang in their start", || {
        !server.children().is_empty()
    });
    for _ in 0..5 {
        assert_eq!(ask("/free.txt", "gzip"), 200);
        assert_eq!(ask("/packed.txt", "identity"), 200);
        assert_eq!(ask("/free.sh", ""), 200);
        assert_eq!(server.status("/free", &[]), 101);
    }
    drop(leases);
    for waits in waiting {
        let status = waits.join().expect("an answer");
        // A start is given up before long.
        assert!(matches!(status, 200 | 503), "{status}");
    }
    assert_eq!(server.status("/held", &[]), 101);
}
