//! A mesh of real nodes on loopback, ours or BEAM's: how long it takes to form, and
//! what it costs when nothing happens.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::bench::memory::resident;
use crate::cluster::tail;
use crate::interrupt;

/// How long a mesh may take to form.
const FORM_WITHIN: Duration = Duration::from_secs(60);
/// How often the logs of the nodes are read. Those of nodes that are complete are not read
/// again, so this costs little.
const POLL: Duration = Duration::from_millis(10);

/// Nodes that run, and end when this is dropped.
pub(super) struct Mesh {
    nodes: Vec<Running>,
    begun: Instant,
}

struct Running {
    child: Child,
    log: PathBuf,
}

/// What a node costs when nothing happens.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Resident memory of the node that has most, in bytes.
    pub(super) resident: f64,
    /// Part of a core that a node takes, the mean of all.
    pub(super) cpu: f64,
}

impl Mesh {
    /// Starts nodes one after another, as fast as the system can. `command` gives the command
    /// of the node with a number; its output goes to its log.
    pub(super) fn start(
        count: u16,
        folder: &std::path::Path,
        mut command: impl FnMut(u16) -> Command,
    ) -> Result<Self> {
        let mut mesh = Self { nodes: Vec::new(), begun: Instant::now() };
        for number in 0..count {
            let log = folder.join(format!("node{number}.log"));
            let file = File::create(&log);
            let file = file.with_context(|| format!("cannot write {}", log.display()))?;
            let mut command = command(number);
            command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
            let program = || command.get_program().to_string_lossy().into_owned();
            let program = program();
            let child = command.spawn().with_context(|| format!("cannot run {program}"))?;
            mesh.nodes.push(Running { child, log });
        }
        Ok(mesh)
    }

    /// Waits until `complete` says so of the log of every node. Gives the seconds
    /// since the first node was started.
    pub(super) fn form(&mut self, complete: impl Fn(&str) -> bool) -> Result<f64> {
        let mut waiting: Vec<usize> = (0..self.nodes.len()).collect();
        loop {
            interrupt::check()?;
            waiting.retain(|node| {
                let log = fs::read_to_string(&self.nodes[*node].log);
                !log.is_ok_and(|log| complete(&log))
            });
            if waiting.is_empty() {
                return Ok(self.begun.elapsed().as_secs_f64());
            }
            for node in &mut self.nodes {
                if let Some(status) = node.child.try_wait()? {
                    bail!("a node has ended ({status})\n{}", tail(&node.log));
                }
            }
            if self.begun.elapsed() > FORM_WITHIN {
                let log =
                    waiting.first().map_or(String::new(), |node| tail(&self.nodes[*node].log));
                bail!("{} nodes do not see all others in time\n{log}", waiting.len());
            }
            thread::sleep(POLL);
        }
    }

    /// What a node costs, over some time in which nothing happens. `None` where the system does
    /// not report it; Linux does.
    pub(super) fn idle(&self, time: Duration) -> Result<Option<Cost>> {
        let cpu = || self.nodes.iter().map(|node| cpu_time(node.child.id())).sum::<Option<f64>>();
        let (before, begun) = (cpu(), Instant::now());
        while begun.elapsed() < time {
            interrupt::check()?;
            thread::sleep(POLL);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let resident = self.nodes.iter().map(|node| resident(node.child.id()));
        let most = resident.collect::<Option<Vec<u64>>>().and_then(|all| all.into_iter().max());
        Ok(before.zip(cpu()).zip(most).map(|((before, after), resident)| {
            let cpu = (after - before) / seconds / self.nodes.len() as f64;
            Cost { resident: resident as f64, cpu }
        }))
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        // All at once, so that none of them tries to reach those that have ended.
        for node in &mut self.nodes {
            let _ = node.child.kill();
        }
        for node in &mut self.nodes {
            let _ = node.child.wait();
        }
    }
}

/// Seconds that the threads of a process have run, with a far finer resolution than the ticks
/// of `/proc/PID/stat`. Threads that have ended are not counted.
fn cpu_time(pid: u32) -> Option<f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let of_thread = |thread: std::io::Result<fs::DirEntry>| -> Option<f64> {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
        Some(nanoseconds / 1e9)
    };
    let times: Vec<f64> = threads.filter_map(of_thread).collect();
    (!times.is_empty()).then(|| times.iter().sum())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_a_process_is_read() {
        let me = std::process::id();
        let before = cpu_time(me).unwrap();
        let mut sum = 0u64;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_time(me).unwrap() > before);
        assert!(resident(me).unwrap() > 100_000);
    }

    #[test]
    fn a_mesh_forms_when_all_say_so_and_fails_when_one_ends() {
        let folder = tempfile::tempdir().unwrap();
        let shell = |script: &'static str| {
            move |_| {
                let mut shell = Command::new("sh");
                shell.args(["-c", script]);
                shell
            }
        };
        let mut mesh = Mesh::start(2, folder.path(), shell("echo full; exec sleep 60")).unwrap();
        assert!(mesh.form(|log| log.contains("full")).unwrap() > 0.0);
        drop(mesh);
        let mut mesh = Mesh::start(2, folder.path(), shell("echo oh no; exit 1")).unwrap();
        let error = mesh.form(|log| log.contains("full")).unwrap_err().to_string();
        assert!(error.contains("has ended") && error.contains("oh no"), "{error}");
    }
}
