//! What holds of each protocol in a module, so that whoever reads it need not look again.

use super::shape::{Body, Field, Protocol, Shape};
use super::tag::CALL;
use crate::escape::is_hidden;

/// The most bytes that a name in a protocol may have: those of types list what they are made for.
pub(crate) const MAX_TEXT: usize = 16 << 10;
/// How deep types may be nested, in levels, without those that have a name.
pub(crate) const MAX_TYPE_DEPTH: usize = 64;
/// Registers in which arguments can be.
const REGISTERS: usize = 8;

/// The rule that a protocol breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolFault {
    /// A name is empty, too long, or has characters that cannot be seen.
    #[error("a name in it is empty, longer than {MAX_TEXT} bytes or not to be shown")]
    Name,
    /// A type is spoken of that is not listed.
    #[error("it speaks of type {0}, which it does not list")]
    Type(u32),
    /// Types are nested too deep.
    #[error("a type in it is nested deeper than {MAX_TYPE_DEPTH} levels")]
    Depth,
    /// A tag is that of a system message or of a reply, or says call where there is no answer.
    #[error("the tag {tag} of `{message}` is none that such a message can have")]
    Tag {
        /// The message.
        message: String,
        /// Its tag.
        tag: i64,
    },
    /// A field of a record has no label, or an enum no variants.
    #[error("its type `{0}` is malformed")]
    Malformed(String),
    /// A start is past the last instruction.
    #[error("its start `{0}` is no instruction")]
    Start(String),
    /// Arguments that cannot be in registers.
    #[error("the arguments of its start `{0}` do not fit in registers")]
    Registers(String),
}

/// Checks a protocol of a module that has this many instructions.
pub(crate) fn check(protocol: &Protocol, code: u32) -> Result<(), ProtocolFault> {
    let check = Check { types: protocol.types.len() };
    name(&protocol.name)?;
    for declared in &protocol.types {
        name(&declared.name)?;
        let malformed = match &declared.body {
            Body::Record(fields) => {
                check.fields(fields)?;
                fields.iter().any(|field| field.label.is_none())
            }
            Body::Enum(variants) => {
                for variant in variants {
                    name(&variant.name)?;
                    check.fields(&variant.fields)?;
                }
                variants.is_empty()
            }
        };
        if malformed {
            return Err(ProtocolFault::Malformed(declared.name.to_string()));
        }
    }
    for message in &protocol.messages {
        name(&message.name)?;
        check.fields(&message.params)?;
        message.answer.iter().try_for_each(|answer| check.shape(answer, 0))?;
        let call = message.tag & CALL != 0;
        if !(0..2 * CALL).contains(&message.tag) || call != message.answer.is_some() {
            let (message, tag) = (message.name.to_string(), message.tag);
            return Err(ProtocolFault::Tag { message, tag });
        }
    }
    for start in &protocol.starts {
        name(&start.name)?;
        check.fields(&start.params)?;
        if start.entry >= code {
            return Err(ProtocolFault::Start(start.name.to_string()));
        }
        let small = start.params.len() <= REGISTERS
            && start.params.iter().all(|param| is_one_cell(&param.shape));
        if start.first.is_none() && !small {
            return Err(ProtocolFault::Registers(start.name.to_string()));
        }
    }
    Ok(())
}

/// Whether a value is in one register.
fn is_one_cell(shape: &Shape) -> bool {
    use Shape::*;
    matches!(shape, Int | Float | Bool | Char | Duration | Node | Pid(_))
}

fn name(name: &str) -> Result<(), ProtocolFault> {
    let good = (1..=MAX_TEXT).contains(&name.len()) && !name.contains(is_hidden);
    if good { Ok(()) } else { Err(ProtocolFault::Name) }
}

struct Check {
    types: usize,
}

impl Check {
    fn fields(&self, fields: &[Field]) -> Result<(), ProtocolFault> {
        fields.iter().try_for_each(|field| {
            field.label.as_deref().map_or(Ok(()), name)?;
            self.shape(&field.shape, 0)
        })
    }

    fn shape(&self, shape: &Shape, depth: usize) -> Result<(), ProtocolFault> {
        if depth > MAX_TYPE_DEPTH {
            return Err(ProtocolFault::Depth);
        }
        let inner = |shape: &Shape| self.shape(shape, depth + 1);
        match shape {
            Shape::Declared(number) if *number as usize >= self.types => {
                Err(ProtocolFault::Type(*number))
            }
            Shape::Pid(Some(inbox)) => name(inbox),
            Shape::Tuple(shapes) => shapes.iter().try_for_each(inner),
            Shape::List(of) | Shape::Set(of) | Shape::Option(of) | Shape::Reply(of) => inner(of),
            Shape::Map(key, value) => inner(key).and_then(|()| inner(value)),
            _ => Ok(()),
        }
    }
}
