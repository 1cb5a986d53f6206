//! Rooms of several wsd processes that meet through a broker.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::{
    Client, Gateway, Server, Signal,
    broker::{Broker, BrokerClient, Kind, free_port},
    certificates::Authority,
    eventually,
    operators::{ask, figures, start},
    puppet::PUPPET,
};

const BOTH: [Kind; 2] = [Kind::Nats, Kind::Redis];

/// A server whose operators are told of it, with a broker and more flags.
fn gateway(broker: &Broker, words: &[&str]) -> (Server, SocketAddr) {
    let hub = format!("--hub={}", broker.url(""));
    let (server, admin) = start(&[&[&*hub], words].concat());
    eventually("it has reached the hub", || {
        figure(admin, "wsd_hub_connected") == 1.0
    });
    (server, admin)
}

fn figure(admin: SocketAddr, name: &str) -> f64 {
    figures(admin).get(name).copied().unwrap_or(f64::NAN)
}

/// Waits until the log has told something, be it before it told where the server listens.
fn until_told(server: &mut Server, part: &str) {
    eventually(&format!("the log tells {part:?}"), || {
        server.log().contains(part)
    });
}

/// Whether something comes within a moment.
pub(super) fn comes(client: &Client) -> bool {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };
    let mut fds = [PollFd::new(&client.stream, PollFlags::IN)];
    poll(&mut fds, Some(&moment)).expect("poll") > 0
}

/// The next text, if it comes within a moment.
fn soon(client: &mut Client) -> Option<String> {
    comes(client).then(|| client.text())
}

/// Lets both ends hear each other: from now on nothing is lost between them.
fn meet(one: &mut Client, other: &mut Client) {
    until_heard(one, other);
    until_heard(other, one);
}

/// Says something until the other hears it, and lets both hear the last of it.
fn until_heard(speaker: &mut Client, listener: &mut Client) {
    let mut number = 0;
    loop {
        speaker.send(&format!("probe {number}"));
        // It hears itself.
        while speaker.text() != format!("probe {number}") {}
        if soon(listener).is_some_and(|text| text.starts_with("probe")) {
            break;
        }
        number += 1;
    }
    speaker.send("met");
    while speaker.text() != "met" {}
    while listener.text() != "met" {}
}

#[test]
fn rooms_of_three_machines_are_one_and_nobody_hears_anything_twice() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let servers = [(); 3].map(|()| gateway(&broker, &["--room=/chat"]));
        let mut members = servers
            .each_ref()
            .map(|(server, _)| server.connect_to("/chat/lobby"));
        let mut neighbour = servers[0].0.connect_to("/chat/lobby");
        let [a, b, c] = &mut members;
        meet(a, b);
        meet(b, c);
        meet(a, c);
        // Behind these nothing comes any more of what was said meanwhile.
        for member in &mut members {
            member.send("fence");
        }
        for member in members.iter_mut().chain([&mut neighbour]) {
            (0..3).for_each(|_| while member.text() != "fence" {});
        }
        for number in 0..100 {
            members[number % 3].send(&format!("{} {number}", number % 3));
        }
        for member in members.iter_mut().chain([&mut neighbour]) {
            let mut heard: [Vec<usize>; 3] = Default::default();
            for _ in 0..100 {
                let text = member.text();
                let (who, number) = text.split_once(' ').expect("who and what");
                heard[who.parse::<usize>().expect("who")].push(number.parse().expect("what"));
            }
            for (who, numbers) in heard.iter().enumerate() {
                let said: Vec<usize> = (0..100).filter(|number| number % 3 == who).collect();
                assert_eq!(
                    *numbers, said,
                    "{kind:?}: in the order in which it was said"
                );
            }
        }
        for (_, admin) in &servers {
            assert_eq!(figure(*admin, "wsd_hub_lost_total"), 0.0, "{kind:?}");
            // A batch counts as sent when the broker has answered, which may be after its messages have come.
            eventually("what was said is counted", || {
                let said = |direction: &str| {
                    figure(
                        *admin,
                        &format!("wsd_hub_messages_total{{direction={direction:?}}}"),
                    )
                };
                said("out") >= 33.0 && said("in") >= 66.0
            });
        }
    }
}

/// Publishes until a member hears it.
pub(super) fn publish_until_heard(client: &mut BrokerClient, channel: &str, member: &mut Client) {
    loop {
        client.publish(channel, b"probe");
        if soon(member).is_some() {
            break;
        }
    }
    client.publish(channel, b"met");
    while member.text() != "met" {}
}

#[test]
fn clients_of_the_broker_are_members() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let (server, admin) = gateway(&broker, &["--room=/chat", "--maxframesize=1000"]);
        let mut member = server.connect_to("/chat/v1.2");
        let mut client = broker.client();
        publish_until_heard(&mut client, "wsd.chat.v1%2E2", &mut member);
        client.publish("wsd.chat.v1%2E2", b"a\xffb");
        assert_eq!(member.text(), "a\u{fffd}b");
        client.publish("wsd.chat.v1%2E2", &[b'x'; 1001]);
        client.publish("wsd.chat.other", b"to others");
        client.publish("wsd.chat.v1%2E2", b"last");
        assert_eq!(member.text(), "last");
        assert_eq!(figure(admin, "wsd_dropped_total{reason=\"size\"}"), 1.0);
        let mut reader = broker.client();
        reader.subscribe("wsd.chat.v1%2E2");
        member.send("from a member");
        assert_eq!(reader.message(), b"from a member");
    }
}

#[test]
fn room_of_bytes_carries_bytes() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let (server, _) = gateway(&broker, &["--room=/b", "--binary"]);
        let mut member = server.connect_to("/b/x");
        let mut client = broker.client();
        let mut publish = || client.publish("wsd.b.x", b"\xff\0");
        while !comes(&member) {
            publish();
        }
        assert_eq!(member.binary(), b"\xff\0");
        let mut reader = broker.client();
        reader.subscribe("wsd.b.x");
        member.send_binary(b"\0\xfe");
        assert_eq!(reader.message(), b"\0\xfe", "{kind:?}");
    }
}

#[test]
fn rooms_of_a_tagged_program_meet_and_everything_else_stays_on_its_machine() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let puppets = [(); 2].map(|()| {
            let hub = format!("--hub={} --admin=127.0.0.1:0", broker.url(""));
            let server = Gateway::with(&hub)
                .args(["--share=tagged", "--join-env=NONE"])
                .program(PUPPET);
            let mut server = server.start();
            until_told(&mut server, "is reached");
            server
        });
        let mut clients = puppets.each_ref().map(Server::connect);
        let [here, there] = &mut clients;
        for client in [&mut *here, &mut *there] {
            client.send(r"+1\t#red");
        }
        // Each line goes to the room; the other machine's member hears it, too.
        loop {
            here.send(r"#red\tprobe");
            assert_eq!(here.text(), "probe");
            if soon(there).is_some() {
                break;
            }
        }
        here.send(r"*\tall of this machine");
        here.send(r"1\tone of this machine");
        here.send(r"#red!1\tthe others");
        here.send(r"#red\tlast");
        let heard: Vec<String> = std::iter::repeat_with(|| there.text())
            .skip_while(|text| text == "probe")
            .take(2)
            .collect();
        assert_eq!(heard, ["the others", "last"], "{kind:?}");
        let own = [here.text(), here.text(), here.text()];
        assert_eq!(own, ["all of this machine", "one of this machine", "last"]);
        let mut client = broker.client();
        client.publish("wsd.red", b"by hand");
        assert_eq!(there.text(), "by hand");
        assert_eq!(here.text(), "by hand");
        // Nobody is in it any more, here.
        there.send(r"!1\t#red");
        there.send(r"1\tout");
        assert_eq!(there.text(), "out");
        here.send(r"#red\tfor nobody");
        client.publish("wsd.red", b"for nobody");
        assert_eq!(here.text(), "for nobody");
        assert_eq!(here.text(), "for nobody");
        there.send(r"1\tend");
        assert_eq!(there.text(), "end", "{kind:?}");
    }
}

#[test]
fn prefix_keeps_apart() {
    let broker = Broker::start(Kind::Redis);
    let (one, _) = gateway(&broker, &["--room=/chat", "--hub-prefix=staging"]);
    let (two, _) = gateway(&broker, &["--room=/chat"]);
    let (mut here, mut there) = (one.connect_to("/chat/a"), two.connect_to("/chat/a"));
    let mut client = broker.client();
    publish_until_heard(&mut client, "staging.chat.a", &mut here);
    publish_until_heard(&mut client, "wsd.chat.a", &mut there);
    here.send("only here");
    assert_eq!(here.text(), "only here");
    client.publish("wsd.chat.a", b"end");
    assert_eq!(there.text(), "end");
}

#[test]
fn broker_that_goes_is_told_of_once_and_rooms_go_on() {
    for kind in BOTH {
        let mut broker = Broker::start(kind);
        let (mut server, admin) = gateway(&broker, &["--room=/chat"]);
        let mut members = [(); 2].map(|()| server.connect_to("/chat/a"));
        broker.stop();
        server.wait_for_line("is lost");
        assert_eq!(figure(admin, "wsd_hub_connected"), 0.0);
        assert_eq!(ask(admin, "GET", "/readyz").0, 200);
        let lost = figure(admin, "wsd_hub_lost_total");
        members[0].send("among ourselves");
        assert_eq!(members[1].text(), "among ourselves");
        assert_eq!(figure(admin, "wsd_hub_lost_total"), lost + 1.0);
        broker.start_again();
        server.wait_for_line("is back");
        assert_eq!(figure(admin, "wsd_hub_reconnects_total"), 1.0);
        let mut client = broker.client();
        publish_until_heard(&mut client, "wsd.chat.a", &mut members[0]);
        let log = server.log();
        assert_eq!(log.matches("the hub").count(), 3, "{log}");
    }
}

#[test]
fn refused_password_is_told_as_such_and_no_secret_is_told() {
    for (kind, settings) in [
        (Kind::Nats, "authorization { user: ann, password: right }"),
        (Kind::Redis, "requirepass right"),
    ] {
        let broker = Broker::start_with(kind, |_| settings.to_owned());
        let hub = format!("--hub={} --loglevel=debug", broker.url("zaphod:s3cr%65t@"));
        let mut server = Gateway::with(&hub).args(["--room=/chat"]).start();
        assert_eq!(server.connect_to("/chat/a").status(), 101);
        until_told(&mut server, "it refuses");
        let log = server.log();
        let told = log.lines().filter(|line| line.contains("it refuses"));
        assert_eq!(told.count(), 1, "{log}");
        assert!(log.contains("***:***@localhost"), "{log}");
        for secret in ["s3cret", "s3cr%65t", "zaphod"] {
            assert!(!log.contains(secret), "{log}");
        }
        server.signal(Signal::TERM);
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn broker_that_is_not_there_holds_up_no_start() {
    let port = free_port();
    let hub = format!("--hub=nats://127.0.0.1:{port}");
    let mut server = Gateway::with(&hub).args(["--room=/chat"]).start();
    until_told(&mut server, "cannot be reached");
    let mut member = server.connect_to("/chat/a");
    member.send("alone");
    assert_eq!(member.text(), "alone");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

/// A file that only we may read.
fn credentials(directory: &Path, text: &str) -> String {
    let file = directory.join("credentials");
    fs::write(&file, text).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
    format!("--hub-credentials={}", file.display())
}

#[test]
fn credentials_of_a_file_and_an_authority_of_our_own_open_the_door() {
    for kind in BOTH {
        let authority = Authority::new("Brokers");
        let broker = Broker::start_with(kind, |directory| {
            authority.issue(&["localhost"]).write(directory, "broker");
            let file = |end| {
                directory
                    .join(format!("broker.{end}"))
                    .display()
                    .to_string()
            };
            let (certificate, key) = (file("pem"), file("key"));
            match kind {
                Kind::Nats => format!(
                    "tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" }}\n\
                     authorization {{ user: ann, password: \"a:b@c\" }}"
                ),
                Kind::Redis => format!(
                    "tls-port PORT\ntls-cert-file {certificate}\ntls-key-file {key}\n\
                     tls-auth-clients no\nuser ann on >a:b@c resetchannels &wsd.* +@connection +publish +subscribe +unsubscribe"
                ),
            }
        });
        let directory = tempfile::tempdir().expect("a directory");
        let ca = authority.write(directory.path(), "ca.pem");
        let words = [
            format!("--hub={}", broker.tls_url()),
            format!("--hub-ca={}", ca.display()),
            credentials(directory.path(), "ann:a:b@c\n"),
            "--room=/chat".to_owned(),
        ];
        let servers = [(); 2].map(|()| {
            let mut server = Gateway::new().args(&words).start();
            until_told(&mut server, "is reached");
            server
        });
        let mut members = servers
            .each_ref()
            .map(|server| server.connect_to("/chat/a"));
        let [one, other] = &mut members;
        meet(one, other);
    }
}

#[test]
fn message_too_long_for_the_broker_stays_here_and_cuts_nobody_off() {
    let broker = Broker::start_with(Kind::Nats, |_| "max_payload: 1024".to_owned());
    let (mut server, admin) = gateway(&broker, &["--room=/chat"]);
    let mut members = [(); 2].map(|()| server.connect_to("/chat/a"));
    let mut reader = broker.client();
    reader.subscribe("wsd.chat.a");
    let long = "x".repeat(1025);
    for text in [&*long, &*long, "short"] {
        members[0].send(text);
        assert_eq!(members[1].text(), text);
    }
    assert_eq!(reader.message(), b"short");
    assert_eq!(figure(admin, "wsd_dropped_total{reason=\"size\"}"), 2.0);
    assert_eq!(figure(admin, "wsd_hub_reconnects_total"), 0.0);
    // What is logged comes in its order, and when the log has time.
    members.into_iter().for_each(Client::close);
    server.wait_for_line("session ended");
    let log = server.log();
    assert_eq!(log.matches("stays on this machine").count(), 1, "{log}");
}

#[test]
fn last_words_reach_the_broker_before_the_end() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let hub = format!("--hub={}", broker.url(""));
        let mut server = Gateway::with(&hub)
            .args(["--share=tagged"])
            .program(r"while read -r line; do :; done; printf '#red\tgoodbye\n'")
            .start();
        let mut reader = broker.client();
        reader.subscribe("wsd.red");
        let mut client = server.connect();
        server.signal(Signal::TERM);
        assert_eq!(client.closed().0, 1001);
        assert_eq!(reader.message(), b"goodbye", "{kind:?}");
        server.wait();
    }
}
