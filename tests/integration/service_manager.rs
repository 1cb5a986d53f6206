//! What a service manager is told (sd_notify(3)).

use std::os::unix::net::UnixDatagram;

use tempfile::TempDir;

use crate::support::{Gateway, PATIENCE, Server, Signal};

/// A manager's socket, and a server that was started by the manager.
struct Managed {
    manager: UnixDatagram,
    server: Server,
    _directory: TempDir,
}

impl Managed {
    fn start(words: &[&str], environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).expect("a socket");
        manager.set_read_timeout(Some(PATIENCE)).expect("an option");
        let gateway = Gateway::new().args(words).env("NOTIFY_SOCKET", &path);
        let gateway = environment
            .iter()
            .fold(gateway, |gateway, (name, value)| gateway.env(name, value));
        Managed {
            manager,
            server: gateway.start(),
            _directory: directory,
        }
    }

    fn hear(&self) -> String {
        let mut message = [0; 4096];
        let length = self.manager.recv(&mut message).expect("a message");
        String::from_utf8_lossy(&message[..length]).into_owned()
    }
}

#[test]
fn manager_hears_of_start_reload_and_stop() {
    let mut managed = Managed::start(&["cat"], &[]);
    let ready = managed.hear();
    let url = format!(
        "STATUS=Serving on ws://localhost:{}/",
        managed.server.port()
    );
    assert!(
        ready.contains("READY=1\n") && ready.contains(&url),
        "{ready}"
    );
    managed.server.signal(Signal::HUP);
    let reloading = managed.hear();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert!(managed.hear().starts_with("READY=1\n"));
    managed.server.signal(Signal::TERM);
    let stopping = managed.hear();
    assert!(stopping.starts_with("STOPPING=1\n"), "{stopping}");
    assert_eq!(managed.server.wait().code(), Some(0));
}

#[test]
fn watchdog_is_fed_as_often_as_it_wants() {
    let managed = Managed::start(&["cat"], &[("WATCHDOG_USEC", "20000")]);
    let fed = (0..10).filter(|_| managed.hear().starts_with("WATCHDOG=1\n"));
    assert!(fed.count() >= 8);
}

#[test]
fn programs_hear_nothing_of_the_manager() {
    let managed = Managed::start(&["sh", "-c", "echo \"<$NOTIFY_SOCKET>\""], &[]);
    assert_eq!(managed.server.connect().text(), "<>");
}
