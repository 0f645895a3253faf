//! Operand kinds: the types in the instruction table's operand lists.
//!
//! A kind says how an operand is written, stored, checked and handed to the interpreter. Everything
//! that is generated from the table asks the kinds through the `Operand` trait, so a new kind
//! needs one implementation and no change elsewhere.

use std::fmt::Write as _;

use super::bytes::{Bytes, Number};
use super::syntax::{OperandError, Operands, Scope, Span, Symbol, Value};
use super::text::{Names, print_float};

/// The address at which programs see their read-only data.
pub const DATA_BASE: i64 = 1 << 32;

/// The number of registers that `spawn` copies and that a host function may use.
pub const WINDOW_SPAN: u8 = 8;

/// What a kind of operand must be able to do.
pub(crate) trait Operand: Sized {
    /// What the assembler says it expected.
    const EXPECTED: &'static str;
    /// Whether it may be left out.
    const OPTIONAL: bool = false;

    /// How the manual writes it, given the operand's name in the table.
    fn notation(name: &str) -> String;
    /// Whether a value has the right form, whatever its range.
    fn accepts(value: &Value<'_>) -> bool;
    /// Makes it of a value; `None` when that has another form.
    fn read(value: Value<'_>, span: &Span, scope: &dyn Scope)
    -> Result<Option<Self>, OperandError>;
    /// Reads it from a source line.
    fn parse(from: &mut Operands<'_, '_>) -> Result<Self, OperandError> {
        from.read(Self::EXPECTED, Self::read)
    }
    /// Appends its bytes.
    fn encode(&self, to: &mut Vec<u8>);
    /// Reads its bytes; `None` when there are too few.
    fn decode(from: &mut Bytes<'_>) -> Option<Self>;
    /// Appends its source text.
    fn print(&self, names: &Names<'_>, to: &mut String);
    /// Checks it against the rest of the module.
    fn check(&self, _bounds: &Bounds) -> Result<(), OperandFault> {
        Ok(())
    }
    /// The highest register that the instruction reaches through it.
    fn reach(&self) -> Option<u8> {
        None
    }
    /// The code that control may go to.
    fn targets(&self) -> &[u32] {
        &[]
    }
    /// The same, to be changed.
    fn targets_mut(&mut self) -> &mut [u32] {
        &mut []
    }
    /// Puts it where the interpreter's fast path finds it.
    fn place(&self, _slots: &mut Slots) {}
}

/// The bytes of a kind that is one number.
macro_rules! stored_as_number {
    () => {
        fn encode(&self, to: &mut Vec<u8>) {
            self.0.put(to);
        }
        fn decode(from: &mut Bytes<'_>) -> Option<Self> {
            from.number().map(Self)
        }
    };
}

/// What operands are checked against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Number of instructions.
    pub(crate) code: u32,
    /// Length of the read-only data in bytes.
    pub(crate) data: u32,
    /// Number of imports.
    pub(crate) imports: u16,
}

/// Why an operand does not go with its module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OperandFault {
    /// A register past `$255`.
    #[error("register ${0} and the {1} after it go past $255")]
    PastLastRegister(u8, u8),
    /// A jump out of the code.
    #[error("jump target {0} is past the last instruction")]
    Target(u32),
    /// A data offset out of the data.
    #[error("data offset {0} is past the end of the data")]
    Data(u32),
    /// A host function that is not imported.
    #[error("import number {0} does not exist")]
    Import(u16),
    /// A literal outside its range.
    #[error("literal {0} is outside its range")]
    Literal(i64),
}

/// What an instruction does with a register in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Nothing that the fast path needs to know.
    #[default]
    Other,
    /// Reads its integer lane.
    IntRead,
    /// Writes its integer lane.
    IntWrite,
    /// Reads and writes its integer lane.
    IntChange,
    /// Reads its float lane.
    FloatRead,
    /// Writes its float lane.
    FloatWrite,
    /// Writes the integer lanes of it and of some after it.
    IntWrites,
}

/// Operands as the interpreter's fast path reads them: registers in order, then what else there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slots {
    /// Register numbers in table order.
    pub registers: [u8; 3],
    /// What is done with them.
    pub roles: [Role; 3],
    /// How many of them are taken.
    pub used: usize,
    /// A register that has no slot any more, and what is done with it.
    pub fourth: Option<(u8, Role)>,
    /// The 32-bit literal, or the low half of the 64-bit one.
    pub literal: i32,
    /// The high half of the 64-bit literal.
    pub high: i32,
    /// The jump target.
    pub target: Option<u32>,
}

impl Slots {
    fn register(&mut self, number: u8, role: Role) {
        let slot = self.registers.get_mut(self.used).zip(self.roles.get_mut(self.used));
        match slot {
            Some((slot, slot_role)) => {
                (*slot, *slot_role) = (number, role);
                self.used += 1;
            }
            None => self.fourth = Some((number, role)),
        }
    }

    fn wide(&mut self, bits: i64) {
        self.literal = bits as i32;
        self.high = (bits >> 32) as i32;
    }
}

macro_rules! register_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident $role:ident reaches $span:literal expected $expected:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $kind(pub u8);

        impl Operand for $kind {
            const EXPECTED: &'static str = $expected;
            fn notation(name: &str) -> String {
                format!("${name}")
            }
            fn accepts(value: &Value<'_>) -> bool {
                matches!(value, Value::Register(_))
            }
            fn read(value: Value<'_>, span: &Span, _: &dyn Scope) -> Result<Option<Self>, OperandError> {
                match value {
                    Value::Register(number) if number.checked_add($span).is_some() => Ok(Some(Self(number))),
                    Value::Register(number) => {
                        Err(OperandError::PastLastRegister { number, more: $span, span: span.clone() })
                    }
                    _ => Ok(None),
                }
            }
            stored_as_number!();
            fn print(&self, _names: &Names<'_>, to: &mut String) {
                let _ = write!(to, "${}", self.0);
            }
            fn check(&self, _bounds: &Bounds) -> Result<(), OperandFault> {
                self.reach().map(|_| ()).ok_or(OperandFault::PastLastRegister(self.0, $span))
            }
            fn reach(&self) -> Option<u8> {
                self.0.checked_add($span)
            }
            fn place(&self, slots: &mut Slots) {
                slots.register(self.0, Role::$role);
            }
        }
    )+};
}

register_kinds! {
    /// An integer lane that is read.
    Int IntRead reaches 0 expected "a register";
    /// An integer lane that is written.
    IntOut IntWrite reaches 0 expected "a register";
    /// An integer lane that is changed in place.
    IntMut IntChange reaches 0 expected "a register";
    /// A float lane that is read.
    Float FloatRead reaches 0 expected "a register";
    /// A float lane that is written.
    FloatOut FloatWrite reaches 0 expected "a register";
    /// Two integer lanes that are read.
    IntPair Other reaches 1 expected "a register";
    /// Two integer lanes that are written.
    IntOut2 IntWrites reaches 1 expected "a register";
    /// Three integer lanes that are written.
    IntOut3 IntWrites reaches 2 expected "a register";
    /// Eight registers, both lanes, from this one on.
    Window Other reaches 7 expected "the first register of a window";
    /// How far a windowed call slides.
    Slide Other reaches 0 expected "the register where the callee's window starts";
}

macro_rules! literal_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident($type:ty) in $low:expr, $high:expr, expected $expected:literal $(default $default:literal)?;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $kind(pub $type);

        impl Operand for $kind {
            const EXPECTED: &'static str = $expected;
            $(const OPTIONAL: bool = { let _: $type = $default; true };)?
            fn notation(name: &str) -> String {
                if Self::OPTIONAL { format!("[#{name}]") } else { format!("#{name}") }
            }
            fn accepts(value: &Value<'_>) -> bool {
                matches!(value, Value::Integer(_))
            }
            fn read(value: Value<'_>, span: &Span, _: &dyn Scope) -> Result<Option<Self>, OperandError> {
                match value {
                    Value::Integer(number) if ($low..=$high).contains(&number) => Ok(Some(Self(number as $type))),
                    Value::Integer(number) => {
                        Err(OperandError::Range { number, low: $low, high: $high, span: span.clone() })
                    }
                    _ => Ok(None),
                }
            }
            $(fn parse(from: &mut Operands<'_, '_>) -> Result<Self, OperandError> {
                match from.peek() {
                    // A float is meant for it, and is a mistake.
                    Some(Value::Integer(_) | Value::Float(_)) => from.read(Self::EXPECTED, Self::read),
                    _ => Ok(Self($default)),
                }
            })?
            stored_as_number!();
            fn print(&self, _names: &Names<'_>, to: &mut String) {
                let _ = write!(to, "#{}", self.0);
            }
            fn check(&self, _bounds: &Bounds) -> Result<(), OperandFault> {
                let number = i64::from(self.0);
                if ($low..=$high).contains(&number) { Ok(()) } else { Err(OperandFault::Literal(number)) }
            }
            fn place(&self, slots: &mut Slots) {
                // Two literals, as `lui` and `new` have, go side by side.
                slots.literal = slots.literal.wrapping_shl(<$type>::BITS) | self.0 as i32;
            }
        }
    )+};
}

literal_kinds! {
    /// A 32-bit signed literal.
    Lit32(i32) in i64::from(i32::MIN), i64::from(i32::MAX), expected "a 32-bit literal such as `#5`";
    /// A 32-bit signed address offset; 0 when left out.
    Offset(i32) in i64::from(i32::MIN), i64::from(i32::MAX), expected "an offset such as `#8`" default 0;
    /// A number from 0 to 4294967295.
    Count(u32) in 0, i64::from(u32::MAX), expected "a number such as `#5`";
    /// A shift count from 0 to 63.
    Shift(u8) in 0, 63, expected "a shift count from `#0` to `#63`";
    /// A shift count from 0 to 63; 16 when left out.
    ShiftOr16(u8) in 0, 63, expected "a shift count from `#0` to `#63`" default 16;
    /// A byte.
    ByteLit(u8) in 0, 255, expected "a byte from `#0` to `#255`";
    /// The size of a block, from 16 to 65535.
    BlockSize(u16) in 16, 65535, expected "a block's size from `#16` to `#65535`";
    /// The variant of a block, from 0 to 65535.
    VariantLit(u16) in 0, 65535, expected "a variant from `#0` to `#65535`";
    /// Which failure a program traps with, from 0 to 5.
    FailureLit(u8) in 0, 5, expected "a failure from `#0` to `#5`";
    /// 0 or 1.
    Switch(u8) in 0, 1, expected "`#0` or `#1`";
}

/// A 64-bit literal; in source text also a label, whose value is then meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lit64(pub i64);

impl Operand for Lit64 {
    const EXPECTED: &'static str = "an integer literal such as `#5` or a label such as `@name`";
    fn notation(name: &str) -> String {
        format!("#{name} \\| @label")
    }
    fn accepts(value: &Value<'_>) -> bool {
        matches!(value, Value::Integer(_) | Value::Label(_))
    }
    fn read(
        value: Value<'_>,
        span: &Span,
        scope: &dyn Scope,
    ) -> Result<Option<Self>, OperandError> {
        Ok(match value {
            Value::Integer(number) => Some(Self(number)),
            Value::Label(name) => Some(match symbol(scope, name, span)? {
                Symbol::Code(index) => Self(i64::from(index)),
                Symbol::Data(offset) => Self(DATA_BASE + i64::from(offset)),
            }),
            _ => None,
        })
    }
    stored_as_number!();
    fn print(&self, _names: &Names<'_>, to: &mut String) {
        let _ = write!(to, "#{}", self.0);
    }
    fn place(&self, slots: &mut Slots) {
        slots.wide(self.0);
    }
}

/// A float literal, kept as its bits so that instructions compare and hash exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LitF64(pub u64);

impl Operand for LitF64 {
    const EXPECTED: &'static str = "a float literal such as `#1.5`";
    fn notation(name: &str) -> String {
        format!("#{name}")
    }
    fn accepts(value: &Value<'_>) -> bool {
        matches!(value, Value::Float(_) | Value::Integer(_))
    }
    fn read(value: Value<'_>, _: &Span, _: &dyn Scope) -> Result<Option<Self>, OperandError> {
        Ok(match value {
            Value::Float(number) => Some(Self(number.to_bits())),
            Value::Integer(number) => Some(Self((number as f64).to_bits())),
            _ => None,
        })
    }
    stored_as_number!();
    fn print(&self, _names: &Names<'_>, to: &mut String) {
        print_float(f64::from_bits(self.0), to);
    }
    fn check(&self, _bounds: &Bounds) -> Result<(), OperandFault> {
        // Text knows one NaN. A file with another could not be disassembled to the same identity.
        let number = f64::from_bits(self.0);
        if number.is_nan() && self.0 != f64::NAN.to_bits() {
            return Err(OperandFault::Literal(self.0 as i64));
        }
        Ok(())
    }
    fn place(&self, slots: &mut Slots) {
        slots.wide(self.0 as i64);
    }
}

/// An instruction that control may go to, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(pub u32);

impl Operand for Target {
    const EXPECTED: &'static str = "a code label such as `@name`";
    fn notation(name: &str) -> String {
        format!("@{name}")
    }
    fn accepts(value: &Value<'_>) -> bool {
        matches!(value, Value::Label(_))
    }
    fn read(
        value: Value<'_>,
        span: &Span,
        scope: &dyn Scope,
    ) -> Result<Option<Self>, OperandError> {
        let Value::Label(name) = value else { return Ok(None) };
        match symbol(scope, name, span)? {
            Symbol::Code(index) => Ok(Some(Self(index))),
            Symbol::Data(_) => {
                Err(OperandError::DataLabel { name: name.to_owned(), span: span.clone() })
            }
        }
    }
    stored_as_number!();
    fn print(&self, names: &Names<'_>, to: &mut String) {
        names.code(self.0, to);
    }
    fn check(&self, bounds: &Bounds) -> Result<(), OperandFault> {
        if self.0 < bounds.code { Ok(()) } else { Err(OperandFault::Target(self.0)) }
    }
    fn targets(&self) -> &[u32] {
        std::slice::from_ref(&self.0)
    }
    fn targets_mut(&mut self) -> &mut [u32] {
        std::slice::from_mut(&mut self.0)
    }
    fn place(&self, slots: &mut Slots) {
        slots.target = Some(self.0);
    }
}

/// The labels of a jump table; there may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets(pub Box<[u32]>);

impl Operand for Targets {
    const EXPECTED: &'static str = "code labels such as `@name`";
    const OPTIONAL: bool = true;
    fn notation(name: &str) -> String {
        format!("@{name}0 @{name}1 …")
    }
    fn accepts(value: &Value<'_>) -> bool {
        Target::accepts(value)
    }
    fn read(
        value: Value<'_>,
        span: &Span,
        scope: &dyn Scope,
    ) -> Result<Option<Self>, OperandError> {
        Ok(Target::read(value, span, scope)?.map(|target| Self([target.0].into())))
    }
    fn parse(from: &mut Operands<'_, '_>) -> Result<Self, OperandError> {
        let mut targets = Vec::new();
        while from.peek().is_some() {
            targets.push(Target::parse(from)?.0);
        }
        Ok(Self(targets.into()))
    }
    fn encode(&self, to: &mut Vec<u8>) {
        (self.0.len() as u32).put(to);
        self.0.iter().for_each(|target| target.put(to));
    }
    fn decode(from: &mut Bytes<'_>) -> Option<Self> {
        let count = from.number::<u32>()? as usize;
        if from.0.len() / 4 < count {
            return None;
        }
        (0..count).map(|_| from.number()).collect::<Option<_>>().map(Self)
    }
    fn print(&self, names: &Names<'_>, to: &mut String) {
        for (position, target) in self.0.iter().enumerate() {
            if position > 0 {
                to.push(' ');
            }
            names.code(*target, to);
        }
    }
    fn check(&self, bounds: &Bounds) -> Result<(), OperandFault> {
        match self.0.iter().find(|target| **target >= bounds.code) {
            None => Ok(()),
            Some(target) => Err(OperandFault::Target(*target)),
        }
    }
    fn targets(&self) -> &[u32] {
        &self.0
    }
    fn targets_mut(&mut self) -> &mut [u32] {
        &mut self.0
    }
}

/// An offset into the read-only data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data(pub u32);

impl Operand for Data {
    const EXPECTED: &'static str = "a data label such as `@name` or a data offset such as `#0`";
    fn notation(name: &str) -> String {
        format!("@{name}")
    }
    fn accepts(value: &Value<'_>) -> bool {
        matches!(value, Value::Label(_) | Value::Integer(_))
    }
    fn read(
        value: Value<'_>,
        span: &Span,
        scope: &dyn Scope,
    ) -> Result<Option<Self>, OperandError> {
        let span = || span.clone();
        match value {
            Value::Label(name) => match symbol(scope, name, &span())? {
                Symbol::Data(offset) => Ok(Some(Self(offset))),
                Symbol::Code(_) => {
                    Err(OperandError::CodeLabel { name: name.to_owned(), span: span() })
                }
            },
            Value::Integer(number) => {
                let high = i64::from(scope.data_length());
                match u32::try_from(number) {
                    Ok(offset) if number <= high => Ok(Some(Self(offset))),
                    _ => Err(OperandError::Range { number, low: 0, high, span: span() }),
                }
            }
            _ => Ok(None),
        }
    }
    stored_as_number!();
    fn print(&self, names: &Names<'_>, to: &mut String) {
        names.data(self.0, to);
    }
    fn check(&self, bounds: &Bounds) -> Result<(), OperandFault> {
        if self.0 <= bounds.data { Ok(()) } else { Err(OperandFault::Data(self.0)) }
    }
    fn place(&self, slots: &mut Slots) {
        slots.literal = self.0 as i32;
    }
}

/// An imported host function, by its position among the imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import(pub u16);

impl Operand for Import {
    const EXPECTED: &'static str = "an imported host function such as `@name`";
    fn notation(name: &str) -> String {
        format!("@{name}")
    }
    fn accepts(value: &Value<'_>) -> bool {
        matches!(value, Value::Label(_))
    }
    fn read(
        value: Value<'_>,
        span: &Span,
        scope: &dyn Scope,
    ) -> Result<Option<Self>, OperandError> {
        let Value::Label(name) = value else { return Ok(None) };
        let unknown = || OperandError::UnknownImport { name: name.to_owned(), span: span.clone() };
        scope.import(name).ok_or_else(unknown).map(|number| Some(Self(number)))
    }
    stored_as_number!();
    fn print(&self, names: &Names<'_>, to: &mut String) {
        names.import(self.0, to);
    }
    fn check(&self, bounds: &Bounds) -> Result<(), OperandFault> {
        if self.0 < bounds.imports { Ok(()) } else { Err(OperandFault::Import(self.0)) }
    }
}

fn symbol(scope: &dyn Scope, name: &str, span: &Span) -> Result<Symbol, OperandError> {
    let unknown = || OperandError::UnknownLabel { name: name.to_owned(), span: span.clone() };
    scope.symbol(name).ok_or_else(unknown)
}
