//! What a person sees in a browser: the examples, the developer console, and pages from elsewhere that
//! are kept out. The scripts in `tests/clients/browser` drive a headless Chromium.

use std::{
    fs,
    sync::{Condvar, Mutex, PoisonError},
};

use crate::support::{
    Gateway, Server, Signal, WSD, children_of, interpreter, login, wait_until_gone,
};

#[test]
fn fizzbuzz_page_gets_all_answers_in_order() {
    let server =
        Gateway::with("--staticdir=examples/fizzbuzz examples/fizzbuzz/fizzbuzz.py").start();
    browse("fizzbuzz", &[&server.url]);
}

#[test]
fn subprotocol_that_a_page_offers_is_selected() {
    let server = Gateway::with("--devconsole cat").start();
    browse("subprotocol", &[&server.url]);
}

#[test]
fn page_with_a_password_opens_its_socket_by_the_password_and_by_the_cookie_alone() {
    let file = "basic-auth = \"DIR/users\"\nstaticdir = \"DIR/www\"\n";
    for words in ["", "--ssl-selfsigned"] {
        let server = login::site(words, file).program(login::WHO).start();
        browse("password", &[&server.url]);
    }
}

#[test]
fn messages_of_a_page_travel_compressed() {
    let server = Gateway::with("--compress --devconsole cat").start();
    browse("compress", &[&server.url]);
}

#[test]
fn console_shows_the_echo_with_the_time() {
    let server = Gateway::with("--devconsole cat").start();
    browse("console_echo", &[&server.url]);
}

#[test]
fn console_connects_by_tls_where_its_page_came_by_tls() {
    let server = Gateway::with("--ssl-selfsigned --devconsole cat").start();
    assert!(server.url.starts_with("https://"), "{}", server.url);
    browse("console_echo", &[&server.url]);
}

#[test]
fn page_that_came_by_http_2_has_its_sockets_on_the_same_connection() {
    let mut server = Gateway::with("--ssl-selfsigned --devconsole")
        .program("echo $SERVER_PROTOCOL; cat")
        .start();
    browse("http2", &[&server.url, "20"]);
    let mut remotes: Vec<String> = (0..20)
        .map(|_| server.wait_for_line("session started"))
        .map(|line| line.split("remote=").nth(1).expect("a client").to_owned())
        .map(|rest| rest.split(' ').next().expect("an address").to_owned())
        .collect();
    remotes.dedup();
    assert_eq!(remotes.len(), 1, "{remotes:?}");
}

#[test]
fn console_connects_to_the_path_that_is_typed() {
    let server = Gateway::with("--devconsole")
        .program("echo \"$PATH_INFO $QUERY_STRING\"; cat")
        .start();
    browse("console_path", &[&server.url]);
}

#[test]
fn console_shows_close_code_and_reason() {
    let server = Gateway::with("--devconsole").program("exit 3").start();
    browse("console_close", &[&server.url]);
}

#[test]
fn console_keeps_a_history() {
    let server = Gateway::with("--devconsole cat").start();
    browse("console_history", &[&server.url]);
}

#[test]
fn console_runs_nothing_that_it_shows() {
    let server = Gateway::with("--devconsole cat").start();
    browse("console_hostile", &[&server.url]);
}

#[test]
fn console_fits_a_phone() {
    let server = Gateway::with("--devconsole --framing=length cat").start();
    browse("console_phone", &[&server.url]);
}

#[test]
fn console_survives_a_hundred_thousand_messages() {
    let server = Gateway::with("--devconsole seq 1 100000").start();
    browse("console_flood", &[&server.url]);
}

#[test]
fn console_can_be_used_in_a_flood() {
    // With much shorter lines, a browser has minutes of them in its own queues, before anything typed.
    let line = "x".repeat(500);
    let server = Gateway::new().args(["--devconsole", "yes", &line]).start();
    browse("console_busy", &[&server.url]);
}

#[test]
fn console_shows_binary_messages_as_hex() {
    let server = Gateway::with("--devconsole --binary cat").start();
    browse("console_binary", &[&server.url]);
}

#[test]
fn page_of_another_port_needs_the_option_that_the_log_names() {
    let elsewhere = Gateway::with("--staticdir=examples/echo cat").start();
    needs_the_option_that_the_log_names(&elsewhere.url, elsewhere.url.trim_end_matches('/'));
}

#[test]
fn page_from_a_file_needs_the_option_that_the_log_names() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("page.html");
    fs::write(&file, "<!doctype html><title>A file</title>").expect("a file");
    needs_the_option_that_the_log_names(&format!("file://{}", file.display()), "null");
}

fn needs_the_option_that_the_log_names(page: &str, origin: &str) {
    let mut server = Gateway::with("cat").start();
    browse("origin", &[page, &server.url, "refused"]);
    let line = server.wait_for_line("--origin=");
    let (_, option) = line.split_at(line.find("--origin=").expect("it is there"));
    let option = option.split(' ').next().expect("a word");
    assert_eq!(option, format!("--origin={origin}"));

    let server = Gateway::new().args([option, "cat"]).start();
    browse("origin", &[page, &server.url, "open"]);
}

#[test]
fn pages_chat_through_the_python_server() {
    browse("chat", &[&start_chat("py").url]);
}

#[test]
fn pages_chat_through_the_tcl_server() {
    browse("chat", &[&start_chat("tcl").url]);
}

#[test]
fn pages_chat_by_the_python_program() {
    chat_shared("py");
}

#[test]
fn pages_chat_by_the_tcl_program() {
    chat_shared("tcl");
}

#[test]
fn pages_chat_by_the_awk_program() {
    chat_shared("awk");
}

#[test]
fn pages_chat_by_the_bash_program() {
    chat_shared("bash");
}

/// Pages that have one program together.
fn chat_shared(language: &str) {
    let server = Gateway::with("--share=tagged --staticdir=examples/chat")
        .args([format!("examples/chat/chat.{language}")])
        .start();
    browse("chat", &[&server.url]);
}

#[test]
fn pages_talk_in_rooms_without_a_program() {
    let server = Gateway::with("--room=/rooms --staticdir=examples/rooms").start();
    browse("rooms", &[&server.url]);
    assert!(server.children().is_empty());
}

#[test]
fn python_chat_server_ends_when_wsd_is_told_to() {
    chat_server_ends("py", Signal::TERM);
}

#[test]
fn tcl_chat_server_ends_when_wsd_is_told_to() {
    chat_server_ends("tcl", Signal::TERM);
}

#[test]
fn python_chat_server_ends_when_wsd_is_killed() {
    chat_server_ends("py", Signal::KILL);
}

#[test]
fn tcl_chat_server_ends_when_wsd_is_killed() {
    chat_server_ends("tcl", Signal::KILL);
}

fn start_chat(language: &str) -> Server {
    Gateway::started_by("examples/chat/start.sh")
        .args([language])
        .env("CHAT_PORT", "0")
        .env("WSD_PORT", "0")
        .env("WSD", WSD)
        .start()
}

fn chat_server_ends(language: &str, signal: Signal) {
    let mut server = start_chat(language);
    // The shell that keeps the chat server, and the chat server.
    let keepers = server.children();
    let chat_servers: Vec<i32> = keepers.iter().copied().flat_map(children_of).collect();
    assert!(
        !chat_servers.is_empty(),
        "a chat server runs below {keepers:?}"
    );

    let mut client = server.connect();
    client.send("hello");
    while client.text() != "someone: hello" {}
    server.signal(signal);
    server.wait();
    for pid in chat_servers.into_iter().chain(keepers) {
        wait_until_gone(pid);
    }
}

/// Runs a script that starts a browser; no more than two at a time, whatever number of tests runs.
pub(crate) fn browse(script: &str, arguments: &[&str]) {
    read(script, arguments);
}

/// The same, and what the script has printed.
pub(crate) fn read(script: &str, arguments: &[&str]) -> String {
    let _place = Place::take();
    interpreter::node_output(&format!("browser/{script}.mjs"), arguments)
}

static FREE_PLACES: Mutex<usize> = Mutex::new(2);
static PLACE_IS_FREE: Condvar = Condvar::new();

struct Place;

impl Place {
    fn take() -> Self {
        let free = FREE_PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = PLACE_IS_FREE
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *FREE_PLACES.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        PLACE_IS_FREE.notify_one();
    }
}
