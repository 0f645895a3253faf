//! A module: verified code, read-only data and the names that go with them.
//!
//! A [`Module`] cannot be made without passing the verifier, so whoever holds one may rely on what
//! [`verify`](mod@verify) says. It comes from a [`ModuleBuilder`](crate::ModuleBuilder),
//! from [`Module::from_bytes`] or from [`Module::verified`].

mod app;
mod decode;
mod encode;
mod error;
mod file;
mod forms;
mod identity;
mod names;
mod parts;
mod protocols;
pub mod verify;

use std::borrow::Cow;

pub use error::{FORMAT_VERSION, LoadError};
pub use file::{FileLimits, MAGIC};
pub use identity::{DebugId, ModuleId};
pub use names::{MAX_NAME, is_name, is_name_char};
pub use parts::{MAX_APP, MAX_CODE, MAX_DATA, MAX_PROTOCOLS, Parts};
pub use protocols::{decode as protocols_from_bytes, encode as protocols_to_bytes};

use crate::app::App;
use crate::instruction::Instruction;
use crate::lines::LineTable;
use crate::protocol::{Protocol, Start};
use crate::text::{Names, label_before};
use verify::{InvalidModule, verify};

/// A verified module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    parts: Parts,
    id: ModuleId,
    window: u16,
}

impl Module {
    /// Verifies the parts and joins them. Labels are put in the order of their places.
    ///
    /// # Errors
    /// The first rule of [`verify`] that the parts break.
    pub fn verified(mut parts: Parts) -> Result<Self, InvalidModule> {
        let window = verify(&parts)?;
        parts.code_labels.sort_by_key(|(_, at)| *at);
        parts.data_labels.sort_by_key(|(_, at)| *at);
        let id = identity::identify(&parts);
        Ok(Self { parts, id, window })
    }

    /// The hash of everything that affects behaviour: code, data, entry, exports and imports.
    pub fn id(&self) -> ModuleId {
        self.id
    }

    /// The hash of what is there for people only. It is computed each time.
    pub fn debug_id(&self) -> DebugId {
        identity::identify_debug(&self.parts)
    }

    /// The instructions.
    pub fn code(&self) -> &[Instruction] {
        &self.parts.code
    }

    /// The read-only data, which programs see from address 2^32 on.
    pub fn data(&self) -> &[u8] {
        &self.parts.data
    }

    /// The instruction at which a process starts.
    pub fn entry(&self) -> u32 {
        self.parts.entry
    }

    /// Labels that may be spawned by name from elsewhere.
    pub fn exports(&self) -> &[(String, u32)] {
        &self.parts.exports
    }

    /// Host functions that the code calls, in the order of their numbers.
    pub fn imports(&self) -> &[String] {
        &self.parts.imports
    }

    /// Code labels with their instruction, in the order of the instructions.
    pub fn code_labels(&self) -> &[(String, u32)] {
        &self.parts.code_labels
    }

    /// Data labels with their offset, in the order of the offsets.
    pub fn data_labels(&self) -> &[(String, u32)] {
        &self.parts.data_labels
    }

    /// The code labels of an instruction.
    pub fn labels_at(&self, index: u32) -> &[(String, u32)] {
        let labels = &self.parts.code_labels;
        let begin = labels.partition_point(|(_, at)| *at < index);
        let end = labels.partition_point(|(_, at)| *at <= index);
        labels.get(begin..end).unwrap_or_default()
    }

    /// The last code label at an instruction or before it, and how many instructions before.
    pub fn label_before(&self, index: u32) -> Option<(&str, u32)> {
        label_before(&self.parts.code_labels, index)
    }

    /// The source positions, unless stripped.
    pub fn lines(&self) -> Option<&LineTable> {
        self.parts.lines.as_ref()
    }

    /// What the inboxes of its processes understand, as far as they have said.
    pub fn protocols(&self) -> &[Protocol] {
        &self.parts.protocols
    }

    /// The actor or function of this name that a process can begin at, with its protocol.
    pub fn start(&self, name: &str) -> Option<(&Protocol, &Start)> {
        self.parts.protocols.iter().find_map(|protocol| {
            let start = protocol.starts.iter().find(|start| &*start.name == name)?;
            Some((protocol, start))
        })
    }

    /// The supervised processes that it runs as.
    pub fn app(&self) -> Option<&App> {
        self.parts.app.as_ref()
    }

    /// How many registers of a window the code can reach, 1 to 256.
    pub fn window(&self) -> usize {
        usize::from(self.window)
    }

    /// The instruction that a code label or an export names.
    pub fn find(&self, label: &str) -> Option<u32> {
        let named = |(name, _): &&(String, u32)| name == label;
        let found = self.parts.code_labels.iter().find(named);
        found.or_else(|| self.parts.exports.iter().find(named)).map(|(_, index)| *index)
    }

    /// Removes what is only there for people: line table and labels. Exports keep their names, its
    /// app goes on to run, and operators to send words to its processes.
    pub fn strip(&mut self) {
        self.parts.lines = None;
        self.parts.code_labels.clear();
        self.parts.data_labels.clear();
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The parts, for changing them and verifying again.
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// One instruction as source text; empty past the end of the code.
    pub fn instruction_text(&self, index: u32) -> String {
        let mut text = String::new();
        if let Some(instruction) = self.parts.code.get(index as usize) {
            instruction.print(&self.names(), &mut text);
        }
        text
    }

    /// The bytes of a module file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_pieces().concat()
    }

    /// The bytes of a module file in pieces, one behind the other: a module may have much data,
    /// which is then not copied.
    pub fn to_pieces(&self) -> Vec<Cow<'_, [u8]>> {
        file::pieces(&self.parts, self.id)
    }

    /// Reads and verifies a module file.
    ///
    /// # Errors
    /// Says whether the file is foreign, from the future, cut off, damaged or breaks a rule.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::claimed(file::read(bytes)?)
    }

    /// As [`from_bytes`](Self::from_bytes), from a file that is needed no more. Its data, of which there
    /// may be much, is not copied.
    ///
    /// # Errors
    /// As there; or it has more of something than the limits say.
    pub fn from_file(bytes: Vec<u8>, limits: FileLimits) -> Result<Self, LoadError> {
        Self::claimed(file::take(bytes, limits)?)
    }

    /// The module of these parts, if its identity is this.
    fn claimed((parts, id): (Parts, ModuleId)) -> Result<Self, LoadError> {
        let module = Self::verified(parts)?;
        if module.id == id { Ok(module) } else { Err(LoadError::Damaged { section: "identity" }) }
    }

    fn names(&self) -> Names<'_> {
        let Parts { code_labels, data_labels, imports, .. } = &self.parts;
        Names { code: code_labels, data: data_labels, imports }
    }
}
