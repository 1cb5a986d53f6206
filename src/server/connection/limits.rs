//! What a connection may take, whichever version of HTTP is spoken on it.

use std::time::Duration;

/// What a request's head may take. Shorter would cut off slow lines, longer lets idle connections pile
/// up (slowloris).
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head, beyond which hyper answers 431 (it reads a little further). A variable of
/// the program's environment is made of each header, and execve(2) takes 128 KiB of one.
pub(super) const MAX_HEAD: usize = 32 * 1024;
