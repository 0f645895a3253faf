//! The tag of a message: a fingerprint of its form.
//!
//! Names and types go into it, places do not: two programs that declare a message alike understand
//! each other, whatever else they consist of. A message of another form has another tag.

use std::borrow::Cow;
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
    /// the records and enums in it, once each, in the order in which they are first spoken of. The
    /// second of several that have one name is called `Name#2`.
    pub fn canonical(&self, message: &Message) -> String {
        let begin = format!("{TITLE}\nprotocol {}\n{}", self.name, message.name);
        let mut text = Text::new(&self.types, message.shapes(), begin);
        text.fields('(', &message.params, ')');
        if let Some(answer) = &message.answer {
            text.lines.push_str("->");
            text.shape(answer);
        }
        text.whole()
    }

    /// The records and enums that a message consists of, in the order of its canonical text.
    pub fn types_of(&self, message: &Message) -> impl Iterator<Item = &Declared> {
        let found = in_order(&self.types, message.shapes());
        found.into_iter().filter_map(|at| self.types.get(at as usize))
    }

    /// The canonical text of a type, of which its [fingerprint](Self::fingerprint) is made.
    pub fn canonical_type(&self, shape: &Shape) -> String {
        let mut text = Text::new(&self.types, [shape], format!("{TITLE}\nvalue "));
        text.shape(shape);
        text.whole()
    }

    /// The fingerprint of a type, from 0 to 2^61 - 1: it stands in front of values that are kept.
    pub fn fingerprint(&self, shape: &Shape) -> i64 {
        fingerprint(&self.canonical_type(shape))
    }
}

impl Message {
    /// The types of its fields, and of its answer.
    fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.params.iter().map(|param| &param.shape).chain(&self.answer)
    }
}

fn fingerprint(text: &str) -> i64 {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(first) & (CALL - 1)
}

struct Text<'p> {
    /// Those that are spoken of have different names.
    types: Cow<'p, [Declared]>,
    /// Which types are spoken of, in order.
    found: Vec<u32>,
    lines: String,
}

impl<'p> Text<'p> {
    /// A text about these shapes, which begins like this.
    fn new(
        types: &'p [Declared],
        shapes: impl IntoIterator<Item = &'p Shape>,
        begin: String,
    ) -> Self {
        let found = in_order(types, shapes);
        let mut types = Cow::Borrowed(types);
        for (nth, at) in found.iter().enumerate() {
            let name = |at: &u32| types.get(*at as usize).map(|declared| &declared.name);
            let earlier = found[..nth].iter().filter(|other| name(other) == name(at)).count();
            if earlier > 0
                && let Some(declared) = types.to_mut().get_mut(*at as usize)
            {
                declared.name = format!("{}#{}", declared.name, earlier + 1).into();
            }
        }
        Self { types, found, lines: begin }
    }

    fn whole(mut self) -> String {
        self.lines.push('\n');
        let found = std::mem::take(&mut self.found);
        let types = self.types.clone();
        for declared in found.iter().filter_map(|at| types.get(*at as usize)) {
            self.declared(declared);
        }
        self.lines
    }

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
        let _ = write_shape(&self.types, shape, ",", &mut self.lines);
    }
}

/// The types that shapes speak of, and those that these speak of, in the order of their text.
fn in_order<'p>(types: &'p [Declared], shapes: impl IntoIterator<Item = &'p Shape>) -> Vec<u32> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut note = |shape: &Shape, found: &mut Vec<u32>| {
        each_number(shape, &mut |number| {
            if seen.insert(number) {
                found.push(number);
            }
        });
    };
    shapes.into_iter().for_each(|shape| note(shape, &mut found));
    let mut next = 0;
    while let Some(at) = found.get(next) {
        let body = types.get(*at as usize).map(|declared| &declared.body);
        let fields: Vec<&Field> = match body {
            Some(Body::Record(fields)) => fields.iter().collect(),
            Some(Body::Enum(variants)) => variants.iter().flat_map(|v| &v.fields).collect(),
            None => Vec::new(),
        };
        fields.into_iter().for_each(|field| note(&field.shape, &mut found));
        next += 1;
    }
    found
}

/// The numbers of the types that a shape speaks of itself, in order.
fn each_number(shape: &Shape, visit: &mut impl FnMut(u32)) {
    match shape {
        Shape::Declared(number) => visit(*number),
        Shape::Tuple(shapes) => shapes.iter().for_each(|shape| each_number(shape, visit)),
        Shape::List(of) | Shape::Set(of) | Shape::Option(of) | Shape::Reply(of) => {
            each_number(of, visit);
        }
        Shape::Map(key, value) => {
            each_number(key, visit);
            each_number(value, visit);
        }
        _ => {}
    }
}
