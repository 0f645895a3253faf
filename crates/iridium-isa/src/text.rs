//! Instructions as text: the names that operands print with.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Names for code, data and imports while instructions are printed.
#[derive(Debug, Default)]
pub struct Names<'n> {
    /// Labels by instruction index.
    pub code: BTreeMap<u32, &'n str>,
    /// Labels by data offset.
    pub data: BTreeMap<u32, &'n str>,
    /// Imported host functions in order.
    pub imports: &'n [String],
}

impl Names<'_> {
    /// Appends the label of an instruction.
    pub fn code(&self, index: u32, to: &mut String) {
        match self.code.get(&index) {
            Some(name) => to.extend(["@", name]),
            None => {
                let _ = write!(to, "@{}", generated_label(index));
            }
        }
    }

    /// Appends the label of data, or its offset when it has none.
    pub(crate) fn data(&self, offset: u32, to: &mut String) {
        match self.data.get(&offset) {
            Some(name) => to.extend(["@", name]),
            None => {
                let _ = write!(to, "#{offset}");
            }
        }
    }

    /// Appends the name of an import.
    pub(crate) fn import(&self, position: u16, to: &mut String) {
        match self.imports.get(usize::from(position)) {
            Some(name) => to.extend(["@", name]),
            None => {
                let _ = write!(to, "@import.{position}");
            }
        }
    }
}

/// The name for an instruction that has no label.
pub fn generated_label(index: u32) -> String {
    format!("L{index}")
}

/// Prints a float literal so that it reads back as the same bits (all NaNs are one).
pub(crate) fn print_float(number: f64, to: &mut String) {
    let _ = if number.is_nan() { write!(to, "#nan") } else { write!(to, "#{number:?}") };
}
