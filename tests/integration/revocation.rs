//! Sessions end when what has let their client in is no more.

use crate::support::{
    Signal,
    login::{ALICE, BOB, CI, alice, basic, cookie_of_alice, replace, site, write_users},
};

const FILE: &str =
    "basic-auth = \"DIR/users\"\nbearer-tokens = \"DIR/tokens\"\nstaticdir = \"DIR/www\"\n";

#[test]
fn sessions_of_a_user_who_is_removed_end_with_1008_and_others_go_on() {
    let server = site("", FILE).program("cat").start();
    let cookie = cookie_of_alice(&server);
    let mut by_password = server.ask("/", &[&alice()]);
    let mut by_cookie = server.ask("/", &[&cookie]);
    let mut other = server.ask("/", &[&basic("bob", "hunter2")]);
    let mut token = server.ask("/?access_token=t0ken.of-ci", &[]);
    write_users(server.directory(), &[BOB]);
    assert_eq!(by_password.closed().0, 1008);
    assert_eq!(by_cookie.closed().0, 1008);
    for client in [&mut other, &mut token] {
        client.send("still there");
        assert_eq!(client.text(), "still there");
    }
}

#[test]
fn sessions_of_a_token_that_is_removed_end() {
    let server = site("", FILE).program("cat").start();
    let mut client = server.ask("/?access_token=t0ken.of-ci", &[]);
    let mut other = server.ask("/", &[&alice()]);
    let digest = CI.replace("ci:", "another:");
    replace(&server.directory().join("tokens"), &digest);
    assert_eq!(client.closed().0, 1008);
    other.send("still there");
    assert_eq!(other.text(), "still there");
}

#[test]
fn sessions_end_when_a_hangup_has_another_file_read() {
    let server = site("", FILE).program("cat").start();
    let mut client = server.ask("/", &[&alice()]);
    let others = server.directory().join("others");
    replace(&others, BOB);
    let file = FILE.replace("DIR/users", "DIR/others");
    let text = file.replace("DIR", &server.directory().display().to_string());
    replace(&server.config(), &text);
    server.signal(Signal::HUP);
    assert_eq!(client.closed().0, 1008);
}

#[test]
fn broken_file_ends_no_session() {
    let mut server = site("", FILE).program("cat").start();
    let mut client = server.ask("/", &[&alice()]);
    replace(&server.directory().join("users"), "alice:plain\n");
    server.wait_for_line("line 1: ");
    client.send("still there");
    assert_eq!(client.text(), "still there");
    let changed = format!("{ALICE}\n{BOB}\n# more\n");
    replace(&server.directory().join("users"), &changed);
    server.wait_for_line("were read again");
    client.send("and now");
    assert_eq!(client.text(), "and now");
}
