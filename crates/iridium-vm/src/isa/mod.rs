//! The instruction set: the table and what is generated from it.
//!
//! * [`table`]: the one place where instructions are declared;
//! * [`operand`]: the kinds of operands in the table;
//! * [`instruction`]: the enum, opcode numbers, encoder, decoder, printer and checks;
//! * [`mod@reference`]: mnemonics by name, and the manual's table.

pub mod instruction;
pub mod operand;
pub mod reference;
pub(crate) mod source;
pub mod table;
pub mod text;

pub use instruction::{Flow, Fuel, Instruction, Opcode};
