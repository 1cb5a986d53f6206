//! The limits of the control groups that we are in (cgroups(7)), of version 2 and 1.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{limit::Limit, resource::Resource};

/// Where systemd and container engines mount them.
const MOUNTS: &str = "/sys/fs/cgroup";

/// Version 1 writes "no limit" as the largest multiple of a page.
const NO_LIMIT: u64 = 1 << 60;

/// What there is a limit of in a control group.
struct Controller {
    name: &'static str,
    resource: Resource,
    /// The files of version 2: the limit, and what is taken.
    files: [&'static str; 2],
    /// Those of version 1.
    old_files: [&'static str; 2],
    remedy: &'static str,
}

const CONTROLLERS: [Controller; 2] = [
    Controller {
        name: "pids",
        resource: Resource::Tasks,
        files: ["pids.max", "pids.current"],
        old_files: ["pids.max", "pids.current"],
        remedy: "TasksMax=N in the [Service] section of a systemd unit, --pids-limit of a container",
    },
    Controller {
        name: "memory",
        resource: Resource::Memory,
        files: ["memory.max", "memory.current"],
        old_files: ["memory.limit_in_bytes", "memory.usage_in_bytes"],
        remedy: "MemoryMax=BYTES in the [Service] section of a systemd unit, --memory of a container",
    },
];

/// The limits of our own groups and of those that they are in.
pub(super) fn limits() -> Vec<Limit> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    limits_of(&groups, Path::new(MOUNTS))
}

/// The same of what `/proc/PID/cgroup` says: lines of `NUMBER:CONTROLLERS:PATH`, in version 2 of `0::PATH`.
fn limits_of(groups: &str, mounts: &Path) -> Vec<Limit> {
    let mut limits = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        for controller in &CONTROLLERS {
            let (mount, files) = match controllers {
                "" => (mounts.to_owned(), controller.files),
                names if names.split(',').any(|name| name == controller.name) => {
                    (mounts.join(names), controller.old_files)
                }
                _ => continue,
            };
            limits.extend(limits_up_from(&mount, path, controller, files));
        }
    }
    limits
}

/// The limits of a group and of all above it. A container that sees its own group as the root has its
/// limits there.
fn limits_up_from<'a>(
    mount: &'a Path,
    path: &'a str,
    controller: &'a Controller,
    [most, used]: [&'a str; 2],
) -> impl Iterator<Item = Limit> + 'a {
    Path::new(path.trim_start_matches('/'))
        .ancestors()
        .filter_map(move |group| {
            let directory: PathBuf = mount.join(group);
            Some(Limit {
                name: format!("{most} of control group /{}", group.display()),
                resource: controller.resource,
                most: number(&directory.join(most))?,
                used: number(&directory.join(used)).unwrap_or(0),
                remedy: controller.remedy.to_owned(),
            })
        })
}

/// A file's number; `None` for `max`, for what amounts to it, and without a file.
fn number(file: &Path) -> Option<u64> {
    let number = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    (number < NO_LIMIT).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(mounts: &Path, path: &str, files: &[(&str, &str)]) {
        let directory = mounts.join(path);
        fs::create_dir_all(&directory).expect("a directory");
        for (name, text) in files {
            fs::write(directory.join(name), text).expect("a file");
        }
    }

    #[test]
    fn groups_above_count_too() {
        let mounts = tempfile::tempdir().expect("a directory");
        let root = mounts.path();
        let files = [("pids.max", "max\n"), ("pids.current", "3\n")];
        group(root, "system.slice/wsd.service", &files);
        let files = [
            ("pids.max", "500\n"),
            ("pids.current", "40\n"),
            ("memory.max", "1000000\n"),
        ];
        group(root, "system.slice", &files);
        let limits = limits_of("0::/system.slice/wsd.service\n", root);
        let seen: Vec<_> = limits
            .iter()
            .map(|limit| (limit.name.as_str(), limit.most, limit.used))
            .collect();
        assert_eq!(
            seen,
            [
                ("pids.max of control group /system.slice", 500, 40),
                ("memory.max of control group /system.slice", 1_000_000, 0)
            ]
        );
    }

    #[test]
    fn version_1_has_a_mount_a_controller() {
        let mounts = tempfile::tempdir().expect("a directory");
        let files = [("memory.limit_in_bytes", "9223372036854771712\n")];
        group(mounts.path(), "memory", &files);
        let files = [("memory.limit_in_bytes", "4096\n")];
        group(mounts.path(), "memory/a", &files);
        let limits = limits_of("7:cpu:/\n4:memory:/a\n0::/\n", mounts.path());
        assert_eq!(limits.len(), 1, "{limits:?}");
        assert_eq!(limits[0].most, 4096);
    }

    #[test]
    fn nonsense_is_no_limit() {
        let mounts = tempfile::tempdir().expect("a directory");
        group(mounts.path(), "", &[("pids.max", "many\n")]);
        assert_eq!(limits_of("0::/\nnonsense\n:\n", mounts.path()), []);
    }
}
