//! What a process uses, where the system tells. Linux does.

use std::fs;

/// What a node uses, or the most that any has used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) threads: u64,
    pub(crate) files: u64,
    /// Resident, in bytes.
    pub(crate) memory: u64,
}

impl Usage {
    /// The larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            threads: self.threads.max(other.threads),
            files: self.files.max(other.files),
            memory: self.memory.max(other.memory),
        }
    }

    /// What a process uses. `None` when it has ended.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
        Some(Self { threads: number("Threads:")?, files, memory: number("VmRSS:")? * 1024 })
    }
}
