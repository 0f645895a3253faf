//! Where native code looks at its fuel, and where it pays.
//!
//! It looks seldom. Where it looks there must be fuel for all that may be paid until it looks again, and
//! when there is less it leaves the end of the turn to the interpreter, which stops where fuel ends. It
//! looks at entries, where it jumps back, and where much has come together. And it pays for several
//! instructions at once: where control comes only by ways that have been paid for, that may stay owed.

use iridium_isa::Fuel;

use crate::operation::Control;
use crate::region::{Region, Source};

/// Most fuel that native code looks for at a time: the interpreter has no more than that to do.
const MOST: u32 = 8;

/// How much there is where a function begins: callers look for it too.
pub(crate) const AT_START: u32 = 1;

/// What native code knows of fuel at each member of a region, in their order.
#[derive(Debug)]
pub(crate) struct Dues {
    /// How much there is, at least, before the instruction.
    needs: Vec<u32>,
    /// How much of what there is was spent before the instruction, and is yet to be paid.
    owed: Vec<u32>,
    /// How much ways that jump from the instruction may need without a look of their own.
    limits: Vec<u32>,
}

impl Dues {
    pub(crate) fn new(source: &Source<'_>, region: &Region) -> Self {
        let count = region.members.len();
        let mut dues =
            Self { needs: vec![0; count], owed: vec![0; count], limits: vec![MOST; count] };
        let start = region.position(region.start).unwrap_or(0);
        // If no more is needed then, functions begin without a look: where they jump first they have one.
        let first = (start..count).take_while(|position| goes_on(region, *position));
        first.for_each(|position| dues.limits[position] = AT_START);
        dues.find_needs(source, region);
        if dues.needs.get(start).is_some_and(|needs| *needs > AT_START) {
            dues.limits.fill(MOST);
            dues.find_needs(source, region);
        }
        dues.find_owed(source, region);
        dues
    }

    /// How much there is, at least, before a member.
    pub(crate) fn needs(&self, position: usize) -> u32 {
        self.needs.get(position).copied().unwrap_or(0)
    }

    /// How much of it is owed.
    pub(crate) fn owed(&self, position: usize) -> u32 {
        self.owed.get(position).copied().unwrap_or(0)
    }

    /// How much a jump from a member to another must look for, if it must.
    pub(crate) fn jump_looks(&self, from: usize, to: usize) -> Option<u32> {
        let needs = 1 + self.needs(to);
        (to <= from || needs > self.limits[from]).then_some(needs)
    }

    /// How much an instruction that pays when it goes on must look for, if it must.
    pub(crate) fn toll_looks(&self, position: usize) -> Option<u32> {
        let needs = 1 + self.needs(position + 1);
        (needs > self.limits[position]).then_some(needs)
    }

    fn find_needs(&mut self, source: &Source<'_>, region: &Region) {
        for position in (0..region.members.len()).rev() {
            self.needs[position] = self.needs_at(source, region, position);
        }
    }

    fn needs_at(&self, source: &Source<'_>, region: &Region, position: usize) -> u32 {
        let (index, operation) = &region.members[position];
        let jump = |to: &u32| {
            let to = region.position(*to)?;
            self.jump_looks(position, to).is_none().then(|| 1 + self.needs(to))
        };
        let goes_on = match (is_toll(source, *index), self.toll_looks(position)) {
            (true, Some(_)) => 0,
            (true, None) => 1 + self.needs(position + 1),
            (false, _) => self.needs(position + 1),
        };
        match &operation.next {
            // It looks itself.
            Control::Next if pays(source, *index) => 0,
            Control::Next => goes_on,
            Control::Branch(to) => jump(to).unwrap_or(0).max(goes_on),
            Control::Table(to) => to.iter().filter_map(jump).fold(goes_on, u32::max),
            Control::Jump(to) => jump(to).unwrap_or(0),
            Control::Call(_) | Control::CallComputed(_) => 1 + AT_START,
            Control::Return => 1,
            Control::Interpret | Control::End => 0,
        }
    }

    fn find_owed(&mut self, source: &Source<'_>, region: &Region) {
        // The least of all ways; nothing at entries, and where it is jumped back to.
        let mut owed = vec![None; region.members.len()];
        for (position, (index, operation)) in region.members.iter().enumerate() {
            let jumped_to = region.successors(position).filter(|to| *to <= position);
            let entered = region.entries.contains(index).then_some(position);
            let after = operation.comes_back().then_some(position + 1);
            for nothing in jumped_to.chain(entered).chain(after) {
                if let Some(owed) = owed.get_mut(nothing) {
                    *owed = Some(0);
                }
            }
        }
        for (position, (index, operation)) in region.members.iter().enumerate() {
            self.owed[position] = owed[position].unwrap_or(0);
            let here = self.owed[position];
            let goes_on = match (pays(source, *index), is_toll(source, *index)) {
                (true, _) => 0,
                (false, toll) => here + u32::from(toll),
            };
            let mut comes = |to: usize, sum: u32| {
                let least = owed[to].map_or(sum, |other: u32| other.min(sum));
                owed[to] = Some(least);
            };
            for to in region.successors(position).filter(|to| *to > position) {
                comes(to, here + 1);
            }
            if matches!(operation.next, Control::Next | Control::Branch(_) | Control::Table(_))
                && region.position(index + 1).is_some()
            {
                comes(position + 1, goes_on);
            }
        }
    }
}

/// Whether an instruction is one of those that a function begins with, before it jumps.
fn goes_on(region: &Region, position: usize) -> bool {
    matches!(region.members[position].1.next, Control::Next | Control::Branch(_))
}

fn is_toll(source: &Source<'_>, index: u32) -> bool {
    source.tolls.get(index as usize).copied().unwrap_or(false)
}

/// Whether an instruction that goes on to the next pays for itself.
fn pays(source: &Source<'_>, index: u32) -> bool {
    let fuel = source.code.get(index as usize).map(|instruction| instruction.opcode().fuel());
    matches!(fuel, Some(Fuel::Fixed(_) | Fuel::Bulk))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use iridium_asm::Assembler;

    use super::*;
    use crate::region::Entries;

    #[test]
    fn what_is_paid_together_is_looked_for_together() {
        let source = "
            f:  brge $0 #2 @more
                ret
            more: callw @f $1
                subi $0 #2 $2
                brlt $2 #9 @f
                hlt";
        let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
        let source = Source::new(&module);
        let region = Region::explore(&source, 0, Entries::Usual).unwrap();
        let dues = Dues::new(&source, &region);
        // A function that returns needs no look: who calls it has looked for that.
        assert_eq!(dues.needs, [AT_START, 1, 1 + AT_START, 0, 0, 0]);
        assert_eq!(dues.owed, [0, 0, 1, 0, 0, 0], "the jump is paid for with the call");
        assert_eq!(dues.jump_looks(0, 2), Some(3));
        assert_eq!(dues.jump_looks(4, 0), Some(1 + AT_START), "back");
    }
}
