//! Users, passwords and tokens of the tests.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use data_encoding::BASE64;

use super::{Gateway, Server, script};

/// Alice's password is `secret` (bcrypt, the least that there is), Bob's is `hunter2` (SHA-crypt).
pub(crate) const ALICE: &str = "alice:$2y$04$U1hB7HUIQs3LZp/3SC7bFeLdNVdM.R9YreQZwtY3gvgFmn5i0M/MG";
pub(crate) const BOB: &str = "bob:$6$rounds=1000$hCPHDMd1glzLGeRW$VQOQFBNO.QwYcnCw/YPO8Yww1korET4fL/WQv/SSh281bsQuiW0x/vV9Fjtk5dMBPz5Ub.nIpEEurhvq.Fy/R0";
/// The token of `ci` is `t0ken.of-ci`.
pub(crate) const CI: &str =
    "ci:sha256:97ba1446e990c1918630b5e9093fa56d1483c224ddf4b24c135d09efbb4b99a2";

/// What a program says of its client.
pub(crate) const WHO: &str = "echo \"user=$REMOTE_USER type=$AUTH_TYPE authorization=$HTTP_AUTHORIZATION \
    cookie=$HTTP_COOKIE uri=$REQUEST_URI query=$QUERY_STRING offers=$HTTP_SEC_WEBSOCKET_PROTOCOL\"; cat";

/// The header of a name and a password.
pub(crate) fn basic(name: &str, password: &str) -> String {
    let pair = BASE64.encode(format!("{name}:{password}").as_bytes());
    format!("Authorization: Basic {pair}")
}

/// The same of Alice, as it is right.
pub(crate) fn alice() -> String {
    basic("alice", "secret")
}

/// A wsd with these words and this file, in which DIR has `users`, `tokens`, `www/index.html` and the script
/// `cgi/who.sh`.
pub(crate) fn site(words: &str, file: &str) -> Gateway {
    let gateway = Gateway::with(words).file(file);
    let directory = gateway.directory();
    write_users(directory, &[ALICE, BOB]);
    replace(&directory.join("tokens"), &format!("{CI}\n"));
    for name in ["www", "cgi"] {
        fs::create_dir(directory.join(name)).expect("a directory");
    }
    fs::write(directory.join("www/index.html"), "a page").expect("a file");
    let who = "#!/bin/sh\necho 'Content-Type: text/plain'\necho 'Cache-Control: public, max-age=60'\necho\n";
    script(
        &directory.join("cgi"),
        "who.sh",
        &format!("{who}{WHO} </dev/null\n"),
    );
    let there = "#!/bin/sh\necho 'Location: /who.sh'\necho\n";
    script(&directory.join("cgi"), "there.sh", there);
    gateway
}

/// Puts other users in the place of those that there were, at once.
pub(crate) fn write_users(directory: &Path, lines: &[&str]) {
    replace(&directory.join("users"), &format!("{}\n", lines.join("\n")));
}

/// Puts a file that is nobody else's in the place of another at once.
pub(crate) fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).expect("a file");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).expect("its mode");
    fs::rename(&new, file).expect("the same directory");
}

/// The cookie that an answer sets, as it is sent back.
pub(crate) fn cookie(set: &str) -> String {
    let pair = set.split(';').next().expect("a cookie");
    format!("Cookie: {pair}")
}

/// The cookie of Alice.
pub(crate) fn cookie_of_alice(server: &Server) -> String {
    let (_, headers, _) = server.request("GET", "/", &format!("{}\r\n", alice()));
    cookie(&headers["set-cookie"])
}
