//! Which types have no cells at all: `()`, and records and tuples of nothing else.

use super::shape::{Body, Declared, Field, Shape};
use super::value::MAX_DEPTH;

/// Whether the values of each declared type have cells.
pub(super) struct Cells {
    known: Vec<Option<bool>>,
}

impl Cells {
    pub(super) fn of(types: &[Declared]) -> Self {
        let mut cells = Self { known: vec![None; types.len()] };
        (0..types.len()).for_each(|number| {
            cells.declared(types, number, 0);
        });
        cells
    }

    /// Whether values of a type have cells.
    pub(super) fn any(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Tuple(shapes) => shapes.iter().any(|shape| self.any(shape)),
            Shape::Declared(number) => {
                self.known.get(*number as usize).copied().flatten().unwrap_or_default()
            }
            _ => true,
        }
    }

    fn declared(&mut self, types: &[Declared], number: usize, depth: usize) -> bool {
        if let Some(Some(known)) = self.known.get(number) {
            return *known;
        }
        let Some(declared) = types.get(number) else { return false };
        // A record in itself has no values at all.
        self.known[number] = Some(false);
        let found = match &declared.body {
            Body::Enum(_) => true,
            Body::Record(fields) => self.fields(types, fields, depth),
        };
        self.known[number] = Some(found);
        found
    }

    fn fields(&mut self, types: &[Declared], fields: &[Field], depth: usize) -> bool {
        fields.iter().any(|field| self.shape(types, &field.shape, depth))
    }

    fn shape(&mut self, types: &[Declared], shape: &Shape, depth: usize) -> bool {
        match shape {
            // Deeper records are more than can be read or written.
            Shape::Declared(_) if depth > MAX_DEPTH => false,
            Shape::Declared(number) => self.declared(types, *number as usize, depth + 1),
            Shape::Tuple(shapes) => shapes.iter().any(|shape| self.shape(types, shape, depth)),
            _ => true,
        }
    }
}
