//! What authorizers say, row by row.

use super::*;
use std::os::unix::process::ExitStatusExt;

/// What a program with an exit status has printed, decided.
fn program(code: i32, output: &str) -> Result<Verdict, AuthorizerFailure> {
    let said = (!output.is_empty()).then(|| match output.split_once("\n\n") {
        Some((header, body)) => Said {
            header: Some(format!("{header}\n\n").into()),
            body: body.to_owned().into(),
        },
        None => Said::default(),
    });
    of_program(ExitStatus::from_raw(code << 8), said)
}

fn granted(output: &str) -> Grant {
    match program(0, output) {
        Ok(Verdict::Allow(grant)) => (*grant).clone(),
        other => panic!("{output:?}: {other:?}"),
    }
}

fn denied(output: &str) -> Denial {
    match program(0, output) {
        Ok(Verdict::Deny(Some(denial))) => (*denial).clone(),
        other => panic!("{output:?}: {other:?}"),
    }
}

#[test]
fn exit_status_alone_decides() {
    assert_eq!(program(0, "").expect("0"), Verdict::Allow(Arc::default()));
    assert_eq!(program(1, "").expect("1"), Verdict::Deny(None));
    for code in [2, 3, 127, 255] {
        let failure = program(code, "").expect_err("another one");
        assert!(matches!(failure, AuthorizerFailure::Exit(_)), "{failure}");
    }
    let signal = of_program(ExitStatus::from_raw(9), None).expect_err("a signal");
    assert_eq!(signal.to_string(), "it was ended by signal 9");
}

#[test]
fn exit_status_and_words_together_decide_nothing() {
    for (code, output) in [
        (1, "X: y\n\n"),
        (1, "Status: 403\n\n"),
        (1, "?"),
        (2, "Status: 200\n\n"),
    ] {
        assert!(program(code, output).is_err(), "{code} {output:?}");
    }
}

#[test]
fn header_of_2xx_or_without_a_status_lets_in() {
    for output in [
        "X-A: b\n\n",
        "Status: 200 OK\n\n",
        "Status: 204\n\nbody that nobody sees",
        "Content-Type: text/html\n\n<p>\n\n",
    ] {
        granted(output);
    }
    let grant = granted(
        "Content-Type: text/html\nContent-Length: 3\nContent-Encoding: gzip\nX-A: b\nSet-Cookie: a=1\nSet-Cookie: b=2\n\nabc",
    );
    let names: Vec<_> = grant
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["set-cookie", "set-cookie", "x-a"],
        "of the body nothing"
    );
}

#[test]
fn other_status_is_the_answer_with_headers_and_body() {
    let denial = denied(
        "Status: 401 Who are you?\nWWW-Authenticate: Basic realm=\"x\"\nContent-Type: text/plain\nContent-Length: 99\n\nhello\n\nyou",
    );
    assert_eq!(denial.status, StatusCode::UNAUTHORIZED);
    assert_eq!(denial.reason.expect("a reason").as_bytes(), b"Who are you?");
    assert_eq!(&denial.body[..], b"hello\n\nyou");
    assert_eq!(denial.headers["www-authenticate"], "Basic realm=\"x\"");
    assert_eq!(denial.headers["content-type"], "text/plain");
    assert!(
        !denial.headers.contains_key("content-length"),
        "it may have been cut"
    );
    for (output, status) in [
        ("Status: 302\nLocation: /login\n\n", 302),
        ("Location: https://login.example/\n\n", 302),
        ("Location: /login?x\n\n", 302),
        ("Status: 503\n\n", 503),
        ("Status: 599\n\n", 599),
    ] {
        assert_eq!(denied(output).status, status, "{output:?}");
    }
    assert_eq!(
        denied("Location: /login?x\n\n").headers["location"],
        "/login?x"
    );
    let quiet =
        denied("Status: 403\nVariable-A: b\nTarget: a:1\nSec-WebSocket-Protocol: x\nX-B: c\n\n");
    let names: Vec<_> = quiet.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["x-b"], "what is for us is not for the client");
}

#[test]
fn status_444_hangs_up() {
    assert_eq!(program(0, "Status: 444\n\n").expect("it"), Verdict::HangUp);
}

#[test]
fn header_that_is_none_decides_nothing() {
    for output in [
        "Status: 200\n",
        "?",
        "\n\n",
        "no header\n\n",
        "X: y\nno header\n\n",
        "X: y\n folded\n\n",
        "Status: 101\n\n",
        "Status: 100\n\n",
        "Status: 600\n\n",
        "Status: 20\n\n",
        "Status: yes\n\n",
        "Status: 200\nStatus: 403\n\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 403 Forbidden\nX: y\n\n",
        "Connection: close\n\n",
        "Transfer-Encoding: chunked\n\n",
        "Upgrade: websocket\n\n",
        "Keep-Alive: 5\n\n",
        "Sec-WebSocket-Accept: x\n\n",
        "Sec-WebSocket-Extensions: x\n\n",
        "Sec-WebSocket-Protocol: a\nSec-WebSocket-Protocol: b\n\n",
        "Status: 403\nSec-WebSocket-Version: 13\n\n",
        "Location: //other.example/\n\n",
        "Location:\n\n",
    ] {
        let verdict = program(0, output);
        assert!(verdict.is_err(), "{output:?}: {verdict:?}");
    }
}

#[test]
fn variables_are_set_in_capitals_and_two_of_them_name_the_user() {
    let grant = granted(
        "Variable-tenant: blue, green\nVariable-REMOTE_USER: ann\nvariable-auth_type: Ticket\nVariable-EMPTY:\n\n",
    );
    assert_eq!(
        grant.variables,
        [
            ("TENANT".to_owned(), "blue, green".into()),
            ("EMPTY".to_owned(), "".into())
        ]
    );
    assert_eq!(grant.user.as_deref(), Some("ann"));
    assert_eq!(grant.auth_type.as_deref(), Some("Ticket"));
}

#[test]
fn variable_that_is_not_its_to_set_decides_nothing() {
    for name in [
        "PATH",
        "LD_PRELOAD",
        "HTTP_X",
        "REMOTE_ADDR",
        "X-Y",
        "1",
        "",
    ] {
        let verdict = program(0, &format!("Variable-{name}: x\n\n"));
        assert!(verdict.is_err(), "{name}: {verdict:?}");
        let verdict = program(0, &format!("Status: 403\nVariable-{name}: x\n\n"));
        assert!(verdict.is_err(), "{name}: {verdict:?}");
    }
    assert!(
        program(0, "Variable-A: 1\nVariable-a: 2\n\n").is_err(),
        "twice"
    );
    let bytes = Said {
        header: Some(Bytes::from_static(b"Variable-REMOTE_USER: \xff\n\n")),
        body: Bytes::new(),
    };
    let failure = of_program(ExitStatus::from_raw(0), Some(bytes)).expect_err("no text");
    assert!(
        matches!(failure, AuthorizerFailure::NotText(_)),
        "{failure}"
    );
}

#[test]
fn target_and_subprotocol_are_taken() {
    let grant = granted("Target: unix:/run/ann.sock\nSec-WebSocket-Protocol: chat\n\n");
    assert_eq!(
        grant.target,
        Some("unix:/run/ann.sock".parse().expect("an address"))
    );
    assert_eq!(grant.subprotocol.as_deref(), Some("chat"));
    assert!(grant.headers.is_empty());
    for output in [
        "Target: nowhere\n\n",
        "Target:\n\n",
        "Target: a:1\nTarget: a:1\n\n",
    ] {
        assert!(program(0, output).is_err(), "{output:?}");
    }
}

fn server(status: u16, fields: &[(&'static str, &str)]) -> Result<Verdict, AuthorizerFailure> {
    let fields = fields.iter().map(|(name, value)| {
        let value = HeaderValue::from_str(value).expect("a value");
        (HeaderName::from_static(name), value)
    });
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, value);
    }
    let status = StatusCode::from_u16(status).expect("a status");
    of_server(status, &headers, Bytes::from_static(b"body"))
}

#[test]
fn server_that_says_2xx_lets_in_with_its_user_variables_and_cookies_and_nothing_else() {
    let verdict = server(
        204,
        &[
            ("remote-user", "ann"),
            ("remote-groups", "admins"),
            ("variable-tenant", "blue"),
            ("target", "localhost:1"),
            ("sec-websocket-protocol", "chat"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("sec-websocket-accept", "x"),
            ("connection", "close"),
            ("x-other", "y"),
        ],
    );
    let Ok(Verdict::Allow(grant)) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(grant.user.as_deref(), Some("ann"));
    assert_eq!(grant.variables, [("TENANT".to_owned(), "blue".into())]);
    assert!(grant.target.is_some() && grant.subprotocol.is_some());
    let cookies: Vec<_> = grant.headers.iter().collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(server(200, &[("variable-path", "/tmp")]).is_err());
}

#[test]
fn server_that_names_two_users_decides_nothing() {
    let user = |fields: &[(&'static str, &str)]| match server(200, fields) {
        Ok(Verdict::Allow(grant)) => grant.user.clone(),
        _ => None,
    };
    let (remote, request) = ("remote-user", "x-auth-request-user");
    assert_eq!(user(&[(request, "ann")]).as_deref(), Some("ann"));
    assert_eq!(
        user(&[(request, "ann"), (remote, "ann")]).as_deref(),
        Some("ann")
    );
    assert_eq!(user(&[]), None);
    assert!(server(200, &[(remote, "ann"), (request, "bob")]).is_err());
    assert!(server(200, &[(remote, "ann"), (remote, "bob")]).is_err());
    assert!(server(200, &[(remote, "ann"), ("variable-remote_user", "bob")]).is_err());
}

#[test]
fn other_status_of_a_server_is_the_answer_with_few_of_its_headers() {
    for status in [300, 302, 401, 403, 404, 429, 499] {
        let verdict = server(
            status,
            &[
                ("location", "https://login.example/"),
                ("www-authenticate", "Basic"),
                ("set-cookie", "a=1"),
                ("content-type", "text/html"),
                ("server", "x"),
                ("variable-path", "/tmp"),
                ("content-length", "4"),
            ],
        );
        let Ok(Verdict::Deny(Some(denial))) = verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(denial.status, status);
        assert_eq!(denial.headers.len(), 4, "{:?}", denial.headers);
        assert_eq!(&denial.body[..], b"body");
    }
    for status in [100, 101, 500, 502, 503, 599, 600, 999] {
        assert!(server(status, &[]).is_err(), "{status}");
    }
}
