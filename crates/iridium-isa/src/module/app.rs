//! The section of the app, written and read. Whatever is `None` here is damaged.

use super::forms::{list, option, put_list, put_option, put_text, text};
use crate::app::{App, Argument, Child, Restart, Strategy};
use crate::bytes::{Bytes, Number};
use crate::operand::LitF64;
use crate::protocol::FirstMessage;

const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
const RESTARTS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];

pub(super) fn encode(app: &App) -> Vec<u8> {
    let mut out = Vec::new();
    put_text(&mut out, &app.name);
    u8::from(app.main).put(&mut out);
    put_word(&mut out, &STRATEGIES, &app.strategy);
    app.restarts.put(&mut out);
    app.within_ms.put(&mut out);
    put_list(&mut out, &app.children, put_child);
    out
}

pub(super) fn decode(section: &[u8]) -> Option<App> {
    let mut reader = Bytes(section);
    let app = App {
        name: text(&mut reader)?.to_owned(),
        main: option(&mut reader, |_| Some(()))?.is_some(),
        strategy: word(&mut reader, &STRATEGIES)?,
        restarts: reader.number()?,
        within_ms: reader.number()?,
        children: list(&mut reader, child)?,
    };
    reader.0.is_empty().then_some(app)
}

fn put_child(out: &mut Vec<u8>, child: &Child) {
    put_text(out, &child.name);
    put_option(out, child.registered.as_ref(), |out, name| put_text(out, name));
    put_word(out, &RESTARTS, &child.restart);
    child.shutdown_ms.put(out);
    child.entry.put(out);
    put_list(out, &child.arguments, |out, argument| match argument {
        Argument::Int(number) => {
            0u8.put(out);
            number.put(out);
        }
        Argument::Float(number) => {
            1u8.put(out);
            number.0.put(out);
        }
    });
    put_option(out, child.first.as_ref(), |out, first| {
        first.tag.put(out);
        (first.payload.len() as u32).put(out);
        out.extend_from_slice(&first.payload);
    });
}

fn child(reader: &mut Bytes<'_>) -> Option<Child> {
    Some(Child {
        name: text(reader)?.to_owned(),
        registered: option(reader, |reader| text(reader).map(str::to_owned))?,
        restart: word(reader, &RESTARTS)?,
        shutdown_ms: reader.number()?,
        entry: reader.number()?,
        arguments: list(reader, |reader| match reader.number::<u8>()? {
            0 => reader.number().map(Argument::Int),
            1 => reader.number().map(|bits| Argument::Float(LitF64(bits))),
            _ => None,
        })?,
        first: option(reader, |reader| {
            let tag = reader.number()?;
            let length = reader.number::<u32>()?;
            Some(FirstMessage { tag, payload: reader.slice(length as usize)?.to_vec() })
        })?,
    })
}

/// The position of a word among those of its kind is its number.
fn put_word<T: PartialEq>(out: &mut Vec<u8>, words: &[T], word: &T) {
    let number = words.iter().position(|each| each == word).unwrap_or_default();
    (number as u8).put(out);
}

fn word<T: Copy>(reader: &mut Bytes<'_>, words: &[T]) -> Option<T> {
    words.get(usize::from(reader.number::<u8>()?)).copied()
}
