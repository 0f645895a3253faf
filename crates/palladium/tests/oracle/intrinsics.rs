//! What the library leaves to the machine, by the names of its functions.

use std::rc::Rc;

use palladium::core::Type;

use super::derived::{hash_bytes, plain};
use super::evaluator::{Evaluator, Exit, Outcome, trap, wrong};
use super::value::Value;

const OUTSIDE: &str = "index-out-of-bounds";

impl Evaluator<'_> {
    /// The value of an intrinsic. The arguments that are given as places are changed.
    pub(super) fn intrinsic(
        &mut self,
        name: &str,
        _types: &[Type],
        args: &mut [Value],
    ) -> Outcome<Value> {
        let (module, short) = name.rsplit_once('.').unwrap_or(("", name));
        let value = match module {
            "list" => self.list(short, args)?,
            "string" | "bytes" => self.text(short, args)?,
            "int" | "float" | "char" | "duration" => number(short, args)?,
            _ => self.world(short, args)?,
        };
        value.map_or_else(|| wrong(format!("the intrinsic {name} of {args:?}")), Ok)
    }

    fn list(&mut self, name: &str, args: &mut [Value]) -> Outcome<Option<Value>> {
        Ok(Some(match (name, args) {
            ("len", [Value::List(list)]) => length(list),
            ("element", [Value::List(list), Value::Word(at)]) => list[inside(*at, list)?].clone(),
            ("with_capacity", [Value::Word(room)]) => {
                self.room(*room)?;
                Value::List(Rc::default())
            }
            ("push", [Value::List(list), x]) => {
                self.spend(list.len() / 64)?;
                Rc::make_mut(list).push(x.clone());
                Value::unit()
            }
            ("pop_last", [Value::List(list)]) => match Rc::make_mut(list).pop() {
                Some(last) => last,
                None => return trap(OUTSIDE),
            },
            ("take_out", [Value::List(list), Value::Word(at)]) => {
                let at = inside(*at, list)?;
                std::mem::replace(&mut Rc::make_mut(list)[at], Value::Hole)
            }
            ("truncate", [Value::List(list), Value::Word(to)]) => {
                Rc::make_mut(list).truncate((*to).max(0) as usize);
                Value::unit()
            }
            ("swap", [Value::List(list), Value::Word(i), Value::Word(j)]) => {
                let (i, j) = (inside(*i, list)?, inside(*j, list)?);
                Rc::make_mut(list).swap(i, j);
                Value::unit()
            }
            ("insert", [Value::List(list), Value::Word(at), x]) => {
                self.spend(list.len())?;
                match usize::try_from(*at).ok().filter(|at| *at <= list.len()) {
                    Some(at) => Rc::make_mut(list).insert(at, x.clone()),
                    None => return trap(OUTSIDE),
                }
                Value::unit()
            }
            ("remove", [Value::List(list), Value::Word(at)]) => {
                self.spend(list.len())?;
                let at = inside(*at, list)?;
                Rc::make_mut(list).remove(at)
            }
            ("slice", [Value::List(list), Value::Word(from), Value::Word(to)]) => {
                self.spend(list.len())?;
                Value::List(Rc::new(list[range(*from, *to, list.len())?].to_vec()))
            }
            ("filled", [Value::Word(n), x]) => {
                self.room(*n)?;
                Value::List(Rc::new(vec![x.clone(); (*n).max(0) as usize]))
            }
            ("extend", [Value::List(list), Value::List(more)]) => {
                self.spend(list.len() / 64 + more.len())?;
                let more = Rc::clone(more);
                Rc::make_mut(list).extend(more.iter().cloned());
                Value::unit()
            }
            _ => return Ok(None),
        }))
    }

    fn text(&mut self, name: &str, args: &mut [Value]) -> Outcome<Option<Value>> {
        Ok(Some(match (name, args) {
            ("len", [Value::Text(text)]) => length(text),
            ("byte", [Value::Text(text), Value::Word(at)]) => {
                Value::Word(text[inside(*at, text)?].into())
            }
            ("with_capacity", [Value::Word(room)]) => {
                self.room(*room)?;
                Value::Text(Rc::default())
            }
            ("push" | "extend", [Value::Text(text), Value::Text(more)]) => {
                self.spend(text.len() / 64 + more.len())?;
                let more = Rc::clone(more);
                Rc::make_mut(text).extend(more.iter());
                Value::unit()
            }
            ("push" | "push_byte", [Value::Text(text), Value::Word(byte)]) => {
                self.spend(text.len() / 64)?;
                Rc::make_mut(text).push(*byte as u8);
                Value::unit()
            }
            (
                "push_part",
                [Value::Text(text), Value::Text(whole), Value::Word(from), Value::Word(to)],
            ) => {
                let Ok(range) = range(*from, *to, whole.len()) else {
                    return wrong(format!("{from} to {to} of {}", whole.len()));
                };
                self.spend(text.len() / 64 + range.len())?;
                let whole = Rc::clone(whole);
                Rc::make_mut(text).extend(&whole[range]);
                Value::unit()
            }
            ("slice", [Value::Text(text), Value::Word(from), Value::Word(to)]) => {
                Value::text(&text[range(*from, *to, text.len())?])
            }
            ("slice_unchecked", [Value::Text(text), Value::Word(from), Value::Word(to)]) => {
                match range(*from, *to, text.len()) {
                    Ok(range) => Value::text(&text[range]),
                    Err(_) => return wrong(format!("{from} to {to} of {}", text.len())),
                }
            }
            ("filled", [Value::Word(n), Value::Word(byte)]) => {
                self.room(*n)?;
                Value::text(&vec![*byte as u8; (*n).max(0) as usize])
            }
            ("find_from", [Value::Text(text), Value::Text(what), Value::Word(from)]) => {
                self.spend(text.len())?;
                let Some(rest) = text.get(*from as usize..) else {
                    return wrong(format!("from {from} of {}", text.len()));
                };
                let last = (rest.len() + 1).saturating_sub(what.len());
                let found = (0..last).find(|at| rest[*at..].starts_with(what));
                Value::Word(found.map_or(-1, |at| at as i64 + *from))
            }
            ("hash_of", [Value::Text(text), Value::Word(seed)]) => {
                Value::Word(hash_bytes(text, *seed))
            }
            ("push_int", [Value::Text(text), Value::Word(n)]) => {
                self.spend(text.len() / 64)?;
                Rc::make_mut(text).extend(n.to_string().bytes());
                Value::unit()
            }
            ("push_float", [Value::Text(text), Value::Float(n), Value::Word(how)]) => {
                self.spend(text.len() / 64)?;
                let shown = match *how {
                    digits @ 0..=100 => format!("{n:.*}", digits as usize),
                    -2 => format!("{n:e}"),
                    _ => format!("{n:?}"),
                };
                Rc::make_mut(text).extend(shown.bytes());
                Value::unit()
            }
            ("parse_float", [Value::Text(text)]) => {
                let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                let there = Value::bool(number.is_some());
                Value::Fields(Rc::new(vec![Value::Float(number.unwrap_or(0.0)), there]))
            }
            ("valid_prefix", [Value::Text(text)]) => match std::str::from_utf8(text) {
                Ok(_) => length(text),
                Err(error) => Value::Word(error.valid_up_to() as i64),
            },
            ("to_bytes" | "to_string_unchecked", [Value::Text(text)]) => {
                Value::Text(Rc::clone(text))
            }
            _ => return Ok(None),
        }))
    }

    fn world(&mut self, name: &str, args: &mut [Value]) -> Outcome<Option<Value>> {
        Ok(Some(match (name, args) {
            ("print_text", [Value::Text(text)]) => {
                self.spend(text.len())?;
                self.output.extend(text.iter());
                Value::unit()
            }
            ("eprint_text", [Value::Text(_)]) => Value::unit(),
            ("arg_count", []) => Value::Word(0),
            ("now_ns" | "mono_ns" | "bits" | "sleep_ms", _) => {
                return Err(Exit::Open("it wants a clock, or chance"));
            }
            _ => return Ok(None),
        }))
    }

    /// What asks for room that the machine may not have is not evaluated.
    fn room(&mut self, n: i64) -> Outcome<()> {
        match usize::try_from(n.max(0)) {
            Ok(n) if n < 1 << 20 => self.spend(n),
            _ => Err(Exit::Open("it wants much room")),
        }
    }
}

fn number(name: &str, args: &[Value]) -> Outcome<Option<Value>> {
    let by_zero = || trap("divide-by-zero");
    Ok(Some(match (name, args) {
        ("to_float", [Value::Word(n)]) => Value::Float(*n as f64),
        ("count_ones", [Value::Word(n)]) => Value::Word(n.count_ones().into()),
        ("leading_zeros", [Value::Word(n)]) => Value::Word(n.leading_zeros().into()),
        ("trailing_zeros", [Value::Word(n)]) => Value::Word(n.trailing_zeros().into()),
        ("shift_right_logical", [Value::Word(n), Value::Word(by)]) => {
            Value::Word((*n as u64).wrapping_shr(*by as u32) as i64)
        }
        ("div_unsigned" | "rem_unsigned", [Value::Word(_), Value::Word(0)]) => return by_zero(),
        ("div_unsigned", [Value::Word(a), Value::Word(b)]) => {
            Value::Word((*a as u64 / *b as u64) as i64)
        }
        ("rem_unsigned", [Value::Word(a), Value::Word(b)]) => {
            Value::Word((*a as u64 % *b as u64) as i64)
        }
        ("to_char_unchecked" | "to_duration" | "code" | "ns", [Value::Word(n)]) => Value::Word(*n),
        ("floor", [Value::Float(n)]) => Value::Float(n.floor()),
        ("ceil", [Value::Float(n)]) => Value::Float(n.ceil()),
        ("round", [Value::Float(n)]) => Value::Float(n.round_ties_even()),
        ("trunc", [Value::Float(n)]) => Value::Float(n.trunc()),
        ("sqrt", [Value::Float(n)]) => Value::Float(n.sqrt()),
        ("abs", [Value::Float(n)]) => Value::Float(n.abs()),
        ("to_int", [Value::Float(n)]) => Value::Word(*n as i64),
        ("bits", [Value::Float(n)]) => Value::Word(plain(*n).to_bits() as i64),
        ("from_bits", [Value::Word(n)]) => Value::Float(f64::from_bits(*n as u64)),
        _ => return Ok(None),
    }))
}

fn length<T>(all: &[T]) -> Value {
    Value::Word(all.len() as i64)
}

fn inside<T>(at: i64, all: &[T]) -> Outcome<usize> {
    let inside = usize::try_from(at).ok().filter(|at| *at < all.len());
    inside.map_or_else(|| outside(at, all), Ok)
}

/// The machine says which element there is not.
pub(super) fn outside<T, R>(at: i64, all: &[T]) -> Outcome<R> {
    let text = match size_of::<T>() {
        1 => format!("index {at} of {} bytes", all.len()),
        _ => format!("index {at} of a list of {}", all.len()),
    };
    Err(Exit::Trap { kind: OUTSIDE, text: Some(text) })
}

fn range(from: i64, to: i64, length: usize) -> Outcome<std::ops::Range<usize>> {
    if 0 <= from && from <= to && to <= length as i64 {
        return Ok(from as usize..to as usize);
    }
    let text = Some(format!("from {from} to {to} of {length}"));
    Err(Exit::Trap { kind: "bad-slice", text })
}
