//! Texts, lists and what may be missing, as several sections have them.
//!
//! What is read is `None` when it is damaged.

use crate::bytes::{Bytes, Number};

pub(super) fn put_list<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    (items.len() as u32).put(out);
    items.iter().for_each(|item| put(out, item));
}

/// As many items as the number in front says. They are made one by one: a wrong number reserves
/// nothing.
pub(super) fn list<T>(
    reader: &mut Bytes<'_>,
    item: impl Fn(&mut Bytes<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let count = reader.number::<u32>()? as usize;
    let items: Vec<T> = (0..count).map_while(|_| item(reader)).collect();
    (items.len() == count).then_some(items)
}

pub(super) fn put_option<T>(out: &mut Vec<u8>, value: Option<&T>, put: impl Fn(&mut Vec<u8>, &T)) {
    u8::from(value.is_some()).put(out);
    value.iter().for_each(|value| put(out, value));
}

/// `None` is damaged, `Some(None)` is nothing.
pub(super) fn option<T>(
    reader: &mut Bytes<'_>,
    value: impl Fn(&mut Bytes<'_>) -> Option<T>,
) -> Option<Option<T>> {
    match reader.number::<u8>()? {
        0 => Some(None),
        1 => value(reader).map(Some),
        _ => None,
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    (text.len() as u32).put(out);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn text<'b>(reader: &mut Bytes<'b>) -> Option<&'b str> {
    let length = reader.number::<u32>()?;
    std::str::from_utf8(reader.slice(length as usize)?).ok()
}
