//! The Iridium instruction set: what an instruction is, and what a module of them is.
//!
//! * [`table`]: the one place where instructions are declared;
//! * [`operand`]: the kinds of operands in the table;
//! * [`instruction`]: the enum, opcode numbers, encoder, decoder, printer and checks;
//! * [`mod@reference`]: mnemonics by name, and the manual's table;
//! * [`source`] and [`text`]: operands as source text, read and written;
//! * [`module`]: modules and their files;
//! * [`verify`]: what is checked once so that it need not be checked at every step;
//! * [`diagnostic`]: what is wrong with a source text, and where;
//! * [`suggest`]: the nearest thing that exists.

pub mod diagnostic;
pub mod instruction;
pub mod module;
pub mod operand;
pub mod reference;
pub mod source;
pub mod suggest;
pub mod table;
pub mod text;
pub mod verify;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use instruction::{Flow, Fuel, Instruction, Opcode};
pub use module::{
    FORMAT_VERSION, LineTable, LoadError, MAGIC, MAX_CODE, MAX_DATA, Module, ModuleId, Parts,
    is_name, is_name_char,
};
pub use verify::InvalidModule;

/// The address at which programs see their read-only data.
pub const DATA_BASE: i64 = 1 << 32;
