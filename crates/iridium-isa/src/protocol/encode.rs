//! Values as payloads.

use super::cells::Cells;
use super::shape::{Body, Declared, Field, Message, Protocol, Shape, Start};
use super::value::{MAX_DEPTH, Value};

/// Whoever is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyTo {
    /// The process that the answer goes to.
    pub pid: i64,
    /// The tag of the answer.
    pub tag: i64,
}

/// What a process finds in its mailbox before anybody else can have sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstMessage {
    /// Its tag.
    pub tag: i64,
    /// All arguments of the process.
    pub payload: Vec<u8>,
}

/// What a process is started with.
#[derive(Debug, Clone, PartialEq)]
pub enum Arguments {
    /// Its first registers, from `$0` on, in both lanes.
    Registers {
        /// The integers; 0 where there is a float.
        ints: Vec<i64>,
        /// The floats; 0 where there is an integer.
        floats: Vec<f64>,
    },
    /// Its first message.
    Message(FirstMessage),
}

/// A value is not of the type that it is to be written as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a value is not of the type {expected}, or nested deeper than {MAX_DEPTH} levels")]
pub struct Misfit {
    /// The type.
    pub expected: String,
}

impl Protocol {
    /// The payload of one value, as that of an answer.
    ///
    /// # Errors
    /// The value is not of this type.
    pub fn encode(&self, shape: &Shape, value: &Value) -> Result<Vec<u8>, Misfit> {
        let mut writer = Writer::new(&self.types);
        let written = writer.value(shape, value, 0);
        written.map(|()| writer.out).ok_or_else(|| Misfit { expected: self.text_of(shape) })
    }

    /// The payload of a message; a call needs to know who is to be answered.
    ///
    /// # Errors
    /// The values are not those of the message, or only one of call and reply is there.
    pub fn encode_message(
        &self,
        message: &Message,
        values: &[Value],
        reply: Option<ReplyTo>,
    ) -> Result<Vec<u8>, Misfit> {
        let mut writer = Writer::new(&self.types);
        reply.iter().for_each(|to| {
            writer.cell(to.pid);
            writer.cell(to.tag);
        });
        let written = writer.fields(&message.params, values.iter(), 0);
        let whole = written.filter(|()| reply.is_some() == message.answer.is_some());
        whole.map(|()| writer.out).ok_or_else(|| Misfit { expected: self.signature(message) })
    }

    /// What a process is started with.
    ///
    /// # Errors
    /// The values are not those of the parameters.
    pub fn arguments(&self, start: &Start, values: &[Value]) -> Result<Arguments, Misfit> {
        let misfit = || Misfit { expected: self.parameters(&start.params) };
        let mut writer = Writer::new(&self.types);
        writer.fields(&start.params, values.iter(), 0).ok_or_else(misfit)?;
        if let Some(tag) = start.first {
            return Ok(Arguments::Message(FirstMessage { tag, payload: writer.out }));
        }
        let cells = writer.out.chunks_exact(8).zip(&start.params).map(|(cell, param)| {
            let cell = cell.try_into().map(i64::from_le_bytes).unwrap_or_default();
            match param.shape {
                Shape::Float => (0, f64::from_bits(cell as u64)),
                _ => (cell, 0.0),
            }
        });
        let (ints, floats) = cells.unzip();
        Ok(Arguments::Registers { ints, floats })
    }
}

struct Writer<'p> {
    types: &'p [Declared],
    cells: Cells,
    out: Vec<u8>,
}

/// `None`: the value is not of the type.
type Written = Option<()>;

impl<'p> Writer<'p> {
    fn new(types: &'p [Declared]) -> Self {
        Self { types, cells: Cells::of(types), out: Vec::new() }
    }

    fn value(&mut self, shape: &Shape, value: &Value, depth: usize) -> Written {
        if depth > MAX_DEPTH {
            return None;
        }
        let inner = depth + 1;
        match (shape, value) {
            (Shape::Int, Value::Int(number))
            | (Shape::Duration, Value::Duration(number))
            | (Shape::Node, Value::Node(number))
            | (Shape::Pid(_), Value::Pid(number)) => self.cell(*number),
            (Shape::Bool, Value::Bool(yes)) => self.cell(i64::from(*yes)),
            (Shape::Char, Value::Char(char)) => self.cell(i64::from(u32::from(*char))),
            (Shape::Float, Value::Float(number)) => {
                let canonical = if number.is_nan() { f64::NAN } else { *number };
                self.cell(canonical.to_bits() as i64);
            }
            (Shape::String, Value::String(text)) => self.bytes(text.as_bytes()),
            (Shape::Bytes, Value::Bytes(bytes)) => self.bytes(bytes),
            (Shape::Reply(_), Value::Reply { pid, tag }) => {
                self.cell(*pid);
                self.cell(*tag);
            }
            (Shape::Tuple(shapes), Value::Tuple(values)) if shapes.len() == values.len() => {
                let mut pairs = shapes.iter().zip(values);
                pairs.try_for_each(|(shape, value)| self.value(shape, value, inner))?;
            }
            (Shape::List(of), Value::List(values)) | (Shape::Set(of), Value::Set(values)) => {
                self.cell(values.len() as i64);
                values.iter().try_for_each(|value| self.element(of, value, inner))?;
            }
            (Shape::Map(key, of), Value::Map(entries)) => {
                self.cell(entries.len() as i64);
                for entry in entries {
                    self.element(key, &entry.0, inner)?;
                    self.value(of, &entry.1, inner)?;
                }
            }
            (Shape::Option(_), Value::Option(None)) => self.cell(0),
            (Shape::Option(of), Value::Option(Some(value))) => {
                self.cell(1);
                self.value(of, value, inner)?;
            }
            (Shape::Declared(number), value) => {
                self.declared(self.types.get(*number as usize)?, value, inner)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn declared(&mut self, declared: &Declared, value: &Value, depth: usize) -> Written {
        let (params, fields) = match (&declared.body, value) {
            (Body::Record(params), Value::Record { fields, .. }) => (params, fields),
            (Body::Enum(variants), Value::Variant { name, fields }) => {
                let number = variants.iter().position(|variant| variant.name == *name)?;
                self.cell(number as i64);
                (&variants.get(number)?.fields, fields)
            }
            _ => return None,
        };
        self.fields(params, fields.iter().map(|(_, value)| value), depth)
    }

    fn fields<'v>(
        &mut self,
        params: &[Field],
        values: impl ExactSizeIterator<Item = &'v Value>,
        depth: usize,
    ) -> Written {
        if params.len() != values.len() {
            return None;
        }
        params
            .iter()
            .zip(values)
            .try_for_each(|(param, value)| self.value(&param.shape, value, depth))
    }

    /// Of an element without cells there has to be something that can be counted.
    fn element(&mut self, shape: &Shape, value: &Value, depth: usize) -> Written {
        self.value(shape, value, depth)?;
        if !self.cells.any(shape) {
            self.cell(0);
        }
        Some(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.cell(bytes.len() as i64);
        self.out.extend_from_slice(bytes);
        self.out.resize(self.out.len().next_multiple_of(8), 0);
    }

    fn cell(&mut self, number: i64) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }
}
