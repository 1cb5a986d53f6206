//! Zero, by which a flag says "none".

/// `None` for zero.
pub(super) fn unless_zero<N: PartialEq + Default>(number: N) -> Option<N> {
    (number != N::default()).then_some(number)
}
