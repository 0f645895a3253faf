//! The section of protocols, written and read. Whatever is `None` here is damaged.

use std::sync::Arc;

use super::forms::{list, option, put_list, put_option, put_text, text};
use crate::bytes::{Bytes, Number};
use crate::protocol::{
    Body, Declared, Field, MAX_TEXT, MAX_TYPE_DEPTH, Message, Protocol, Shape, Start, Variant,
};

/// Protocols as the bytes of a module's section.
pub fn encode(protocols: &[Protocol]) -> Vec<u8> {
    let mut out = Vec::new();
    put_list(&mut out, protocols, put_protocol);
    out
}

/// The protocols in the bytes of a section; `None` when they are damaged.
pub fn decode(section: &[u8]) -> Option<Vec<Protocol>> {
    let mut reader = Bytes(section);
    let protocols = list(&mut reader, protocol)?;
    reader.0.is_empty().then_some(protocols)
}

fn put_protocol(out: &mut Vec<u8>, protocol: &Protocol) {
    put_text(out, &protocol.name);
    put_list(out, &protocol.types, |out, declared| {
        put_text(out, &declared.name);
        match &declared.body {
            Body::Record(fields) => {
                0u8.put(out);
                put_fields(out, fields);
            }
            Body::Enum(variants) => {
                1u8.put(out);
                put_list(out, variants, |out, variant| {
                    put_text(out, &variant.name);
                    put_fields(out, &variant.fields);
                });
            }
        }
    });
    put_list(out, &protocol.messages, |out, message| {
        put_text(out, &message.name);
        put_fields(out, &message.params);
        put_option(out, message.answer.as_ref(), put_shape);
        message.tag.put(out);
    });
    put_list(out, &protocol.starts, |out, start| {
        put_text(out, &start.name);
        start.entry.put(out);
        put_fields(out, &start.params);
        put_option(out, start.first.as_ref(), |out, tag| tag.put(out));
    });
}

fn protocol(reader: &mut Bytes<'_>) -> Option<Protocol> {
    Some(Protocol {
        name: name(reader)?,
        types: list(reader, |reader| Some(Declared { name: name(reader)?, body: body(reader)? }))?,
        messages: list(reader, |reader| {
            Some(Message {
                name: name(reader)?,
                params: fields(reader)?,
                answer: option(reader, |reader| shape(reader, 0))?,
                tag: reader.number()?,
            })
        })?,
        starts: list(reader, |reader| {
            Some(Start {
                name: name(reader)?,
                entry: reader.number()?,
                params: fields(reader)?,
                first: option(reader, |reader| reader.number())?,
            })
        })?,
    })
}

fn body(reader: &mut Bytes<'_>) -> Option<Body> {
    match reader.number::<u8>()? {
        0 => fields(reader).map(Body::Record),
        1 => list(reader, |reader| Some(Variant { name: name(reader)?, fields: fields(reader)? }))
            .map(Body::Enum),
        _ => None,
    }
}

fn put_fields(out: &mut Vec<u8>, fields: &[Field]) {
    put_list(out, fields, |out, field| {
        put_option(out, field.label.as_ref(), |out, label| put_text(out, label));
        put_shape(out, &field.shape);
    });
}

fn fields(reader: &mut Bytes<'_>) -> Option<Vec<Field>> {
    list(reader, |reader| Some(Field { label: option(reader, name)?, shape: shape(reader, 0)? }))
}

/// The numbers of the types are part of the format.
fn put_shape(out: &mut Vec<u8>, shape: &Shape) {
    let number: u8 = match shape {
        Shape::Int => 0,
        Shape::Float => 1,
        Shape::Bool => 2,
        Shape::Char => 3,
        Shape::String => 4,
        Shape::Bytes => 5,
        Shape::Duration => 6,
        Shape::Node => 7,
        Shape::Tuple(_) => 8,
        Shape::List(_) => 9,
        Shape::Set(_) => 10,
        Shape::Map(..) => 11,
        Shape::Option(_) => 12,
        Shape::Pid(_) => 13,
        Shape::Reply(_) => 14,
        Shape::Declared(_) => 15,
    };
    number.put(out);
    match shape {
        Shape::Tuple(shapes) => put_list(out, shapes, put_shape),
        Shape::List(of) | Shape::Set(of) | Shape::Option(of) | Shape::Reply(of) => {
            put_shape(out, of);
        }
        Shape::Map(key, value) => {
            put_shape(out, key);
            put_shape(out, value);
        }
        Shape::Pid(inbox) => put_option(out, inbox.as_ref(), |out, name| put_text(out, name)),
        Shape::Declared(number) => number.put(out),
        _ => {}
    }
}

fn shape(reader: &mut Bytes<'_>, depth: usize) -> Option<Shape> {
    if depth > MAX_TYPE_DEPTH {
        return None;
    }
    let inner = |reader: &mut Bytes<'_>| shape(reader, depth + 1);
    let boxed = |reader: &mut Bytes<'_>| inner(reader).map(Box::new);
    Some(match reader.number::<u8>()? {
        0 => Shape::Int,
        1 => Shape::Float,
        2 => Shape::Bool,
        3 => Shape::Char,
        4 => Shape::String,
        5 => Shape::Bytes,
        6 => Shape::Duration,
        7 => Shape::Node,
        8 => Shape::Tuple(list(reader, inner)?),
        9 => Shape::List(boxed(reader)?),
        10 => Shape::Set(boxed(reader)?),
        11 => Shape::Map(boxed(reader)?, boxed(reader)?),
        12 => Shape::Option(boxed(reader)?),
        13 => Shape::Pid(option(reader, name)?),
        14 => Shape::Reply(boxed(reader)?),
        15 => Shape::Declared(reader.number()?),
        _ => return None,
    })
}

fn name(reader: &mut Bytes<'_>) -> Option<Arc<str>> {
    text(reader).filter(|name| name.len() <= MAX_TEXT).map(Arc::from)
}
