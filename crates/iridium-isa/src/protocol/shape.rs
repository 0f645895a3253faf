//! What an inbox understands: protocols, messages and the types in them.

use std::fmt::{self, Write as _};
use std::sync::Arc;

/// What the inbox of a process understands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protocol {
    /// The name of the actor or the enum, as `Counter`; for another type its text, as `List[Int]`.
    pub name: Arc<str>,
    /// The records and enums that its messages and starts speak of, by their numbers.
    pub types: Vec<Declared>,
    /// The messages, those that are sent today first. A name may be there again with an older form.
    pub messages: Vec<Message>,
    /// Where processes with this inbox can begin.
    pub starts: Vec<Start>,
}

/// A message, or a call when it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The name of the handler or of the variant.
    pub name: Arc<str>,
    /// Its fields, without the reply of a call.
    pub params: Vec<Field>,
    /// What a call is answered with.
    pub answer: Option<Shape>,
    /// Its [fingerprint](Protocol::add).
    pub tag: i64,
}

/// Where a process begins, and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The name of the actor or the function.
    pub name: Arc<str>,
    /// The instruction at which the process starts.
    pub entry: u32,
    /// Its parameters.
    pub params: Vec<Field>,
    /// `None`: argument n is in `$n`, a float in the float's lane; there are at most 8, each of one
    /// cell. Otherwise all arguments are the payload of a first message with this tag.
    pub first: Option<i64>,
}

/// A parameter, or a field of a record or a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its label, when it has one.
    pub label: Option<Arc<str>>,
    /// Its type.
    pub shape: Shape,
}

/// A type of values that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A whole number of 64 bits.
    Int,
    /// A float of 64 bits.
    Float,
    /// `true` or `false`.
    Bool,
    /// A Unicode scalar.
    Char,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A length of time.
    Duration,
    /// The number of a node.
    Node,
    /// Several values; `()` when there are none.
    Tuple(Vec<Shape>),
    /// A list.
    List(Box<Shape>),
    /// A set.
    Set(Box<Shape>),
    /// A map, from keys to values.
    Map(Box<Shape>, Box<Shape>),
    /// A value or none.
    Option(Box<Shape>),
    /// A process, with the name of its inbox when it has one.
    Pid(Option<Arc<str>>),
    /// The right to answer a call, once.
    Reply(Box<Shape>),
    /// A record or an enum of the protocol, by its number.
    Declared(u32),
}

/// A record or an enum without type parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name, with the types that it was made for: `Point`, `Tree[Int]`.
    pub name: Arc<str>,
    /// What its values consist of.
    pub body: Body,
}

/// What the values of a record or an enum consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Fields, all with labels.
    Record(Vec<Field>),
    /// One of several, each with its fields.
    Enum(Vec<Variant>),
}

/// A variant of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its name.
    pub name: Arc<str>,
    /// Its fields.
    pub fields: Vec<Field>,
}

impl Declared {
    /// Its name as in front of the fields of a record: without what it was made for.
    pub fn constructor(&self) -> &str {
        self.name.split_once('[').map_or(&*self.name, |(name, _)| name)
    }
}

impl Field {
    /// A field with a label.
    pub fn new(label: impl Into<Arc<str>>, shape: Shape) -> Self {
        Self { label: Some(label.into()), shape }
    }

    /// A field without a label.
    pub fn unnamed(shape: Shape) -> Self {
        Self { label: None, shape }
    }
}

impl Protocol {
    /// A protocol that understands nothing yet.
    pub fn new(name: impl Into<Arc<str>>, types: Vec<Declared>) -> Self {
        Self { name: name.into(), types, ..Self::default() }
    }

    /// The message that has a tag.
    pub fn by_tag(&self, tag: i64) -> Option<&Message> {
        self.messages.iter().find(|message| message.tag == tag)
    }

    /// A type as source text, as `Map[String, Int]`.
    pub fn text_of(&self, shape: &Shape) -> String {
        let mut text = String::new();
        let _ = write_shape(&self.types, shape, ", ", &mut text);
        text
    }

    /// A message as source text, as `add(by: Int)` or `get() -> Int`.
    pub fn signature(&self, message: &Message) -> String {
        let mut text = format!("{}{}", message.name, self.parameters(&message.params));
        if let Some(answer) = &message.answer {
            let _ = write!(text, " -> {}", self.text_of(answer));
        }
        text
    }

    /// Parameters as source text, as `(start: Int)`.
    pub fn parameters(&self, params: &[Field]) -> String {
        format!("({})", self.fields(params))
    }

    /// A record or an enum as source text, as `record Point { x: Int, y: Int }`.
    pub fn declaration(&self, declared: &Declared) -> String {
        let (word, parts) = match &declared.body {
            Body::Record(fields) => ("record", self.fields(fields)),
            Body::Enum(variants) => {
                let variant = |variant: &Variant| match variant.fields.as_slice() {
                    [] => variant.name.to_string(),
                    fields => format!("{}{}", variant.name, self.parameters(fields)),
                };
                ("enum", variants.iter().map(variant).collect::<Vec<_>>().join(", "))
            }
        };
        match parts.as_str() {
            "" => format!("{word} {} {{}}", declared.name),
            parts => format!("{word} {} {{ {parts} }}", declared.name),
        }
    }

    fn fields(&self, fields: &[Field]) -> String {
        let fields = fields.iter().map(|field| {
            let shape = self.text_of(&field.shape);
            field.label.as_ref().map_or(shape.clone(), |label| format!("{label}: {shape}"))
        });
        fields.collect::<Vec<_>>().join(", ")
    }
}

/// Writes a type; `comma` is what stands between several.
pub(super) fn write_shape(
    types: &[Declared],
    shape: &Shape,
    comma: &str,
    to: &mut String,
) -> fmt::Result {
    let mut of = |name: &str, shapes: &[&Shape]| {
        to.write_str(name)?;
        for (nth, shape) in shapes.iter().enumerate() {
            to.write_str(if nth == 0 { "[" } else { comma })?;
            write_shape(types, shape, comma, to)?;
        }
        to.write_str("]")
    };
    match shape {
        Shape::Int => to.write_str("Int"),
        Shape::Float => to.write_str("Float"),
        Shape::Bool => to.write_str("Bool"),
        Shape::Char => to.write_str("Char"),
        Shape::String => to.write_str("String"),
        Shape::Bytes => to.write_str("Bytes"),
        Shape::Duration => to.write_str("Duration"),
        Shape::Node => to.write_str("Node"),
        Shape::List(item) => of("List", &[item]),
        Shape::Set(item) => of("Set", &[item]),
        Shape::Map(key, value) => of("Map", &[key, value]),
        Shape::Option(some) => of("Option", &[some]),
        Shape::Reply(answer) => of("Reply", &[answer]),
        Shape::Pid(None) => to.write_str("Pid"),
        Shape::Pid(Some(inbox)) => write!(to, "Pid[{inbox}]"),
        Shape::Declared(number) => {
            let declared = types.get(*number as usize);
            to.write_str(declared.map_or("?", |declared| &declared.name))
        }
        Shape::Tuple(shapes) => {
            to.write_str("(")?;
            for (nth, shape) in shapes.iter().enumerate() {
                to.write_str(if nth == 0 { "" } else { comma })?;
                write_shape(types, shape, comma, to)?;
            }
            to.write_str(")")
        }
    }
}
