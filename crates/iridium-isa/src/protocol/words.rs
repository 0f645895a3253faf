//! Values from the words of a command line, checked by their types.
//!
//! `5`, `text` or `"text"`, `Circle(2.0)`, `[1, 2]`, `["a": 1]`, `200ms`; and `name=value` for a
//! parameter with a label, or just `value` for the next one.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use super::shape::{Body, Declared, Field, Protocol, Shape, Variant};
use super::value::{Fields, MAX_DEPTH, Value};
use crate::escape::excerpt;
use crate::suggest::nearest;

/// Words are not the values that are asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordError {
    /// A word is no value of its type.
    #[error("{name} is {expected}, not `{found}`")]
    Value {
        /// The parameter.
        name: String,
        /// What it is to be, as `a whole number, as 5`.
        expected: String,
        /// What was written.
        found: String,
    },
    /// There is no parameter with such a label.
    #[error("there is no `{name}` among {params}{}", hint(.near.as_deref()))]
    NoSuchParameter {
        /// The label.
        name: String,
        /// The parameters that there are.
        params: String,
        /// The label that was probably meant.
        near: Option<String>,
    },
    /// A parameter has no value.
    #[error("{name} is missing of {params}")]
    Missing {
        /// The parameter.
        name: String,
        /// All parameters.
        params: String,
    },
    /// A parameter has two values.
    #[error("{name} is given twice")]
    Twice {
        /// The parameter.
        name: String,
    },
    /// There are more words than parameters.
    #[error("`{word}` is one too many: it takes {params}")]
    TooMany {
        /// The first that is too many.
        word: String,
        /// The parameters that there are.
        params: String,
    },
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// Bytes of a word that an error shows.
const SHOWN: usize = 40;

impl Protocol {
    /// The values of parameters, from words such as `by=5` or `5`, in the order of the parameters.
    ///
    /// # Errors
    /// The first word that does not fit, or the first parameter without one.
    pub fn values(&self, params: &[Field], words: &[String]) -> Result<Vec<Value>, WordError> {
        let mut values: Vec<Option<Value>> = vec![None; params.len()];
        for word in words {
            let (at, text) = self.parameter(params, &values, word)?;
            let (Some(param), Some(place)) = (params.get(at), values.get_mut(at)) else {
                continue;
            };
            let name = called(param, at);
            if place.is_some() {
                return Err(WordError::Twice { name });
            }
            *place = Some(self.value(&name, &param.shape, text)?);
        }
        let missing = params.iter().enumerate().zip(&values).find(|(_, value)| value.is_none());
        if let Some(((at, param), _)) = missing {
            return Err(WordError::Missing {
                name: called(param, at),
                params: self.parameters(params),
            });
        }
        Ok(values.into_iter().flatten().collect())
    }

    /// The value that a text stands for; `name` is what an error calls it.
    ///
    /// # Errors
    /// The text is no value of this type.
    pub fn value(&self, name: &str, shape: &Shape, text: &str) -> Result<Value, WordError> {
        let mut reader = Reader { types: &self.types, rest: text };
        let whole = match shape {
            // The common case needs no quotes.
            Shape::String if !text.starts_with('"') => Some(Value::String(text.to_owned())),
            _ => reader.value(shape, 0).filter(|_| reader.rest.trim().is_empty()),
        };
        whole.ok_or_else(|| WordError::Value {
            name: name.to_owned(),
            expected: self.expected(shape),
            found: excerpt(text, SHOWN).into_owned(),
        })
    }

    /// Which parameter a word is for, and its value's text.
    fn parameter<'w>(
        &self,
        params: &[Field],
        values: &[Option<Value>],
        word: &'w str,
    ) -> Result<(usize, &'w str), WordError> {
        let labels = || params.iter().filter_map(|param| param.label.as_deref());
        if let Some((name, text)) = word.split_once('=').filter(|(name, _)| is_label(name))
            && labels().next().is_some()
        {
            let found = params.iter().position(|param| param.label.as_deref() == Some(name));
            return found.map(|at| (at, text)).ok_or_else(|| WordError::NoSuchParameter {
                name: excerpt(name, SHOWN).into_owned(),
                params: self.parameters(params),
                near: nearest(name, labels()).map(str::to_owned),
            });
        }
        let next = values.iter().position(Option::is_none);
        next.map(|at| (at, word)).ok_or_else(|| WordError::TooMany {
            word: excerpt(word, SHOWN).into_owned(),
            params: self.parameters(params),
        })
    }

    /// What a value is to be, with an example.
    fn expected(&self, shape: &Shape) -> String {
        match shape {
            Shape::Int => "a whole number, as 5".into(),
            Shape::Float => "a number, as 1.5".into(),
            Shape::Bool => "true or false".into(),
            Shape::Char => "one character, as a".into(),
            Shape::String => "a text, as \"some words\"".into(),
            Shape::Bytes => "bytes, as b\"text\\x00\"".into(),
            Shape::Duration => "a duration, as 200ms, 5s or 1.5min".into(),
            Shape::Node => "the number of a node".into(),
            Shape::Pid(_) => "the pid of a process, as `iridium ps` shows it".into(),
            Shape::Reply(_) => "a reply, which cannot be written".into(),
            Shape::List(_) => format!("a list, as [a, b], of type {}", self.text_of(shape)),
            Shape::Set(_) => format!("a set, as [a, b], of type {}", self.text_of(shape)),
            Shape::Map(..) => format!("a map, as [key: value], of type {}", self.text_of(shape)),
            Shape::Tuple(_) => format!("a tuple of type {}", self.text_of(shape)),
            Shape::Option(_) => format!("None or a value, of type {}", self.text_of(shape)),
            Shape::Declared(number) => {
                let declared = self.types.get(*number as usize);
                declared.map_or_else(|| "unknown".into(), |declared| self.example(declared))
            }
        }
    }

    fn example(&self, declared: &Declared) -> String {
        let with = |name: &str, fields: &[Field]| match fields {
            [] => name.to_owned(),
            _ => format!("{name}{}", self.parameters(fields)),
        };
        match &declared.body {
            Body::Record(fields) => {
                format!("a record {}", with(declared.constructor(), fields))
            }
            Body::Enum(variants) => {
                let variants = variants.iter().map(|variant| with(&variant.name, &variant.fields));
                format!("one of {}", variants.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// What an error calls a parameter.
fn called(param: &Field, at: usize) -> String {
    let label = param.label.as_ref().map(|label| format!("`{label}`"));
    label.unwrap_or_else(|| format!("argument {}", at + 1))
}

fn is_label(text: &str) -> bool {
    text.starts_with(|first: char| first.is_lowercase() || first == '_')
        && text.chars().all(|char| char.is_alphanumeric() || char == '_')
}

/// Reads values from the front of a text. `None` is what fits nothing.
struct Reader<'w> {
    types: &'w [Declared],
    rest: &'w str,
}

impl<'w> Reader<'w> {
    fn value(&mut self, shape: &Shape, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let inner = depth + 1;
        self.rest = self.rest.trim_start();
        match shape {
            Shape::Int => integer(self.word()).map(Value::Int),
            Shape::Node => integer(self.word()).map(Value::Node),
            Shape::Pid(_) => integer(self.word()).map(Value::Pid),
            Shape::Float => number(self.word()).map(Value::Float),
            Shape::Bool => bool::from_str(self.word()).ok().map(Value::Bool),
            Shape::Duration => duration(self.word()).map(Value::Duration),
            Shape::Char => self.char().map(Value::Char),
            Shape::String => self.string().map(Value::String),
            Shape::Bytes => self.bytes().map(Value::Bytes),
            Shape::Reply(_) => None,
            Shape::List(of) => self.list(of, inner).map(Value::List),
            Shape::Set(of) => {
                self.rest = self.rest.strip_prefix("Set").unwrap_or(self.rest);
                let values = self.list(of, inner)?;
                all_differ(values.iter()).then_some(Value::Set(values))
            }
            Shape::Map(key, of) => self.map(key, of, inner),
            Shape::Tuple(shapes) => {
                self.take('(')?;
                let mut shapes = shapes.iter();
                let values = self.until(')', |reader| reader.value(shapes.next()?, inner))?;
                shapes.next().is_none().then_some(Value::Tuple(values))
            }
            Shape::Option(of) => self.option(of, inner),
            Shape::Declared(number) => self.declared(self.types.get(*number as usize)?, inner),
        }
    }

    fn list(&mut self, of: &Shape, depth: usize) -> Option<Vec<Value>> {
        self.take('[')?;
        self.until(']', |reader| reader.value(of, depth))
    }

    fn map(&mut self, key: &Shape, of: &Shape, depth: usize) -> Option<Value> {
        self.take('[')?;
        if self.take(':').is_some() {
            self.take(']')?;
            return Some(Value::Map(Vec::new()));
        }
        let entries = self.until(']', |reader| {
            let key = reader.value(key, depth)?;
            reader.take(':')?;
            Some((key, reader.value(of, depth)?))
        })?;
        all_differ(entries.iter().map(|(key, _)| key)).then_some(Value::Map(entries))
    }

    /// `None`, `Some(value)` or the value itself.
    fn option(&mut self, of: &Shape, depth: usize) -> Option<Value> {
        let before = self.rest;
        let some = match self.word() {
            "None" => return Some(Value::Option(None)),
            "Some" if self.take('(').is_some() => {
                let value = self.value(of, depth)?;
                self.take(')')?;
                value
            }
            _ => {
                self.rest = before;
                self.value(of, depth)?
            }
        };
        Some(Value::Option(Some(Box::new(some))))
    }

    fn declared(&mut self, declared: &'w Declared, depth: usize) -> Option<Value> {
        let written = self.word();
        let name = written.rsplit('.').next().unwrap_or(written);
        match &declared.body {
            Body::Record(fields) => {
                let expected = declared.constructor();
                let right = name == expected.rsplit('.').next().unwrap_or(expected);
                let fields = if right { self.fields(fields, depth)? } else { return None };
                Some(Value::Record { name: expected.into(), fields })
            }
            Body::Enum(variants) => {
                let named = |variant: &&Variant| &*variant.name == name;
                let variant = variants.iter().find(named)?;
                let fields = self.fields(&variant.fields, depth)?;
                Some(Value::Variant { name: Arc::clone(&variant.name), fields })
            }
        }
    }

    /// `(value, label: value)`, in the order of the fields; nothing when there are none.
    fn fields(&mut self, fields: &[Field], depth: usize) -> Option<Fields> {
        if fields.is_empty() {
            let open = self.take('(');
            return open.map_or(Some(()), |()| self.take(')')).map(|()| Vec::new());
        }
        self.take('(')?;
        let mut next = fields.iter();
        let values = self.until(')', |reader| {
            let field = next.next()?;
            if let Some(label) = &field.label {
                reader.label(label);
            }
            Some((field.label.clone(), reader.value(&field.shape, depth)?))
        })?;
        next.next().is_none().then_some(values)
    }

    /// Takes `label:` or `label=` when it is there.
    fn label(&mut self, label: &str) {
        let after = self.rest.trim_start().strip_prefix(label).map(str::trim_start);
        let value = after.and_then(|rest| rest.strip_prefix([':', '=']));
        self.rest = value.unwrap_or(self.rest);
    }

    /// Items with commas between them, up to and with `close`. The last may have a comma behind it.
    fn until<T>(
        &mut self,
        close: char,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        while self.take(close).is_none() {
            items.push(item(self)?);
            if self.take(',').is_none() {
                self.take(close)?;
                break;
            }
        }
        Some(items)
    }

    fn take(&mut self, expected: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(expected)?;
        Some(())
    }

    /// What stands before the next space, comma, colon or bracket.
    fn word(&mut self) -> &'w str {
        let ends = |char: char| char.is_whitespace() || ",:=()[]".contains(char);
        let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn char(&mut self) -> Option<char> {
        let quoted = self.rest.starts_with('\'').then(|| self.quoted('\'')).flatten();
        let text = match quoted {
            Some(text) => String::from_utf8(text).ok()?,
            // Whatever it is, a character by itself is meant.
            None => {
                let mut chars = self.rest.chars();
                let first = chars.next()?;
                self.rest = chars.as_str();
                first.to_string()
            }
        };
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    }

    /// A text in quotes, or what stands before the next comma, colon or bracket.
    fn string(&mut self) -> Option<String> {
        if self.rest.starts_with('"') {
            return self.quoted('"').and_then(|text| String::from_utf8(text).ok());
        }
        let end = self.rest.find([',', ':', '(', ')', '[', ']']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        self.rest = self.rest.strip_prefix('b').unwrap_or(self.rest);
        self.quoted('"')
    }

    /// What stands between two quotes, with the escapes of a string literal.
    fn quoted(&mut self, quote: char) -> Option<Vec<u8>> {
        self.take(quote)?;
        let mut out = Vec::new();
        let mut chars = self.rest.chars();
        loop {
            let char = match chars.next()? {
                char if char == quote => break,
                '\\' => match chars.next()? {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    '0' => '\0',
                    'x' => {
                        let digits = chars.as_str().get(..2)?;
                        out.push(u8::from_str_radix(digits, 16).ok()?);
                        chars = chars.as_str().get(2..)?.chars();
                        continue;
                    }
                    'u' => {
                        let (digits, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                        chars = rest.chars();
                        u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?
                    }
                    escaped @ ('\\' | '"' | '\'') => escaped,
                    _ => return None,
                },
                char => char,
            };
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.rest = chars.as_str();
        Some(out)
    }
}

fn all_differ<'v>(values: impl Iterator<Item = &'v Value>) -> bool {
    let mut seen = HashSet::new();
    values.map(Value::key).all(|key| seen.insert(key))
}

/// Decimal, `0x…` or `0b…`, with `_` between digits.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (digits, radix) = match digits.split_at_checked(2) {
        Some(("0x", digits)) => (digits, 16),
        Some(("0b", digits)) => (digits, 2),
        _ => (digits, 10),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), radix).ok()
}

fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|first: char| first.is_ascii_digit());
    let word = matches!(digits, "inf" | "NaN");
    text.replace('_', "").parse().ok().filter(|_| plain || word)
}

/// `200ms`, `1.5s`, or as in a program `200.ms`; in nanoseconds.
fn duration(text: &str) -> Option<i64> {
    let unit_at = text.find(|char: char| char.is_alphabetic())?;
    let (digits, unit) = text.split_at(unit_at);
    let unit = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = integer(whole)?.checked_mul(unit)?;
    let mut place = unit;
    let mut rest = 0;
    for digit in fraction.chars() {
        place /= 10;
        rest += i64::from(digit.to_digit(10)?) * place;
    }
    whole.checked_add(rest)?.checked_mul(sign)
}
