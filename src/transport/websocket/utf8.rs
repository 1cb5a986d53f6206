//! Incremental UTF-8 validation: text that comes in pieces.

use std::str::from_utf8;

/// What is to be known between two pieces: the bytes of a character that is not whole yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Utf8 {
    begun: [u8; 4],
    filled: usize,
}

impl Utf8 {
    /// Whether the next piece begins with a character.
    pub(super) fn is_between_characters(&self) -> bool {
        self.filled == 0
    }

    /// Takes a piece. Whether there is text that begins with all pieces so far; where there is none, it
    /// is not to be asked again.
    pub(super) fn take(&mut self, mut piece: &[u8]) -> bool {
        while !self.is_between_characters() {
            let Some((first, rest)) = piece.split_first() else {
                return true;
            };
            self.begun[self.filled] = *first;
            self.filled += 1;
            piece = rest;
            match from_utf8(&self.begun[..self.filled]) {
                Ok(_) => self.filled = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let Err(error) = from_utf8(piece) else {
            return true;
        };
        let rest = &piece[error.valid_up_to()..];
        if error.error_len().is_some() {
            return false;
        }
        self.begun[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_are_refused_where_the_whole_is(
            text in ".{0,20}",
            noise in proptest::collection::vec(any::<u8>(), 0..3),
            place in 0..20_usize,
            piece in 1..9_usize,
        ) {
            let mut bytes = text.into_bytes();
            let place = place.min(bytes.len());
            bytes.splice(place..place, noise);
            let mut utf8 = Utf8::default();
            let mut taken = 0;
            for piece in bytes.chunks(piece) {
                taken += piece.len();
                let expected = from_utf8(&bytes[..taken]).err().is_none_or(|error| error.error_len().is_none());
                prop_assert_eq!(utf8.take(piece), expected);
                if !expected {
                    break;
                }
            }
        }
    }
}
