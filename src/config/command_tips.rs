//! What a word may have been meant for that stands where COMMAND should, and is none.

use std::path::Path;

use super::tilde;

/// A sentence that helps, for the mistakes that are made most.
pub(super) fn tip(word: &str) -> Option<String> {
    let port = word.strip_prefix(':').unwrap_or(word);
    if port.parse::<u16>().is_ok() {
        return Some(format!(
            "the port is a flag: --port={port}, and COMMAND stands behind the flags"
        ));
    }
    if let Some(url) = url(word) {
        return Some(format!("to be the client of a server: --connect={url}"));
    }
    if word == "connect" {
        return Some("to be the client of a server: --connect=ws://HOST:PORT/".to_owned());
    }
    if matches!(word, "help" | "version") {
        return Some(format!("--{word} prints it"));
    }
    if Path::new(word).is_dir() {
        let quoted = shell_words::quote(word);
        return Some(format!(
            "--staticdir={quoted} serves the files in it, --dir={quoted} runs the programs in it"
        ));
    }
    if word.contains(char::is_whitespace) {
        return Some(of_words(word));
    }
    tilde::tip(word)
}

/// What `--connect` takes, where a word is a URL.
fn url(word: &str) -> Option<String> {
    let (scheme, rest) = word.split_once(':')?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        "ws+unix" => "ws+unix",
        _ => return None,
    };
    Some(format!("{scheme}:{rest}"))
}

/// A whole command line in one word.
fn of_words(word: &str) -> String {
    let for_a_shell = format!("sh -c {}", shell_words::quote(word));
    match word.contains(['|', '>', '<', '&', ';', '$', '*', '`', '(']) {
        true => format!("this takes a shell: {for_a_shell}"),
        false => format!("leave out the quotes, or let a shell read it: {for_a_shell}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_get_the_tip_that_helps() {
        for (word, part) in [
            ("8080", "--port=8080"),
            (":8080", "--port=8080"),
            ("ws://host/", "--connect=ws://host/"),
            ("https://host/a", "--connect=wss://host/a"),
            ("ws+unix:/run/x", "--connect=ws+unix:/run/x"),
            ("help", "--help"),
            ("version", "--version"),
            (".", "--staticdir=."),
            ("src/", "--dir=src/"),
            ("connect", "--connect=ws://"),
            ("cat -n", "leave out the quotes"),
            ("cat -n", "sh -c 'cat -n'"),
            ("grep /a/b | x", "a shell: sh -c 'grep /a/b | x'"),
            ("~/bin/program", "'~'"),
        ] {
            let tip = tip(word).expect(word);
            assert!(tip.contains(part), "{word}: {tip}");
        }
        for word in ["program", "./program", "80808080", "a:b"] {
            assert_eq!(tip(word), None, "{word}");
        }
    }
}
