//! Which lanes native code must load where it begins, and write back where it leaves.

use crate::lanes::{Lane, Lanes};
use crate::operation::Operation;
use crate::region::Region;

/// The facts for each member of a region, in their order.
#[derive(Debug)]
pub(crate) struct Dataflow {
    /// The lanes that may have been written since the entry, before the instruction.
    pub(crate) dirty: Vec<Lanes>,
    /// The lanes whose values matter, before the instruction: those that are read, here or later,
    /// and those that are written back, because they are dirty by another way.
    pub(crate) live: Vec<Lanes>,
}

/// Most lanes that a region writes back, at all places where it leaves: what its cold code is
/// proportional to.
const MOST_WRITTEN_BACK: usize = 1 << 15;

/// Most lanes that a region loads, at all its entries together. Compiling takes time in proportion to
/// them, and without a limit some hundred instructions could keep others waiting for seconds.
const MOST_LOADED: usize = 1 << 15;

impl Dataflow {
    /// `None` when so much would be loaded or written back that the region is better left to the
    /// interpreter.
    pub(crate) fn new(region: &Region) -> Option<Self> {
        let dirty = dirty(region);
        let leaves =
            region.members.iter().zip(&dirty).filter(|((_, operation), _)| operation.may_leave);
        let written_back: usize = leaves.map(|(_, dirty)| dirty.len()).sum();
        if written_back > MOST_WRITTEN_BACK {
            return None;
        }
        let live = live(region, &dirty);
        let entries = region.entries.iter().filter_map(|entry| region.position(*entry));
        let loaded: usize = entries.map(|position| live[position].len()).sum();
        (loaded <= MOST_LOADED).then_some(Self { dirty, live })
    }
}

/// Forwards, until nothing changes.
fn dirty(region: &Region) -> Vec<Lanes> {
    let mut dirty = vec![Lanes::default(); region.members.len()];
    let mut work: Vec<usize> = (0..dirty.len()).rev().collect();
    while let Some(position) = work.pop() {
        let mut after = dirty[position];
        after.extend(&region.members[position].1.writes);
        for next in region.successors(position) {
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
fn live(region: &Region, dirty: &[Lanes]) -> Vec<Lanes> {
    let mut live = vec![Lanes::default(); dirty.len()];
    let mut changes = true;
    while changes {
        changes = false;
        for position in (0..live.len()).rev() {
            let mut lanes = Lanes::default();
            region.successors(position).for_each(|next| lanes.extend(&live[next]));
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

/// The lanes that a region reads, writes or writes back.
pub(crate) fn used(region: &Region) -> impl Iterator<Item = Lane> {
    let mut used = Lanes::default();
    for (_, operation) in &region.members {
        used.extend(&operation.reads);
        used.extend(&operation.writes);
    }
    used.iter()
}
