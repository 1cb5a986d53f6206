//! Numbers: how many of something, or bytes.

use std::num::IntErrorKind;

/// The parser of a number; its error ends clap's sentence about flag and value.
pub(super) fn whole_number() -> fn(&str) -> Result<usize, String> {
    |text| {
        let number = text.parse();
        number.map_err(|error: std::num::ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => format!("expected {} or less", usize::MAX),
            _ => "expected a whole number, such as 0 or 1000".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_says_what_is_expected() {
        assert_eq!(whole_number()("1000"), Ok(1000));
        for text in ["", "x", "-1", "1.5", "1k", "1 "] {
            let error = whole_number()(text).expect_err(text);
            assert!(error.contains("a whole number"), "{text}: {error}");
        }
        let error = whole_number()("99999999999999999999").expect_err("too many");
        assert!(error.contains("or less"), "{error}");
    }
}
