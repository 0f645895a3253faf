//! Instructions as text: the names that operands print with.

use std::fmt::Write as _;

/// Names for code, data and imports while instructions are printed.
#[derive(Debug, Default)]
pub struct Names<'n> {
    /// Labels with their instruction, in the order of the instructions.
    pub code: &'n [(String, u32)],
    /// Labels with their offset into the data, in the order of the offsets.
    pub data: &'n [(String, u32)],
    /// Imported host functions in order.
    pub imports: &'n [String],
}

impl Names<'_> {
    /// Appends the label of an instruction.
    pub fn code(&self, index: u32, to: &mut String) {
        match label_of(self.code, index) {
            Some(name) => to.extend(["@", name]),
            None => {
                let _ = write!(to, "@{}", generated_label(index));
            }
        }
    }

    /// Appends the label of data, or its offset when it has none.
    pub(crate) fn data(&self, offset: u32, to: &mut String) {
        match label_of(self.data, offset) {
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

/// The last label that stands at a place or before it, and how far before, in labels that are in
/// the order of their places.
pub(crate) fn label_before(labels: &[(String, u32)], place: u32) -> Option<(&str, u32)> {
    let behind = labels.partition_point(|(_, at)| *at <= place);
    let (name, at) = labels.get(behind.checked_sub(1)?)?;
    Some((name, place - at))
}

fn label_of(labels: &[(String, u32)], place: u32) -> Option<&str> {
    label_before(labels, place).filter(|(_, distance)| *distance == 0).map(|(name, _)| name)
}

/// The name for an instruction that has no label.
pub fn generated_label(index: u32) -> String {
    format!("L{index}")
}

/// Prints a float literal so that it reads back as the same bits (all NaNs are one).
pub(crate) fn print_float(number: f64, to: &mut String) {
    let _ = if number.is_nan() { write!(to, "#nan") } else { write!(to, "#{number:?}") };
}
