//! The cookie that stands for a password: what `docs/access.md` says of it.

use std::fs;

use crate::support::{
    Server,
    login::{ALICE, BOB, WHO, alice, basic, cookie, cookie_of_alice, site, write_users},
};

const FILE: &str = "basic-auth = \"DIR/users\"\nstaticdir = \"DIR/www\"\n";

fn serve() -> Server {
    site("", FILE).program(WHO).start()
}

#[test]
fn right_password_is_answered_with_a_cookie_that_opens_sockets() {
    let server = serve();
    let (status, headers, _) = server.request("GET", "/", &format!("{}\r\n", alice()));
    let set = &headers["set-cookie"];
    assert_eq!(status, 200);
    assert!(set.starts_with(&format!("wsd-{}=", server.port())), "{set}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.split("; ").any(|own| own == attribute), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");
    assert_eq!(headers["cache-control"], "no-store");
    let header = format!("{}; a=b", cookie(set));
    let mut client = server.ask("/x", &[&header]);
    assert_eq!(client.status(), 101, "{}", client.head);
    let said = client.text();
    assert!(
        said.starts_with("user=alice type=Basic authorization= cookie=a=b "),
        "{said}"
    );
}

#[test]
fn answer_that_opens_a_socket_has_it_too() {
    let server = serve();
    let client = server.ask("/", &[&alice()]);
    assert!(
        client.head.to_lowercase().contains("set-cookie: wsd-"),
        "{}",
        client.head
    );
    let again = server.ask("/", &[&cookie_of_alice(&server)]);
    assert!(
        !again.head.to_lowercase().contains("set-cookie"),
        "{}",
        again.head
    );
}

#[test]
fn cookie_that_is_tampered_with_is_401_and_cleared_and_not_looked_at_beside_a_password() {
    let server = serve();
    let good = cookie_of_alice(&server);
    let (name, value) = good.split_once('=').expect("a value");
    let parts: Vec<&str> = value.split('.').collect();
    let other = if parts[2].starts_with('A') { 'B' } else { 'A' };
    let later = parts[0].parse::<u64>().expect("a time") + 1;
    for bad in [
        format!("{later}.{}.{}", parts[1], parts[2]),
        format!("1.{}.{}", parts[1], parts[2]),
        format!("{}.Ym9i.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{other}{}", parts[0], parts[1], &parts[2][1..]),
        String::new(),
        "..".to_owned(),
        "x".to_owned(),
    ] {
        let header = format!("{name}={bad}\r\n");
        let (status, headers, _) = server.request("GET", "/", &header);
        assert_eq!(status, 401, "{bad}");
        assert!(headers["set-cookie"].contains("Max-Age=0"), "{headers:?}");
        let with_password = format!("{header}{}\r\n", alice());
        let (status, headers, _) = server.request("GET", "/", &with_password);
        assert_eq!(status, 200, "{bad}");
        assert!(!headers["set-cookie"].contains("Max-Age=0"), "{headers:?}");
    }
    assert_eq!(server.status("/", &[&good]), 101);
}

#[test]
fn cookie_decides_before_a_password_that_is_sent_as_well() {
    let server = serve();
    let header = cookie_of_alice(&server);
    let mut client = server.ask("/", &[&header, &basic("bob", "wrong")]);
    assert!(
        client
            .text()
            .starts_with("user=alice type=Basic authorization= ")
    );
}

#[test]
fn cookie_is_void_after_a_restart_when_the_line_changes_and_for_other_files() {
    let file =
        format!("{FILE}[[route]]\npath = \"/o\"\ncommand = \"cat\"\nbasic-auth = \"DIR/others\"\n");
    let gateway = site("", &file);
    fs::write(gateway.directory().join("others"), ALICE).expect("a file");
    let mut server = gateway.program("cat").start();
    let header = cookie_of_alice(&server);
    assert_eq!(server.status("/o", &[&header]), 401);
    assert_eq!(server.status("/", &[&header]), 101);
    let other = site("", FILE).program("cat").start();
    let renamed = header.replace(&server.port().to_string(), &other.port().to_string());
    assert_eq!(other.status("/", &[&renamed]), 401);
    let hash = BOB.split_once(':').expect("a hash").1;
    write_users(server.directory(), &[&format!("alice:{hash}")]);
    server.wait_for_line("were read again");
    assert_eq!(server.status("/", &[&header]), 401);
}

#[test]
fn key_of_a_file_signs_for_several_processes() {
    let key = tempfile::NamedTempFile::new().expect("a file");
    fs::write(key.path(), [7; 32]).expect("a file");
    let flag = format!("--cookie-key={}", key.path().display());
    let users = tempfile::NamedTempFile::new().expect("a file");
    fs::write(users.path(), ALICE).expect("a file");
    let file = format!(
        "basic-auth = \"{}\"\nstaticdir = \"DIR/www\"\n",
        users.path().display()
    );
    let (one, two) = (
        site(&flag, &file).program("cat").start(),
        site(&flag, &file).program("cat").start(),
    );
    let header = cookie_of_alice(&one);
    let renamed = header.replace(&one.port().to_string(), &two.port().to_string());
    assert_eq!(two.status("/", &[&renamed]), 101);
}

#[test]
fn key_that_others_may_read_or_that_is_none_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let key = tempfile::NamedTempFile::new().expect("a file");
    for (length, mode, word) in [
        (32, 0o644, "chmod 0600"),
        (31, 0o600, "there are 31"),
        (33, 0o600, "there are more"),
        (0, 0o600, "there are 0"),
    ] {
        fs::write(key.path(), vec![b'k'; length]).expect("a file");
        fs::set_permissions(key.path(), fs::Permissions::from_mode(mode)).expect("its mode");
        let words = format!("--cookie-key={}", key.path().display());
        let output = site(&words, FILE).program("cat").output();
        assert_eq!(output.code, Some(2), "{}", output.stderr);
        assert!(
            output.stderr.contains(word) && output.stderr.contains("--cookie-key"),
            "{}",
            output.stderr
        );
        assert!(!output.stderr.contains("kkk"), "{}", output.stderr);
    }
    crate::support::assert_refused(
        "--cookie-key=/nonexistent cat",
        &["--cookie-key", "--basic-auth"],
    );
}

#[test]
fn logging_out_clears_the_cookie_and_asks_anew() {
    let server = serve();
    let header = format!("{}\r\n", alice());
    let (status, headers, body) = server.request("GET", "/.well-known/wsd-logout", &header);
    assert_eq!(status, 401);
    assert!(headers["set-cookie"].contains("Max-Age=0"), "{headers:?}");
    assert!(headers["www-authenticate"].starts_with("Basic "));
    assert_eq!(body, b"you are logged out\n");
    let embedded = format!("{header}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n");
    let (_, headers, _) = server.request("GET", "/.well-known/wsd-logout", &embedded);
    assert!(!headers.contains_key("set-cookie") && !headers.contains_key("www-authenticate"));
    let (status, ..) = server.request("POST", "/.well-known/wsd-logout", &header);
    assert_eq!(status, 405);
}

#[test]
fn by_tls_only_the_name_that_browsers_guard_counts() {
    let server = site("--ssl-selfsigned", FILE).program(WHO).start();
    let port = server.port();
    let script = format!(
        "curl -sk -u alice:secret -D - -o /dev/null https://localhost:{port}/ | tr -d '\\r' | sed -n 's/^set-cookie: //Ip'"
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("curl runs");
    let set = String::from_utf8(output.stdout).expect("text");
    assert!(set.starts_with(&format!("__Host-wsd-{port}=")), "{set}");
    assert!(set.contains("; Secure"), "{set}");
    let status = |cookie: &str| {
        let url = format!("https://localhost:{port}/");
        let output = std::process::Command::new("curl")
            .args([
                "-sk",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-H",
                cookie,
                &url,
            ])
            .output();
        String::from_utf8(output.expect("curl runs").stdout).expect("text")
    };
    let header = cookie(set.trim());
    assert_eq!(status(&header), "200");
    assert_eq!(status(&header.replace("__Host-", "")), "401");
}

#[test]
fn program_of_an_open_route_does_not_see_it_either() {
    let file = format!(
        "{FILE}[[route]]\npath = \"/open\"\ncommand = ['sh', '-c', 'echo \"[$HTTP_COOKIE]\"']\nno-auth = true\n"
    );
    let server = site("", &file).program("cat").start();
    let header = format!("{}; a=b", cookie_of_alice(&server));
    assert_eq!(server.ask("/open", &[&header]).text(), "[a=b]");
}
