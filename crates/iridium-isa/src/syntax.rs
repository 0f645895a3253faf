//! Operands as they stand in source text, before an instruction claims them.

use std::fmt;

pub use super::sources::Span;

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
    pub(crate) fn peek(&self) -> Option<&Value<'s>> {
        self.values.get(self.next).map(|(value, _)| value)
    }

    /// Takes the next operand and makes of it what is expected. `read` gives `None` for a value of
    /// another form.
    pub(crate) fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(Value<'s>, &Span, &dyn Scope) -> Result<Option<T>, OperandError>,
    ) -> Result<T, OperandError> {
        let Some((value, span)) = self.values.get(self.next) else {
            return Err(OperandError::Missing { expected, span: self.end.clone() });
        };
        self.next += 1;
        read(*value, span, self.scope)?.ok_or_else(|| OperandError::Form {
            expected,
            found: value.form(),
            span: span.clone(),
        })
    }

    /// Ends the line.
    ///
    /// # Errors
    /// When operands are left over.
    pub fn finish(self) -> Result<(), OperandError> {
        match self.values.get(self.next) {
            None => Ok(()),
            Some((value, span)) => {
                Err(OperandError::Extra { found: value.form(), span: span.clone() })
            }
        }
    }
}

impl fmt::Debug for Operands<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operands").field("values", &self.values).field("next", &self.next).finish()
    }
}

/// Why an operand as written does not fit its instruction. All of them say where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are described by the variant's own line")]
pub enum OperandError {
    /// There is none where one is expected.
    Missing { expected: &'static str, span: Span },
    /// One was found that is one too many.
    Extra { found: &'static str, span: Span },
    /// What was found has another form than what is expected.
    Form { expected: &'static str, found: &'static str, span: Span },
    /// The number is not from `low` to `high`.
    Range { number: i64, low: i64, high: i64, span: Span },
    /// Some of the `more` registers after register `number` do not exist.
    PastLastRegister { number: u8, more: u8, span: Span },
    /// No label has this name.
    UnknownLabel { name: String, span: Span },
    /// No import has this name.
    UnknownImport { name: String, span: Span },
    /// A data label where code is needed.
    DataLabel { name: String, span: Span },
    /// A code label where data is needed.
    CodeLabel { name: String, span: Span },
}
