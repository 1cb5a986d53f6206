//! The script by which pages have a WebSocket where networks let none through: what `docs/plain-http.md` says of it. The
//! scripts in `tests/clients/client_script` and `tests/clients/browser` are its users.

use std::{fs, io::Read, path::Path, process::Command};

use flate2::read::GzDecoder;

use crate::{
    browser::browse,
    support::{
        Gateway, Server, interpreter, login,
        proxy::{Proxy, free_address},
    },
};

const FORMS: [&str; 2] = ["/.well-known/wsd.js", "/.well-known/wsd.mjs"];

/// Programs of each kind, at paths of their own, and a page.
const SITE: &str = r#"
staticdir = "DIR/www"
plain-http = true
[[route]]
path = "/cat"
command = ["cat"]
[[route]]
path = "/line"
command = ["cat"]
newline = "reject"
[[route]]
path = "/short"
command = ["cat"]
maxframesize = 10
[[route]]
path = "/fail"
command = ["sh", "-c", "echo last words; exit 3"]
[[route]]
path = "/done"
command = ["true"]
[[route]]
path = "/bytes"
command = ["cat"]
framing = "chunks"
[[route]]
path = "/text"
command = ["cat"]
framing = "text"
[[route]]
path = "/who"
command = ["sh", "-c", "echo $HTTP_AUTHORIZATION; cat"]
[[route]]
path = "/idle"
command = ["sh", "-c", "echo hello; cat"]
idle-timeout = 1
[[route]]
path = "/count"
command = ["sh", "-c", "n=0; while :; do echo $n; n=$((n+1)); sleep 0.02; done"]
"#;

fn site(words: &str) -> Server {
    let gateway = Gateway::with(words).file(SITE);
    write_page(gateway.directory());
    gateway.start()
}

fn write_page(directory: &Path) {
    let www = directory.join("www");
    fs::create_dir_all(&www).expect("a directory");
    let page = "<!doctype html><meta charset=utf-8><title>A page</title>";
    fs::write(www.join("index.html"), page).expect("a file");
}

#[test]
fn script_is_there_in_both_forms_where_sessions_need_no_websocket() {
    let server = Gateway::with("--plain-http cat").start();
    for path in FORMS {
        let (status, headers, body) = server.get(path);
        assert_eq!(status, 200);
        assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["access-control-allow-origin"], "*");
        let packed = server.request("GET", path, "Accept-Encoding: gzip\r\n");
        assert_eq!(packed.1["content-encoding"], "gzip");
        assert!(packed.2.len() <= 4096, "{}", packed.2.len());
        let mut unpacked = Vec::new();
        let unpacking = GzDecoder::new(&*packed.2).read_to_end(&mut unpacked);
        unpacking.expect("gzip");
        assert!(unpacked == body);

        let known = format!("If-None-Match: {}\r\n", headers["etag"]);
        assert_eq!(server.request("GET", path, &known).0, 304);
        assert_eq!(server.request("HEAD", path, "").0, 200);
        assert_eq!(server.request("OPTIONS", path, "").0, 204);
        assert_eq!(server.request("DELETE", path, "").0, 405);
    }
}

#[test]
fn script_is_not_there_where_no_session_does_without_a_websocket() {
    let files = tempfile::tempdir().expect("a directory");
    write_page(files.path());
    let server = Gateway::new()
        .args([format!("--staticdir={}", files.path().display())])
        .args(["cat"])
        .start();
    for path in FORMS {
        assert_eq!(server.get(path).0, 404);
    }
}

#[test]
fn one_route_that_needs_no_websocket_is_enough() {
    let route = "[[route]]\npath = \"/a\"\ncommand = [\"cat\"]\nplain-http = true\n";
    let server = Gateway::with("").file(route).start();
    assert_eq!(server.get(FORMS[0]).0, 200);
    assert_eq!(server.request("OPTIONS", FORMS[0], "").0, 204);
}

#[test]
fn script_is_there_for_those_who_have_yet_to_say_who_they_are() {
    let file = "plain-http = true\nbearer-tokens = \"DIR/tokens\"\ncommand = [\"cat\"]\n";
    let server = login::site("", file).start();
    assert_eq!(server.get("/").0, 401);
    for path in FORMS {
        assert_eq!(server.get(path).0, 200);
    }
}

#[test]
fn page_sees_a_websocket_whatever_the_network_does() {
    browse("client_script", &[&site("").url]);
}

#[test]
fn node_sees_a_websocket_where_it_has_none() {
    interpreter::node("client_script/node.mjs", &[&site("").url]);
}

#[test]
fn lost_stream_goes_on_where_it_was_and_a_page_that_leaves_ends_it() {
    let mut server = site("");
    browse("client_script_lost", &[&server.url]);
    let line = server.wait_for_line("session ended");
    assert!(!line.contains("code=1006"), "{line}");
}

#[test]
fn page_has_more_sessions_by_http_2_than_connections() {
    browse("client_script_http2", &[&site("--ssl-selfsigned").url]);
}

#[test]
fn page_of_another_machine_without_tls_has_its_sessions() {
    let server = site("--host=insecure.example");
    browse("client_script_insecure", &[&server.url]);
}

#[test]
fn connection_is_opened_again_for_those_who_ask_for_it_alone() {
    browse("client_script_reconnect", &[&site("").url]);
}

#[test]
fn token_among_the_subprotocols_is_part_of_no_url() {
    let page = site("");
    let origin = page.url.trim_end_matches('/');
    let route = format!(
        "[[route]]\npath = \"/who\"\ncommand = [\"sh\", \"-c\", {:?}]\nplain-http = true\n\
         bearer-tokens = \"DIR/tokens\"\norigin = [{origin:?}]\n",
        login::WHO
    );
    let server = login::site("", &route).start();
    let url = server.url.replacen("ws", "http", 1);
    browse("client_script_token", &[&page.url, &url]);
}

#[test]
fn proxy_that_gathers_answers_is_told_not_to_or_given_up() {
    let address = free_address();
    let server = site(&format!("--host={}", address.ip()));
    let location = |path: &str, directive: &str| {
        format!(
            "location {path} {{ proxy_pass http://{}/; proxy_set_header Host $http_host; {directive} }}\n",
            server.address
        )
    };
    let gathering = |path: &str, version: &str| {
        let ignoring = "proxy_ignore_headers X-Accel-Buffering;";
        location(path, &format!("{ignoring} proxy_http_version {version};"))
    };
    let configuration = format!(
        "daemon off; pid nginx.pid; events {{}}\nhttp {{ access_log off; client_body_temp_path body; \
         proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         server {{ listen {address};\n{}{}{}}} }}\n",
        location("/open/", ""),
        gathering("/chunked/", "1.1"),
        gathering("/buffered/", "1.0"),
    );
    let _proxy = Proxy::nginx(&configuration, address);
    let [open, chunked, buffered] =
        ["open", "chunked", "buffered"].map(|path| format!("http://{address}/{path}/"));
    browse("client_script_proxy", &[&open, &chunked, &buffered]);
}

#[test]
fn scripts_of_the_page_about_pages_do_what_it_says() {
    let text = fs::read_to_string("docs/from-a-web-page.md").expect("a page");
    let (_, program) = text.split_once("```python\n").expect("a program");
    let (program, _) = program.split_once("```").expect("its end");
    let gateway = Gateway::with("").file(&format!(
        "{SITE}[[route]]\npath = \"/sum\"\ncommand = [\"python3\", \"DIR/sum.py\"]\n"
    ));
    let greet = [
        "sh",
        "-c",
        "while read -r name; do echo \"hello, $name\"; done",
    ];
    let directory = gateway.directory();
    write_page(directory);
    let program = format!("import json, sys\n{program}");
    fs::write(directory.join("sum.py"), program).expect("a file");
    let server = gateway.args(greet).start();
    browse("from_a_web_page", &[&server.url]);
}

#[test]
fn page_of_a_development_server_connects_by_its_proxy_and_by_leave() {
    let server = Gateway::with("cat").start();
    let origin = "Origin: http://localhost:5173";
    let status = |server: &Server, headers: &[&str]| server.ask("/", headers).status();
    assert_eq!(status(&server, &["Host: localhost:5173", origin]), 101);
    assert_eq!(status(&server, &[origin]), 403);
    let server = Gateway::with("--origin=http://localhost:5173 cat").start();
    assert_eq!(status(&server, &[origin]), 101);
}

#[test]
fn types_are_those_of_the_script() {
    let compiler = Path::new("tests/clients/node_modules/typescript/bin/tsc");
    let checked = Command::new("node")
        .arg(compiler)
        .args(["--project", "tests/clients/client_script/types"])
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
}
