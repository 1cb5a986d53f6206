//! Groups of flags across files, for relations that hold for each of them.

/// Flags that say that TLS is spoken, or leave it to the URL of `--connect`.
pub(super) const SPEAKS_TLS: &str = "speaks_tls";
/// Flags that make no sense without a program.
pub(super) const OF_A_PROGRAM: &str = "of_a_program";
