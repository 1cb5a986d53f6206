//! How the program is linked where it is built: relocations packed, if the C library of this machine can read them.
//!
//! They take a twentieth of their room then (`DT_RELR`), a third of a megabyte less in the file. glibc reads them from 2.36
//! on, and an older one refuses the program; so what is built here for here is linked so, and nothing else is.

use std::{env, process::Command};

/// The first glibc that reads packed relocations.
const READS_PACKED: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=scripts/build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    let is_for_glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let is_for_here = env::var_os("HOST") == env::var_os("TARGET");
    if is("PROFILE", "release")
        && is_for_glibc
        && is_for_here
        && glibc().is_some_and(|version| version >= READS_PACKED)
    {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's C library (getconf(1)).
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
