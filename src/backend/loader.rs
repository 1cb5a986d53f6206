//! Which loader starts a program: the file that its program header names (PT_INTERP; elf(5), ld.so(8)).

use std::{
    ffi::{CStr, OsStr},
    fs::{File, OpenOptions},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

use elf::{ElfStream, abi::PT_INTERP, endian::AnyEndian, file::Class};
use rustix::fs::OFlags;

/// The longest path (PATH_MAX).
const LONGEST: u64 = 4096;

/// What a program or a library says of its machine and its loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loader {
    machine: (Class, u16),
    /// `None` for what is linked statically, and for most libraries.
    path: Option<PathBuf>,
}

impl Loader {
    /// Of a file; `None` if it is no ELF file, or cannot be read.
    pub(super) fn of(file: &Path) -> Option<Self> {
        // A FIFO or a file under a lease is waited for by nobody.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let file: File = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits() as i32)
            .open(file)
            .ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut file = ElfStream::<AnyEndian, File>::open_stream(file).ok()?;
        let machine = (file.ehdr.class, file.ehdr.e_machine);
        let segments = file.segments().iter();
        let named = segments
            .filter(|segment| segment.p_type == PT_INTERP && segment.p_filesz <= LONGEST)
            .copied()
            .next();
        let path = named.and_then(|segment| {
            let name = CStr::from_bytes_until_nul(file.segment_data(&segment).ok()?).ok()?;
            Some(OsStr::from_bytes(name.to_bytes()).into())
        });
        Some(Loader { machine, path })
    }

    /// Whether it is glibc's, by its name, which is part of each machine's ABI: `ld-linux-x86-64.so.2`, `ld64.so.2`,
    /// `ld.so.1`. musl's is `ld-musl-x86_64.so.1`.
    pub(super) fn is_glibc(&self) -> bool {
        let name = self.path.as_deref().and_then(Path::file_name);
        let name = name.and_then(OsStr::to_str).unwrap_or_default();
        ["ld-linux", "ld64.so", "ld.so"]
            .iter()
            .any(|begin| name.starts_with(begin))
    }

    /// Whether code of both can be in one process.
    pub(super) fn is_same_machine(&self, other: &Loader) -> bool {
        self.machine == other.machine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loader(path: Option<&str>) -> Loader {
        Loader {
            machine: (Class::ELF64, elf::abi::EM_X86_64),
            path: path.map(PathBuf::from),
        }
    }

    #[test]
    fn loader_of_glibc_is_known_by_its_name() {
        for path in [
            "/lib64/ld-linux-x86-64.so.2",
            "/lib/ld-linux-aarch64.so.1",
            "/nix/store/abc-glibc/lib/ld-linux-armhf.so.3",
            "/lib/ld64.so.1",
            "/lib/ld.so.1",
        ] {
            assert!(loader(Some(path)).is_glibc(), "{path}");
        }
        for path in [
            Some("/lib/ld-musl-x86_64.so.1"),
            Some("/system/bin/linker64"),
            None,
        ] {
            assert!(!loader(path).is_glibc(), "{path:?}");
        }
    }

    #[test]
    fn what_is_no_elf_file_has_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        for content in [
            &b""[..],
            b"#!/bin/sh\n",
            b"\x7fELF",
            b"\x7fELF\x02\x01\x01\0",
        ] {
            std::fs::write(&file, content).expect("written");
            assert_eq!(Loader::of(&file), None);
        }
        assert_eq!(Loader::of(directory.path()), None);
        assert_eq!(Loader::of(&directory.path().join("none")), None);
    }

    #[test]
    fn own_loader_is_found() {
        let own = std::env::current_exe().expect("a path");
        let own = Loader::of(&own).expect("an ELF file");
        assert!(own.is_same_machine(&own));
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            assert!(own.is_glibc(), "{own:?}");
        }
    }
}
