//! The hub by itself, with real brokers: what it sends and hears, and what becomes of it when they go.

use std::{
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use bytes::Bytes;
use wsd::hub::{Authorities, Hub, HubOptions, HubUrl, Name, Subscription};

use crate::support::{
    Gateway, PATIENCE, Signal,
    broker::{Broker, Kind, free_port},
    certificates::Authority,
    eventually,
};

/// What a broker may be silent.
const SILENCE: Duration = Duration::from_secs(30);

const BOTH: [Kind; 2] = [Kind::Nats, Kind::Redis];

/// A hub with the URL, and without any authority of its own.
fn options(url: &str) -> HubOptions {
    let url: HubUrl = url.parse().expect("a URL");
    HubOptions {
        credentials: url.credentials.clone(),
        url,
        prefix: "wsd".parse().expect("a word"),
        authorities: None,
    }
}

fn start(url: &str) -> Hub {
    let hub = Hub::start(options(url)).expect("a thread");
    eventually("there is a connection", || hub.figures().is_connected);
    hub
}

/// Someone in a room of a hub.
struct Listener {
    messages: Receiver<Bytes>,
    _subscription: Subscription,
}

impl Listener {
    fn new(hub: &Hub, name: &Name) -> Self {
        let (sender, messages) = mpsc::channel();
        let subscription = hub.subscribe(name, move |message| {
            let _ = sender.send(message);
        });
        Listener {
            messages,
            _subscription: subscription,
        }
    }

    fn next(&self) -> Bytes {
        self.messages.recv_timeout(PATIENCE).expect("a message")
    }

    fn text(&self) -> String {
        String::from_utf8(self.next().to_vec()).expect("text")
    }
}

fn say(hub: &Hub, name: &Name, text: &str) {
    hub.publish(name, Bytes::copy_from_slice(text.as_bytes()));
}

/// Says something until somebody hears it, which takes what a subscription takes; that it may come more than once is
/// dealt with.
fn until_heard(hub: &Hub, name: &Name, listener: &Listener) {
    eventually("what is said is heard", || {
        say(hub, name, "probe");
        let heard = listener.messages.recv_timeout(Duration::from_millis(100));
        heard.is_ok()
    });
    say(hub, name, "end of probes");
    while listener.text() != "end of probes" {}
}

#[test]
fn what_is_said_is_heard_elsewhere_in_order_and_not_at_home() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let (here, there) = (start(&broker.url("")), start(&broker.url("")));
        let name = here.name("/chat/lobby");
        let (own, other) = (Listener::new(&here, &name), Listener::new(&there, &name));
        until_heard(&here, &name, &other);
        for number in 0..2000 {
            say(&here, &name, &number.to_string());
        }
        for number in 0..2000 {
            assert_eq!(other.text(), number.to_string(), "{kind:?}");
        }
        until_heard(&there, &name, &own);
        assert!(own.messages.try_recv().is_err(), "{kind:?}");
        let (of_here, of_there) = (here.figures(), there.figures());
        assert_eq!((of_here.lost, of_there.lost), (0, 0), "{kind:?}");
        assert!(
            of_here.sent >= 2001 && of_there.received >= 2001,
            "{kind:?}"
        );
    }
}

#[test]
fn what_the_broker_refuses_is_lost() {
    let nats = "authorization { users: [{ user: ann, password: x, \
                permissions: { publish: \"wsd.open.>\" } }] }";
    let redis = "user ann on >x resetchannels &wsd.open.* +@all";
    for (kind, settings) in [(Kind::Nats, nats), (Kind::Redis, redis)] {
        let broker = Broker::start_with(kind, |_| settings.to_owned());
        let hub = start(&broker.url("ann:x@"));
        for _ in 0..3 {
            say(&hub, &hub.name("/closed/a"), "refused");
        }
        eventually("what is refused is lost", || hub.figures().lost == 3);
        say(&hub, &hub.name("/open/a"), "taken");
        // NATS says later what it does not take.
        let sent = if kind == Kind::Redis { 1 } else { 4 };
        eventually("what is taken is sent", || hub.figures().sent >= sent);
        assert_eq!(
            (hub.figures().sent, hub.figures().lost),
            (sent, 3),
            "{kind:?}"
        );
    }
}

#[test]
fn broker_of_another_kind_is_told_as_such() {
    let broker = Broker::start(Kind::Nats);
    let hub = format!("--hub=redis://localhost:{}", broker.port);
    let mut server = Gateway::with(&hub).args(["--room=/chat"]).start();
    eventually("the log tells of it", || {
        server.log().contains("it does not speak Redis;")
    });
}

#[test]
fn payload_is_the_message_and_nothing_else() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let hub = start(&broker.url(""));
        let name = hub.name("/chat/v1.2");
        assert_eq!(name.as_str(), "wsd.chat.v1%2E2");
        let listener = Listener::new(&hub, &name);
        let (mut speaker, mut reader) = (broker.client(), broker.client());
        reader.subscribe("wsd.chat.v1%2E2");
        let odd = b"\xff\0\r\n\xe2\x82\xac";
        eventually("what a client publishes is heard", || {
            speaker.publish("wsd.chat.v1%2E2", odd);
            let heard = listener.messages.recv_timeout(Duration::from_millis(100));
            heard.is_ok_and(|message| message == odd[..])
        });
        while reader.message() != odd {}
        hub.publish(&name, Bytes::new());
        hub.publish(&name, Bytes::from_static(odd));
        while !reader.message().is_empty() {}
        assert_eq!(reader.message(), odd, "{kind:?}");
    }
}

#[test]
fn rooms_are_heard_each_by_itself_until_the_last_has_left() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let (here, there) = (start(&broker.url("")), start(&broker.url("")));
        let (red, blue) = (here.name("/red"), here.name("/blue"));
        let first = Listener::new(&there, &red);
        let second = Listener::new(&there, &red);
        let other = Listener::new(&there, &blue);
        until_heard(&here, &red, &first);
        until_heard(&here, &blue, &other);
        assert!(other.messages.try_recv().is_err(), "{kind:?}");
        while second.text() != "end of probes" {}
        drop(first);
        until_heard(&here, &red, &second);
        drop(second);
        // In order behind the end of the subscription.
        until_heard(&here, &blue, &other);
        if kind == Kind::Redis {
            let mut client = broker.client();
            eventually("nobody is subscribed", || {
                client.publish("wsd.red", b"") == 0
            });
        }
        let again = Listener::new(&there, &red);
        until_heard(&here, &red, &again);
    }
}

#[test]
fn credentials_open_the_door() {
    let nats_user = "authorization { user: ann, password: \"p@ss:w\" }";
    let nats_token = "authorization { token: \"s3cret\" }";
    let redis_user = "user default off\nuser ann on >p@ss:w ~* &* +@all";
    let redis_token = "requirepass s3cret";
    for (kind, settings, credentials) in [
        (Kind::Nats, nats_user, "ann:p%40ss%3Aw@"),
        (Kind::Nats, nats_token, "s3cret@"),
        (Kind::Redis, redis_user, "ann:p%40ss%3Aw@"),
        (Kind::Redis, redis_token, ":s3cret@"),
    ] {
        let broker = Broker::start_with(kind, |_| settings.to_owned());
        start(&broker.url(credentials));
        for wrong in ["", "ann:wrong@", "wrong@"] {
            let hub = Hub::start(options(&broker.url(wrong))).expect("a thread");
            wait_for_attempt(&hub);
            assert!(!hub.figures().is_connected, "{settings}: {wrong}");
        }
    }
}

fn wait_for_attempt(hub: &Hub) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(hub.attempted());
}

#[test]
fn broker_that_comes_late_is_found() {
    for kind in BOTH {
        let port = free_port();
        let scheme = if kind == Kind::Nats { "nats" } else { "redis" };
        let begun = Instant::now();
        let hub = Hub::start(options(&format!("{scheme}://127.0.0.1:{port}"))).expect("a thread");
        let name = hub.name("/a");
        let listener = Listener::new(&hub, &name);
        wait_for_attempt(&hub);
        assert!(begun.elapsed() < PATIENCE);
        say(&hub, &name, "nobody hears it");
        assert_eq!((hub.figures().lost, hub.figures().is_connected), (1, false));
        let mut broker = Broker::start(kind);
        broker.stop();
        broker.port = port;
        broker.start_again();
        eventually("there is a connection", || hub.figures().is_connected);
        until_heard(&start(&broker.url("")), &name, &listener);
        assert_eq!(hub.figures().reconnects, 0, "{kind:?}");
    }
}

#[test]
fn all_rooms_are_heard_again_after_a_restart_and_what_was_lost_stays_lost() {
    for kind in BOTH {
        let mut broker = Broker::start(kind);
        let (here, there) = (start(&broker.url("")), start(&broker.url("")));
        let names = ["/a", "/b", "/c"].map(|path| here.name(path));
        let listeners = names.each_ref().map(|name| Listener::new(&there, name));
        until_heard(&here, &names[0], &listeners[0]);
        broker.stop();
        eventually("both have noticed", || {
            !here.figures().is_connected && !there.figures().is_connected
        });
        let lost = here.figures().lost;
        say(&here, &names[0], "into the void");
        assert_eq!(here.figures().lost, lost + 1, "{kind:?}");
        broker.start_again();
        for (name, listener) in names.iter().zip(&listeners) {
            eventually("what is said is heard", || {
                say(&here, name, "probe");
                match listener.messages.recv_timeout(Duration::from_millis(100)) {
                    Ok(message) => {
                        assert_eq!(message, "probe", "{kind:?}");
                        true
                    }
                    Err(_) => false,
                }
            });
        }
        assert_eq!(there.figures().reconnects, 1, "{kind:?}");
    }
}

#[test]
fn broker_that_takes_nothing_is_given_up_and_found_again() {
    for kind in BOTH {
        let broker = Broker::start(kind);
        let (here, there) = (start(&broker.url("")), start(&broker.url("")));
        let name = here.name("/a");
        let listener = Listener::new(&there, &name);
        until_heard(&here, &name, &listener);
        broker.signal(Signal::STOP);
        let long = Bytes::from(vec![b'x'; 60_000]);
        eventually("it is given up", || {
            let begun = Instant::now();
            for _ in 0..100 {
                here.publish(&name, long.clone());
            }
            // Nobody who speaks waits for the broker.
            assert!(begun.elapsed() < Duration::from_secs(5), "{kind:?}");
            !here.figures().is_connected
        });
        assert!(here.figures().lost > 0, "{kind:?}");
        broker.signal(Signal::CONT);
        eventually("it is found again", || here.figures().is_connected);
        eventually("what is said is heard", || {
            say(&here, &name, "new");
            let heard = listener.messages.recv_timeout(Duration::from_millis(100));
            heard.is_ok_and(|message| message == "new")
        });
    }
}

#[test]
fn message_that_is_too_long_for_the_broker_stays_here() {
    let broker = Broker::start_with(Kind::Nats, |_| "max_payload: 1024".to_owned());
    let (here, there) = (start(&broker.url("")), start(&broker.url("")));
    let name = here.name("/a");
    let listener = Listener::new(&there, &name);
    until_heard(&here, &name, &listener);
    here.publish(&name, Bytes::from(vec![b'x'; 1025]));
    here.publish(&name, Bytes::from(vec![b'y'; 1024]));
    assert_eq!(listener.next(), vec![b'y'; 1024]);
    let figures = here.figures();
    assert_eq!((figures.too_long, figures.lost), (1, 0));
    assert!(figures.is_connected && figures.reconnects == 0);
}

#[test]
fn certificate_is_checked() {
    for kind in BOTH {
        let authority = Authority::new("Brokers");
        let broker = Broker::start_with(kind, |directory| {
            authority.issue(&["localhost"]).write(directory, "broker");
            let [certificate, key] =
                ["pem", "key"].map(|end| directory.join(format!("broker.{end}")));
            let (certificate, key) = (certificate.display(), key.display());
            match kind {
                Kind::Nats => {
                    format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" }}")
                }
                Kind::Redis => format!(
                    "tls-port PORT\ntls-cert-file {certificate}\ntls-key-file {key}\ntls-auth-clients no"
                ),
            }
        });
        let directory = tempfile::tempdir().expect("a directory");
        let trusting = |authority: &Authority, url: &str| {
            let file = authority.write(directory.path(), "ca.pem");
            let hub = Hub::start(HubOptions {
                authorities: Some(Authorities {
                    file,
                    roots: authority.roots().as_ref().clone(),
                }),
                ..options(url)
            });
            let hub = hub.expect("a thread");
            wait_for_attempt(&hub);
            hub
        };
        let url = broker.tls_url();
        let (here, there) = (trusting(&authority, &url), trusting(&authority, &url));
        let name = here.name("/a");
        let listener = Listener::new(&there, &name);
        until_heard(&here, &name, &listener);
        let other = trusting(&Authority::new("Others"), &url);
        assert!(!other.figures().is_connected, "{kind:?}: another authority");
        let elsewhere = url.replace("localhost", "127.0.0.1");
        let other = trusting(&authority, &elsewhere);
        assert!(!other.figures().is_connected, "{kind:?}: another name");
    }
}

/// It takes as long as a broker may be silent.
#[test]
fn broker_that_has_not_answered_for_half_a_minute_is_given_up() {
    let brokers = BOTH.map(Broker::start);
    let hubs = brokers.each_ref().map(|broker| start(&broker.url("")));
    let begun = Instant::now();
    for broker in &brokers {
        broker.signal(Signal::STOP);
    }
    let are_gone = || hubs.iter().all(|hub| !hub.figures().is_connected);
    while !are_gone() {
        assert!(begun.elapsed() < 2 * SILENCE, "{hubs:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    for broker in &brokers {
        broker.signal(Signal::CONT);
    }
    eventually("they are found again", || {
        hubs.iter().all(|hub| hub.figures().is_connected)
    });
}
