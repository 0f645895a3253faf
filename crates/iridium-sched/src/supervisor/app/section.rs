//! A table of an app file, read by key.
//!
//! This is not left to serde: a message about a key should name the nearest key that exists, and one
//! about a value the values that are allowed, each with its position.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::error::{Fault, Mistake};
use iridium_isa::MAX_NAME;
use iridium_isa::escape::is_hidden;
use iridium_isa::suggest::nearest;

/// What is read, or the first mistake.
pub(super) type Read<T> = Result<T, Fault>;

/// A table with keys that exist.
pub(super) struct Section<'t, 'i> {
    table: &'t DeTable<'i>,
    /// Where it begins.
    pub(super) at: usize,
}

impl<'t, 'i> Section<'t, 'i> {
    /// The table, if all of its keys are known. `place` says in an error where it is.
    pub(super) fn new(
        table: &'t DeTable<'i>,
        at: usize,
        place: &'static str,
        known: &'static [&'static str],
    ) -> Read<Self> {
        let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            None => Ok(Self { table, at }),
            Some(key) => {
                let nearest = nearest(key.get_ref(), known.iter().copied());
                let name = key.get_ref().chars().take(MAX_NAME).collect();
                let mistake = Mistake::UnknownKey { key: name, place, nearest, known };
                Err(Fault { at: key.span().start, mistake })
            }
        }
    }

    /// Whether there is such a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A value of any type.
    pub(super) fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table.get(key)
    }

    /// Where a key is, or the table if there is no such key.
    pub(super) fn position_of(&self, key: &str) -> usize {
        self.table.get_key_value(key).map_or(self.at, |(key, _)| key.span().start)
    }

    /// A text and its position.
    pub(super) fn string(&self, key: &'static str) -> Read<Option<(&'t str, usize)>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(text) => Ok(Some((text, value.span().start))),
            _ => Err(wrong_type(key, "a string", value)),
        }
    }

    /// A text that can be a name, and its position.
    pub(super) fn name(&self, key: &'static str) -> Read<Option<(&'t str, usize)>> {
        match self.string(key)? {
            Some((name, at))
                if name.is_empty() || name.len() > MAX_NAME || name.contains(is_hidden) =>
            {
                Err(Fault { at, mistake: Mistake::BadName { key, most: MAX_NAME } })
            }
            name => Ok(name),
        }
    }

    /// One of several words; the first one if there is no such key.
    pub(super) fn word<T: Copy + Default>(
        &self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Read<T> {
        let Some((found, at)) = self.string(key)? else { return Ok(T::default()) };
        let meant = words.iter().find(|(word, _)| *word == found);
        meant.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let found = found.chars().take(MAX_NAME).collect();
            let allowed = words.iter().map(|(word, _)| *word).collect();
            Fault { at, mistake: Mistake::WrongWord { key, found, allowed } }
        })
    }

    /// A number within a range.
    pub(super) fn number<T: TryFrom<i128>>(
        &self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Read<Option<T>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let DeValue::Integer(number) = value.get_ref() else {
            return Err(wrong_type(key, "an integer", value));
        };
        let (least, most) = (i128::from(*range.start()), i128::from(*range.end()));
        integer(key, number, least..=most, value.span().start).map(Some)
    }
}

/// An integer within a range.
pub(super) fn integer<T: TryFrom<i128>>(
    key: &'static str,
    number: &DeInteger<'_>,
    range: RangeInclusive<i128>,
    at: usize,
) -> Read<T> {
    let value = i128::from_str_radix(number.as_str(), number.radix()).ok();
    let value = value.filter(|value| range.contains(value));
    value.and_then(|value| T::try_from(value).ok()).ok_or_else(|| {
        let number = number.to_string().chars().take(MAX_NAME).collect();
        let (least, most) = range.into_inner();
        Fault { at, mistake: Mistake::OutOfRange { key, number, least, most } }
    })
}

/// The mistake of a value that should have another type.
pub(super) fn wrong_type(
    key: &'static str,
    wanted: &'static str,
    value: &Spanned<DeValue<'_>>,
) -> Fault {
    let found = match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Fault { at: value.span().start, mistake: Mistake::WrongType { key, wanted, found } }
}
