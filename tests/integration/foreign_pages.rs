//! Pages of other sites, where there is a login.

use crate::support::login::{WHO, alice, site};

const FILE: &str = "basic-auth = \"DIR/users\"\nstaticdir = \"DIR/www\"\ncgidir = \"DIR/cgi\"\n";

#[test]
fn form_of_a_foreign_page_is_403_whoever_answers() {
    let server = site("", FILE).program(WHO).start();
    let own = format!("Origin: http://localhost:{}", server.port());
    for (method, target, about, status) in [
        ("POST", "/who.sh", "Origin: https://evil.example", 403),
        ("POST", "/index.html", "Origin: https://evil.example", 403),
        ("DELETE", "/who.sh", "Origin: null", 403),
        ("POST", "/who.sh", "Sec-Fetch-Site: cross-site", 403),
        ("POST", "/who.sh", "Sec-Fetch-Site: same-site", 403),
        ("POST", "/who.sh", "Sec-Fetch-Site: same-origin", 200),
        ("POST", "/who.sh", &own, 200),
        ("POST", "/who.sh", "X: y", 200),
        ("GET", "/who.sh", "Origin: https://evil.example", 200),
        (
            "GET",
            "/who.sh",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document",
            200,
        ),
    ] {
        let headers = format!("{}\r\n{about}\r\nContent-Length: 0\r\n", alice());
        let (found, ..) = server.request(method, target, &headers);
        assert_eq!(found, status, "{method} {target} {about}");
    }
}

#[test]
fn foreign_page_is_refused_before_anybody_is_asked() {
    let server = site("", FILE).program("cat").start();
    let headers = "Origin: https://evil.example\r\nContent-Length: 0\r\n";
    let (status, headers, _) = server.request("POST", "/who.sh", headers);
    assert!(status == 403 && !headers.contains_key("www-authenticate"));
    assert_eq!(server.status("/", &["Origin: https://evil.example"]), 403);
}

#[test]
fn origin_lets_pages_in() {
    let server = site("--origin=https://app.example", FILE)
        .program("cat")
        .start();
    let headers = format!(
        "{}\r\nOrigin: https://app.example\r\nContent-Length: 0\r\n",
        alice()
    );
    assert_eq!(server.request("POST", "/who.sh", &headers).0, 200);
    let headers = [
        "Origin: https://app.example",
        "Sec-Fetch-Site: cross-site",
        &*alice(),
    ];
    assert_eq!(server.status("/", &headers), 101);
}

#[test]
fn page_that_came_without_tls_is_foreign_where_there_is_tls() {
    let server = site("--trust-proxy=127.0.0.1", FILE).program("cat").start();
    let by_tls = "X-Forwarded-Proto: https";
    for (origin, status) in [("http", 403), ("https", 101)] {
        let origin = format!("Origin: {origin}://localhost:{}", server.port());
        assert_eq!(
            server.status("/", &[by_tls, &origin, &alice()]),
            status,
            "{origin}"
        );
        let headers = format!(
            "{by_tls}\r\n{origin}\r\n{}\r\nContent-Length: 0\r\n",
            alice()
        );
        let expected = if status == 101 { 200 } else { status };
        assert_eq!(
            server.request("POST", "/who.sh", &headers).0,
            expected,
            "{origin}"
        );
    }
}

#[test]
fn without_a_login_pages_send_what_they_like() {
    let server = site("", "cgidir = \"DIR/cgi\"\n").program("cat").start();
    let headers = "Origin: https://evil.example\r\nContent-Length: 0\r\n";
    assert_eq!(server.request("POST", "/who.sh", headers).0, 200);
}

#[test]
fn answers_are_for_one_client_alone() {
    let server = site("--header=X-Own:1", FILE).program("cat").start();
    let cookie = crate::support::login::cookie_of_alice(&server);
    for (target, status) in [("/index.html", 200), ("/missing", 404), ("/", 200)] {
        let (found, headers, _) = server.request("GET", target, &format!("{cookie}\r\n"));
        assert_eq!(found, status, "{target}");
        assert!(
            headers["cache-control"].contains("private"),
            "{target}: {headers:?}"
        );
        assert!(
            headers["vary"].contains("Cookie, Authorization"),
            "{target}: {headers:?}"
        );
    }
    let (_, headers, _) = server.request("GET", "/who.sh", &format!("{cookie}\r\n"));
    assert_eq!(headers["cache-control"], "private, max-age=60");
}
