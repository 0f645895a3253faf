//! Saved programs in files.
//!
//! A file begins with `IRST` and a line of JSON, the [`Header`], which gives the lengths of
//! the two parts behind it: the process of a REPL or the first process of a program, and all
//! processes as a scheduler saves them.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use iridium_vm::{Hosts, Process, Program, Sealed, Snapshot};

use super::environment::MAX_PROCESSES;
use super::file::{
    SAVED_MAGIC, check_writable, command_word, display_name, is_dash, read, write_with,
};
use super::{Settings, prepare};
use crate::failure::Failure;

/// What earlier versions saved: a single process.
const OLD_MAGIC: [u8; 4] = *b"IRPS";
/// The version of the format that is written and read.
const VERSION: u32 = 1;
/// The longest header, so that other files are not searched for its end.
const MAX_HEADER: usize = 1 << 10;

/// What has saved a file, and so what can resume it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SavedBy {
    /// `iridium run --save`
    Run,
    /// `!save`
    Repl,
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    kind: SavedBy,
    first: i64,
    /// The reason for which the first process has ended.
    ended: Option<i64>,
    process_limit: Option<usize>,
    memory_limit: Option<u64>,
    /// The lengths of the two parts, in bytes: of the process that `SavedState` has, and of
    /// all processes.
    machine: usize,
    processes: usize,
}

/// A saved program.
pub(crate) struct SavedState {
    pub(crate) kind: SavedBy,
    /// The pid of the first process of a program, or of the process of a REPL.
    pub(crate) first: i64,
    /// The reason for which the first process has ended, if it has.
    pub(crate) ended: Option<i64>,
    /// The process of a REPL, or the first process of a program: as it ended, or, while it
    /// lives, only for its program.
    pub(crate) process: Option<SavedProcess>,
    pub(crate) settings: Settings,
    /// All processes, as their scheduler saves them.
    pub(crate) processes: Vec<u8>,
}

/// A process with its program.
pub(crate) struct SavedProcess {
    pub(crate) process: Process,
    pub(crate) program: Arc<Program>,
}

impl SavedProcess {
    fn snapshot(&self) -> Snapshot<'_> {
        self.process.snapshot(Some(self.program.module()))
    }
}

/// Checks that a state can be written here, so that nobody computes for hours and cannot save the
/// result.
pub(crate) fn check_place(path: &Path) -> Result<(), Failure> {
    if is_dash(path) {
        return Err(Failure::usage(
            "a state is not written to stdout, where the output of programs goes; name a file \
             (./- for one that is called so)",
        ));
    }
    check_writable(path)
}

impl SavedState {
    /// Writes it to a file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let process = self.process.as_ref().map(SavedProcess::snapshot);
        let process = process.as_ref().map(Snapshot::seal).transpose();
        let process = process.map_err(|error| Failure::failed(error.to_string()))?;
        let header = Header {
            version: VERSION,
            kind: self.kind,
            first: self.first,
            ended: self.ended,
            process_limit: self.settings.processes,
            memory_limit: self.settings.memory,
            machine: process.as_ref().map_or(0, Sealed::length),
            processes: self.processes.len(),
        };
        let header = serde_json::to_vec(&header).map_err(|e| Failure::failed(e.to_string()))?;
        write_with(path, |file| {
            file.write_all(&SAVED_MAGIC)?;
            file.write_all(&header)?;
            file.write_all(b"\n")?;
            process.as_ref().map_or(Ok(()), |process| process.write(&mut *file))?;
            file.write_all(&self.processes)
        })
    }

    /// Reads a file that must have been saved by `kind`.
    pub(crate) fn read(path: &Path, kind: SavedBy, hosts: &Hosts) -> Result<Self, Failure> {
        let mut bytes = read(path)?;
        let name = display_name(path);
        let fail = |why: &str| Failure::failed(format!("{name} {why}"));
        if bytes.starts_with(&iridium_isa::MAGIC) {
            let word = command_word(path);
            return Err(fail(&format!("is a module; start it with: iridium run {word}")));
        }
        if bytes.starts_with(&OLD_MAGIC) {
            return Err(fail(
                "was saved by an earlier version, in a format that is not read any more; run the \
                 program again and save it",
            ));
        }
        let Some(rest) = bytes.strip_prefix(&SAVED_MAGIC) else {
            return Err(fail(match kind {
                SavedBy::Run => "is no saved program; --save of iridium run writes one",
                SavedBy::Repl => "is no saved session; !save writes one",
            }));
        };
        let damaged = || fail("is damaged or cut off");
        let line = rest.iter().take(MAX_HEADER).position(|byte| *byte == b'\n');
        let (header, rest) = line.and_then(|at| rest.split_at_checked(at)).ok_or_else(damaged)?;
        let header: Header = serde_json::from_slice(header).map_err(|_| damaged())?;
        if header.version != VERSION {
            let (found, own) = (header.version, VERSION);
            return Err(fail(&format!(
                "is a state of version {found}; this iridium reads version {own}"
            )));
        }
        if let Some(wanted) = header.process_limit
            && !(1..=MAX_PROCESSES).contains(&wanted)
        {
            return Err(fail(&format!(
                "wants room for {wanted} processes; there can be 1 to {MAX_PROCESSES} at a time"
            )));
        }
        match (header.kind, kind) {
            (SavedBy::Repl, SavedBy::Run) => {
                return Err(fail("was saved in the REPL; restore it there with !restore"));
            }
            (SavedBy::Run, SavedBy::Repl) => {
                return Err(fail(&format!(
                    "was saved by iridium run; resume it with: iridium resume {}",
                    command_word(path)
                )));
            }
            _ => {}
        }
        let (process, processes) = rest
            .get(1..)
            .and_then(|rest| rest.split_at_checked(header.machine))
            .ok_or_else(damaged)?;
        if processes.len() != header.processes {
            return Err(damaged());
        }
        let process =
            if process.is_empty() { None } else { Some(process_of(process, &name, hosts)?) };
        // In place, since they may be large.
        bytes.drain(..bytes.len() - header.processes);
        Ok(Self {
            kind,
            first: header.first,
            ended: header.ended,
            process,
            settings: Settings {
                processes: header.process_limit,
                memory: header.memory_limit,
                ..Settings::default()
            },
            processes: bytes,
        })
    }
}

fn process_of(bytes: &[u8], name: &str, hosts: &Hosts) -> Result<SavedProcess, Failure> {
    let (process, module) =
        Process::restore(bytes).map_err(|error| Failure::failed(format!("{name}: {error}")))?;
    let module = module.ok_or_else(|| Failure::failed(format!("{name}: its module is missing")))?;
    Ok(SavedProcess { process, program: prepare(module, hosts)? })
}
