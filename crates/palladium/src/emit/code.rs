//! The instructions of one function, before it has its place in the module.

use iridium_isa::Instruction;
use iridium_isa::operand::{Int, IntOut, Lit64, Target, Targets};

use crate::mir::{DataIdx, FnIdx};

/// An instruction of this function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(u32);

/// What an instruction names, and gets when the module is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Link {
    /// Its targets are instructions of this function, by position.
    None,
    /// Its target is the first instruction of a function.
    Function(FnIdx),
    /// It loads the index of a function's first instruction.
    Index(FnIdx),
    /// It loads an address.
    Address(DataIdx),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) instruction: Instruction,
    pub(super) link: Link,
    /// Where it stands in the file of its function.
    pub(super) at: u32,
}

/// Instructions, of which some are rare and come after all others.
#[derive(Debug, Default)]
pub(super) struct Code {
    lines: Vec<Line>,
    rare: Vec<Line>,
    in_rare: bool,
    /// Where each label is: among the rare ones, and at which position.
    labels: Vec<Option<(bool, u32)>>,
    at: u32,
}

impl Code {
    /// Where in the source file that stands which is pushed from now on.
    pub(super) fn set_place(&mut self, at: u32) {
        self.at = at;
    }

    pub(super) fn push(&mut self, instruction: Instruction) {
        self.push_linked(instruction, Link::None);
    }

    /// Pushes an instruction that goes to a label.
    pub(super) fn push_to(&mut self, to: Label, make: impl FnOnce(Target) -> Instruction) {
        self.push(make(Target(to.0)));
    }

    /// Pushes an instruction that goes to a function.
    pub(super) fn push_call(&mut self, to: FnIdx, make: impl FnOnce(Target) -> Instruction) {
        self.push_linked(make(Target(0)), Link::Function(to));
    }

    pub(super) fn load_index(&mut self, d: IntOut, of: FnIdx) {
        self.push_linked(Instruction::Load { d, n: Lit64(0) }, Link::Index(of));
    }

    pub(super) fn load_address(&mut self, d: IntOut, of: DataIdx) {
        self.push_linked(Instruction::Load { d, n: Lit64(0) }, Link::Address(of));
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.push_to(to, |l| Instruction::Djmp { l });
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// A label is the instruction that is pushed next.
    pub(super) fn bind(&mut self, label: Label) {
        let at = (self.in_rare, self.section().len() as u32);
        if let Some(place) = self.labels.get_mut(label.0 as usize) {
            *place = Some(at);
        }
    }

    /// Pushes a jump to the label whose position is in `a`.
    pub(super) fn jump_table(&mut self, a: Int, to: &[Label]) {
        let targets = to.iter().map(|label| label.0).collect();
        self.push(Instruction::Jtab { a, l: Targets(targets) });
    }

    /// What is pushed from now on comes after all the rest, or no more. Returns how it was before.
    pub(super) fn rare(&mut self, rare: bool) -> bool {
        std::mem::replace(&mut self.in_rare, rare)
    }

    /// All instructions, with positions in place of labels.
    pub(super) fn finish(mut self) -> Vec<Line> {
        let before = self.lines.len() as u32;
        let places: Vec<u32> = self
            .labels
            .iter()
            .map(|place| place.map_or(0, |(rare, at)| if rare { before + at } else { at }))
            .collect();
        let mut lines = std::mem::take(&mut self.lines);
        lines.append(&mut self.rare);
        for line in lines.iter_mut().filter(|line| line.link == Link::None) {
            each_target(&mut line.instruction, |target| {
                *target = places.get(*target as usize).copied().unwrap_or(0);
            });
        }
        thread_jumps(&mut lines);
        lines
    }

    fn section(&mut self) -> &mut Vec<Line> {
        if self.in_rare { &mut self.rare } else { &mut self.lines }
    }

    fn push_linked(&mut self, instruction: Instruction, link: Link) {
        let line = Line { instruction, link, at: self.at };
        self.section().push(line);
    }
}

/// What goes to a jump goes to where that goes.
fn thread_jumps(lines: &mut [Line]) {
    let jumps: Vec<Option<u32>> = lines
        .iter()
        .map(|line| match (&line.instruction, line.link) {
            (Instruction::Djmp { l }, Link::None) => Some(l.0),
            _ => None,
        })
        .collect();
    let end = |from: u32| {
        let mut at = from;
        // A circle of jumps is as long as that at most.
        for _ in 0..jumps.len() {
            match jumps.get(at as usize).copied().flatten() {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    };
    for line in lines.iter_mut().filter(|line| line.link == Link::None) {
        each_target(&mut line.instruction, |target| *target = end(*target));
    }
}

/// Does something with each label that an instruction names.
pub(super) fn each_target(instruction: &mut Instruction, mut f: impl FnMut(&mut u32)) {
    instruction.targets_mut().iter_mut().for_each(&mut f);
}
