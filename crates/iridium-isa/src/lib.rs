//! The Iridium instruction set: what an instruction is, what a module of them is, and what a compiler
//! needs to make one.
//!
//! A compiler meets three things:
//!
//! * [`ModuleBuilder`] puts a verified [`Module`] together;
//! * [`Sources`] finds lines and columns in its source texts;
//! * [`Diagnostics`] are what it says about them.
//!
//! | module | what |
//! | --- | --- |
//! | [`operand`] | the kinds of operands that instructions have |
//! | [`module`] | modules and their files, and what is checked once so that it need not be checked at every step |
//! | [`protocol`] | what an inbox understands: messages, their tags, their bytes as values |
//! | [`app`] | the supervised processes that a module runs |
//! | [`reference`](mod@reference) | instructions by name, and the manual's table |
//! | [`syntax`], [`text`] | operands as source text, read and written |
//! | [`escape`](mod@escape) | names of others, fit to be shown |
//! | [`suggest`] | the nearest name that exists |

pub mod app;
mod builder;
mod bytes;
mod diagnostic;
mod diagnostics;
pub mod escape;
mod instruction;
mod lines;
pub mod module;
pub mod operand;
pub mod protocol;
pub mod reference;
mod render;
mod sources;
pub mod suggest;
pub mod syntax;
mod table;
pub mod text;
mod tolls;

pub use builder::{BuildError, Label, ModuleBuilder};
pub use diagnostic::{Annotation, Attachment, Diagnostic, Severity};
pub use diagnostics::Diagnostics;
pub use instruction::{Flow, Fuel, Instruction, Opcode, OperandDoc};
pub use lines::{FileId, LineTable, Location};
pub use module::verify::InvalidModule;
pub use module::{
    DebugId, FORMAT_VERSION, FileLimits, LoadError, MAGIC, MAX_APP, MAX_CODE, MAX_DATA, MAX_NAME,
    MAX_PROTOCOLS, Module, ModuleId, Parts, is_name, is_name_char,
};
pub use operand::DATA_BASE;
pub use sources::{Excerpt, Sources, Span};
pub use tolls::{FREE_RUN, tolls};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
