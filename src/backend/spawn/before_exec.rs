//! What a child does between fork and exec where std's `Command` does it: a session, a directory, limits, a user.
#![allow(unsafe_code, reason = "what a child does before exec has no safe form")]

use std::{ffi::CString, io, os::fd::OwnedFd, os::unix::process::CommandExt, process, sync::Arc};

use libc::{c_int, gid_t};
use rustix::{
    fs::{AtFlags, FileType, statat},
    io::Errno,
    process::{Resource, fchdir, ioctl_tiocsctty, setrlimit, setsid},
    stdio::stdin,
};

use super::command::Command;
use crate::backend::{
    process_attributes::{Credentials, Rlimit},
    pty::Pty,
};

/// All that a child does, laid out before it exists.
pub(super) struct BeforeExec {
    /// The kind of its pty, if it has one.
    pty: Pty,
    /// Working directory, and the file there that is to be executed.
    place: Option<(Arc<OwnedFd>, CString)>,
    limits: Vec<(Resource, u64)>,
    credentials: Option<Credentials>,
}

impl BeforeExec {
    pub(super) fn of(command: &Command) -> Self {
        let limit = |(limit, value): &(Rlimit, u64)| (resource(*limit), *value);
        BeforeExec {
            pty: command.pty.0,
            place: command.place.clone(),
            limits: command.attributes.rlimits.iter().map(limit).collect(),
            credentials: command.attributes.credentials.clone(),
        }
    }

    /// Has the child do it. What there is nothing of is not added: without, std need not fork (posix_spawn(3)).
    pub(super) fn add_to(self, command: &mut process::Command) {
        let is_nothing = self.pty == Pty::None
            && self.place.is_none()
            && self.limits.is_empty()
            && self.credentials.is_none();
        if !is_nothing {
            // SAFETY: between fork and exec there are system calls, which allocate nothing.
            unsafe { command.pre_exec(move || self.run()) };
        }
    }

    /// Limits while there is still the right to raise them; then groups and user.
    fn run(&self) -> io::Result<()> {
        if self.pty != Pty::None {
            setsid()?;
        }
        if self.pty.is_controlling() {
            ioctl_tiocsctty(stdin())?;
        }
        for (resource, value) in &self.limits {
            let limit = rustix::process::Rlimit {
                current: Some(*value),
                maximum: Some(*value),
            };
            setrlimit(*resource, limit)?;
        }
        if let Some((directory, file)) = &self.place {
            fchdir(directory)?;
            // The last look that there can be: exec follows links.
            let stat = statat(directory, file.as_c_str(), AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
                return Err(Errno::LOOP.into());
            }
        }
        self.credentials.as_ref().map_or(Ok(()), assume)
    }
}

fn resource(limit: Rlimit) -> Resource {
    match limit {
        Rlimit::OpenFiles => Resource::Nofile,
        Rlimit::CpuSeconds => Resource::Cpu,
        Rlimit::Memory => Resource::As,
        Rlimit::Processes => Resource::Nproc,
    }
}

/// Groups, then the user, whose change takes the right to change the others.
fn assume(credentials: &Credentials) -> io::Result<()> {
    let Credentials {
        user,
        group,
        groups,
    } = credentials;
    // SAFETY: system calls on values that outlive them.
    unsafe {
        let list = groups.as_ptr().cast::<gid_t>();
        done(libc::setgroups(groups.len() as _, list))?;
        done(libc::setgid(*group))?;
        done(libc::setuid(*user))
    }
}

fn done(result: c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, File, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    /// A directory with a script `run`, which anybody may execute.
    fn directory(text: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        let run = directory.path().join("run");
        fs::write(&run, format!("#!/bin/sh\n{text}\n")).expect("a file");
        for path in [&run, directory.path()] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("its mode");
        }
        directory
    }

    fn before_exec(directory: &tempfile::TempDir) -> BeforeExec {
        let opened = File::open(directory.path()).expect("a directory");
        BeforeExec {
            pty: Pty::None,
            place: Some((Arc::new(opened.into()), c"./run".into())),
            limits: Vec::new(),
            credentials: None,
        }
    }

    /// What `./run` says.
    fn run(before_exec: BeforeExec) -> io::Result<String> {
        let mut command = process::Command::new("./run");
        before_exec.add_to(&mut command);
        let output = command.output()?;
        Ok(String::from_utf8(output.stdout).expect("text"))
    }

    #[test]
    fn program_runs_in_its_directory_within_its_limits() {
        let directory = directory("pwd -P; ulimit -n; ulimit -t");
        let mut before_exec = before_exec(&directory);
        before_exec.limits = vec![(Resource::Nofile, 33), (Resource::Cpu, 7)];
        let path = directory.path().canonicalize().expect("a path");
        let expected = format!("{}\n33\n7\n", path.display());
        assert_eq!(run(before_exec).expect("it runs"), expected);
    }

    #[test]
    fn program_that_has_become_a_link_is_not_executed() {
        let directory = directory("");
        let before_exec = before_exec(&directory);
        fs::remove_file(directory.path().join("run")).expect("it is there");
        symlink("/bin/true", directory.path().join("run")).expect("a link");
        let error = run(before_exec).expect_err("it is a link");
        assert_eq!(Errno::from_io_error(&error), Some(Errno::LOOP));
    }

    #[test]
    fn program_has_its_user_and_groups_and_no_others() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can start programs of another user");
            return;
        }
        let directory = directory("id -u; id -g; id -G");
        let mut before_exec = before_exec(&directory);
        before_exec.credentials = Some(Credentials {
            user: 12345,
            group: 23456,
            groups: vec![23456, 34567],
        });
        let said = run(before_exec).expect("it runs");
        assert_eq!(said, "12345\n23456\n23456 34567\n");
    }

    #[test]
    fn program_of_a_pty_leads_a_session() {
        let directory = directory("echo $$; ps -o sid= -p $$");
        let mut before_exec = before_exec(&directory);
        before_exec.pty = Pty::Output;
        let said = run(before_exec).expect("it runs");
        let numbers: Vec<_> = said.split_whitespace().collect();
        assert!(numbers.len() == 2 && numbers[0] == numbers[1], "{said}");
    }
}
