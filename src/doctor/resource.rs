//! What a session takes and a machine has so much of.

/// What there is a limit of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Sessions themselves.
    Sessions,
    /// Descriptors of the gateway.
    Descriptors,
    /// Open files of the whole machine (`file-nr` of proc_sys_fs(5)): both ends of each pipe are one.
    Files,
    /// Threads and processes, which are the same to the kernel.
    Tasks,
    /// Bytes.
    Memory,
}

/// What one session takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Descriptors of the gateway.
    pub descriptors: u64,
    /// Open files of the whole machine.
    pub files: u64,
    /// Threads.
    pub tasks: u64,
    /// Bytes: of the program, of the gateway, of the kernel for them.
    pub memory: u64,
}

impl Need {
    /// So much of a resource.
    pub fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Sessions => 1,
            Resource::Descriptors => self.descriptors,
            Resource::Files => self.files,
            Resource::Tasks => self.tasks,
            Resource::Memory => self.memory,
        }
    }
}
