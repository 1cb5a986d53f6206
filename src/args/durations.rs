//! Durations: a number with a unit, or a bare one in the unit of its flag.

use std::time::Duration;

use crate::backend::{Keep, Linger};

/// Longer times are slips of the keyboard, and clocks cannot add them.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What follows a number, and how many milliseconds it is.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// The parser of a time whose bare number is seconds; its error ends clap's sentence about flag and value.
pub fn seconds() -> fn(&str) -> Result<Duration, String> {
    |text| parse(text, "s", "seconds")
}

/// The same where none at all makes no sense.
pub(super) fn positive_seconds() -> fn(&str) -> Result<Duration, String> {
    |text| match parse(text, "s", "seconds")? {
        Duration::ZERO => Err("expected more than 0".to_owned()),
        time => Ok(time),
    }
}

/// The same with milliseconds.
pub(super) fn milliseconds() -> fn(&str) -> Result<Duration, String> {
    |text| parse(text, "ms", "milliseconds")
}

/// The same, or `never`.
pub fn milliseconds_or_never() -> fn(&str) -> Result<Linger, String> {
    |text| match text {
        "never" => Ok(Linger::Forever),
        text => parse(text, "ms", "milliseconds")
            .map(Linger::For)
            .map_err(|error| format!("{error}; or 'never'")),
    }
}

/// Seconds, or `always`.
pub fn seconds_or_always() -> fn(&str) -> Result<Keep, String> {
    |text| match text {
        "always" => Ok(Keep::Always),
        text => parse(text, "s", "seconds")
            .map(Keep::For)
            .map_err(|error| format!("{error}; or 'always'")),
    }
}

/// Milliseconds between two ticks, which a program would not keep up with if they were fewer than five.
pub(super) fn tick() -> fn(&str) -> Result<Duration, String> {
    |text| match parse(text, "ms", "milliseconds")? {
        time if time < Duration::from_millis(5) => Err("expected 5 ms or more".to_owned()),
        time => Ok(time),
    }
}

fn parse(text: &str, unit: &str, name: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => unit,
        given => given,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let factor = UNITS.iter().find(|(known, _)| *known == unit);
    let Some((_, factor)) = factor.filter(|_| is_number) else {
        return Err(format!(
            "expected a number of {name}, or one with a unit: 500ms, 10s, 5m, 1h"
        ));
    };
    let milliseconds = digits.parse().unwrap_or(u64::MAX).saturating_mul(*factor);
    let duration = Duration::from_millis(milliseconds);
    match duration > YEAR {
        true => Err(format!("longer than a year; a bare number is {name}")),
        false => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_number_has_the_unit_of_its_flag() {
        assert_eq!(seconds()("10"), Ok(Duration::from_secs(10)));
        assert_eq!(milliseconds()("10"), Ok(Duration::from_millis(10)));
        assert_eq!(seconds()("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn unit_is_the_same_for_every_flag() {
        for (text, milliseconds_) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("0h", 0),
        ] {
            let duration = Ok(Duration::from_millis(milliseconds_));
            assert_eq!(seconds()(text), duration, "{text}");
            assert_eq!(milliseconds()(text), duration, "{text}");
        }
    }

    #[test]
    fn error_names_the_unit_of_a_bare_number() {
        for text in [
            "", "s", "-1", "+1", "1.5s", "1 s", "1x", "10S", "1d", "1h30m", "é", "1µs",
        ] {
            let error = seconds()(text).expect_err(text);
            assert!(error.contains("a number of seconds"), "{text}: {error}");
            let error = milliseconds()(text).expect_err(text);
            assert!(
                error.contains("a number of milliseconds"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn never_is_no_time() {
        assert_eq!(milliseconds_or_never()("never"), Ok(Linger::Forever));
        assert_eq!(
            milliseconds_or_never()("2s"),
            Ok(Linger::For(Duration::from_secs(2)))
        );
        for text in ["Never", "ever", "-1", ""] {
            let error = milliseconds_or_never()(text).expect_err(text);
            assert!(error.ends_with("; or 'never'"), "{text}: {error}");
        }
    }

    #[test]
    fn more_than_a_year_is_a_slip_of_the_keyboard() {
        assert_eq!(milliseconds()("8760h"), Ok(YEAR));
        assert_eq!(seconds()("31536000"), Ok(YEAR));
        for text in [
            "8761h",
            "31536001",
            "99999999999999999999999999",
            "18446744073709551615h",
        ] {
            let error = seconds()(text).expect_err(text);
            assert!(error.contains("longer than a year"), "{text}: {error}");
            assert!(error.contains("seconds"), "{text}: {error}");
        }
    }
}
