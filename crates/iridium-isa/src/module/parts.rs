//! What a module is made of.

use std::sync::Arc;

use crate::app::App;
use crate::instruction::Instruction;
use crate::lines::LineTable;
use crate::protocol::Protocol;

/// The most instructions a module may have.
pub const MAX_CODE: usize = 1 << 24;
/// The most bytes of read-only data a module may have.
pub const MAX_DATA: usize = 1 << 28;
/// The most bytes that a module's protocols may take in its file.
pub const MAX_PROTOCOLS: usize = 1 << 22;
/// The most bytes that a module's app may take in its file.
pub const MAX_APP: usize = 1 << 22;

/// What a module is made of, before it is verified. A [`ModuleBuilder`](crate::ModuleBuilder) puts
/// it together in most cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The instructions.
    pub code: Vec<Instruction>,
    /// The read-only data, of which there may be much: builders, modules and their copies share it.
    pub data: Arc<Vec<u8>>,
    /// The instruction at which a process starts.
    pub entry: u32,
    /// Labels that may be spawned by name from elsewhere, with their instruction.
    pub exports: Vec<(String, u32)>,
    /// Host functions that the code calls, by name.
    pub imports: Vec<String>,
    /// Code labels with their instruction.
    pub code_labels: Vec<(String, u32)>,
    /// Data labels with their offset.
    pub data_labels: Vec<(String, u32)>,
    /// Where the instructions stand in their source; `None` when stripped.
    pub lines: Option<LineTable>,
    /// What the inboxes of its processes understand.
    pub protocols: Vec<Protocol>,
    /// The supervised processes that it runs as.
    pub app: Option<App>,
}
