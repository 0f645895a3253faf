//! What runs the workloads: Iridium, from assembly and from Palladium, and BEAM if this machine has it.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::bench::installed::succeeds;
use crate::bench::memory::resident;
use crate::{build, repository};

/// How many threads all have for processes: what the example for assembly takes if nobody says.
const WORKERS: usize = 2;

/// More than a million at a time, as the peer is allowed; and a sender that is faster than its receiver
/// is a part of what is measured.
const LIMITS: [&str; 3] =
    ["--process-limit=5000000", "--message-limit=5000000", "--message-bytes-limit=4294967296"];

/// What to do about a peer that was not found.
pub(super) const BEAM_MISSING: &str = "beam; apt-get install erlang-base";

/// Something that runs workloads.
pub(super) struct Contender {
    pub(super) name: &'static str,
    program: PathBuf,
    /// Before the workload.
    before: Vec<OsString>,
    /// Between it and its argument.
    after: Vec<OsString>,
    /// Where it has a workload as a file: the folder in the repository, and the extension.
    files: Option<(&'static str, &'static str)>,
    /// Resident memory with next to no processes, if it does not say so itself.
    before_any: u64,
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
        Self { name, program: program.into(), before, after, files: None, before_any: 0 }
    }

    /// Its program, with nothing of a workload.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// Whether it has a workload: what only one language can say is left to it.
    pub(super) fn has(&self, workload: &str) -> bool {
        self.file(workload).is_none_or(|file| file.exists())
    }

    fn file(&self, workload: &str) -> Option<PathBuf> {
        let (folder, extension) = self.files?;
        Some(repository::root().join(folder).join(format!("{workload}.{extension}")))
    }

    /// Runs a workload.
    pub(super) fn run(&self, workload: &str, argument: i64) -> Result<Run> {
        let mut command = self.command();
        let workload = self.file(workload).map_or_else(|| workload.into(), PathBuf::into_os_string);
        command.args(&self.before).arg(workload);
        let run = run(command.args(&self.after).arg(argument.to_string()))?;
        Ok(Run { before: run.before.max(self.before_any), ..run })
    }
}

/// Runs a command that prints a [`Run`] as JSON. If it does not say how much memory it has, it is to
/// stay for a moment, and is looked at.
pub(super) fn run(command: &mut Command) -> Result<Run> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = command.get_program().display().to_string();
    let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
    let output = child.stdout.take().context("its output is not there")?;
    let (mut printed, mut output) = (String::new(), BufReader::new(output));
    output.read_line(&mut printed)?;
    let resident = resident(child.id()).unwrap_or(0);
    output.read_to_string(&mut printed)?;
    let ended = child.wait_with_output()?;
    if !ended.status.success() {
        bail!("{}: {}", ended.status, String::from_utf8_lossy(&ended.stderr).trim());
    }
    // A process that traps says so there, and then figures mean nothing.
    if !ended.stderr.is_empty() {
        bail!("it complained: {}", String::from_utf8_lossy(&ended.stderr).trim());
    }
    let run: Run =
        serde_json::from_str(&printed).with_context(|| format!("it printed {printed:?}"))?;
    Ok(Run { resident: if run.resident == 0 { resident } else { run.resident }, ..run })
}

/// Builds what runs a workload in assembly, and what saves and restores.
pub(super) fn assembly(debug: bool) -> Result<(Contender, Contender)> {
    let [processes, snapshots] =
        build::examples("iridium-sched", ["processes", "snapshots"], debug)?;
    let assembly = Contender {
        files: Some(("crates/iridium-sched/benches/processes", "iasm")),
        ..Contender::new("assembly", processes)
    };
    Ok((assembly, Contender::new("snapshots", snapshots)))
}

/// Builds the command, which runs a workload in Palladium.
pub(super) fn palladium(debug: bool) -> Result<Contender> {
    let threads = WORKERS.to_string();
    let mut palladium = Contender {
        files: Some(("crates/palladium/benches/processes", "pd")),
        before: vec!["run".into()],
        after: LIMITS.iter().chain(&["-t", &threads, "--"]).map(OsString::from).collect(),
        ..Contender::new("palladium", build::iridium(debug)?)
    };
    palladium.before_any = palladium.run("idle", 1)?.resident;
    Ok(palladium)
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
