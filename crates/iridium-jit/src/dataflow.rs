//! Where lanes are.
//!
//! In loops they are in registers: on the way in those are loaded that matter, and those that the loop
//! has changed are written back where native code leaves, and on the way out of the loop. Elsewhere what
//! is written goes home at once, so that nothing has to be done there when native code leaves, and each
//! piece of code loads what it reads.

use crate::lanes::Lanes;
use crate::loops::Loops;
use crate::operation::Operation;
use crate::region::Region;

/// The facts for each member of a region, in their order.
#[derive(Debug)]
pub(crate) struct Dataflow {
    pub(crate) loops: Loops,
    /// Of members in loops: the lanes that may have been written in the loop, before the instruction.
    dirty: Vec<Lanes>,
    /// Of members in loops: the lanes whose values matter, before the instruction: those that are read,
    /// here or later, and those that are written back, because they are dirty by another way.
    live: Vec<Lanes>,
}

/// Most lanes that a region writes back, at all places where it leaves, and puts home on all ways out of
/// loops: what its cold code is proportional to.
const MOST_WRITTEN_BACK: usize = 1 << 15;

/// Most lanes that a region loads, at all its entries, on all ways into loops, and after what the
/// interpreter does in them. Compiling takes time in proportion to them, and without a limit some hundred
/// instructions could keep others waiting for seconds.
const MOST_LOADED: usize = 1 << 15;

impl Dataflow {
    /// `None` when so much would be loaded or written back that the region is better left to the
    /// interpreter.
    pub(crate) fn new(region: &Region) -> Option<Self> {
        let loops = Loops::new(region);
        let dirty = dirty(region, &loops);
        if written_back(region, &loops, &dirty) > MOST_WRITTEN_BACK {
            return None;
        }
        let live = live(region, &loops, &dirty);
        let flow = Self { loops, dirty, live };
        (flow.all_loaded(region) <= MOST_LOADED).then_some(flow)
    }

    /// How many lanes are loaded at all entries, on all ways into loops, and after steps in loops.
    fn all_loaded(&self, region: &Region) -> usize {
        let entries = region.entries.iter().filter_map(|entry| region.position(*entry));
        let at_entries: usize = entries.map(|position| self.live[position].len()).sum();
        let from_member = |from: usize| -> usize {
            let is_stepped = region.members[from].1.is_stepped;
            let ways = region.successors(from);
            ways.filter(|to| is_stepped || !self.loops.are_together(from, *to))
                .map(|to| self.live[to].len())
                .sum()
        };
        at_entries + (0..self.live.len()).map(from_member).sum::<usize>()
    }

    /// The lanes that are not at home before a member.
    pub(crate) fn dirty(&self, position: usize) -> Lanes {
        self.dirty[position]
    }

    /// The lanes that are in registers before a member.
    pub(crate) fn live(&self, position: usize) -> Lanes {
        self.live[position]
    }

    /// The lanes that go home on the way from one member to another: those that are dirty after it, when
    /// that leads out of its loop.
    pub(crate) fn put_home(&self, region: &Region, from: usize, to: usize) -> Lanes {
        put_home(region, &self.loops, &self.dirty, from, to)
    }

    /// The lanes that are loaded there: those that are live, when that leads into a loop.
    pub(crate) fn loaded(&self, from: usize, to: usize) -> Lanes {
        if self.loops.are_together(from, to) { Lanes::default() } else { self.live[to] }
    }

    /// The lanes that are in registers anywhere.
    pub(crate) fn in_loops(&self, region: &Region) -> Lanes {
        let mut lanes = Lanes::default();
        for (position, (_, operation)) in region.members.iter().enumerate() {
            if self.loops.is_in_one(position) {
                lanes.extend(&self.live[position]);
                lanes.extend(&operation.writes);
            }
        }
        lanes
    }
}

/// How many lanes are written back at all places where native code leaves, and on all ways out of loops.
fn written_back(region: &Region, loops: &Loops, dirty: &[Lanes]) -> usize {
    let of_member = |from: usize| -> usize {
        // Each jump back leaves by itself.
        let back = region.successors(from).filter(|to| *to <= from).count();
        let leaves = usize::from(region.members[from].1.may_leave) + back;
        let home = |to: usize| put_home(region, loops, dirty, from, to).len();
        leaves * dirty[from].len() + region.successors(from).map(home).sum::<usize>()
    };
    (0..dirty.len()).map(of_member).sum()
}

/// See [`Dataflow::put_home`].
fn put_home(region: &Region, loops: &Loops, dirty: &[Lanes], from: usize, to: usize) -> Lanes {
    let mut lanes = Lanes::default();
    if loops.is_in_one(from) && !loops.are_together(from, to) {
        lanes.extend(&dirty[from]);
        lanes.extend(&region.members[from].1.writes);
    }
    lanes
}

/// Forwards, until nothing changes.
fn dirty(region: &Region, loops: &Loops) -> Vec<Lanes> {
    let mut dirty = vec![Lanes::default(); region.members.len()];
    let mut work: Vec<usize> =
        (0..dirty.len()).rev().filter(|position| loops.is_in_one(*position)).collect();
    while let Some(position) = work.pop() {
        let mut after = dirty[position];
        after.extend(&region.members[position].1.writes);
        for next in region.successors(position).filter(|to| loops.are_together(position, *to)) {
            let before = dirty[next];
            dirty[next].extend(&after);
            if dirty[next] != before {
                work.push(next);
            }
        }
    }
    dirty
}

/// Backwards, until nothing changes.
fn live(region: &Region, loops: &Loops, dirty: &[Lanes]) -> Vec<Lanes> {
    let mut live = vec![Lanes::default(); dirty.len()];
    let members: Vec<usize> =
        (0..dirty.len()).rev().filter(|position| loops.is_in_one(*position)).collect();
    let mut changes = true;
    while changes {
        changes = false;
        for position in members.iter().copied() {
            let mut lanes = Lanes::default();
            for next in region.successors(position) {
                if loops.are_together(position, next) {
                    lanes.extend(&live[next]);
                }
                lanes.extend(&put_home(region, loops, dirty, position, next));
            }
            let Operation { reads, writes, may_leave, .. } = &region.members[position].1;
            lanes.remove(writes);
            lanes.extend(reads);
            if *may_leave {
                lanes.extend(&dirty[position]);
            }
            changes |= lanes != live[position];
            live[position] = lanes;
        }
    }
    live
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use iridium_asm::Assembler;

    use super::*;
    use crate::region::{Entries, Source};

    fn is_compiled(source: &str) -> bool {
        let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
        let region = Region::explore(&Source::new(&module), 0, Entries::Usual).unwrap();
        Dataflow::new(&region).is_some()
    }

    /// Each of those here does something with each of 200 lanes.
    #[test]
    fn what_is_done_with_lanes_is_limited_in_all_places_together() {
        let lanes = |text: &str| -> String {
            (1..=200).map(|register| text.replace('_', &register.to_string())).collect()
        };
        let write = lanes("load $_ #1\n");
        let read = lanes("add $_ $0 $0\n");
        let table = |label: &str, ways: usize| format!("jtab $0{}\n", label.repeat(ways));
        let back = |ways| format!("l: inc $0\n{write}{}hlt", table(" @l", ways));
        let out = |ways| format!("l: inc $0\n{write}{}djmp @l\no: hlt", table(" @o", ways));
        let into = |ways| format!("{}hlt\nl: {read}djmp @l", table(" @l", ways));
        let steps = |steps| format!("l: {}{read}djmp @l", "cap $201 $201\n".repeat(steps));
        for source in [&back as &dyn Fn(usize) -> String, &out, &into, &steps] {
            assert!(is_compiled(&source(9)));
            assert!(!is_compiled(&source(1_000)));
        }
    }
}
