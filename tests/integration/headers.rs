//! Headers that the operator adds.

use crate::support::{Gateway, run};

#[test]
fn headers_are_added_where_their_flag_says() {
    let server = Gateway::new()
        .args([
            "--devconsole",
            "--header=X-All: 1",
            "--header-ws=X-Ws: 2",
            "--header-http",
            "X-Http: 3",
            "--header-http=Cache-Control: max-age=60",
            "cat",
        ])
        .start();
    let (_, headers, _) = server.get("/");
    assert_eq!(
        (headers["x-all"].as_str(), headers["x-http"].as_str()),
        ("1", "3")
    );
    assert_eq!(headers["cache-control"], "max-age=60");
    assert!(!headers.contains_key("x-ws"));
    let (status, headers, _) = server.get("/nothing");
    assert_eq!((status, headers["x-all"].as_str()), (426, "1"));
    let head = server.connect().head.to_lowercase();
    assert!(
        head.contains("x-all: 1\r\n") && head.contains("x-ws: 2\r\n"),
        "{head}"
    );
    assert!(!head.contains("x-http"), "{head}");
}

#[test]
fn header_that_could_split_an_answer_is_a_start_up_error() {
    for (word, part) in [
        ("--header=X: a\r\nSet-Cookie: b", "line end"),
        ("--header-ws=X: a\nb", "line end"),
        ("--header-http=no colon", "Name: value"),
        ("--header=Content-Length: 5", "set by wsd itself"),
    ] {
        let output = run(&[word, "cat"]);
        assert_eq!(output.code, Some(2), "{output:?}");
        let first = output.stderr.lines().next().expect("a message");
        let flag = word.split('=').next().expect("a flag");
        assert!(first.contains(flag) && first.contains(part), "{first}");
    }
}
