//! Saved programs in files.
//!
//! A file begins with the magic and a line of JSON, the [`Head`], which says how
//! long the parts are that follow: a machine, and all processes of a scheduler.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use iridium_vm::{Process, Program};

use super::file::{SAVED_MAGIC, name, read, write};
use super::{Settings, prepare};
use crate::failure::Failure;

/// What earlier versions saved: a single process.
const OLD_MAGIC: [u8; 4] = *b"IRPS";
/// The version that is written and read.
const VERSION: u32 = 1;
/// The longest head, for files that are none.
const MOST_HEAD: usize = 1 << 10;

/// Who has saved, and so who can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// `iridium run --save`
    Run,
    /// `!save`
    Repl,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    kind: Kind,
    first: i64,
    /// The reason for which the first process has ended.
    ended: Option<i64>,
    process_limit: Option<usize>,
    memory_limit: Option<u64>,
    /// How many bytes follow for the machine, and for the processes.
    machine: usize,
    processes: usize,
}

/// A saved program.
pub(crate) struct State {
    pub(crate) kind: Kind,
    /// The first process of a program; the guest of a REPL.
    pub(crate) first: i64,
    /// The reason for which the first process has ended, if it has.
    pub(crate) ended: Option<i64>,
    /// The REPL's machine, or what the first process left.
    pub(crate) machine: Option<Saved>,
    pub(crate) settings: Settings,
    /// All processes, as their scheduler saves them.
    pub(crate) processes: Vec<u8>,
}

/// A machine with its program.
pub(crate) struct Saved {
    pub(crate) process: Process,
    pub(crate) program: Arc<Program>,
}

impl State {
    /// Writes it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let machine = self.machine.as_ref();
        let machine = machine.map(|saved| saved.process.save(Some(saved.program.module())));
        let machine = machine.unwrap_or_default();
        let head = Head {
            version: VERSION,
            kind: self.kind,
            first: self.first,
            ended: self.ended,
            process_limit: self.settings.processes,
            memory_limit: self.settings.memory,
            machine: machine.len(),
            processes: self.processes.len(),
        };
        let head = serde_json::to_vec(&head).map_err(|e| Failure::failed(e.to_string()))?;
        write(path, &[&SAVED_MAGIC, head.as_slice(), b"\n", &machine, &self.processes].concat())
    }

    /// Reads one that was saved so.
    pub(crate) fn read(path: &Path, kind: Kind) -> Result<Self, Failure> {
        let bytes = read(path)?;
        let name = name(path);
        let fail = |why: &str| Failure::failed(format!("{name} {why}"));
        if bytes.starts_with(&iridium_isa::MAGIC) {
            return Err(fail(&format!("is a module; it starts with: iridium run {name}")));
        }
        if bytes.starts_with(&OLD_MAGIC) {
            return Err(fail(
                "is a single process, saved by an earlier version; run the program anew and save \
                 it again",
            ));
        }
        let Some(rest) = bytes.strip_prefix(&SAVED_MAGIC) else {
            return Err(fail(match kind {
                Kind::Run => "is no saved program; --save of iridium run writes one",
                Kind::Repl => "is no saved session; !save writes one",
            }));
        };
        let damaged = || fail("is damaged or cut off");
        let line = rest.iter().take(MOST_HEAD).position(|byte| *byte == b'\n');
        let (head, rest) = line.and_then(|at| rest.split_at_checked(at)).ok_or_else(damaged)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| damaged())?;
        if head.version != VERSION {
            let (found, own) = (head.version, VERSION);
            return Err(fail(&format!("is a state of version {found}; this iridium reads {own}")));
        }
        match (head.kind, kind) {
            (Kind::Repl, Kind::Run) => {
                return Err(fail("was saved in the REPL; it goes on there, with !restore"));
            }
            (Kind::Run, Kind::Repl) => {
                return Err(fail(&format!(
                    "was saved by iridium run; it goes on with: iridium resume {name}"
                )));
            }
            _ => {}
        }
        let (machine, processes) = rest
            .get(1..)
            .and_then(|rest| rest.split_at_checked(head.machine))
            .ok_or_else(damaged)?;
        if processes.len() != head.processes {
            return Err(damaged());
        }
        let machine = if machine.is_empty() { None } else { Some(machine_of(machine, &name)?) };
        Ok(Self {
            kind,
            first: head.first,
            ended: head.ended,
            machine,
            settings: Settings {
                processes: head.process_limit,
                memory: head.memory_limit,
                ..Settings::default()
            },
            processes: processes.to_vec(),
        })
    }
}

fn machine_of(bytes: &[u8], name: &str) -> Result<Saved, Failure> {
    let (process, module) =
        Process::restore(bytes).map_err(|error| Failure::failed(format!("{name}: {error}")))?;
    let module = module.ok_or_else(|| Failure::failed(format!("{name}: its module is missing")))?;
    Ok(Saved { process, program: prepare(module)? })
}
