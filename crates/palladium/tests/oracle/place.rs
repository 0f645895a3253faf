//! Places: what is changed, and the way into it.

use std::rc::Rc;

use palladium::core::{Place, Step};

use super::evaluator::{Evaluator, Frame, Outcome, wrong};
use super::intrinsics::outside;
use super::value::Value;

/// A step of a place whose index is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Field(usize),
    Index(i64),
}

impl<'p> Evaluator<'p> {
    /// The way into a place, as it is now.
    pub(super) fn ways(&mut self, frame: &mut Frame<'p>, place: &'p Place) -> Outcome<Vec<Way>> {
        let mut ways = Vec::new();
        for step in &place.path {
            ways.push(match step {
                Step::Field(index) => Way::Field(*index as usize),
                Step::Index(index) => Way::Index(self.word(frame, index)?),
            });
        }
        Ok(ways)
    }
}

impl Frame<'_> {
    /// Does something with what is in a place.
    pub(super) fn change<R>(
        &mut self,
        place: &Place,
        ways: &[Way],
        f: impl FnOnce(&mut Value) -> R,
    ) -> Outcome<R> {
        self.variable(place.local).with(|value| go(value, ways, f))
    }
}

fn go<R>(value: &mut Value, ways: &[Way], f: impl FnOnce(&mut Value) -> R) -> Outcome<R> {
    let Some((way, ways)) = ways.split_first() else { return Ok(f(value)) };
    match (way, value) {
        (Way::Field(index), Value::Fields(fields)) => {
            go(&mut Rc::make_mut(fields)[*index], ways, f)
        }
        (Way::Index(index), Value::List(list)) => {
            let inside = usize::try_from(*index).ok().filter(|index| *index < list.len());
            let Some(index) = inside else { return outside(*index, list) };
            go(&mut Rc::make_mut(list)[index], ways, f)
        }
        (Way::Index(index), Value::Text(bytes)) => {
            let inside = usize::try_from(*index).ok().filter(|index| *index < bytes.len());
            let Some(index) = inside else { return outside(*index, bytes) };
            let byte = &mut Rc::make_mut(bytes)[index];
            let mut value = Value::Word((*byte).into());
            let done = go(&mut value, ways, f);
            if let Value::Word(new) = value {
                *byte = new as u8;
            }
            done
        }
        (way, value) => wrong(format!("{way:?} into {value:?}")),
    }
}
