//! Loops: the members of a region that control may come to again without leaving native code.

use crate::region::Region;

/// Which members of a region are in loops. Loops that share a member are one, so all of a loop in a loop
/// is one.
#[derive(Debug)]
pub(crate) struct Loops {
    /// For each member the number of its loop, from 1 on, or 0.
    of: Vec<u32>,
}

impl Loops {
    pub(crate) fn new(region: &Region) -> Self {
        let mut search = Search::new(region);
        for position in 0..region.members.len() {
            search.visit(position);
        }
        Self { of: search.of }
    }

    pub(crate) fn is_in_one(&self, position: usize) -> bool {
        self.of[position] != 0
    }

    /// Whether two members are in the same loop, or are both in none.
    pub(crate) fn are_together(&self, one: usize, other: usize) -> bool {
        self.of[one] == self.of[other]
    }
}

/// The strongly connected components of the members, as R. Tarjan finds them ("Depth-first search and
/// linear graph algorithms", 1972), with a stack of its own instead of recursion.
struct Search {
    successors: Vec<Vec<usize>>,
    /// When each was found, from 1 on, and the earliest found that it leads to; 0 when it was not.
    found: Vec<usize>,
    earliest: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<usize>,
    count: usize,
    of: Vec<u32>,
    loops: u32,
}

impl Search {
    fn new(region: &Region) -> Self {
        let members = region.members.len();
        Self {
            successors: (0..members).map(|at| region.successors(at).collect()).collect(),
            found: vec![0; members],
            earliest: vec![0; members],
            is_open: vec![false; members],
            open: Vec::new(),
            count: 0,
            of: vec![0; members],
            loops: 0,
        }
    }

    fn visit(&mut self, start: usize) {
        if self.found[start] != 0 {
            return;
        }
        self.find(start);
        // Members on the way, and how many of their successors were looked at.
        let mut way = vec![(start, 0)];
        while let Some((at, looked_at)) = way.last_mut() {
            let at = *at;
            let next = self.successors[at].get(*looked_at).copied();
            *looked_at += 1;
            match next {
                Some(next) if self.found[next] == 0 => {
                    self.find(next);
                    way.push((next, 0));
                }
                Some(next) if self.is_open[next] => {
                    self.earliest[at] = self.earliest[at].min(self.found[next]);
                }
                Some(_) => {}
                None => {
                    way.pop();
                    if let Some((before, _)) = way.last() {
                        self.earliest[*before] = self.earliest[*before].min(self.earliest[at]);
                    }
                    if self.earliest[at] == self.found[at] {
                        self.close(at);
                    }
                }
            }
        }
    }

    fn find(&mut self, position: usize) {
        self.count += 1;
        self.found[position] = self.count;
        self.earliest[position] = self.count;
        self.is_open[position] = true;
        self.open.push(position);
    }

    /// Closes the component whose first member was found here.
    fn close(&mut self, first: usize) {
        let Some(from) = self.open.iter().rposition(|position| *position == first) else { return };
        let component = self.open.split_off(from);
        let is_loop = component.len() > 1 || self.successors[first].contains(&first);
        self.loops += u32::from(is_loop);
        for position in component {
            self.is_open[position] = false;
            self.of[position] = if is_loop { self.loops } else { 0 };
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use iridium_asm::Assembler;

    use super::*;
    use crate::region::{Entries, Source};

    fn loops(source: &str) -> Vec<u32> {
        let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
        Loops::new(&Region::explore(&Source::new(&module), 0, Entries::Usual).unwrap()).of
    }

    #[test]
    fn a_loop_in_a_loop_is_one_with_it() {
        let found = loops(
            "
                    load $0 #0
            outer:  load $1 #0
            inner:  addi $1 #1 $1
                    brlt $1 #5 @inner
                    addi $0 #1 $0
                    brlt $0 $2 @outer
                    nop
            other:  brlt $0 $3 @other
                    hlt",
        );
        assert_eq!(found, [0, 2, 2, 2, 2, 2, 0, 1, 0], "the last is closed first");
    }

    #[test]
    fn what_goes_around_by_a_call_is_no_loop() {
        assert_eq!(loops("l: call @f\nbrlt $0 $1 @l\nhlt\nf: ret"), [0, 0, 0]);
    }
}
