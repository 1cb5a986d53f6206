//! The headers that flags add to answers.

use super::flag_error::FlagError;
use crate::http::{AddedHeaders, response_headers};

/// The headers of some flags together.
pub(super) fn added_headers(flags: &[(&str, &[String])]) -> Result<AddedHeaders, FlagError> {
    let mut added = AddedHeaders::default();
    for (flag, words) in flags {
        for word in *words {
            let (name, value) = response_headers::parse(word)
                .map_err(|reason| FlagError::new(flag, word, reason))?;
            added.append(name, value);
        }
    }
    Ok(added)
}
