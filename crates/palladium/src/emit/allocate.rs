//! Which register of the machine each virtual register is.
//!
//! There are 256 of two lanes, and each that is used costs all processes of the module 16 bytes, so
//! the lowest free one is taken, but for those that a call, a return or a copy wants elsewhere.
//! What outlasts a call comes first: it lies below the callee's window, and with it is known where
//! that begins, and so where arguments and results are best.

use super::intervals::{Range, overlap, ranges};
use crate::mir::{BlockIdx, Class, Function, Inst, MachineOp, Reg, Terminator};

/// How many there are in each lane.
pub(super) const REGISTERS: usize = 256;

/// Where the registers of a function are.
pub(super) struct Allocation {
    places: Vec<u8>,
    lanes: Vec<Lane>,
    ranges: Vec<Vec<Range>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Int,
    Float,
}

impl Lane {
    pub(super) fn of(class: Class) -> Self {
        if class == Class::Float { Self::Float } else { Self::Int }
    }
}

/// The registers that arguments, parameters or results of these lanes are in, counted in each lane.
pub(super) fn positions(lanes: impl IntoIterator<Item = Lane>) -> Vec<u8> {
    let (mut ints, mut floats) = (0u8, 0u8);
    lanes
        .into_iter()
        .map(|lane| {
            let next = if lane == Lane::Int { &mut ints } else { &mut floats };
            let position = *next;
            *next = next.saturating_add(1);
            position
        })
        .collect()
}

impl Allocation {
    /// `None` when a function needs more registers than there are.
    pub(super) fn of(function: &Function, order: &[BlockIdx]) -> Option<Self> {
        let lanes: Vec<Lane> = function.regs.iter().map(|class| Lane::of(*class)).collect();
        let ranges = ranges(function, order);
        let wishes = Wishes::of(function, order, &lanes);
        let mut work = Work {
            taken: [vec![Vec::new(); REGISTERS], vec![Vec::new(); REGISTERS]],
            places: vec![None; function.regs.len()],
            tops: vec![0; wishes.calls.len()],
            lanes: &lanes,
            ranges: &ranges,
            wishes: &wishes,
        };
        work.run(function)?;
        let places = work.places.iter().map(|place| place.unwrap_or(0)).collect();
        Some(Self { places, lanes, ranges })
    }

    pub(super) fn place(&self, reg: Reg) -> u8 {
        self.places.get(reg.0 as usize).copied().unwrap_or(0)
    }

    pub(super) fn lane(&self, reg: Reg) -> Lane {
        self.lanes.get(reg.0 as usize).copied().unwrap_or(Lane::Int)
    }

    /// For each instruction the lowest register from which on none has to outlast it.
    pub(super) fn tops(&self, instructions: usize) -> Vec<u16> {
        let mut tops = vec![0; instructions + 1];
        for (ranges, place) in self.ranges.iter().zip(&self.places) {
            for range in ranges {
                let first = range.from.div_ceil(2);
                for number in first..range.to / 2 {
                    if let Some(top) = tops.get_mut(number as usize) {
                        *top = u16::from(*place).saturating_add(1).max(*top);
                    }
                }
            }
        }
        tops
    }
}

/// Where a register is best.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Place(u8),
    /// This far into a window, by its position among the windows.
    Window(usize, u8),
    With(Reg),
    Before(Reg),
    Behind(Reg),
}

struct Wishes {
    /// The numbers of the instructions that use a window, in ascending order.
    calls: Vec<u32>,
    of: Vec<Vec<Wish>>,
}

impl Wishes {
    fn of(function: &Function, order: &[BlockIdx], lanes: &[Lane]) -> Self {
        let mut wishes = Self { calls: Vec::new(), of: vec![Vec::new(); function.regs.len()] };
        let in_places = |wishes: &mut Self, regs: &[Reg], wish: &dyn Fn(u8) -> Wish| {
            let positions = positions(regs.iter().map(|reg| lane(lanes, *reg)));
            for (reg, position) in regs.iter().zip(positions) {
                wishes.add(*reg, wish(position));
            }
        };
        in_places(&mut wishes, &function.params, &Wish::Place);
        let mut number = 1;
        for block in order.iter().filter_map(|index| function.block(*index)) {
            for (inst, _) in &block.insts {
                let (args, results) = window(inst);
                if let Some(args) = args {
                    let call = wishes.calls.len();
                    wishes.calls.push(number);
                    in_places(&mut wishes, &args, &|at| Wish::Window(call, at));
                    in_places(&mut wishes, results, &|at| Wish::Window(call, at));
                }
                if let Some((first, second)) = inst.pair() {
                    wishes.add(first, Wish::Before(second));
                    wishes.add(second, Wish::Behind(first));
                }
                if let Inst::Copy { d, s } | Inst::Unique { d, s } = inst {
                    wishes.add(*d, Wish::With(*s));
                    wishes.add(*s, Wish::With(*d));
                }
                if let Inst::Open { s, token: Some(token), .. } = inst {
                    wishes.add(*token, Wish::With(*s));
                }
                if let Inst::Reuse { d, token, .. } = inst {
                    wishes.add(*token, Wish::With(*d));
                    wishes.add(*d, Wish::With(*token));
                }
                number += 1;
            }
            match &block.end.0 {
                Terminator::Return(values) => in_places(&mut wishes, values, &Wish::Place),
                Terminator::TailCall { args, .. } => in_places(&mut wishes, args, &Wish::Place),
                _ => {}
            }
            number += 1;
        }
        wishes
    }

    fn add(&mut self, reg: Reg, wish: Wish) {
        if let Some(wishes) = self.of.get_mut(reg.0 as usize) {
            wishes.push(wish);
        }
    }
}

/// The arguments and results of what uses a window, as they lie in it.
fn window(inst: &Inst) -> (Option<Vec<Reg>>, &[Reg]) {
    match inst {
        Inst::Call { args, results, .. } => (Some(args.clone()), results),
        Inst::CallClosure { closure, args, results } => {
            (Some(std::iter::once(*closure).chain(args.iter().copied()).collect()), results)
        }
        Inst::Spawn { args, node, .. } => (Some(args.iter().copied().chain(*node).collect()), &[]),
        Inst::Machine { op: MachineOp::Receive, results, .. } => (Some(Vec::new()), results),
        Inst::Machine { op: MachineOp::ReceiveWithin, results, .. } => {
            // The first is told by the flag.
            (Some(Vec::new()), results.get(1..).unwrap_or_default())
        }
        // Their arguments are counted otherwise.
        Inst::Machine { op: MachineOp::Host(_) | MachineOp::Find, .. } => (Some(Vec::new()), &[]),
        _ => (None, &[]),
    }
}

fn lane(lanes: &[Lane], reg: Reg) -> Lane {
    lanes.get(reg.0 as usize).copied().unwrap_or(Lane::Int)
}

struct Work<'a> {
    /// What is taken of each register of the machine, in each lane, in ascending order.
    taken: [Vec<Vec<Range>>; 2],
    places: Vec<Option<u8>>,
    /// Where the window of each call can begin.
    tops: Vec<u8>,
    lanes: &'a [Lane],
    ranges: &'a [Vec<Range>],
    wishes: &'a Wishes,
}

impl Work<'_> {
    fn run(&mut self, function: &Function) -> Option<()> {
        // They are where the caller has put them.
        for reg in &function.params {
            self.allocate(*reg, None)?;
        }
        let mut all: Vec<Reg> = (0..function.regs.len() as u32)
            .map(Reg)
            .filter(|reg| self.begin(*reg).is_some())
            .collect();
        all.sort_by_key(|reg| self.begin(*reg));
        let outlasting = |work: &Self, reg: &Reg| work.calls_across(*reg).next().is_some();
        let (first, rest): (Vec<Reg>, Vec<Reg>) =
            all.into_iter().partition(|reg| outlasting(self, reg));
        let (wishing, rest): (Vec<Reg>, Vec<Reg>) = rest.into_iter().partition(|reg| {
            let wishes = self.wishes.of.get(reg.0 as usize);
            wishes.is_some_and(|all| {
                all.iter().any(|wish| matches!(wish, Wish::Place(_) | Wish::Window(..)))
            })
        });
        for reg in first.into_iter().chain(wishing).chain(rest) {
            let second = self.second_of(reg);
            self.allocate(reg, second)?;
            if let Some(second) = second {
                self.allocate(second, None)?;
            }
        }
        Some(())
    }

    fn begin(&self, reg: Reg) -> Option<u32> {
        Some(self.ranges.get(reg.0 as usize)?.first()?.from)
    }

    /// The calls that a register outlasts, by their positions among the calls.
    fn calls_across(&self, reg: Reg) -> impl Iterator<Item = usize> + use<'_> {
        let calls = &self.wishes.calls;
        let ranges = self.ranges.get(reg.0 as usize).map(Vec::as_slice).unwrap_or_default();
        ranges.iter().flat_map(move |range| {
            let first = calls.partition_point(|number| 2 * number < range.from);
            let last = calls.partition_point(|number| 2 * number + 1 < range.to);
            first..last.max(first)
        })
    }

    /// Gives a register a place. That behind it is free for another one, if there is one.
    fn allocate(&mut self, reg: Reg, behind: Option<Reg>) -> Option<()> {
        let at = reg.0 as usize;
        if self.places.get(at)?.is_some() {
            return Some(());
        }
        let place_of = |other: &Reg| self.places.get(other.0 as usize).copied().flatten();
        let wished = self.wishes.of.get(at)?.iter().filter_map(|wish| match wish {
            Wish::Place(place) => Some(*place),
            Wish::Window(call, at) => self.tops.get(*call)?.checked_add(*at),
            Wish::With(other) => place_of(other),
            Wish::Before(other) => place_of(other)?.checked_sub(1),
            Wish::Behind(other) => place_of(other)?.checked_add(1),
        });
        let behind = behind.and_then(|second| self.ranges.get(second.0 as usize));
        let ranges = self.ranges.get(at)?;
        let taken = &self.taken[lane(self.lanes, reg) as usize];
        let free = |place: &u8| {
            let place = usize::from(*place);
            let is_free = |at: usize, ranges| taken.get(at).is_some_and(|t| !overlap(t, ranges));
            is_free(place, ranges) && behind.is_none_or(|ranges| is_free(place + 1, ranges))
        };
        let place = wished.chain(0..=u8::MAX).find(free)?;
        let taken = self.taken[lane(self.lanes, reg) as usize].get_mut(usize::from(place))?;
        taken.extend_from_slice(ranges);
        taken.sort_by_key(|range| range.from);
        *self.places.get_mut(at)? = Some(place);
        let across: Vec<usize> = self.calls_across(reg).collect();
        for call in across {
            let top = self.tops.get_mut(call)?;
            *top = (*top).max(place.checked_add(1)?);
        }
        Some(())
    }

    /// The second of the pair that a register is the first of, if it has no place yet.
    fn second_of(&self, reg: Reg) -> Option<Reg> {
        let wishes = self.wishes.of.get(reg.0 as usize)?;
        let second = wishes.iter().find_map(|wish| match wish {
            Wish::Before(second) if *second != reg => Some(*second),
            _ => None,
        })?;
        self.places.get(second.0 as usize)?.is_none().then_some(second)
    }
}
