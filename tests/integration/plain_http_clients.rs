//! Clients that know nothing of wsd, Node's `fetch` and Python's `httpx`, ask the same programs without a WebSocket. The
//! scripts in `tests/clients` say what; here stands what they talk to.

use crate::support::{
    Gateway, Server,
    each_client::{Client, with_each_client},
};

with_each_client! {
    programs_that_wait_for_the_end_of_input_are_told_it
    answer_of_a_program_that_fails_is_cut_off
    tokens_come_while_others_are_still_written
    event_stream_is_talked_to_and_goes_on_where_it_was_lost
}

fn programs_that_wait_for_the_end_of_input_are_told_it(client: Client) {
    for (program, body, answer) in [
        (&["sort"][..], "b\na\nc", "a\nb\nc\n"),
        (
            &["jq", "-sc", "map(.x)|add"],
            "{\"x\":1}\n{\"x\":41}\n",
            "42\n",
        ),
        (&["wc", "-w"], "a b\nc", "3\n"),
        (&["sed", "s/$/ ü/"], "€", "€ ü\n"),
    ] {
        let server = Gateway::with("--plain-http").args(program).start();
        client("post", &[&url(&server), body, answer]);
    }
}

fn answer_of_a_program_that_fails_is_cut_off(client: Client) {
    let server = Gateway::with("--plain-http").program("cat; exit 3").start();
    client("post_cut", &[&url(&server), "hello\n"]);
}

fn tokens_come_while_others_are_still_written(client: Client) {
    let server = Gateway::with("--plain-http --framing=text")
        .program(
            "read -r question; for token in 'Because ' 'of' '\n' 'the ' \"$question \"; do \
             printf \"$token\"; sleep 0.2; done",
        )
        .start();
    client("post_tokens", &[&url(&server)]);
}

fn event_stream_is_talked_to_and_goes_on_where_it_was_lost(client: Client) {
    let server = Gateway::with("--plain-http cat").start();
    client("event_stream", &[&url(&server)]);
}

fn url(server: &Server) -> String {
    format!("http://{}/", server.address)
}
