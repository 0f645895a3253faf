//! Values of any type, shown as Palladium shows them.

use std::fmt::{self, Write as _};
use std::sync::Arc;

/// How deep values may be nested that are read or written here, in levels. Programs know no such
/// limit.
pub const MAX_DEPTH: usize = 128;

/// The fields of a record or a variant, with the labels of those that have one.
pub type Fields = Vec<(Option<Arc<str>>, Value)>;

/// A value that can be sent, with the names that it is shown with.
///
/// `{}` shows it as `print` does: strings and characters bare at the top, quoted inside others.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A float.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A Unicode scalar.
    Char(char),
    /// Text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// The number of a node.
    Node(i64),
    /// A process.
    Pid(i64),
    /// The right to answer a call.
    Reply {
        /// Whoever is answered.
        pid: i64,
        /// The tag of the answer.
        tag: i64,
    },
    /// Several values.
    Tuple(Vec<Value>),
    /// A list.
    List(Vec<Value>),
    /// A set, in order.
    Set(Vec<Value>),
    /// A map, in order.
    Map(Vec<(Value, Value)>),
    /// A value or none.
    Option(Option<Box<Value>>),
    /// A record.
    Record {
        /// Its name.
        name: Arc<str>,
        /// Its fields.
        fields: Fields,
    },
    /// An enum.
    Variant {
        /// The name of the variant.
        name: Arc<str>,
        /// Its fields.
        fields: Fields,
    },
}

impl Value {
    /// Bytes that are the same for equal values of one type alone, whatever the order in maps and
    /// sets.
    pub(super) fn key(&self) -> Vec<u8> {
        let number = |number: i64| number.to_le_bytes().to_vec();
        let all = |values: &mut dyn Iterator<Item = Vec<u8>>| {
            values.flat_map(|value| [number(value.len() as i64), value].concat()).collect()
        };
        match self {
            Value::Int(n) | Value::Duration(n) | Value::Node(n) | Value::Pid(n) => number(*n),
            Value::Float(x) => number(x.to_bits() as i64),
            Value::Bool(yes) => vec![u8::from(*yes)],
            Value::Char(char) => number(i64::from(u32::from(*char))),
            Value::String(text) => text.as_bytes().to_vec(),
            Value::Bytes(bytes) => bytes.clone(),
            Value::Reply { pid, tag } => [number(*pid), number(*tag)].concat(),
            Value::Tuple(values) | Value::List(values) => all(&mut values.iter().map(Value::key)),
            Value::Set(values) => {
                let mut keys: Vec<Vec<u8>> = values.iter().map(Value::key).collect();
                keys.sort();
                all(&mut keys.into_iter())
            }
            Value::Map(entries) => {
                let entry =
                    |(key, value): &(Value, Value)| all(&mut [key.key(), value.key()].into_iter());
                let mut keys: Vec<Vec<u8>> = entries.iter().map(entry).collect();
                keys.sort();
                all(&mut keys.into_iter())
            }
            Value::Option(some) => all(&mut some.iter().map(|value| value.key())),
            Value::Record { name, fields } | Value::Variant { name, fields } => {
                let name = name.as_bytes().to_vec();
                let fields = fields.iter().map(|(_, value)| value.key());
                all(&mut std::iter::once(name).chain(fields))
            }
        }
    }

    fn show(&self, quoted: bool, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(number) => write!(to, "{number}"),
            Value::Float(number) => write!(to, "{number:?}"),
            Value::Bool(yes) => write!(to, "{yes}"),
            Value::Char(char) if !quoted => to.write_char(*char),
            Value::Char(char) => write!(to, "'{}'", char.escape_debug()),
            Value::String(text) if !quoted => to.write_str(text),
            Value::String(text) => show_string(text, to),
            Value::Bytes(bytes) => write!(to, "b\"{}\"", bytes.escape_ascii()),
            Value::Duration(ns) => show_duration(*ns, to),
            Value::Node(number) => write!(to, "Node({number})"),
            Value::Pid(number) => write!(to, "Pid({number})"),
            Value::Reply { pid, tag } => write!(to, "Reply({pid}, {tag})"),
            Value::Tuple(values) => show_all("(", values, ")", to),
            Value::List(values) => show_all("[", values, "]", to),
            Value::Set(values) => show_all("Set[", values, "]", to),
            Value::Map(entries) if entries.is_empty() => to.write_str("[:]"),
            Value::Map(entries) => {
                for (nth, (key, value)) in entries.iter().enumerate() {
                    to.write_str(if nth == 0 { "[" } else { ", " })?;
                    key.show(true, to)?;
                    to.write_str(": ")?;
                    value.show(true, to)?;
                }
                to.write_str("]")
            }
            Value::Option(None) => to.write_str("None"),
            Value::Option(Some(value)) => {
                to.write_str("Some(")?;
                value.show(true, to)?;
                to.write_str(")")
            }
            Value::Record { name, fields } => show_fields(name, fields, to),
            Value::Variant { name, fields } => show_fields(name, fields, to),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(false, f)
    }
}

fn show_string(text: &str, to: &mut fmt::Formatter<'_>) -> fmt::Result {
    to.write_str("\"")?;
    for char in text.chars() {
        match char {
            '\'' => to.write_char(char)?,
            _ => write!(to, "{}", char.escape_debug())?,
        }
    }
    to.write_str("\"")
}

fn show_all(open: &str, values: &[Value], close: &str, to: &mut fmt::Formatter<'_>) -> fmt::Result {
    to.write_str(open)?;
    for (nth, value) in values.iter().enumerate() {
        to.write_str(if nth == 0 { "" } else { ", " })?;
        value.show(true, to)?;
    }
    to.write_str(close)
}

/// `Name(label: value, value)`, without what its type was made for.
fn show_fields(
    name: &str,
    fields: &[(Option<Arc<str>>, Value)],
    to: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    to.write_str(name)?;
    for (nth, (label, value)) in fields.iter().enumerate() {
        to.write_str(if nth == 0 { "(" } else { ", " })?;
        if let Some(label) = label {
            write!(to, "{label}: ")?;
        }
        value.show(true, to)?;
    }
    to.write_str(if fields.is_empty() { "" } else { ")" })
}

/// In the largest unit of which there is a whole one.
fn show_duration(ns: i64, to: &mut fmt::Formatter<'_>) -> fmt::Result {
    let size = ns.unsigned_abs();
    let (unit, digits, name) = match size {
        1_000_000_000.. => (1_000_000_000, 9, "s"),
        1_000_000.. => (1_000_000, 6, "ms"),
        1_000.. => (1_000, 3, "us"),
        _ => (1, 0, "ns"),
    };
    let fraction = format!("{:0digits$}", size % unit);
    let fraction = fraction.trim_end_matches('0');
    let sign = if ns < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    write!(to, "{sign}{}{point}{fraction}{name}", size / unit)
}
