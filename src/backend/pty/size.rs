//! The size of a terminal, in characters.

use rustix::termios::Winsize;

/// The most columns or rows.
const MOST: u16 = 1000;

/// Columns and rows, 1 to 1000 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    columns: u16,
    rows: u16,
}

/// What is no size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a terminal has 1 to 1000 columns and rows, each a number")]
pub struct BadSize;

impl Default for TerminalSize {
    /// That of the first terminals, which programs expect where they are told nothing.
    fn default() -> Self {
        TerminalSize {
            columns: 80,
            rows: 24,
        }
    }
}

impl TerminalSize {
    /// A size, if it is one.
    ///
    /// # Errors
    /// A number that is out of range.
    pub fn new(columns: u64, rows: u64) -> Result<Self, BadSize> {
        Ok(TerminalSize {
            columns: number(columns)?,
            rows: number(rows)?,
        })
    }

    /// What the query of a URL asks for: `cols` and `rows`, each without the other too. Of what it says twice the
    /// first holds.
    ///
    /// # Errors
    /// A value that is no number, or out of range.
    pub fn of_query(query: &str) -> Result<Self, BadSize> {
        let value = |name: &str| {
            let pairs = query.split('&');
            let mut values = pairs.filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (key == name).then_some(value)
            });
            values.next().map(digits).transpose()
        };
        let default = TerminalSize::default();
        Ok(TerminalSize {
            columns: value("cols")?.unwrap_or(default.columns),
            rows: value("rows")?.unwrap_or(default.rows),
        })
    }

    /// As the kernel has it.
    pub(super) fn to_winsize(self) -> Winsize {
        Winsize {
            ws_row: self.rows,
            ws_col: self.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        }
    }
}

fn digits(text: &str) -> Result<u16, BadSize> {
    // A sign is none of a number of columns.
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => number(text.parse().map_err(|_| BadSize)?),
        false => Err(BadSize),
    }
}

fn number(number: u64) -> Result<u16, BadSize> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=MOST).contains(number))
        .ok_or(BadSize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(columns: u16, rows: u16) -> TerminalSize {
        TerminalSize { columns, rows }
    }

    #[test]
    fn query_says_both_or_one_or_none() {
        for (query, expected) in [
            ("cols=132&rows=50", size(132, 50)),
            ("a=b&rows=1000&cols=1&c", size(1, 1000)),
            ("cols=132", size(132, 24)),
            ("rows=50", size(80, 50)),
            ("", size(80, 24)),
            ("columns=5&row=6", size(80, 24)),
            ("cols=5&cols=x", size(5, 24)),
        ] {
            assert_eq!(TerminalSize::of_query(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn what_is_no_number_of_characters_is_refused() {
        for value in [
            "0",
            "1001",
            "x",
            "",
            "+5",
            "-1",
            "5.0",
            "99999999999999999999",
            "%35",
        ] {
            for query in [format!("cols={value}"), format!("rows={value}&cols=80")] {
                assert_eq!(TerminalSize::of_query(&query), Err(BadSize), "{query}");
            }
        }
    }
}
