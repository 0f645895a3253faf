//! Operands as they stand in source text, before an instruction claims them.

use std::ops::Range;

/// A range of bytes in the source text.
pub type Span = Range<u32>;

/// One operand as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'s> {
    /// `$n`.
    Register(u8),
    /// `#n`.
    Integer(i64),
    /// `#1.5`.
    Float(f64),
    /// `@name`.
    Label(&'s str),
}

impl Value<'_> {
    /// What to call it in a diagnostic.
    pub fn form(&self) -> &'static str {
        match self {
            Value::Register(_) => "a register",
            Value::Integer(_) => "an integer literal",
            Value::Float(_) => "a float literal",
            Value::Label(_) => "a label",
        }
    }
}

/// What a label stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbol {
    /// An instruction index.
    Code(u32),
    /// An offset into the read-only data.
    Data(u32),
}

/// Where labels and imports are looked up while operands are read.
pub trait Scope {
    /// What a label stands for.
    fn symbol(&self, name: &str) -> Option<Symbol>;
    /// The position of an imported host function.
    fn import(&self, name: &str) -> Option<u16>;
    /// Length of the read-only data in bytes.
    fn data_length(&self) -> u32;
}

/// The operands of one line, read from left to right.
pub struct Operands<'o, 's> {
    values: &'o [(Value<'s>, Span)],
    next: usize,
    end: Span,
    scope: &'o dyn Scope,
}

impl<'o, 's> Operands<'o, 's> {
    /// Operands of a line; `end` is where a missing operand would have stood.
    pub fn new(values: &'o [(Value<'s>, Span)], end: Span, scope: &'o dyn Scope) -> Self {
        Self { values, next: 0, end, scope }
    }

    /// The operand that comes next.
    pub fn peek(&self) -> Option<&Value<'s>> {
        self.values.get(self.next).map(|(value, _)| value)
    }

    /// Takes the next operand.
    pub fn next(&mut self, expected: &'static str) -> Result<(Value<'s>, Span), OperandError> {
        let found = self.values.get(self.next).cloned();
        self.next += 1;
        found.ok_or_else(|| OperandError::Missing { expected, span: self.end.clone() })
    }

    /// An error when operands are left over.
    pub fn finish(self) -> Result<(), OperandError> {
        match self.values.get(self.next) {
            None => Ok(()),
            Some((value, span)) => {
                Err(OperandError::Extra { found: value.form(), span: span.clone() })
            }
        }
    }

    /// What a label stands for.
    pub fn symbol(&self, name: &str, span: Span) -> Result<Symbol, OperandError> {
        self.scope
            .symbol(name)
            .ok_or_else(|| OperandError::UnknownLabel { name: name.to_owned(), span })
    }

    /// The position of an import.
    pub fn import(&self, name: &str, span: Span) -> Result<u16, OperandError> {
        self.scope
            .import(name)
            .ok_or_else(|| OperandError::UnknownImport { name: name.to_owned(), span })
    }

    /// Length of the read-only data in bytes.
    pub fn data_length(&self) -> u32 {
        self.scope.data_length()
    }
}

/// Why an operand as written does not fit its instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperandError {
    /// There is none.
    Missing { expected: &'static str, span: Span },
    /// There is one too many.
    Extra { found: &'static str, span: Span },
    /// It is of another form.
    Form { expected: &'static str, found: &'static str, span: Span },
    /// It is outside its range.
    Range { number: i64, low: i64, high: i64, span: Span },
    /// The registers after it do not exist.
    PastLastRegister { number: u8, more: u8, span: Span },
    /// No such label.
    UnknownLabel { name: String, span: Span },
    /// No such import.
    UnknownImport { name: String, span: Span },
    /// A data label where code is needed.
    DataLabel { name: String, span: Span },
    /// A code label where data is needed.
    CodeLabel { name: String, span: Span },
}
