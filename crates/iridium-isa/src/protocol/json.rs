//! Values as JSON, in the form that `std.json` gives them.

use std::fmt::Write as _;

use super::value::{Fields, Value};

impl Value {
    /// The value as compact JSON.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        put(self, &mut text);
        text
    }
}

fn put(value: &Value, to: &mut String) {
    match value {
        Value::Int(n) | Value::Duration(n) | Value::Node(n) | Value::Pid(n) => {
            let _ = write!(to, "{n}");
        }
        Value::Float(x) if x.is_finite() => {
            let _ = write!(to, "{x:?}");
        }
        Value::Float(_) | Value::Option(None) => to.push_str("null"),
        Value::Bool(yes) => to.push_str(if *yes { "true" } else { "false" }),
        Value::Char(char) => put_text(char.encode_utf8(&mut [0; 4]), to),
        Value::String(text) => put_text(text, to),
        Value::Bytes(bytes) => put_base64(bytes, to),
        Value::Reply { pid, tag } => {
            let _ = write!(to, "[{pid},{tag}]");
        }
        Value::Tuple(values) if values.is_empty() => to.push_str("null"),
        Value::Tuple(values) | Value::List(values) | Value::Set(values) => {
            put_list(values.iter(), to);
        }
        Value::Map(entries) => put_map(entries, to),
        Value::Option(Some(value)) => put(value, to),
        Value::Record { fields, .. } => put_object(fields, to),
        Value::Variant { name, fields } => put_variant(name, fields, to),
    }
}

fn put_variant(name: &str, fields: &Fields, to: &mut String) {
    if fields.is_empty() {
        return put_text(name, to);
    }
    to.push('{');
    put_text(name, to);
    to.push(':');
    match fields.as_slice() {
        _ if fields.iter().all(|(label, _)| label.is_some()) => put_object(fields, to),
        [(_, value)] => put(value, to),
        _ => put_list(fields.iter().map(|(_, value)| value), to),
    }
    to.push('}');
}

fn put_object(fields: &Fields, to: &mut String) {
    to.push('{');
    for (nth, (label, value)) in fields.iter().enumerate() {
        to.push_str(if nth == 0 { "" } else { "," });
        put_text(label.as_deref().unwrap_or_default(), to);
        to.push(':');
        put(value, to);
    }
    to.push('}');
}

fn put_list<'v>(values: impl Iterator<Item = &'v Value>, to: &mut String) {
    to.push('[');
    for (nth, value) in values.enumerate() {
        to.push_str(if nth == 0 { "" } else { "," });
        put(value, to);
    }
    to.push(']');
}

/// An object when all keys are texts or numbers, else a list of pairs.
fn put_map(entries: &[(Value, Value)], to: &mut String) {
    let Some(keys) = entries.iter().map(|(key, _)| key_text(key)).collect::<Option<Vec<_>>>()
    else {
        to.push('[');
        for (nth, (key, value)) in entries.iter().enumerate() {
            to.push_str(if nth == 0 { "" } else { "," });
            put_list([key, value].into_iter(), to);
        }
        return to.push(']');
    };
    to.push('{');
    for (nth, (key, (_, value))) in keys.iter().zip(entries).enumerate() {
        to.push_str(if nth == 0 { "" } else { "," });
        put_text(key, to);
        to.push(':');
        put(value, to);
    }
    to.push('}');
}

fn key_text(key: &Value) -> Option<String> {
    match key {
        Value::String(text) => Some(text.clone()),
        Value::Char(char) => Some(char.to_string()),
        Value::Int(n) | Value::Duration(n) => Some(n.to_string()),
        Value::Variant { name, fields } if fields.is_empty() => Some(name.to_string()),
        _ => None,
    }
}

fn put_text(text: &str, to: &mut String) {
    to.push('"');
    for char in text.chars() {
        match char {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            '\0'..='\u{1f}' => {
                let _ = write!(to, "\\u{:04x}", u32::from(char));
            }
            _ => to.push(char),
        }
    }
    to.push('"');
}

fn put_base64(bytes: &[u8], to: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    to.push('"');
    for part in bytes.chunks(3) {
        let byte = |at: usize| u32::from(part.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let at = (bits >> (18 - 6 * digit)) & 63;
            to.push(if digit > part.len() { '=' } else { char::from(DIGITS[at as usize]) });
        }
    }
    to.push('"');
}
