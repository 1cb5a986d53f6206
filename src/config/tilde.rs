//! A `~` that no shell has replaced: most do so only where a word begins with it, not behind the `=` of a flag,
//! and none in a file.

use std::env;

/// What to write instead, where a value begins with the user's `~`.
pub(super) fn tip(value: &str) -> Option<String> {
    let rest = value.strip_prefix('~')?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let home = env::var("HOME").unwrap_or_else(|_| "/home/NAME".to_owned());
    Some(format!(
        "no shell has replaced the '~' here: write {home}{rest}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_of_the_user_is_written_out() {
        for value in ["~", "~/www"] {
            let tip = tip(value).expect(value);
            assert!(tip.ends_with(&value[1..]) && !tip.ends_with(value), "{tip}");
        }
        for value in ["", "a~", "/a/~", "~other", "~other/www"] {
            assert_eq!(tip(value), None, "{value}");
        }
    }
}
