//! Two clients that know nothing of wsd, Node's `ws` and Python's `websockets`, agree with it on the
//! protocol. The scripts in `tests/clients` say what; here stands what they talk to.

use std::fs;

use crate::support::{
    Gateway, Server,
    each_client::{Client, with_each_client},
    eventually,
};

with_each_client! {
    texts_of_all_sizes_come_back
    unicode_comes_back
    length_framing_keeps_type_and_boundaries
    fragments_arrive_as_one_message
    binary_mode_keeps_messages
    first_subprotocol_is_selected
    listed_subprotocol_is_selected
    exit_0_closes_1000
    exit_3_closes_4003
    signal_9_closes_4137
    signal_15_closes_4143
    binary_in_line_mode_closes_1003
    message_over_the_limit_closes_1009
    pings_are_answered
    fifty_clients_at_once_hear_themselves
    client_close_reaches_the_program
    clients_own_close_code_is_answered
    compressed_messages_come_back
    compressed_messages_come_back_without_context
    compressed_messages_come_back_with_small_windows
}

fn texts_of_all_sizes_come_back(client: Client) {
    let server = Gateway::with("cat").start();
    client("echo", &[&url(&server)]);
}

fn unicode_comes_back(client: Client) {
    let server = Gateway::with("cat").start();
    client("unicode", &[&url(&server)]);
}

fn length_framing_keeps_type_and_boundaries(client: Client) {
    let server = Gateway::with("--framing=length cat").start();
    client("framing", &[&url(&server)]);
}

fn fragments_arrive_as_one_message(client: Client) {
    let server = Gateway::with("--framing=length cat").start();
    client("fragments", &[&url(&server)]);
}

fn binary_mode_keeps_messages(client: Client) {
    let server = Gateway::with("--binary cat").start();
    client("binary", &[&url(&server)]);
}

fn first_subprotocol_is_selected(client: Client) {
    let server = Gateway::new().program("echo $WS_PROTOCOL; cat").start();
    client("subprotocol", &[&url(&server), "ex1,ex2", "ex1"]);
}

fn listed_subprotocol_is_selected(client: Client) {
    let server = Gateway::with("--subprotocol=ex3,ex2")
        .program("echo $WS_PROTOCOL; cat")
        .start();
    client("subprotocol", &[&url(&server), "ex1,ex2,ex3", "ex2"]);
}

fn exit_0_closes_1000(client: Client) {
    closes(client, "exit 0", "1000", "");
}

fn exit_3_closes_4003(client: Client) {
    closes(client, "exit 3", "4003", "the program exited with status 3");
}

fn signal_9_closes_4137(client: Client) {
    closes(
        client,
        "kill -9 $$",
        "4137",
        "the program was ended by signal 9",
    );
}

fn signal_15_closes_4143(client: Client) {
    closes(
        client,
        "kill -15 $$",
        "4143",
        "the program was ended by signal 15",
    );
}

fn closes(client: Client, end: &str, code: &str, reason: &str) {
    let server = Gateway::new()
        .program(&format!("printf 'last words'; {end}"))
        .start();
    client("close_code", &[&url(&server), code, reason]);
}

fn binary_in_line_mode_closes_1003(client: Client) {
    let server = Gateway::with("cat").start();
    client("refused_message", &[&url(&server), "1003", "binary"]);
}

fn message_over_the_limit_closes_1009(client: Client) {
    let server = Gateway::with("cat").start();
    client("refused_message", &[&url(&server), "1009", "big"]);
}

fn pings_are_answered(client: Client) {
    let server = Gateway::with("--pingms=1000 cat").start();
    client("ping", &[&url(&server)]);
}

fn fifty_clients_at_once_hear_themselves(client: Client) {
    let server = Gateway::with("cat").start();
    client("crowd", &[&url(&server)]);
    eventually("all programs have ended", || server.children().is_empty());
}

fn client_close_reaches_the_program(client: Client) {
    let directory = tempfile::tempdir().expect("a directory");
    let note = directory.path().join("note");
    let script = format!(
        "echo ready; cat; echo the input has ended >{}",
        note.display()
    );
    // Time to write, however busy the machine is, before the first signal.
    let server = Gateway::with("--closems=20000").program(&script).start();
    client("leave", &[&url(&server), "1000"]);
    eventually("the program has seen the end of its input", || {
        fs::read_to_string(&note).is_ok_and(|text| text == "the input has ended\n")
    });
}

fn clients_own_close_code_is_answered(client: Client) {
    let mut server = Gateway::new().program("echo ready; cat").start();
    client("leave", &[&url(&server), "4999"]);
    let line = server.wait_for_line("session ended");
    assert!(line.contains("code=4999"), "{line}");
    assert!(line.contains("goodbye"), "{line}");
}

fn compressed_messages_come_back(client: Client) {
    compresses(client, &[]);
}

fn compressed_messages_come_back_without_context(client: Client) {
    compresses(
        client,
        &["serverNoContextTakeover", "clientNoContextTakeover"],
    );
}

fn compressed_messages_come_back_with_small_windows(client: Client) {
    compresses(client, &["serverMaxWindowBits=9", "clientMaxWindowBits=9"]);
}

fn compresses(client: Client, parameters: &[&str]) {
    let server = Gateway::with("--framing=length --compress --maxframesize=2000000 cat").start();
    client("compress", &[&[&*url(&server)], parameters].concat());
}

fn url(server: &Server) -> String {
    format!("ws://{}/", server.address)
}
