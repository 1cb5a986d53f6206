//! Process attributes: credentials(7) and resource limits (setrlimit(2)), that is as whom a program runs
//! and how much of the machine it may take.

/// What a program is held to; nothing, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessAttributes {
    /// Whose rights it has; the gateway's own if `None`.
    pub credentials: Option<Credentials>,
    /// Resource limits, each at most once; the gateway's own where there is none.
    pub rlimits: Vec<(Rlimit, u64)>,
}

/// A process's user and groups (credentials(7)). Only root can hand them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User id.
    pub user: u32,
    /// Group id.
    pub group: u32,
    /// Ids of all groups, that one too.
    pub groups: Vec<u32>,
}

/// A resource limit of a process (setrlimit(2)); it becomes both the soft and the hard one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rlimit {
    /// Open descriptors (`RLIMIT_NOFILE`).
    OpenFiles,
    /// Seconds of processor time (`RLIMIT_CPU`); SIGXCPU at the end of them, then SIGKILL.
    CpuSeconds,
    /// Bytes of address space (`RLIMIT_AS`).
    Memory,
    /// Processes of the program's user, on the whole machine (`RLIMIT_NPROC`); root has no limit.
    Processes,
}
