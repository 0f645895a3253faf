//! The tag of a message: a fingerprint of its form.
//!
//! Names and types go into it, places do not: two programs that declare a message alike understand
//! each other, whatever else they consist of. A message of another form has another tag.

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::shape::{Body, Declared, Field, Message, Protocol, Shape, write_shape};

/// The bit of a tag that says that the message is a call, which is to be answered.
pub const CALL: i64 = 1 << 61;

/// The first line of each canonical text: what it means is never changed under this number.
const TITLE: &str = "palladium 1";

impl Protocol {
    /// Adds a message, with its tag.
    ///
    /// One that has a parameter `Reply[R]` and no answer of its own is a call with the answer `R`,
    /// and the parameter (the last of them) is taken out: on the wire it is the same as a handler
    /// that gives `R`.
    ///
    /// The tag is made of the first 8 bytes, little-endian, of the SHA-256 of the canonical text
    /// (61 bits of it), and of [`CALL`].
    pub fn add(
        &mut self,
        name: impl Into<Arc<str>>,
        mut params: Vec<Field>,
        mut answer: Option<Shape>,
    ) {
        if answer.is_none() {
            let reply = params.iter().rposition(|param| matches!(param.shape, Shape::Reply(_)));
            if let Some(Shape::Reply(of)) = reply.map(|at| params.remove(at).shape) {
                answer = Some(*of);
            }
        }
        let mut message = Message { name: name.into(), params, answer, tag: 0 };
        let call = if message.answer.is_some() { CALL } else { 0 };
        message.tag = fingerprint(&self.canonical(&message)) | call;
        self.messages.push(message);
    }

    /// The canonical text of a message, of which the tag is made: the protocol, the message, and
    /// the records and enums in it, once each, in the order in which they are first spoken of.
    pub fn canonical(&self, message: &Message) -> String {
        let mut text = Text {
            types: &self.types,
            lines: String::new(),
            found: Vec::new(),
            seen: HashSet::new(),
        };
        text.lines = format!("{TITLE}\nprotocol {}\n{}", self.name, message.name);
        text.fields('(', &message.params, ')');
        if let Some(answer) = &message.answer {
            text.lines.push_str("->");
            text.shape(answer);
        }
        text.lines.push('\n');
        let mut next = 0;
        while let Some(declared) = text.found.get(next).and_then(|at| self.types.get(*at as usize))
        {
            text.declared(declared);
            next += 1;
        }
        text.lines
    }
}

fn fingerprint(text: &str) -> i64 {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(first) & (CALL - 1)
}

struct Text<'p> {
    types: &'p [Declared],
    lines: String,
    /// Types that were spoken of, in order.
    found: Vec<u32>,
    seen: HashSet<u32>,
}

impl Text<'_> {
    fn declared(&mut self, declared: &Declared) {
        match &declared.body {
            Body::Record(fields) => {
                self.lines.push_str(&format!("record {}", declared.name));
                self.fields('{', fields, '}');
            }
            Body::Enum(variants) => {
                self.lines.push_str(&format!("enum {}{{", declared.name));
                for (nth, variant) in variants.iter().enumerate() {
                    self.lines.push_str(if nth == 0 { "" } else { "," });
                    self.lines.push_str(&variant.name);
                    if !variant.fields.is_empty() {
                        self.fields('(', &variant.fields, ')');
                    }
                }
                self.lines.push('}');
            }
        }
        self.lines.push('\n');
    }

    fn fields(&mut self, open: char, fields: &[Field], close: char) {
        self.lines.push(open);
        for (nth, field) in fields.iter().enumerate() {
            self.lines.push_str(if nth == 0 { "" } else { "," });
            if let Some(label) = &field.label {
                self.lines.push_str(&format!("{label}:"));
            }
            self.shape(&field.shape);
        }
        self.lines.push(close);
    }

    fn shape(&mut self, shape: &Shape) {
        let _ = write_shape(self.types, shape, ",", &mut self.lines);
        self.note(shape);
    }

    fn note(&mut self, shape: &Shape) {
        match shape {
            Shape::Declared(number) if self.seen.insert(*number) => self.found.push(*number),
            Shape::Tuple(shapes) => shapes.iter().for_each(|shape| self.note(shape)),
            Shape::List(of) | Shape::Set(of) | Shape::Option(of) | Shape::Reply(of) => {
                self.note(of)
            }
            Shape::Map(key, value) => {
                self.note(key);
                self.note(value);
            }
            _ => {}
        }
    }
}
