//! Rooms of one path that are there side by side, by routes of it or by a reload, and what reaches them through a
//! broker.

use std::fs;

use super::hub_rooms::{comes, publish_until_heard};
use crate::support::{
    Client, Gateway, Server, Signal, address_in,
    broker::{Broker, BrokerClient, Kind},
    eventually,
    operators::figures,
    puppet::PUPPET,
};

const BOTH: [Kind; 2] = [Kind::Nats, Kind::Redis];

const V1: &[&str] = &["Sec-WebSocket-Protocol: v1"];
const V2: &[&str] = &["Sec-WebSocket-Protocol: v2"];

/// A server with a file, when it has reached the broker.
fn gateway(broker: &Broker, file: &str) -> Server {
    let hub = format!("--hub={} --admin=127.0.0.1:0", broker.url(""));
    let mut server = Gateway::with(&hub).file(file).start();
    let line = server.wait_for_line("telling operators");
    eventually("it has reached the hub", || {
        figures(address_in(&line)).get("wsd_hub_connected") == Some(&1.0)
    });
    server
}

fn reload(server: &mut Server, file: &str) {
    fs::write(server.config(), file).expect("a file");
    server.signal(Signal::HUP);
    server.wait_for_line("was read again");
}

/// A route with a puppet, and more keys.
fn puppet(keys: &str) -> String {
    format!(
        "[[route]]\npath = '/game'\ncommand = ['sh', '-c', '''{PUPPET}''']\n\
         share = 'tagged'\njoin-env = 'NONE'\n{keys}\n"
    )
}

/// A route of rooms, with more keys.
fn rooms(path: &str, keys: &str) -> String {
    format!("[[route]]\npath = '{path}'\nroom = true\n{keys}\n")
}

/// A member of `#red`.
fn red(server: &Server, headers: &[&str]) -> Client {
    let mut member = server.ask("/game", headers);
    member.send(r"+1\t#red");
    member.send(r"#red\tin");
    assert_eq!(member.text(), "in");
    member
}

/// That each hears once what the broker tells, from when on it hears it at all.
fn hear_once(client: &mut BrokerClient, channel: &str, members: &mut [&mut Client]) {
    for member in &mut *members {
        publish_until_heard(client, channel, member);
    }
    client.publish(channel, b"begin");
    for text in ["one", "two", "end"] {
        client.publish(channel, text.as_bytes());
    }
    for member in members {
        while member.text() != "begin" {}
        assert_eq!(
            [member.text(), member.text(), member.text()],
            ["one", "two", "end"]
        );
        assert!(!comes(member));
    }
}

#[test]
fn two_programs_of_a_path_hear_once_what_is_said_elsewhere_and_not_each_other() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let both = puppet("subprotocol = 'v1'") + &puppet("subprotocol = 'v2'");
        let server = gateway(&broker, &both);
        let (mut one, mut two) = (red(&server, V1), red(&server, V2));
        let mut client = broker.client();
        hear_once(&mut client, "wsd.game.red", &mut [&mut one, &mut two]);
        one.send(r"#red\tmine");
        assert_eq!(one.text(), "mine");
        assert!(!comes(&two), "{kind:?}");
    }
}

#[test]
fn program_beside_the_one_of_before_a_reload_hears_once_what_is_said_elsewhere() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let mut server = gateway(&broker, &puppet(""));
        let mut old = red(&server, &[]);
        reload(&mut server, &puppet("env = ['A=B']"));
        let mut new = red(&server, &[]);
        let mut client = broker.client();
        hear_once(&mut client, "wsd.game.red", &mut [&mut old, &mut new]);
    }
}

#[test]
fn rooms_of_text_and_of_bytes_are_two_and_each_hears_once_what_is_said_elsewhere() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let mut server = gateway(&broker, &rooms("/r", ""));
        let mut text = server.connect_to("/r/x");
        reload(&mut server, &rooms("/r", "binary = true"));
        let bytes = server.connect_to("/r/x");
        let mut client = broker.client();
        hear_once(&mut client, "wsd.r.x", &mut [&mut text]);
        let mut bytes = bytes;
        while bytes.binary() != b"begin" {}
        for said in ["one", "two", "end"] {
            assert_eq!(bytes.binary(), said.as_bytes(), "{kind:?}");
        }
        assert!(!comes(&bytes), "{kind:?}");
        // Who was in the one of text is there still when that is what the path has again.
        reload(&mut server, &rooms("/r", ""));
        let mut late = server.connect_to("/r/x");
        late.send("again");
        assert_eq!([text.text(), late.text()], ["again", "again"]);
    }
}

#[test]
fn two_routes_of_rooms_at_one_path_have_a_room_each() {
    let both =
        rooms("/r", "subprotocol = 'v1'") + &rooms("/r", "binary = true\nsubprotocol = 'v2'");
    let server = Gateway::new().file(&both).start();
    let mut first = server.ask("/r/x", V1);
    let mut bytes = server.ask("/r/x", V2);
    let mut second = server.ask("/r/x", V1);
    second.send("hi");
    assert_eq!([first.text(), second.text()], ["hi", "hi"]);
    bytes.send("bytes");
    assert_eq!(bytes.binary(), b"bytes");
    assert!(!comes(&first));
}

#[test]
fn room_that_no_route_leads_to_any_more_hears_what_is_said_elsewhere() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let mut server = gateway(&broker, "room = ['/chat', '/other']\n");
        let mut member = server.connect_to("/chat/r");
        reload(&mut server, "room = '/other'\n");
        let mut client = broker.client();
        hear_once(&mut client, "wsd.chat.r", &mut [&mut member]);
    }
}
