//! A tagged program that does what its members say, and tells the log what it is told.

use super::{Client, Gateway, Server};

/// Each line that it reads goes to the log behind `told`; what a member says is printed as it is, with `\t` for a TAB.
pub(crate) const PUPPET: &str = r#"
while IFS= read -r line; do
    printf 'told %s\n' "$line" >&2
    case $line in
        [0-9]*) printf '%b\n' "${line#*	}" ;;
    esac
done"#;

/// A server with one, and more flags.
pub(crate) fn puppet(words: &str) -> Server {
    Gateway::with(words)
        .args(["--share=tagged", "--join-env=NONE"])
        .program(PUPPET)
        .start()
}

/// A member, known to the program by this number.
pub(crate) fn member(server: &mut Server, number: u64) -> Client {
    let client = server.connect();
    server.wait_for_line(&format!("told +{number}"));
    client
}
