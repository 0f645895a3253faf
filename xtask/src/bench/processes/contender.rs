//! What runs the workloads: Iridium, and BEAM if this machine has it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::bench::installed::succeeds;
use crate::{build, repository};

/// How many threads ours and the peer have for processes.
const WORKERS: usize = 2;

/// What to do about a peer that was not found.
pub(super) const BEAM_MISSING: &str = "beam; apt-get install erlang-base";

/// Something that runs workloads.
pub(super) struct Contender {
    pub(super) name: &'static str,
    program: PathBuf,
    /// Before the workload and its argument.
    before: Vec<OsString>,
    /// After them.
    after: Vec<OsString>,
    /// Whether it takes a workload as the path of an assembly file.
    assembles: bool,
}

/// What a contender prints at the end of a run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Run {
    pub(super) answer: i64,
    pub(super) seconds: f64,
    /// Resident memory before and after, in bytes; 0 where it is not known.
    #[serde(default)]
    pub(super) before: u64,
    #[serde(default)]
    pub(super) resident: u64,
}

impl Contender {
    fn new(name: &'static str, program: impl Into<PathBuf>) -> Self {
        let (before, after) = (Vec::new(), Vec::new());
        Self { name, program: program.into(), before, after, assembles: false }
    }

    /// Its program, with nothing of a workload.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// Runs a workload.
    pub(super) fn run(&self, workload: &str, argument: i64) -> Result<Run> {
        let mut command = self.command();
        command.args(&self.before);
        if self.assembles {
            let folder = repository::root().join("crates/iridium-sched/benches/processes");
            command.arg(folder.join(format!("{workload}.iasm")));
        } else {
            command.arg(workload);
        }
        run(command.arg(argument.to_string()).args(&self.after))
    }
}

/// Runs a command that prints a [`Run`] as JSON.
pub(super) fn run(command: &mut Command) -> Result<Run> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    // A process that traps says so there, and then figures mean nothing.
    if !output.stderr.is_empty() {
        bail!("it complained: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("it printed {:?}", String::from_utf8_lossy(&output.stdout)))
}

/// Builds ours: what runs a workload, and what saves and restores.
pub(super) fn ours(debug: bool) -> Result<(Contender, Contender)> {
    let [processes, snapshots] =
        build::examples("iridium-sched", ["processes", "snapshots"], debug)?;
    let ours = Contender {
        assembles: true,
        after: vec![WORKERS.to_string().into()],
        ..Contender::new("iridium", processes)
    };
    Ok((ours, Contender::new("iridium", snapshots)))
}

/// BEAM with as many schedulers as we have workers, and room for as many processes; `None` if it is
/// not installed.
pub(super) fn beam(folder: &Path) -> Option<Contender> {
    let source = repository::root().join("xtask/peers/processes.erl");
    if !succeeds(Command::new("erlc").arg("-o").arg(folder).arg(source)) {
        return None;
    }
    let mut beam = Contender::new("beam", "erl");
    beam.before.extend(["+S".into(), format!("{WORKERS}:{WORKERS}").into()]);
    beam.before.extend(["+P", "5000000", "-noshell", "-pa"].map(OsString::from));
    beam.before.push(folder.into());
    beam.before.extend(["-run", "processes", "main"].map(OsString::from));
    Some(beam)
}
