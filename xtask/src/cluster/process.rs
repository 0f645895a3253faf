//! Processes by number and time of start: the system reuses the number of a process that has
//! ended, so a number alone does not identify one.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// A process that we started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// When it was started, as the system reports it; only compared for equality.
    started: String,
}

impl Process {
    /// The running process with that number; `None` when it has ended.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, started: start_of(pid)? })
    }

    /// Whether it, and not a later one with its number, is running.
    pub(crate) fn is_running(&self) -> bool {
        start_of(self.pid).as_ref() == Some(&self.started)
    }

    /// Sends a signal, unless the process has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_running()) {
            // It may end at this very moment, which is fine.
            let _ = kill_process(pid, signal);
        }
    }
}

/// When a process was started. `None` when it has ended, also if its parent has not waited
/// for it yet.
fn start_of(pid: u32) -> Option<String> {
    if fs::exists("/proc/self/stat").unwrap_or(false) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold spaces and brackets. After it come the
        // state (field 3) and the others; the time of start is field 22.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ended = matches!(*fields.first()?, "Z" | "X");
        return (!ended).then(|| fields.get(19).map(|start| start.to_string()))?;
    }
    let pid = pid.to_string();
    let ps = Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let line = String::from_utf8(ps.stdout).ok()?;
    let (state, start) = line.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| start.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one_with_its_number() {
        let me = Process::of(std::process::id()).unwrap();
        assert!(me.is_running());
        let earlier = Process { started: "0".into(), ..me };
        assert!(!earlier.is_running());
    }

    #[test]
    fn a_child_that_nobody_waited_for_counts_as_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::of(child.id()).unwrap();
        assert!(process.is_running());
        process.signal(Signal::KILL);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while process.is_running() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
