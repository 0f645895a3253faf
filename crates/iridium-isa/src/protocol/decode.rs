//! Payloads as values. They come from other processes, so nothing in them is trusted.

use std::collections::HashSet;
use std::sync::Arc;

use super::cells::Cells;
use super::encode::ReplyTo;
use super::shape::{Body, Declared, Field, Message, Protocol, Shape};
use super::value::{Fields, MAX_DEPTH, Value};

/// The most values that are read, beside those that have cells: a type may have many fields that
/// have none.
const MAX_EMPTY: usize = 1 << 16;

/// Where a payload is not what its type says, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the payload is damaged at byte {at}: {fault}")]
pub struct BadPayload {
    /// The byte.
    pub at: usize,
    /// What is wrong there.
    pub fault: PayloadFault,
}

/// What is wrong in a payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadFault {
    /// It ends within a value.
    #[error("it ends within a value")]
    Ended,
    /// It goes on after the last value.
    #[error("it goes on after the last value")]
    Trailing,
    /// A cell has a number that no value of its type has.
    #[error("{found} is no {of}")]
    Number {
        /// What it is to be.
        of: &'static str,
        /// The number.
        found: i64,
    },
    /// A text is no UTF-8.
    #[error("a text that is no UTF-8")]
    Utf8,
    /// There is something else than zeros between a text and the next cell.
    #[error("something else than zeros behind a text")]
    Padding,
    /// A key of a map or an element of a set is there twice.
    #[error("a key that is there twice")]
    Twice,
    /// It is nested too deep or has too many empty values.
    #[error("values nested deeper than {MAX_DEPTH} levels, or too many without content")]
    TooLarge,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// With this value.
    Value(Value),
    /// The callee does not understand such a call.
    NotUnderstood,
    /// The callee has ended, with this reason.
    Ended(i64),
}

/// The byte that says that a call was not understood.
const NOT_UNDERSTOOD: u8 = 1;

impl Protocol {
    /// The value in a payload.
    ///
    /// # Errors
    /// The payload is not a value of this type.
    pub fn decode(&self, shape: &Shape, payload: &[u8]) -> Result<Value, BadPayload> {
        let mut reader = Reader::new(&self.types, payload);
        let value = reader.value(shape, 0)?;
        reader.end().map(|()| value)
    }

    /// What is in the payload of a message: of a call, who is to be answered, and the values.
    ///
    /// # Errors
    /// The payload is not that of such a message.
    pub fn decode_message(
        &self,
        message: &Message,
        payload: &[u8],
    ) -> Result<(Option<ReplyTo>, Vec<Value>), BadPayload> {
        let mut reader = Reader::new(&self.types, payload);
        let reply = match message.answer {
            Some(_) => Some(ReplyTo { pid: reader.cell()?, tag: reader.cell()? }),
            None => None,
        };
        let params = message.params.iter();
        let values = params.map(|param| reader.value(&param.shape, 0)).collect::<Result<_, _>>()?;
        reader.end().map(|()| (reply, values))
    }

    /// How a call ended, from the payload of the answer.
    ///
    /// # Errors
    /// The payload is neither a failure nor a value of this type.
    pub fn decode_answer(&self, answer: &Shape, payload: &[u8]) -> Result<Answer, BadPayload> {
        match payload {
            [NOT_UNDERSTOOD] => Ok(Answer::NotUnderstood),
            [reason @ .., 1] if reason.len() == 8 => {
                Ok(Answer::Ended(reason.try_into().map(i64::from_le_bytes).unwrap_or_default()))
            }
            value => self.decode(answer, value).map(Answer::Value),
        }
    }
}

struct Reader<'p> {
    types: &'p [Declared],
    cells: Cells,
    payload: &'p [u8],
    at: usize,
    /// How many values may still be read.
    left: usize,
}

impl<'p> Reader<'p> {
    fn new(types: &'p [Declared], payload: &'p [u8]) -> Self {
        let left = MAX_EMPTY + payload.len();
        Self { types, cells: Cells::of(types), payload, at: 0, left }
    }

    fn end(&self) -> Result<(), BadPayload> {
        if self.at == self.payload.len() { Ok(()) } else { Err(self.bad(PayloadFault::Trailing)) }
    }

    fn value(&mut self, shape: &Shape, depth: usize) -> Result<Value, BadPayload> {
        self.left = self.left.checked_sub(1).ok_or_else(|| self.bad(PayloadFault::TooLarge))?;
        if depth > MAX_DEPTH {
            return Err(self.bad(PayloadFault::TooLarge));
        }
        let inner = depth + 1;
        Ok(match shape {
            Shape::Int => Value::Int(self.cell()?),
            Shape::Duration => Value::Duration(self.cell()?),
            Shape::Node => Value::Node(self.cell()?),
            Shape::Pid(_) => Value::Pid(self.cell()?),
            Shape::Reply(_) => Value::Reply { pid: self.cell()?, tag: self.cell()? },
            Shape::Float => {
                let number = f64::from_bits(self.cell()? as u64);
                Value::Float(if number.is_nan() { f64::NAN } else { number })
            }
            Shape::Bool => Value::Bool(self.number("Bool", 2)? == 1),
            Shape::Char => {
                let scalar = self.number("Char", usize::MAX)?;
                let char = u32::try_from(scalar).ok().and_then(char::from_u32);
                Value::Char(char.ok_or_else(|| self.wrong("Char", scalar as i64))?)
            }
            Shape::String => {
                let text = String::from_utf8(self.bytes()?.to_vec());
                Value::String(text.map_err(|_| self.bad(PayloadFault::Utf8))?)
            }
            Shape::Bytes => Value::Bytes(self.bytes()?.to_vec()),
            Shape::Tuple(shapes) => {
                let values = shapes.iter().map(|shape| self.value(shape, inner));
                Value::Tuple(values.collect::<Result<_, _>>()?)
            }
            Shape::List(of) => {
                let count = self.count()?;
                let values = (0..count).map(|_| self.element(of, inner));
                Value::List(values.collect::<Result<_, _>>()?)
            }
            Shape::Set(of) => {
                let (count, mut keys) = (self.count()?, HashSet::new());
                let values = (0..count).map(|_| self.key(of, &mut keys, inner));
                Value::Set(values.collect::<Result<_, _>>()?)
            }
            Shape::Map(key, of) => {
                let (count, mut keys) = (self.count()?, HashSet::new());
                let entries = (0..count)
                    .map(|_| Ok((self.key(key, &mut keys, inner)?, self.value(of, inner)?)));
                Value::Map(entries.collect::<Result<_, _>>()?)
            }
            Shape::Option(of) => match self.number("Option", 2)? {
                0 => Value::Option(None),
                _ => Value::Option(Some(Box::new(self.value(of, inner)?))),
            },
            Shape::Declared(number) => {
                let declared = self.types.get(*number as usize);
                let declared = declared.ok_or_else(|| self.bad(PayloadFault::TooLarge))?;
                self.declared(declared, inner)?
            }
        })
    }

    fn declared(&mut self, declared: &'p Declared, depth: usize) -> Result<Value, BadPayload> {
        match &declared.body {
            Body::Record(fields) => {
                let name = declared.constructor().into();
                Ok(Value::Record { name, fields: self.fields(fields, depth)? })
            }
            Body::Enum(variants) => {
                let number = self.number("variant", variants.len())?;
                let variant = variants.get(number);
                let variant = variant.ok_or_else(|| self.wrong("variant", number as i64))?;
                let name = Arc::clone(&variant.name);
                Ok(Value::Variant { name, fields: self.fields(&variant.fields, depth)? })
            }
        }
    }

    fn fields(&mut self, fields: &[Field], depth: usize) -> Result<Fields, BadPayload> {
        let field = |field: &Field| Ok((field.label.clone(), self.value(&field.shape, depth)?));
        fields.iter().map(field).collect()
    }

    fn key(
        &mut self,
        shape: &Shape,
        keys: &mut HashSet<Vec<u8>>,
        depth: usize,
    ) -> Result<Value, BadPayload> {
        let at = self.at;
        let value = self.element(shape, depth)?;
        if keys.insert(value.key()) {
            Ok(value)
        } else {
            Err(BadPayload { at, fault: PayloadFault::Twice })
        }
    }

    fn element(&mut self, shape: &Shape, depth: usize) -> Result<Value, BadPayload> {
        let value = self.value(shape, depth)?;
        if !self.cells.any(shape) {
            self.number("empty element", 1)?;
        }
        Ok(value)
    }

    /// A number of elements, of which each has a cell at least.
    fn count(&mut self) -> Result<usize, BadPayload> {
        let count = self.number("length", usize::MAX)?;
        if count > self.payload.len().saturating_sub(self.at) / 8 {
            return Err(self.bad(PayloadFault::Ended));
        }
        Ok(count)
    }

    fn bytes(&mut self) -> Result<&'p [u8], BadPayload> {
        let length = self.number("length", usize::MAX)?;
        let ended = BadPayload { at: self.at, fault: PayloadFault::Ended };
        let rest = self.payload.get(self.at..).unwrap_or_default();
        let (bytes, rest) = rest.split_at_checked(length).ok_or(ended.clone())?;
        let padding = rest.get(..length.next_multiple_of(8) - length).ok_or(ended)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(self.bad(PayloadFault::Padding));
        }
        self.at += length + padding.len();
        Ok(bytes)
    }

    /// A cell with a number from 0 to below `end`.
    fn number(&mut self, of: &'static str, end: usize) -> Result<usize, BadPayload> {
        let found = self.cell()?;
        let number = usize::try_from(found).ok().filter(|number| *number < end);
        number.ok_or_else(|| self.wrong(of, found))
    }

    fn cell(&mut self) -> Result<i64, BadPayload> {
        let cell = self.payload.get(self.at..).and_then(|rest| rest.first_chunk());
        let cell = cell.ok_or_else(|| self.bad(PayloadFault::Ended))?;
        self.at += 8;
        Ok(i64::from_le_bytes(*cell))
    }

    /// The cell that was read last is wrong.
    fn wrong(&self, of: &'static str, found: i64) -> BadPayload {
        BadPayload { at: self.at - 8, fault: PayloadFault::Number { of, found } }
    }

    fn bad(&self, fault: PayloadFault) -> BadPayload {
        BadPayload { at: self.at, fault }
    }
}
