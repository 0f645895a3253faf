//! The instruction enum and all that is generated with it from the table.

use super::bytes::{Bytes, Number as _};
use super::operand::*;
use super::syntax::{OperandError, Operands, Span, Value};
use super::text::Names;

/// Where control goes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// To the next instruction or elsewhere.
    Branch,
    /// Always elsewhere.
    Jump,
    /// The process ends.
    End,
}

/// What an instruction costs. Costs are the same on every machine and in every dispatch backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fuel {
    /// Nothing, unless it is a [toll](crate::tolls()).
    Free,
    /// 1 when the jump is taken; as a [toll](crate::tolls()) also when it is not.
    Taken,
    /// This much.
    Fixed(u32),
    /// 1, and 1 more for every full 64 bytes that are moved, cleared, compared, printed or sent.
    Bulk,
}

impl Fuel {
    /// The price of moving `bytes` bytes under [`Fuel::Bulk`].
    pub const fn bulk(bytes: u64) -> u64 {
        1 + bytes / 64
    }
}

/// An operand as the manual shows it.
#[derive(Debug, Clone, Copy)]
pub struct OperandDoc {
    /// Its name in the table.
    pub name: &'static str,
    /// How it is written.
    pub notation: fn(&str) -> String,
    /// What the assembler expects there.
    pub expected: &'static str,
    /// Whether a value has the right form.
    pub accepts: fn(&Value<'_>) -> bool,
    /// Whether it may be left out.
    pub optional: bool,
}

macro_rules! define_instructions {
    ($(
        #[doc = $doc:literal]
        $function:ident $variant:ident = $number:literal $mnemonic:literal { $($operand:ident: $kind:ident),* }
        $flow:ident $fuel:ident $(($cost:literal))? $path:ident;
    )+) => {
        /// One instruction with its operands, as the verifier and the interpreter see it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the operands are described by the instruction's own line")]
        pub enum Instruction {
            $(#[doc = $doc] $variant { $($operand: $kind),* },)+
        }

        /// The name of an instruction without its operands. Its number is the one in module files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Opcode {
            $(#[doc = $doc] $variant = $number,)+
        }

        impl Opcode {
            /// All opcodes in the order of the table.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$variant,)+];

            /// The opcode with this number in module files.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Opcode::$variant),)+ _ => None }
            }

            /// What the instruction is called in source text. Forms of one instruction share it.
            pub const fn mnemonic(self) -> &'static str {
                match self { $(Opcode::$variant => $mnemonic,)+ }
            }

            /// What the instruction does, in one line.
            pub const fn doc(self) -> &'static str {
                match self { $(Opcode::$variant => $doc.trim_ascii(),)+ }
            }

            /// Where control goes next.
            pub const fn flow(self) -> Flow {
                match self { $(Opcode::$variant => Flow::$flow,)+ }
            }

            /// What it costs.
            pub const fn fuel(self) -> Fuel {
                match self { $(Opcode::$variant => Fuel::$fuel $(($cost))?,)+ }
            }

            /// Whether it runs on the interpreter's fast path.
            pub fn is_fast(self) -> bool {
                match self { $(Opcode::$variant => stringify!($path) == "fast",)+ }
            }

            /// Its operands, in the order in which they are written.
            pub fn operands(self) -> &'static [OperandDoc] {
                match self {
                    $(Opcode::$variant => &[$(OperandDoc {
                        name: stringify!($operand),
                        notation: $kind::notation,
                        expected: $kind::EXPECTED,
                        accepts: $kind::accepts,
                        optional: $kind::OPTIONAL,
                    }),*],)+
                }
            }

            /// Reads the instruction's operands from a source line.
            ///
            /// # Errors
            /// The first operand that does not fit.
            pub fn parse(self, operands: &mut Operands<'_, '_>) -> Result<Instruction, OperandError> {
                match self {
                    $(Opcode::$variant => Ok(Instruction::$variant { $($operand: $kind::parse(operands)?),* }),)+
                }
            }

            /// Reads the instruction's operands from a module file.
            pub(crate) fn decode(self, bytes: &mut Bytes<'_>) -> Option<Instruction> {
                match self {
                    $(Opcode::$variant => Some(Instruction::$variant { $($operand: $kind::decode(bytes)?),* }),)+
                }
            }
        }

        impl Instruction {
            /// The name without the operands.
            #[inline(always)]
            pub const fn opcode(&self) -> Opcode {
                match self { $(Instruction::$variant { .. } => Opcode::$variant,)+ }
            }

            /// Appends the bytes that stand for it in a module file.
            #[allow(unused_variables, reason = "instructions without operands write none")]
            pub(crate) fn encode(&self, to: &mut Vec<u8>) {
                self.opcode().number().put(to);
                match self {
                    $(Instruction::$variant { $($operand),* } => { $($operand.encode(to);)* })+
                }
            }

            /// Appends its source text.
            #[allow(unused_variables, reason = "instructions without operands print none")]
            pub fn print(&self, names: &Names<'_>, to: &mut String) {
                to.push_str(self.opcode().mnemonic());
                match self {
                    $(Instruction::$variant { $($operand),* } => { $(to.push(' '); $operand.print(names, to);)* })+
                }
            }

            /// Checks every operand against the module.
            #[allow(unused_variables, reason = "instructions without operands have nothing to check")]
            pub(crate) fn check(&self, bounds: &Bounds) -> Result<(), OperandFault> {
                match self {
                    $(Instruction::$variant { $($operand),* } => { $($operand.check(bounds)?;)* })+
                }
                Ok(())
            }

            /// The highest register that it reads or writes.
            pub(crate) fn reach(&self) -> u8 {
                match self {
                    $(Instruction::$variant { $($operand),* } => 0 $(.max($operand.reach().unwrap_or(0)))*,)+
                }
            }

            /// The instructions that it names as labels, by index.
            #[allow(unused_mut, unused_assignments, reason = "not every instruction names one")]
            pub fn targets(&self) -> &[u32] {
                match self {
                    $(Instruction::$variant { $($operand),* } => {
                        let mut targets: &[u32] = &[];
                        $(if !$operand.targets().is_empty() { targets = $operand.targets(); })*
                        targets
                    })+
                }
            }

            /// The instructions that it names as labels, to be changed.
            #[allow(unused_mut, unused_assignments, reason = "not every instruction names one")]
            pub fn targets_mut(&mut self) -> &mut [u32] {
                match self {
                    $(Instruction::$variant { $($operand),* } => {
                        let mut targets: &mut [u32] = &mut [];
                        $(if !$operand.targets().is_empty() { targets = $operand.targets_mut(); })*
                        targets
                    })+
                }
            }

            /// The operands as the interpreter's fast path reads them.
            #[allow(unused_mut, reason = "instructions without operands fill nothing")]
            pub fn slots(&self) -> Slots {
                let mut slots = Slots::default();
                match self {
                    $(Instruction::$variant { $($operand),* } => { $($operand.place(&mut slots);)* })+
                }
                slots
            }
        }
    };
}

crate::for_each_instruction!(define_instructions);

impl Opcode {
    /// Its number in module files.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether the instruction after it is returned to.
    pub fn is_call(self) -> bool {
        matches!(self, Opcode::Call | Opcode::Callw | Opcode::Callr | Opcode::Callwr)
    }

    /// Whether operands of these forms fit, whatever their ranges.
    pub fn fits(self, values: &[(Value<'_>, Span)]) -> bool {
        let mut rest = values;
        for operand in self.operands() {
            match rest.split_first() {
                Some(((value, _), after)) if (operand.accepts)(value) => rest = after,
                _ if operand.optional => {}
                _ => return false,
            }
        }
        true
    }
}
