//! Lanes: the places that instructions read and write, and sets of them.

use std::mem::offset_of;

use cranelift_codegen::ir::Type;
use cranelift_codegen::ir::types::{F64, I64};
use iridium_vm::Register;

use crate::context::Context;

/// A place that instructions read and write: a lane of one of the 256 registers of a window, one of the
/// three values beside them, or one of the two that say where the heap is, which are only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane(u16);

/// Where a lane lies while no native code holds its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// So many bytes above the window.
    Window(i32),
    /// So many bytes into the context.
    Context(i32),
}

impl Lane {
    /// The result of the last comparison: 0 or 1.
    pub(crate) const FLAG: Self = Self(512);
    /// The remainder register.
    pub(crate) const REMAINDER: Self = Self(513);
    /// The loop counter.
    pub(crate) const COUNTER: Self = Self(514);
    /// The address of the heap.
    pub(crate) const HEAP: Self = Self(515);
    /// [`Context::heap_room`].
    pub(crate) const HEAP_ROOM: Self = Self(516);
    /// How many lanes there are.
    pub(crate) const COUNT: usize = 517;

    /// The integer lane of a register.
    pub(crate) fn int(register: u8) -> Self {
        Self(u16::from(register))
    }

    /// The float lane of a register.
    pub(crate) fn float(register: u8) -> Self {
        Self(256 + u16::from(register))
    }

    /// Its number, below [`COUNT`](Self::COUNT).
    pub(crate) fn number(self) -> usize {
        usize::from(self.0)
    }

    /// The type of its values.
    pub(crate) fn kind(self) -> Type {
        if (256..512).contains(&self.0) { F64 } else { I64 }
    }

    pub(crate) fn home(self) -> Home {
        let register = |number: u16| i32::from(number) * size_of::<Register>() as i32;
        match self {
            Self::FLAG => Home::Context(offset_of!(Context, flag) as i32),
            Self::REMAINDER => Home::Context(offset_of!(Context, remainder) as i32),
            Self::COUNTER => Home::Context(offset_of!(Context, counter) as i32),
            Self::HEAP => Home::Context(offset_of!(Context, heap) as i32),
            Self::HEAP_ROOM => Home::Context(offset_of!(Context, heap_room) as i32),
            Self(number @ 0..256) => {
                Home::Window(register(number) + offset_of!(Register, int) as i32)
            }
            Self(number) => {
                Home::Window(register(number - 256) + offset_of!(Register, float) as i32)
            }
        }
    }
}

const WORDS: usize = Lane::COUNT.div_ceil(64);

/// A set of lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lanes([u64; WORDS]);

impl Lanes {
    pub(crate) fn insert(&mut self, lane: Lane) {
        self.0[lane.number() / 64] |= 1 << (lane.number() % 64);
    }

    pub(crate) fn contains(&self, lane: Lane) -> bool {
        self.0[lane.number() / 64] >> (lane.number() % 64) & 1 != 0
    }

    pub(crate) fn extend(&mut self, others: &Self) {
        self.0.iter_mut().zip(&others.0).for_each(|(word, others)| *word |= others);
    }

    pub(crate) fn remove(&mut self, others: &Self) {
        self.0.iter_mut().zip(&others.0).for_each(|(word, others)| *word &= !others);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Lane> + use<> {
        self.0.into_iter().zip(0u16..).flat_map(|(word, index)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as u16;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then(|| Lane(index * 64 + bit))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_not_taken_out() {
        let all = [Lane::int(0), Lane::int(255), Lane::float(0), Lane::float(255), Lane::COUNTER];
        let mut set = Lanes::default();
        all.iter().for_each(|lane| set.insert(*lane));
        assert_eq!(set.iter().collect::<Vec<_>>(), all);
        let mut some = Lanes::default();
        some.insert(Lane::float(0));
        set.remove(&some);
        assert_eq!(set.len(), 4);
        assert_eq!((set.contains(all[2]), set.contains(all[3])), (false, true));
        set.extend(&some);
        assert_eq!(set.len(), 5);
    }

    #[test]
    fn lanes_lie_side_by_side_in_their_register() {
        assert_eq!(Lane::int(3).home(), Home::Window(48));
        assert_eq!(Lane::float(3).home(), Home::Window(56));
        assert_eq!((Lane::int(3).kind(), Lane::float(3).kind()), (I64, F64));
        assert!(matches!(Lane::FLAG.home(), Home::Context(_)));
    }
}
