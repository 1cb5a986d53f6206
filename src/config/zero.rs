//! Zero, by which a flag says "none".

/// `None` for zero.
pub(super) fn unless_zero<N: PartialEq + From<u8>>(number: N) -> Option<N> {
    (number != N::from(0)).then_some(number)
}
