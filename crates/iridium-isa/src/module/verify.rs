//! The verifier: what is checked once, so that it need not be checked at every step.
//!
//! A module that passes has these properties, and the interpreter's unchecked accesses name them:
//!
//! * **V1** every opcode exists, every operand is in range, and all registers that an instruction
//!   touches lie in `$0`…`$(window-1)`, where the window's size is what this check returns;
//! * **V2** every label operand is the index of an instruction;
//! * **V3** the last instruction does not go on to a next one, so no straight line leaves the code;
//! * **V4** data offsets, import numbers, entry, exports, starts of protocols and of the app exist;
//! * **V5** there is at least one instruction and at most [`MAX_CODE`].
//!
//! What depends on values (heap addresses, stack depth, division, computed jumps, fuel) is left to
//! the interpreter, which traps.

use std::collections::{HashMap, HashSet};

use super::names::{MAX_NAME, is_name};
use super::parts::{MAX_APP, MAX_CODE, MAX_DATA, MAX_PROTOCOLS, Parts};
use super::{app as app_section, protocols};
use crate::app::{self, AppFault};
use crate::escape::excerpt;
use crate::instruction::{Flow, Opcode};
use crate::lines::{FileId, LineTable};
use crate::operand::{Bounds, OperandFault};
use crate::protocol::{self, ProtocolFault};

/// The rule that a module breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidModule {
    /// There is no code.
    #[error("it has no instructions")]
    Empty,
    /// More than [`MAX_CODE`] instructions.
    #[error("it has {0} instructions, more than {MAX_CODE}")]
    TooMuchCode(usize),
    /// More than [`MAX_DATA`] bytes of data.
    #[error("it has {0} bytes of data, more than {MAX_DATA}")]
    TooMuchData(usize),
    /// More imports than numbers for them.
    #[error("it imports {0} host functions, more than 65535")]
    TooManyImports(usize),
    /// An opcode that does not exist.
    #[error("instruction {index} has the unknown opcode {number}")]
    UnknownOpcode {
        /// The number in the file.
        number: u8,
        /// Where.
        index: u32,
    },
    /// An operand that does not go with the module.
    #[error("instruction {index} (`{mnemonic}`): {fault}")]
    Operand {
        /// Where.
        index: u32,
        /// The instruction's name.
        mnemonic: &'static str,
        /// What is wrong.
        fault: OperandFault,
    },
    /// The code runs off its end.
    #[error("the last instruction (`{0}`) runs off the end of the code")]
    RunsOff(&'static str),
    /// The entry is not an instruction.
    #[error("the entry {0} is past the last instruction")]
    Entry(u32),
    /// An export is not an instruction, or names another place than the label of the same name.
    #[error("the export `{0}` names no instruction or contradicts its label")]
    Export(String),
    /// A label past the end.
    #[error("the label `{0}` names nothing")]
    Label(String),
    /// A name of more than [`MAX_NAME`] bytes.
    #[error("a name in it is {0} bytes long, more than {MAX_NAME}")]
    LongName(usize),
    /// A name that source text cannot spell, or one that is there twice.
    #[error("the name {0:?} is malformed or used twice")]
    Name(String),
    /// The line table has another length than the code.
    #[error("the line table has {lines} entries for {code} instructions")]
    Lines {
        /// Entries.
        lines: usize,
        /// Instructions.
        code: usize,
    },
    /// The line table speaks of a file that it does not list.
    #[error("the line table speaks of file {}, which it does not list", .0.0)]
    File(FileId),
    /// A protocol breaks a rule.
    #[error("the protocol {name:?}: {fault}")]
    Protocol {
        /// The protocol.
        name: String,
        /// The rule.
        fault: ProtocolFault,
    },
    /// The app breaks a rule.
    #[error("the app {name:?}: {fault}")]
    App {
        /// The app.
        name: String,
        /// The rule.
        fault: AppFault,
    },
    /// More than [`MAX_APP`] bytes of app.
    #[error("its app takes {0} bytes, more than {MAX_APP}")]
    TooMuchApp(usize),
    /// More than [`MAX_PROTOCOLS`] bytes of protocols.
    #[error("its protocols take {0} bytes, more than {MAX_PROTOCOLS}")]
    TooManyProtocols(usize),
}

/// Checks all rules. Returns the number of registers of a window that the code can reach.
pub(crate) fn verify(parts: &Parts) -> Result<u16, InvalidModule> {
    let bounds = bounds(parts)?;
    let mut reach = 0;
    for (index, instruction) in parts.code.iter().enumerate() {
        instruction.check(&bounds).map_err(|fault| InvalidModule::Operand {
            index: index as u32,
            mnemonic: instruction.opcode().mnemonic(),
            fault,
        })?;
        reach = reach.max(instruction.reach());
    }
    let last = parts.code.last().map_or(Opcode::Nop, |instruction| instruction.opcode());
    if matches!(last.flow(), Flow::Next | Flow::Branch) {
        return Err(InvalidModule::RunsOff(last.mnemonic()));
    }
    if parts.entry >= bounds.code {
        return Err(InvalidModule::Entry(parts.entry));
    }
    check_names(parts, &bounds)?;
    check_protocols(parts, &bounds)?;
    check_app(parts, &bounds)?;
    Ok(u16::from(reach) + 1)
}

fn bounds(parts: &Parts) -> Result<Bounds, InvalidModule> {
    if parts.code.is_empty() {
        return Err(InvalidModule::Empty);
    }
    if parts.code.len() > MAX_CODE {
        return Err(InvalidModule::TooMuchCode(parts.code.len()));
    }
    if parts.data.len() > MAX_DATA {
        return Err(InvalidModule::TooMuchData(parts.data.len()));
    }
    let imports = u16::try_from(parts.imports.len())
        .map_err(|_| InvalidModule::TooManyImports(parts.imports.len()))?;
    Ok(Bounds { code: parts.code.len() as u32, data: parts.data.len() as u32, imports })
}

fn check_names(parts: &Parts, bounds: &Bounds) -> Result<(), InvalidModule> {
    check_lengths(parts)?;
    // Most names are labels; a set that grows as it fills would cost as much again.
    let mut seen = HashSet::with_capacity(parts.code_labels.len() + parts.data_labels.len());
    let labels = parts.code_labels.iter().chain(&parts.data_labels).map(|(name, _)| name);
    for name in labels.chain(&parts.imports) {
        if !is_name(name) || !seen.insert(name.as_str()) {
            return Err(InvalidModule::Name(name.clone()));
        }
    }
    let past = |labels: &[(String, u32)], end: u32| {
        labels.iter().find(|(_, at)| *at > end).map(|(name, _)| name.clone())
    };
    // A data label may stand behind the last byte.
    let stray = past(&parts.code_labels, bounds.code - 1);
    if let Some(name) = stray.or_else(|| past(&parts.data_labels, bounds.data)) {
        return Err(InvalidModule::Label(name));
    }
    check_exports(parts, bounds, &seen)?;
    parts.lines.as_ref().map_or(Ok(()), |table| check_lines(table, parts.code.len()))
}

/// Comes before all that quotes a name.
fn check_lengths(parts: &Parts) -> Result<(), InvalidModule> {
    let labels = parts.code_labels.iter().chain(&parts.data_labels).chain(&parts.exports);
    let files = parts.lines.iter().flat_map(|table| table.files());
    let mut names = labels.map(|(name, _)| name).chain(&parts.imports).chain(files);
    let long = names.find(|name| name.len() > MAX_NAME);
    long.map_or(Ok(()), |name| Err(InvalidModule::LongName(name.len())))
}

fn check_protocols(parts: &Parts, bounds: &Bounds) -> Result<(), InvalidModule> {
    for protocol in &parts.protocols {
        protocol::check(protocol, bounds.code).map_err(|fault| InvalidModule::Protocol {
            name: excerpt(&protocol.name, MAX_NAME).into_owned(),
            fault,
        })?;
    }
    match protocols::encode(&parts.protocols).len() {
        0..=MAX_PROTOCOLS => Ok(()),
        more => Err(InvalidModule::TooManyProtocols(more)),
    }
}

fn check_app(parts: &Parts, bounds: &Bounds) -> Result<(), InvalidModule> {
    let Some(app) = &parts.app else { return Ok(()) };
    app::check(app, bounds.code)
        .map_err(|fault| InvalidModule::App { name: excerpt(&app.name, MAX_NAME).into(), fault })?;
    match app_section::encode(app).len() {
        0..=MAX_APP => Ok(()),
        more => Err(InvalidModule::TooMuchApp(more)),
    }
}

fn check_lines(table: &LineTable, code: usize) -> Result<(), InvalidModule> {
    let lines = table.locations().len();
    if lines != code {
        return Err(InvalidModule::Lines { lines, code });
    }
    let files = table.files().len();
    let stray = table.locations().iter().flatten().find(|at| at.file.0 as usize >= files);
    stray.map_or(Ok(()), |at| Err(InvalidModule::File(at.file)))
}

fn check_exports(
    parts: &Parts,
    bounds: &Bounds,
    names: &HashSet<&str>,
) -> Result<(), InvalidModule> {
    let exported: HashSet<&str> = parts.exports.iter().map(|(name, _)| name.as_str()).collect();
    // Few of many labels are exported: only those are kept.
    let labels: HashMap<&str, u32> = parts
        .code_labels
        .iter()
        .map(|(name, at)| (name.as_str(), *at))
        .filter(|(name, _)| exported.contains(name))
        .collect();
    let mut seen = HashSet::new();
    for (name, at) in &parts.exports {
        if !is_name(name) || !seen.insert(name) {
            return Err(InvalidModule::Name(name.clone()));
        }
        let label = labels.get(name.as_str());
        let taken = label.is_none() && names.contains(name.as_str());
        if *at >= bounds.code || taken || label.is_some_and(|label| label != at) {
            return Err(InvalidModule::Export(name.clone()));
        }
    }
    Ok(())
}
