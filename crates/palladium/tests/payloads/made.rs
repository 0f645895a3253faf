//! Values at random, and damage to their bytes.

use iridium_isa::protocol::{Body, Field, Protocol, Shape, Value};

use super::Below;

/// Values do not lie deeper in each other, as far as their types allow.
const DEEP: usize = 6;

/// Numbers at the ends of what fits.
const NUMBERS: [i64; 8] = [0, 1, -1, 2, 255, i64::MIN, i64::MAX, 1 << 32];
const FLOATS: [f64; 6] = [0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, 5e-324];
const TEXTS: [&str; 7] = ["", "a", "ü", "1234567", "12345678", "123456789", "😀 and more of it"];
const CHARS: [char; 6] = ['a', '\0', 'ü', '\u{d7ff}', '\u{e000}', '\u{10ffff}'];

/// A value of a type.
pub(super) fn value(protocol: &Protocol, shape: &Shape, depth: usize, random: Below<'_>) -> Value {
    let inner = depth + 1;
    match shape {
        Shape::Int => Value::Int(number(random)),
        Shape::Duration => Value::Duration(number(random)),
        Shape::Node => Value::Node(number(random)),
        Shape::Pid(_) => Value::Pid(number(random)),
        Shape::Reply(_) => Value::Reply { pid: number(random), tag: number(random) },
        Shape::Float => Value::Float(FLOATS[random(FLOATS.len())]),
        Shape::Bool => Value::Bool(random(2) == 0),
        Shape::Char => Value::Char(CHARS[random(CHARS.len())]),
        Shape::String => Value::String(TEXTS[random(TEXTS.len())].to_owned()),
        Shape::Bytes => Value::Bytes((0..random(20)).map(|_| random(256) as u8).collect()),
        Shape::Tuple(shapes) => {
            Value::Tuple(shapes.iter().map(|shape| value(protocol, shape, inner, random)).collect())
        }
        Shape::List(of) => {
            Value::List(some(depth, random, |random| value(protocol, of, inner, random)))
        }
        Shape::Set(of) => {
            let values = some(depth, random, |random| value(protocol, of, inner, random));
            Value::Set(different(values, |value| value))
        }
        Shape::Map(key, of) => {
            let entries = some(depth, random, |random| {
                (value(protocol, key, inner, random), value(protocol, of, inner, random))
            });
            Value::Map(different(entries, |(key, _)| key))
        }
        Shape::Option(of) => {
            let is_some = depth < DEEP && random(3) > 0;
            Value::Option(is_some.then(|| Box::new(value(protocol, of, inner, random))))
        }
        Shape::Declared(number) => {
            let declared = &protocol.types[*number as usize];
            let all = |fields: &[Field], random: Below<'_>| {
                let field = |field: &Field| {
                    (field.label.clone(), value(protocol, &field.shape, inner, random))
                };
                fields.iter().map(field).collect()
            };
            match &declared.body {
                Body::Record(fields) => {
                    Value::Record { name: declared.name.clone(), fields: all(fields, random) }
                }
                Body::Enum(variants) => {
                    let nth = if depth < DEEP { random(variants.len()) } else { 0 };
                    let variant = &variants[nth];
                    Value::Variant {
                        name: variant.name.clone(),
                        fields: all(&variant.fields, random),
                    }
                }
            }
        }
    }
}

fn number(random: Below<'_>) -> i64 {
    if random(2) == 0 { NUMBERS[random(NUMBERS.len())] } else { random(1 << 16) as i64 }
}

fn some<T>(depth: usize, random: Below<'_>, mut one: impl FnMut(Below<'_>) -> T) -> Vec<T> {
    let count = if depth < DEEP { random(4) } else { 0 };
    (0..count).map(|_| one(random)).collect()
}

/// Those of which none is there twice.
fn different<T>(values: Vec<T>, key: impl Fn(&T) -> &Value) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for value in values {
        if kept.iter().all(|other| key(other) != key(&value)) {
            kept.push(value);
        }
    }
    kept
}

/// Changes a payload in one to three places.
pub(super) fn damage(payload: &mut Vec<u8>, random: Below<'_>) {
    for _ in 0..=random(3) {
        let cells = payload.len() / 8;
        let at = if cells == 0 { 0 } else { 8 * random(cells) };
        match random(12) {
            // A number that counts or chooses is mostly small.
            0..4 if cells > 0 => {
                let number = NUMBERS[random(NUMBERS.len())].wrapping_add(random(3) as i64 - 1);
                payload[at..at + 8].copy_from_slice(&number.to_le_bytes());
            }
            4 if cells > 0 => payload[at] = payload[at].wrapping_add(random(3) as u8),
            5 | 6 if cells > 0 => {
                let byte = at + random(8);
                payload[byte] ^= 1 << random(8);
            }
            7 => payload.truncate(random(payload.len() + 1)),
            8 => payload.extend([0; 8]),
            9 if cells > 0 => drop(payload.drain(at..at + 8)),
            10 if cells > 0 => {
                let from = 8 * random(cells);
                let part = payload[from..(from + 8 * random(4)).min(payload.len())].to_vec();
                drop(payload.splice(at..at, part));
            }
            11 if cells > 0 => {
                let from = 8 * random(cells);
                payload.copy_within(from..from + 8, at);
            }
            _ => payload.push(random(256) as u8),
        }
    }
}
