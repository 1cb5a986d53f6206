//! Ranges of numbers.

use clap::builder::RangedU64ValueParser;

const SECONDS_A_YEAR: u64 = 365 * 24 * 60 * 60;

/// Seconds up to a year: longer times are slips of the keyboard, and clocks cannot add them.
pub(super) fn seconds() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(0..=SECONDS_A_YEAR)
}

/// Milliseconds up to a year.
pub(super) fn milliseconds() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(0..=1000 * SECONDS_A_YEAR)
}

/// The same where none at all makes no sense.
pub(super) fn positive_seconds() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=SECONDS_A_YEAR)
}
