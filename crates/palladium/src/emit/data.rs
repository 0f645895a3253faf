//! Read-only data: blocks that are never counted.

use iridium_isa::{DATA_BASE, ModuleBuilder};

use crate::mir::{Data, FnIdx, Program};

/// Blocks begin at multiples of that.
const ALIGNMENT: usize = 16;

/// Appends all data. Returns the addresses. `start` tells where a function begins.
pub(super) fn place(
    program: &Program,
    builder: &mut ModuleBuilder,
    start: impl Fn(FnIdx) -> u32,
) -> Vec<i64> {
    let mut addresses = Vec::with_capacity(program.data.len());
    for data in &program.data {
        let at = builder.align_data(ALIGNMENT);
        addresses.push(DATA_BASE + i64::from(at.0));
        // Nothing looks at the head.
        match data {
            Data::Bytes(bytes) => {
                builder.integers(&[0, bytes.len() as i64]);
                builder.bytes(&**bytes);
            }
            Data::Cells(cells) => {
                builder.integers(&[0, cells.len() as i64]);
                builder.integers(cells);
            }
            Data::Closure(function) => {
                builder.integers(&[0, i64::from(start(*function))]);
            }
        }
    }
    addresses
}
