//! Quantities in words: a number and what it is of.

/// `1 session`, `2 sessions`.
pub fn quantity(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// `1 byte`, `2 bytes`.
pub(crate) fn in_bytes(number: usize) -> String {
    quantity(number as u64, "byte", "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let sessions = |number| quantity(number, "session", "sessions");
        assert_eq!(
            [0, 1, 2].map(sessions),
            ["0 sessions", "1 session", "2 sessions"]
        );
        assert_eq!(in_bytes(1), "1 byte");
    }
}
