//! Quantities in words: a number and what it is of.

use std::time::Duration;

/// `1 session`, `2 sessions`.
pub fn quantity(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// A time as whoever set it has said it: `60 s`, `500 ms`, `1.5 s`; never rounded, so that no limit is 0.
pub(crate) fn duration(time: Duration) -> String {
    match time {
        time if time.subsec_nanos() == 0 => format!("{} s", time.as_secs()),
        time if time < Duration::from_secs(1) => format!("{} ms", time.as_secs_f64() * 1000.0),
        time => format!("{} s", time.as_secs_f64()),
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

    #[test]
    fn time_is_told_as_it_was_set() {
        let told = |milliseconds| duration(Duration::from_millis(milliseconds));
        assert_eq!(
            [0, 1, 7, 500, 1000, 1500, 60_000, 60_001].map(told),
            [
                "0 s", "1 ms", "7 ms", "500 ms", "1 s", "1.5 s", "60 s", "60.001 s"
            ]
        );
    }
}
